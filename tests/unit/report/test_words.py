"""The sentences under the verdict."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import Any

import pytest

from perf_smoke.compare import guards
from perf_smoke.report import canary, subject, words
from perf_smoke.report.reading import TAKES_THE_VERDICT
from perf_smoke.report.spans import flat
from perf_smoke.result import Comparison, Failure, Guard, Result
from tests.unit.report import builders


def lead(result: Result) -> str:
    return "\n".join(flat(paragraph) for paragraph in words.lead(result))


def test_the_demonstration_says_first_that_it_is_not_the_callers_code() -> None:
    first = lead(builders.result()).splitlines()[0]
    assert first == (
        "This measures perf-smoke's own llama.cpp on the demonstration model smollm2-135m, "
        "not your code. For that, give binary, command or endpoint."
    )


def test_our_engine_with_a_model_of_the_caller_says_whose_engine_it_was() -> None:
    own = dataclasses.replace(builders.result(), model=builders.BITNET_MODEL)
    assert lead(own).startswith("This measures perf-smoke's own llama.cpp, not a build of yours.\n")


def test_no_change_gives_the_interval_that_decided_and_what_could_have_been_seen() -> None:
    assert lead(builders.two_sides()) == (
        "Head is within 5 % of base: −0.9 … +1.2 % (99 % interval, E2E latency). "
        "This run would have seen a change of 2.0 % or more."
    )


def test_an_interval_of_the_last_equivalence_test_is_called_so() -> None:
    assert "(90 % interval of the last equivalence test, E2E latency)" in lead(
        builders.two_sides(level=0.9)
    )


@pytest.mark.parametrize(
    ("metric", "slower", "faster"),
    [
        ("e2e", "takes 3.9 … 9.6 % longer than base", "takes 3.9 … 9.6 % less time than base"),
        (
            "decode",
            "takes 3.9 … 9.6 % longer per output token than base",
            "takes 3.9 … 9.6 % less time per output token than base",
        ),
        (
            "ttft",
            "takes 3.9 … 9.6 % longer to the first token than base",
            "takes 3.9 … 9.6 % less time to the first token than base",
        ),
        (
            "cpu",
            "uses 3.9 … 9.6 % more CPU time than base",
            "uses 3.9 … 9.6 % less CPU time than base",
        ),
    ],
)
def test_the_direction_is_in_words_for_every_metric(metric: str, slower: str, faster: str) -> None:
    up: dict[str, Any] = {"verdict": "slower", "low": 0.039, "high": 0.096}
    down: dict[str, Any] = {"verdict": "faster", "low": -0.096, "high": -0.039}
    assert f"Head {slower}" in lead(builders.two_sides(metric=metric, **up))
    assert f"Head {faster}" in lead(builders.two_sides(metric=metric, **down))


def test_a_run_that_says_less_is_not_faster() -> None:
    assert lead(builders.not_comparable()) == (
        "Head produced 2 tokens, base 4. It took 31.0 % less time, but a run that says less is "
        "not faster. Base says 11, so, head 11."
    )


def test_a_run_that_says_more_is_not_slower() -> None:
    found = builders.not_comparable()
    assert found.head
    assert found.base
    assert found.comparison
    swapped = dataclasses.replace(
        found,
        head=found.base,
        base=found.head,
        comparison=dataclasses.replace(found.comparison, estimate=0.44),
    )
    assert "It took 44.0 % longer, for other work." in lead(swapped)
    quicker = dataclasses.replace(
        swapped, comparison=dataclasses.replace(found.comparison, estimate=-0.1)
    )
    assert "It took 10.0 % less time, for other work." in lead(quicker)


def test_without_an_estimate_not_comparable_says_the_counts_alone() -> None:
    found = builders.not_comparable()
    assert found.comparison
    without = dataclasses.replace(
        found, comparison=dataclasses.replace(found.comparison, estimate=None)
    )
    assert lead(without).startswith("Head produced 2 tokens, base 4. Base says")


def test_not_comparable_for_another_reason_lets_the_guard_speak() -> None:
    guard = Guard(name="metric", sentence="Only one side gave `decode`.")
    assert lead(builders.two_sides(verdict="not-comparable", guards=(guard,))) == (
        "The two sides did not do the same work, so there is no verdict.\n"
        "Only one side gave decode."
    )


def test_inconclusive_says_what_was_in_the_way_and_then_what_it_would_take() -> None:
    guard, between = lead(builders.cannot_tell()).splitlines()
    assert guard.startswith("Why there is no verdict: The hypervisor gave 14 % of the CPU time")
    assert between.startswith(
        "The pairs alone put the change between −4.0 % and +9.0 % (90 % interval"
    )
    assert "To see 5 % it would take about 400 pairs, about 45 s of measuring, instead of 120" in (
        between
    )


def test_a_guard_that_left_no_verdict_is_not_contradicted_by_what_follows() -> None:
    steal = Guard(name="steal", sentence="The machine was busy.")
    starts = Guard(name="restarts-disagree", sentence="The starts varied.")
    assert lead(builders.two_sides(verdict="inconclusive", guards=(steal, starts))) == (
        "Why there is no verdict: The machine was busy.\n"
        "The pairs alone put the change between −0.9 % and +1.2 % (99 % interval, E2E latency).\n"
        "The starts varied."
    )


def test_several_guards_that_left_no_verdict_are_each_said_once() -> None:
    both = tuple(Guard(name=name, sentence=f"{name}.") for name in ("steal", "oversubscribed"))
    first = lead(builders.two_sides(verdict="inconclusive", guards=both)).splitlines()
    assert first[0] == "Why there is no verdict: steal. oversubscribed."
    assert len(first) == 2


def test_where_the_pairs_are_too_few_anyway_no_guard_took_the_verdict() -> None:
    steal = Guard(name="steal", sentence="The machine was busy.")
    few = builders.too_few_pairs()
    assert few.comparison
    guarded = dataclasses.replace(few.comparison, guards=(steal,))
    shown = lead(dataclasses.replace(few, comparison=guarded)).splitlines()
    assert shown[1:] == ["The machine was busy."]


def test_every_guard_is_either_said_first_or_beside() -> None:
    named = set(re.findall(r'name="([a-z-]+)"', inspect.getsource(guards)))
    beside = {"order-in-pair", "restarts-disagree", "coarse-clock", "places-unequal"}
    beside |= {"tokens-differ", "texts-differ"}
    assert named - beside == TAKES_THE_VERDICT


def test_inconclusive_without_an_estimate_of_the_pairs_says_what_could_have_been_seen() -> None:
    assert lead(builders.two_sides(verdict="inconclusive")).endswith(
        "This run would have seen a change of 2.0 % or more."
    )


def test_a_detection_limit_that_is_not_known_is_not_said() -> None:
    assert "would have seen" not in lead(builders.two_sides(detectable=None))


def test_an_interval_without_a_level_still_names_its_metric() -> None:
    assert "(E2E latency)" in lead(builders.two_sides(level=None))


def test_too_few_pairs_say_how_many_and_how_long_it_would_take() -> None:
    assert lead(builders.too_few_pairs()) == (
        "3 pairs of steps cannot give a verdict. It takes at least 11, about 9 minutes of "
        "measuring: raise budget."
    )


def test_too_few_pairs_that_were_all_that_was_asked_for_are_answered_with_more_runs() -> None:
    found = builders.too_few_pairs()
    assert found.comparison
    asked_for = dataclasses.replace(found.comparison, stopped="runs")
    assert lead(dataclasses.replace(found, comparison=asked_for)).endswith("measuring: raise runs.")


def test_too_few_pairs_from_a_file_are_answered_with_more_pairs() -> None:
    few, file = builders.too_few_pairs().comparison, builders.pairs_file()
    assert lead(dataclasses.replace(file, comparison=few)) == (
        "3 pairs of steps cannot give a verdict. It takes at least 11: add pairs."
    )


def test_too_few_pairs_without_wall_times_guess_no_duration() -> None:
    found = builders.too_few_pairs()
    assert found.base
    bare = dataclasses.replace(found, base=dataclasses.replace(found.base, samples=()))
    assert lead(bare).endswith("It takes at least 11.")


def test_below_six_steps_no_spread_is_shown_and_it_says_so() -> None:
    assert lead(builders.slow_engine()) == (
        "3 steps: below 6 no spread is shown. Nothing to compare with: this run had no base "
        "(base-ref with build, base-binary or base-command)."
    )


def test_a_base_that_could_not_be_had_gives_its_reason_once() -> None:
    found = builders.base_not_built()
    assert lead(found) == (
        "Nothing to compare with: cargo build exited with code 101 on base 9d8c7b6."
    )
    assert [flat(note) for note in words.notes(found)] == [
        "Part of the prompt came from a cache: prefill speed counts only the rest."
    ]


def test_why_there_is_no_base_comes_before_everything_else() -> None:
    note = "Nothing to compare with: The build of 12acf0b ended with code 2."
    for found in (builders.result(notes=(note,)), builders.slow_engine()):
        assert lead(dataclasses.replace(found, notes=(note,))).splitlines()[0] == note
    few = dataclasses.replace(builders.slow_engine(), notes=(note,))
    assert lead(few).splitlines()[1:] == ["3 steps: below 6 no spread is shown."]


def test_why_there_is_no_base_is_not_lost_where_head_failed_too() -> None:
    note = "Nothing to compare with: the base crashed at its step 24."
    shown = lead(dataclasses.replace(builders.failed(), notes=(note,))).splitlines()
    assert shown[-1] == note
    assert shown[0].startswith("bitnet exited")


def test_a_base_that_failed_on_the_way_is_no_side() -> None:
    found = builders.base_died()
    assert lead(found) == "Nothing to compare with: the base crashed at its step 24."
    assert flat(subject.what_ran(found)).endswith("Commit 3f1c9ab.")
    assert flat(canary.output(found)[0]) == "Output 11, so, the same at every step."


def test_notes_never_flood() -> None:
    shown = words.notes(builders.result(notes=tuple(f"Note {n}." for n in range(50))))
    assert [flat(note) for note in shown[-2:]] == ["Note 5.", "44 more notes in result.json."]


def test_every_problem_of_the_inputs_is_a_sentence_of_its_own() -> None:
    shown = [flat(problem) for problem in words.problems(builders.invalid())]
    assert shown == [
        "tokens must be a whole number from 1 to 100000 (it is four).",
        "margin must be from 0.1 % to 100 %, such as 5% or 0.05 (it is 300%).",
    ]
    assert words.problems(builders.failed()) == []


def test_what_the_report_says_itself_no_guard_repeats() -> None:
    texts = Guard(name="texts-differ", sentence="The greedy output differs.")
    counts = Guard(name="tokens-differ", sentence="Head produced 2 output tokens.")
    steal = Guard(name="steal", sentence="The machine was busy.")
    found = builders.not_comparable()
    assert found.comparison
    guarded = dataclasses.replace(
        found, comparison=dataclasses.replace(found.comparison, guards=(counts, texts, steal))
    )
    assert lead(guarded).splitlines()[1:] == ["The machine was busy."]
    assert lead(builders.two_sides(guards=(texts,))).endswith("\nThe greedy output differs.")


def test_without_any_pair_no_number_of_pairs_is_asked_for() -> None:
    missing = Guard(name="metric-missing", sentence="No pair of steps gave `decode`.")
    found = builders.two_sides(verdict="inconclusive", low=None, high=None, guards=(missing,))
    assert found.comparison
    bare = dataclasses.replace(found.comparison, pairs=0, metric="decode")
    assert lead(dataclasses.replace(found, comparison=bare)) == (
        "There is no pair of steps to compare.\nNo pair of steps gave decode."
    )


def test_greedy_output_that_differs_at_later_steps_only_is_said_so() -> None:
    found = builders.two_sides()
    assert found.output
    later = dataclasses.replace(found, output=dataclasses.replace(found.output, matches_base=False))
    assert "The greedy output differs. Not at the first step, but at others." in lead(later)


def test_a_cancelled_run_keeps_its_word_on_the_output() -> None:
    cancelled = dataclasses.replace(builders.cancelled(), output=builders.faster().output)
    assert "The greedy output differs." in lead(cancelled)


def test_greedy_output_that_differs_is_said_prominently() -> None:
    paragraph = words.lead(builders.faster())[1]
    assert paragraph[0].kind == "strong"
    assert flat(paragraph) == (
        "The greedy output differs. Base says 11, so, head 4.. Expected after a change of "
        "kernels or quantisation; otherwise look here first."
    )


def test_a_failure_speaks_in_its_own_sentence() -> None:
    assert lead(builders.failed()) == (
        "bitnet exited with code 1 after 0.4 s, before the first token. Its last lines are below."
    )


def test_a_failure_without_a_sentence_admits_it() -> None:
    assert lead(dataclasses.replace(builders.failed(), failure=None)) == (
        "The run ended without saying why."
    )


def test_a_cancelled_run_says_what_it_measured_until_then() -> None:
    assert lead(builders.cancelled()).endswith("Until then: 40 pairs, no verdict.")
    alone = dataclasses.replace(builders.result(), status="cancelled")
    assert lead(alone).endswith("Until then: 182 steps.")
    nothing = dataclasses.replace(builders.skipped(), status="cancelled")
    assert lead(nothing).endswith("Nothing was measured.")


def test_a_measured_document_without_numbers_admits_it() -> None:
    assert lead(builders.result(head=None)) == "No step of this run gave a number."


def test_guards_are_said_beside_every_verdict_and_never_flood() -> None:
    many = tuple(Guard(name=str(n), sentence=f"Guard {n}.") for n in range(50))
    text = lead(builders.two_sides(guards=many))
    assert "Guard 0." in text
    assert "Guard 20." not in text


def test_what_cut_a_measured_run_short_is_said() -> None:
    found = dataclasses.replace(
        builders.two_sides(), failure=Failure(reason="x", sentence="Head died at step 90.")
    )
    assert lead(found).endswith("\nHead died at step 90.")


def test_a_comparison_without_a_base_is_one_side() -> None:
    odd = builders.result(
        comparison=Comparison(kind="paired", metric="e2e", verdict="slower", estimate=0.5)
    )
    assert "slower" not in lead(odd)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("", "Informational: this check never blocks a merge."),
        ("anything", "Informational: this check never blocks a merge."),
        ("error", "fail-on: error: this step fails when measuring fails, never for what it finds."),
        (
            "slower",
            "fail-on: slower: this step fails when head is slower by more than the 5 % margin.",
        ),
    ],
)
def test_what_the_check_may_do_to_the_job_is_said_as_it_was_set(setting: str, said: str) -> None:
    found = dataclasses.replace(builders.slower(), settings={"fail-on": setting})
    assert flat(words.consequence(found)) == said


def test_without_a_comparison_no_margin_is_guessed() -> None:
    strict = builders.result(comparison=None, settings={"fail-on": "slower", "margin": "3%"})
    assert flat(words.consequence(strict)).endswith("by more than the margin.")
