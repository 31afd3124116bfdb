"""Each guard fires on what it is for, says it, and does to the verdict what its effect says."""

import math
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from perf_smoke.compare import Circumstances, Pairs, Rule, decide
from perf_smoke.result import Comparison, GuardName
from tests.unit.compare.rows import Times, coin, guards, machine, pairs_of, times

NOTHING = Circumstances()


def judged(pairs: Pairs, known: Circumstances = NOTHING, rule: Rule | None = None) -> Comparison:
    answer = decide(pairs, rule or Rule(), circumstances=known)
    assert all(guard.sentence.endswith(".") for guard in answer.guards)
    return answer


def slowed(side_s: Times, where: list[bool], factor: float) -> Times:
    return [time * factor if slow else time for time, slow in zip(side_s, where, strict=True)]


def test_a_quiet_run_has_no_guard() -> None:
    quiet = Circumstances(
        threads=2, cpus=2, cpu_models=("A", "A"), steal=0.1, idle=0.5, load_before=0.1
    )
    answer = judged(pairs_of(*times(60, 0.1)), quiet)
    assert (answer.verdict, answer.guards) == ("slower", ())


@pytest.mark.parametrize("noise", [0.02, 0.5])
def test_other_token_counts_are_not_comparable_but_the_estimate_is_shown(noise: float) -> None:
    answer = judged(pairs_of(*times(60, -0.3, noise), n_out=2))
    assert (answer.verdict, guards(answer)) == ("not-comparable", [("tokens-differ", "no-verdict")])
    assert "Head produced 2 output tokens per step, base 4" in answer.guards[0].sentence
    assert answer.estimate == pytest.approx(-0.3, abs=0.1)
    assert (answer.detectable, answer.pairs_needed) == (None, None)


def test_other_text_keeps_the_verdict_and_is_said() -> None:
    answer = judged(pairs_of(*times(60, 0.1), text_sha256="b"))
    assert (answer.verdict, guards(answer)) == ("slower", [("texts-differ", "said")])


def test_steps_without_counts_hashes_or_cpu_times_are_compared_all_the_same() -> None:
    answer = judged(pairs_of(*times(60, 0.2), n_out=None, text_sha256="", cpu_ms=None))
    assert (answer.verdict, answer.guards) == ("slower", ())


def test_another_cpu_voids_the_verdict() -> None:
    pairs = pairs_of(*times(60, 0.5))
    answer = judged(pairs, Circumstances(cpu_models=("EPYC 7763", "Xeon 8370C")))
    assert (answer.verdict, guards(answer)) == (
        "inconclusive",
        [("cpu-model-changed", "no-verdict")],
    )
    assert "EPYC 7763 before, Xeon 8370C after" in answer.guards[0].sentence
    assert answer.estimate is not None
    assert (answer.detectable, answer.pairs_needed) == (None, None)
    assert judged(pairs, Circumstances(cpu_models=("", "Xeon 8370C"))).guards == ()


@pytest.mark.parametrize(
    ("change", "cpu_ms", "words"),
    [
        (0.2, 20.0, "less CPU time but more wall time"),
        (-0.2, 200.0, "less wall time but more CPU time"),
    ],
)
def test_clocks_that_contradict_each_other_void_the_verdict(
    change: float, cpu_ms: float, words: str
) -> None:
    answer = judged(pairs_of(*times(60, change), cpu_ms=cpu_ms))
    assert (answer.verdict, guards(answer)) == (
        "inconclusive",
        [("wall-against-cpu", "no-verdict")],
    )
    assert words in answer.guards[0].sentence
    assert (answer.detectable, answer.pairs_needed) == (None, None)


def test_cpu_time_that_is_not_sure_contradicts_nothing() -> None:
    assert judged(pairs_of(*times(60, 0.1), cpu_ms=95.0)).verdict == "slower"


@pytest.mark.parametrize(
    ("change", "verdict", "effect"),
    [
        (0.012, "inconclusive", "no-verdict"),
        (0.04, "slower", "said"),
        (-0.04, "faster", "said"),
    ],
)
def test_where_the_cpu_is_given_to_others_only_a_change_beyond_three_floors_is_called(
    change: float, verdict: str, effect: str
) -> None:
    pairs = pairs_of(*times(60, change, noise=0.02), starts=None)
    assert judged(pairs).verdict in ("slower", "faster")
    answer = judged(pairs, Circumstances(steal=0.14))
    assert (answer.verdict, guards(answer)) == (verdict, [("steal", effect)])
    assert "14.0 % of the CPU time (steal)" in answer.guards[0].sentence


def test_on_a_busy_machine_the_limit_is_that_of_what_would_be_called_there() -> None:
    pairs, busy = pairs_of(*times(60, noise=0.1), starts=None), Circumstances(steal=0.2)
    quiet_limit = judged(pairs).detectable or 0.0
    for margin, floor in ((0.05, 1.015), (0.01, 1.01)):
        limit = judged(pairs, busy, Rule(margin=margin)).detectable
        assert limit == pytest.approx((1 + quiet_limit) * floor / 1.005 - 1)
    noisy = pairs_of(*times(60, noise=0.5))
    assert judged(noisy).pairs_needed is not None
    assert judged(noisy, busy).pairs_needed is None, "more pairs do not make a quiet machine"


