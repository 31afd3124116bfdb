"""Each guard fires on what it is for, keeps silent otherwise, and says it in a sentence."""

import math

import pytest

from perf_smoke.compare import guards
from perf_smoke.compare.clock import Tick
from perf_smoke.compare.guards import Direction
from perf_smoke.result import Guard


def fired(guard: Guard | None) -> tuple[str, str]:
    assert guard is not None
    assert guard.sentence.endswith(".")
    return guard.name, guard.sentence


def test_a_cost_of_the_second_place_beyond_the_margin_is_said() -> None:
    name, sentence = fired(guards.order_in_pair(math.log(1.2), margin=0.05))
    assert name == "order-in-pair"
    assert "took 20 % longer when it was the second of its pair" in sentence
    _, sentence = fired(guards.order_in_pair(math.log(0.8), margin=0.05))
    assert "took 20 % less time when it was the second" in sentence
    assert guards.order_in_pair(math.log(1.049), margin=0.05) is None
    assert guards.order_in_pair(0.0, margin=0.05) is None


def test_a_second_place_that_costs_one_side_more_is_said_with_what_it_looks_like() -> None:
    name, sentence = fired(guards.places_unequal(math.log(1.21), floor=0.005))
    assert name == "places-unequal"
    assert "cost head 21 % more time than it cost base" in sentence
    assert "looks like a change of 10 %" in sentence
    _, sentence = fired(guards.places_unequal(-math.log(1.21), floor=0.005))
    assert "cost base 21 % more time than it cost head" in sentence
    assert guards.places_unequal(math.log(1.009), floor=0.005) is None


def test_a_coarse_clock_is_said_with_the_remedy() -> None:
    name, sentence = fired(guards.coarse_clock(Tick(seconds=0.001, error=0.0488)))
    assert name == "coarse-clock"
    assert "multiples of 1 ms, 5.0 % of a step" in sentence
    assert "More `tokens`" in sentence
    assert guards.coarse_clock(None) is None


def test_starts_that_disagree_are_said() -> None:
    name, sentence = fired(guards.starts_disagree(0.021))
    assert name == "restarts-disagree"
    assert "2.1 %" in sentence
    assert guards.starts_disagree(0.0) is None


def test_a_hypervisor_that_gives_the_cpu_away_is_named() -> None:
    name, sentence = fired(guards.steal(0.14))
    assert name == "steal"
    assert "14 % of the CPU time" in sentence
    assert guards.steal(0.1) is None
    assert guards.steal(None) is None


def test_two_cpu_models_are_named() -> None:
    name, sentence = fired(guards.cpu_model_changed("EPYC 7763", "Xeon 8370C"))
    assert name == "cpu-model-changed"
    assert "EPYC 7763 before, Xeon 8370C after" in sentence
    assert guards.cpu_model_changed("EPYC 7763", "EPYC 7763") is None
    assert guards.cpu_model_changed("", "Xeon 8370C") is None


@pytest.mark.parametrize(
    ("wall", "cpu", "words"),
    [
        ("faster", "slower", "less wall time but more CPU time"),
        ("slower", "faster", "less CPU time but more wall time"),
    ],
)
def test_two_clocks_that_contradict_each_other_are_named(
    wall: Direction, cpu: Direction, words: str
) -> None:
    name, sentence = fired(guards.wall_against_cpu(wall, cpu))
    assert name == "wall-against-cpu"
    assert words in sentence


@pytest.mark.parametrize(("wall", "cpu"), [("slower", "slower"), ("slower", ""), ("", "")])
def test_clocks_that_agree_or_do_not_know_are_no_guard(wall: Direction, cpu: Direction) -> None:
    assert guards.wall_against_cpu(wall, cpu) is None


def test_threads_that_queue_for_cpus_are_named_with_the_remedy() -> None:
    name, sentence = fired(
        guards.oversubscribed(0.63, threads=2, cpu_share=1.1, cpus=2, load_before=0.0, idle=None)
    )
    assert name == "oversubscribed"
    assert "2 threads had 1.1 CPUs" in sentence
    assert "varied by 63 %" in sentence
    assert "fewer threads than 2, or free a core" in sentence


