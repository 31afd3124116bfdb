"""A saved document is decided again to the same verdicts, each as it was decided."""

import dataclasses
import functools
import itertools
from pathlib import Path
from typing import Any

import pytest

from perf_smoke import result_file
from perf_smoke.compare import Circumstances, Pairs, Rule, decide, decide_again, may_stop, plan
from perf_smoke.result import (
    HEAD,
    Comparison,
    Cost,
    Machine,
    Measurement,
    Prompt,
    RequestRecord,
    Result,
    Sample,
    Tool,
    Workload,
)
from tests.unit.compare.rows import machine, samples, times

PAIRS = 120
LOOKS = plan(PAIRS)
CHANGES = {"short": {"v1": 0.02, "v2": 0.5}, "long": {"v1": -0.1, "v2": 0.0}}
"""By how much longer head takes than each base on each workload; on `wall` three times that."""


def machine_at(pairs: int) -> Machine:
    """A machine that gets ever busier: at the end most of its time is given to others."""
    return machine(cpu_ticks=100 * PAIRS, steal_ticks=pairs**2)


def workload(name: str, passed: bool) -> Workload:
    sides: dict[str, list[Sample]] = {}
    for (base, change), noise in zip(CHANGES[name].items(), (0.05, 0.6), strict=True):
        base_s, head_s = times(PAIRS, noise=noise, seed=len(name))
        sides.setdefault(HEAD, samples(base_s, head_s, cpus=0.5)[1])
        sides[base] = [
            dataclasses.replace(
                step, e2e_ms=time_s / (1 + change) * 1e3, wall_ms=time_s / (1 + 3 * change) * 1e3
            )
            for step, time_s in zip(samples(base_s, base_s, cpus=0.5)[0], base_s, strict=True)
        ]
    return Workload(
        request=RequestRecord(
            prompt=Prompt(text="2+2=", characters=4, sha256=""),
            tokens=4,
            seed=42,
            threads=2,
            passed=("threads",) if passed else (),
        ),
        metrics=("e2e", "wall"),
        warmup=1,
        stopped="budget",
        measurements={side: Measurement(samples=tuple(steps)) for side, steps in sides.items()},
    )


def answer(asked: Workload, name: str, base: str, metric: str) -> Comparison:
    """As a run decides one of its questions: at the first look that may, each with its machine."""
    rule, threads = Rule(alpha=0.02), asked.threads_passed
    measured = asked.measurements
    pairs = Pairs.of(measured[base].samples, measured[HEAD].samples, metric)
    question: dict[str, Any] = {"looks": LOOKS, "workload": name, "base": base}
    for look in LOOKS[:-1]:
        known = Circumstances.of(machine_at(look), threads)
        if may_stop(pairs.first(look), rule, LOOKS, known):
            return decide(
                pairs.first(look), rule, stopped="decided", circumstances=known, **question
            )
    known = Circumstances.of(machine_at(PAIRS), threads)
    return decide(pairs, rule, stopped="budget", circumstances=known, **question)


@functools.cache
def document() -> Result:
    """Two workloads, two bases and two metrics, decided at different looks."""
    workloads = {name: workload(name, passed=name == "long") for name in ("short", "long")}
    return Result(
        status="measured",
        started="2026-11-23T09:00:00+00:00",
        tool=Tool(version="1", runtime="cli"),
        settings={},
        cost=Cost(total_s=1.0),
        machine=machine_at(PAIRS),
        workloads=workloads,
        comparisons=tuple(
            answer(workloads[name], name, base, metric)
            for name, base, metric in itertools.product(workloads, ("v1", "v2"), ("e2e", "wall"))
        ),
    )


def names(result: Result) -> list[tuple[str, str]]:
    """The guards that fired, with their workloads."""
    return [(one.workload, guard.name) for one in result.comparisons for guard in one.guards]


def test_a_document_of_many_questions_is_decided_again_to_the_same_answers(tmp_path: Path) -> None:
    run = document()
    assert len({comparison.pairs for comparison in run.comparisons}) > 2
    assert {one.verdict for one in run.comparisons} >= {"slower", "faster", "inconclusive"}
    assert {guard.effect for one in run.comparisons for guard in one.guards} == {
        "no-verdict",
        "said",
    }
    assert decide_again(run) == run
    result_file.write(run, tmp_path / "result.json")
    assert decide_again(result_file.read(tmp_path / "result.json")) == run


def test_what_is_decided_again_is_the_steps_and_not_what_the_document_says_of_them() -> None:
    run = document()
    doctored = tuple(
        dataclasses.replace(one, verdict="no-change", log_ratio=0.0, guards=())
        for one in run.comparisons
    )
    assert decide_again(dataclasses.replace(run, comparisons=doctored)) == run


def test_the_machine_and_the_threads_are_those_of_the_moment_of_decision() -> None:
    run = document()
    later = tuple(
        dataclasses.replace(one, machine_then=machine_at(PAIRS).after) for one in run.comparisons
    )
    again = decide_again(dataclasses.replace(run, comparisons=later))
    assert len(names(again)) > len(names(run))
    nobody_knew = tuple(dataclasses.replace(one, machine_then=None) for one in run.comparisons)
    again = decide_again(dataclasses.replace(run, comparisons=nobody_knew))
    assert {one.machine_then for one in again.comparisons} == {None}
    assert set(names(again)) == {("long", "oversubscribed")}, "its engine was told its threads"


def test_what_was_not_compared_in_the_run_is_not_compared_afterwards() -> None:
    alone = dataclasses.replace(document(), comparisons=(), status="cancelled")
    assert decide_again(alone) == alone


def test_pairs_of_which_none_gave_the_metric_are_decided_again_too() -> None:
    run = document()
    asked = dataclasses.replace(run.workloads["long"], metrics=("ttft",))
    missing = answer(asked, "long", "v1", "ttft")
    assert missing.pairs == 0
    run = dataclasses.replace(run, workloads={"long": asked}, comparisons=(missing,))
    assert decide_again(run) == run


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"workload": "other"}, "it has no workload `other`"),
        ({"base": "v3"}, "workload `short` was not measured on `v3`"),
        ({"metric": "ttft"}, "`ttft` is no metric that decides on `short`"),
        ({"metric": "peak_rss"}, "`peak_rss` is no metric that decides on `short`"),
        ({"pairs": 121}, "121 pairs were judged, and it holds 120 of `e2e` on `short`"),
        ({"pairs": -1}, "-1 pairs were judged, and it holds 120"),
        ({"looks": (0, 12)}, "planned looks rise, and these do not: \\(0, 12\\)"),
    ],
)
def test_a_comparison_that_does_not_fit_its_document_is_one_clear_sentence(
    wrong: dict[str, Any], sentence: str
) -> None:
    run = document()
    asked = dataclasses.replace(run.workloads["short"], metrics=("e2e", "peak_rss"))
    before = dataclasses.replace(run.comparisons[0], **wrong)
    hostile = dataclasses.replace(run, workloads={"short": asked}, comparisons=(before,))
    with pytest.raises(ValueError, match=f"^{sentence}"):
        decide_again(hostile)
    alone = dataclasses.replace(asked, measurements={"v1": asked.measurements["v1"]})
    with pytest.raises(ValueError, match="was not measured on `head`"):
        decide_again(
            dataclasses.replace(run, workloads={"short": alone}, comparisons=run.comparisons[:1])
        )