def test_too_few_pairs_and_a_busy_machine_are_both_told() -> None:
    answer = judged(pairs_of(*times(5, 0.9)), Circumstances(steal=0.2))
    assert (answer.verdict, guards(answer)) == ("inconclusive", [("steal", "said")])
    assert answer.pairs_needed == 11


def oversubscribed(pairs: Pairs, **known: Any) -> str:
    """What the guard says; nothing where it does not fire."""
    fired = judged(pairs, Circumstances(**known)).guards
    return next((guard.sentence for guard in fired if guard.name == "oversubscribed"), "")


def noisy_pairs(noise: float, cpus: float | None, pairs: int = 60, starts: int | None = 3) -> Pairs:
    """Steps that had so many CPUs on average."""
    return pairs_of(*times(pairs, noise=noise), cpus=cpus, starts=starts)


def test_threads_that_queue_for_cpus_are_named_with_the_remedy() -> None:
    pairs, known = noisy_pairs(0.7, 1.1), Circumstances(threads=2, cpus=2, load_before=0.0)
    answer = judged(pairs, known)
    assert (answer.verdict, guards(answer)) == ("inconclusive", [("oversubscribed", "no-verdict")])
    assert answer.guards[0].sentence.startswith(
        "Too few free CPUs: 2 threads had 1.1 CPUs on average, and the change varied by "
    )
    assert answer.guards[0].sentence.endswith("Use fewer threads than 2, or free a core.")
    assert answer.pairs_needed is None


@pytest.mark.parametrize(
    ("noise", "cpus", "known", "said"),
    [
        # Less spread is enough where the machine had no CPU left.
        (0.2, 0.7, {"threads": 2, "idle": 0.4}, ""),
        (0.2, 0.7, {"threads": 2, "idle": 0.02}, "2 threads had 0.7 CPUs on average"),
        (0.05, 0.7, {"threads": 2, "idle": 0.02}, ""),
        # One thread that has to wait can only be given a core.
        (0.5, 0.5, {"threads": 1}, "1 thread had 0.5 .*pair. Free a core.$"),
        # Without CPU times the load and the count of CPUs tell.
        (0.5, None, {"threads": 4, "cpus": 4, "load_before": 2.5}, "4 threads had about 1.5 free"),
        (0.5, None, {"threads": 8, "cpus": 4}, "8 threads had about 4.0 free CPUs"),
        (0.5, None, {"threads": 2, "cpus": 4, "load_before": 0.3}, ""),
        (0.5, None, {"threads": 2, "cpus": None}, ""),
        # Wide spread alone does not blame the threads.
        (0.6, 1.95, {"threads": 2, "load_before": 5.0, "idle": 0.0}, ""),
        # An engine that was not told its threads may fill the machine by itself.
        (0.2, 0.9, {"idle": 0.02}, "The machine had no CPU left, and the change varied by "),
        (0.6, 0.1, {"cpus": 1, "idle": 0.2}, ""),
        (0.4, 1.9, {"idle": 0.02}, ""),
        (0.2, None, {"idle": 0.02}, ""),
        (0.5, None, {"idle": 0.02}, "The machine had no CPU left"),
    ],
)
def test_what_keeps_a_step_waiting_is_told_from_what_does_not(
    noise: float, cpus: float | None, known: dict[str, Any], said: str
) -> None:
    sentence = oversubscribed(noisy_pairs(noise, cpus), **{"cpus": 2, **known})
    assert re.search(said, sentence)
    assert bool(sentence) == bool(said)


@pytest.mark.parametrize(("idle", "said"), [(0.0, True), (0.5, False), (None, False)])
def test_with_too_few_pairs_to_know_the_spread_a_full_machine_is_enough(
    idle: float | None, said: bool
) -> None:
    pairs = noisy_pairs(0.1, 0.7, pairs=6)
    sentence = oversubscribed(pairs, threads=2, cpus=2, idle=idle)
    assert ("2 threads had 0.7 CPUs on average. Use fewer" in sentence) is said
    assert bool(oversubscribed(noisy_pairs(0.1, None, pairs=6), cpus=2, idle=idle)) is said


@pytest.mark.parametrize(("idle", "said"), [(0.4, False), (0.05, True)])
def test_a_program_that_loads_on_one_thread_is_not_said_to_queue_while_a_cpu_is_free(
    idle: float, said: bool
) -> None:
    pairs = noisy_pairs(0.7, 1.2, starts=None)
    assert bool(oversubscribed(pairs, threads=2, cpus=2, idle=idle)) is said