def test_less_spread_is_enough_where_the_machine_had_no_cpu_left() -> None:
    known = {"threads": 2, "cpu_share": 0.7, "cpus": 2, "load_before": 0.1}
    assert guards.oversubscribed(0.2, **known, idle=0.4) is None  # type: ignore[arg-type] # a table
    fired(guards.oversubscribed(0.2, **known, idle=0.02))  # type: ignore[arg-type] # a table


def test_with_too_few_pairs_to_know_the_spread_a_full_machine_is_enough() -> None:
    known = {"threads": 2, "cpu_share": 0.7, "cpus": 2, "load_before": 0.1}
    _, sentence = fired(guards.oversubscribed(None, **known, idle=0.0))  # type: ignore[arg-type] # a table
    assert "2 threads had 0.7 CPUs on average. Use fewer" in sentence
    for idle in (0.5, None):
        assert guards.oversubscribed(None, **known, idle=idle) is None  # type: ignore[arg-type] # a table


def test_one_thread_that_has_to_wait_can_only_be_given_a_core() -> None:
    _, sentence = fired(
        guards.oversubscribed(0.4, threads=1, cpu_share=0.5, cpus=2, load_before=2.0, idle=None)
    )
    assert sentence.endswith("from pair to pair. Free a core.")


def test_without_cpu_times_the_load_and_the_count_of_cpus_tell() -> None:
    _, sentence = fired(
        guards.oversubscribed(0.4, threads=4, cpu_share=None, cpus=4, load_before=2.5, idle=None)
    )
    assert "4 threads had about 1.5 free CPUs" in sentence
    fired(
        guards.oversubscribed(0.4, threads=8, cpu_share=None, cpus=4, load_before=None, idle=None)
    )


@pytest.mark.parametrize(
    "known",
    [
        {"threads": 2, "cpu_share": 1.95, "cpus": 2, "load_before": 5.0, "idle": 0.0},
        {"threads": 2, "cpu_share": None, "cpus": 4, "load_before": 0.3, "idle": 0.5},
        {"threads": 2, "cpu_share": None, "cpus": None, "load_before": None, "idle": None},
        {"threads": None, "cpu_share": 0.1, "cpus": 1, "load_before": 9.0, "idle": 0.2},
    ],
)
def test_wide_spread_alone_does_not_blame_the_threads(known: dict[str, float | None]) -> None:
    assert guards.oversubscribed(0.6, **known) is None  # type: ignore[arg-type] # a table of cases


def test_a_program_that_was_told_no_threads_is_not_blamed_for_them() -> None:
    def look(spread: float, idle: float) -> Guard | None:
        return guards.oversubscribed(
            spread, threads=None, cpu_share=0.9, cpus=2, load_before=0.1, idle=idle
        )

    name, sentence = fired(look(0.2, idle=0.02))
    assert name == "oversubscribed"
    assert sentence == (
        "The machine had no CPU left, and the change varied by 20 % from pair to pair. Give the "
        "program fewer threads, or free a core."
    )
    assert look(0.6, idle=0.4) is None


def test_a_program_that_fills_the_machine_by_itself_is_not_said_to_be_kept_waiting() -> None:
    def look(spread: float | None, cpu_share: float | None) -> Guard | None:
        return guards.oversubscribed(
            spread, threads=None, cpu_share=cpu_share, cpus=2, load_before=2.0, idle=0.02
        )

    assert look(0.4, cpu_share=1.9) is None
    assert look(0.2, cpu_share=None) is None, "it may be the server that was asked"
    fired(look(0.4, cpu_share=None))
    fired(look(None, cpu_share=None))


def test_threads_that_wait_without_spread_are_no_matter() -> None:
    assert (
        guards.oversubscribed(0.1, threads=8, cpu_share=1.0, cpus=2, load_before=3.0, idle=0.0)
        is None
    )


def test_different_token_counts_are_different_work() -> None:
    name, sentence = fired(guards.tokens_differ(4, 2))
    assert name == "tokens-differ"
    assert "Head produced 2 output tokens per step, base 4" in sentence
    assert guards.tokens_differ(4, 4) is None
    assert guards.tokens_differ(None, 4) is None


def test_different_texts_are_said() -> None:
    assert fired(guards.texts_differ({"a"}, {"b"}))[0] == "texts-differ"
    assert guards.texts_differ({"a"}, {"b", "a"}) is None
    assert guards.texts_differ(set(), {"b"}) is None