@pytest.mark.parametrize(
    ("change", "verdict", "factor", "words"),
    [
        (0.2, "slower", 1.12, "took 12.0 % longer when it was the second of its pair"),
        (0.0, "no-change", 0.9, "took 10.0 % less time when it was the second of its pair"),
    ],
)
def test_a_period_effect_on_both_sides_is_said_and_favours_none(
    change: float, verdict: str, factor: float, words: str
) -> None:
    base, head = times(160, change, noise=0.005)
    head_first = coin(160)
    base = slowed(base, head_first, factor)
    head = slowed(head, [not first for first in head_first], factor)
    answer = judged(pairs_of(base, head, starts=None, head_first=head_first, cpu_ms=None))
    assert (answer.verdict, guards(answer)) == (verdict, [("period-effect", "said")])
    assert words in answer.guards[0].sentence
    assert answer.estimate == pytest.approx(change, abs=0.03)
    rule = Rule(margin=0.2)
    assert judged(pairs_of(base, head, starts=None, head_first=head_first), rule=rule).guards == ()


@pytest.mark.parametrize("disturbed", ["base", "head"])
def test_a_side_that_disturbs_the_step_after_its_own_widens_the_interval(disturbed: str) -> None:
    base, head = times(160, noise=0.005)
    head_first = coin(160)
    if disturbed == "base":
        base = slowed(base, head_first, 1.2)
    else:
        head = slowed(head, [not first for first in head_first], 1.2)
    alone = judged(Pairs.of_times(base, head))
    assert alone.verdict == ("faster" if disturbed == "base" else "slower"), "it looks like one"
    answer = judged(pairs_of(base, head, starts=None, head_first=head_first, cpu_ms=None))
    assert answer.verdict == "inconclusive"
    assert guards(answer) == [("period-effect", "said"), ("carry-over", "wider")]
    wider = math.log1p(answer.high or 0) - math.log1p(alone.high or 0)
    assert wider == pytest.approx(math.log(1.2) / 2, abs=0.01)
    other = "head" if disturbed == "base" else "base"
    sentence = rf"cost {disturbed} (19|20)\.\d % more time than it cost {other}"
    assert re.search(sentence, answer.guards[1].sentence)
    assert "looks like a change of 9." in answer.guards[1].sentence
    assert (answer.low or 0) < 0 < (answer.high or 0)
    assert answer.pairs_needed is None, "no number of pairs makes up for it"
    forgiving = Rule(margin=0.2, floor=0.2)
    pairs = pairs_of(base, head, starts=None, head_first=head_first, cpu_ms=None)
    assert judged(pairs, rule=forgiving).guards == ()


def test_costs_beyond_all_floats_are_told_as_numbers() -> None:
    tiny, huge = 1e-300, 1e300
    head_first = coin(40)
    base = [huge if first else tiny for first in head_first]
    answer = judged(pairs_of(base, [tiny] * 40, starts=None, head_first=head_first))
    assert [name for name, _ in guards(answer)] == ["period-effect", "carry-over"]
    answer = judged(Pairs.of_times([tiny] * 11, [huge] * 11))
    assert answer.verdict == "slower"
    assert math.isfinite(answer.high or math.inf)


def test_starts_that_disagree_widen_the_interval_and_are_said() -> None:
    base, head = times(80, 0.3, noise=0.01)
    head = slowed(head, [k // 20 % 2 == 1 for k in range(80)], 1.04)
    answer = judged(pairs_of(base, head, starts=4))
    assert (answer.verdict, guards(answer)) == ("slower", [("starts-disagree", "wider")])
    assert " the change varied by 2." in answer.guards[0].sentence


def test_times_on_a_coarse_clock_claim_no_more_than_its_ticks() -> None:
    base, head = [0.020] * 40, [0.021] * 40
    for answer in (judged(Pairs.of_times(base, head)), judged(Pairs.of_times(base, base))):
        assert (answer.verdict, guards(answer)) == ("inconclusive", [("coarse-clock", "wider")])
        assert answer.pairs_needed is None, "more of the same ticks tell nothing"
    answer = judged(Pairs.of_times(base, head))
    assert answer.low == pytest.approx(0.0, abs=1e-9)
    assert "multiples of 1 ms, 5.0 % of a step" in answer.guards[0].sentence
    fine = Pairs.of_times([time + 0.000123 for time in base], [time + 0.000123 for time in head])
    assert (judged(fine).verdict, judged(fine).guards) == ("slower", ())


def test_what_the_machine_s_states_tell_reaches_the_guards_and_the_record() -> None:
    later = machine(load_1min=2.0, cpu_ticks=100, steal_ticks=20, idle_ticks=5, cpu_model="B")
    known = Circumstances.of(later, 2)
    assert (known.threads, known.cpus, known.load_before, known.idle) == (2, 2, 0.1, 0.05)
    answer = judged(noisy_pairs(0.2, 0.7), known)
    assert guards(answer) == [
        ("cpu-model-changed", "no-verdict"),
        ("steal", "no-verdict"),
        ("oversubscribed", "no-verdict"),
    ]
    assert answer.machine_then == later.after
    assert Circumstances.of(None, 3) == Circumstances(threads=3)


def test_the_page_has_a_row_for_every_guard() -> None:
    page = (Path(__file__).parents[3] / "docs" / "STATISTICS.md").read_text("utf-8")
    table = page.split("## 6. Guards")[1].split("\nIdle time")[0]
    named = re.findall(r"^\| `([^`]+)` ", table, re.MULTILINE)
    assert sorted(named) == sorted(get_args(GuardName))
