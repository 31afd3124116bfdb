"""Is head slower than base, may measuring stop for that, and does a saved document say the same?

Pure functions of numbers: evidence, the finding that follows from it, and what the guards leave of
that.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from perf_smoke.compare.circumstances import Circumstances
from perf_smoke.compare.evidence import Evidence
from perf_smoke.compare.finding import Finding, at_end, at_look, at_turn, within_reach
from perf_smoke.compare.guards import judge
from perf_smoke.compare.looks import look_planned
from perf_smoke.compare.pairs import Pairs
from perf_smoke.metrics import DECIDING
from perf_smoke.result import (
    BASE,
    HEAD,
    WORKLOAD,
    Comparison,
    Extension,
    Result,
    Rule,
    Stopped,
    fraction,
)

_NOTHING_KNOWN = Circumstances()


def decide(
    pairs: Pairs,
    rule: Rule,
    *,
    looks: tuple[int, ...] = (),
    extension: Extension | None = None,
    stopped: Stopped = "",
    circumstances: Circumstances = _NOTHING_KNOWN,
    workload: str = WORKLOAD,
    base: str = BASE,
) -> Comparison:
    """Decide whether head takes longer than base. docs/STATISTICS.md explains how.

    Args:
        pairs: all that are to be judged.
        rule: what counts as a change, and how often the verdict may be wrong.
        looks: those that were planned (see plan), the expected end last; empty: only the end.
        extension: what was kept to go on after the budget, and the looks planned from there.
        stopped: why measuring stopped. `decided`: because may_stop said so of these pairs.
        circumstances: what else is known of the run.
        workload: which request it was, for the record.
        base: which base it was, for the record.

    Raises:
        ValueError: the looks do not rise.
    """
    if any(later <= earlier for earlier, later in pairwise((0, *looks))):
        raise ValueError(f"planned looks rise, and these do not: {looks}")
    evidence = Evidence(pairs)
    by_look = stopped == "decided" and look_planned(len(pairs), looks, extension)
    test = at_look if by_look else at_end
    finding = test(evidence, rule, looks, extension) if pairs else Finding(verdict="inconclusive")
    judgement = judge(evidence, finding, rule, circumstances)
    interval = finding.interval
    return Comparison(
        workload=workload,
        base=base,
        metric=pairs.metric,
        verdict=judgement.verdict,
        rule=rule,
        log_ratio=evidence.estimate,
        standard_error=evidence.standard_error,
        low=fraction(interval.low) if interval else None,
        high=fraction(interval.high) if interval else None,
        level=finding.level,
        detectable=None if judgement.detectable is None else fraction(judgement.detectable),
        pairs=len(pairs),
        pairs_needed=judgement.pairs_needed,
        looks=looks,
        extension=extension,
        stopped=stopped,
        guards=judgement.guards,
        machine_then=circumstances.machine_then,
    )


def may_stop(
    pairs: Pairs,
    rule: Rule,
    looks: tuple[int, ...],
    circumstances: Circumstances,
    extension: Extension | None = None,
) -> bool:
    """Whether measuring may stop after these pairs: a look was planned there, and it decides.

    Where it may, decide has to be told that this is why it stopped.
    """
    if not look_planned(len(pairs), looks, extension):
        return False
    evidence = Evidence(pairs)
    finding = at_look(evidence, rule, looks, extension)
    return judge(evidence, finding, rule, circumstances).verdict != "inconclusive"


def may_go_on(
    pairs: Pairs,
    rule: Rule,
    looks: tuple[int, ...],
    circumstances: Circumstances,
    extension: Extension,
    *,
    pairs_at_most: int,
) -> bool:
    """Whether a run whose budget has ended after these pairs is worth extending: they decide
    nothing, up to `pairs_at_most` of them may, and no guard forbids a verdict that more pairs
    cannot bring back."""
    if not pairs:
        return False
    evidence = Evidence(pairs)
    finding = at_turn(evidence, rule, looks, extension)
    judgement = judge(evidence, finding, rule, circumstances)
    return (
        judgement.verdict == "inconclusive"
        and judgement.pairs_may_help
        and within_reach(evidence, finding, pairs_at_most, judgement.bounds)
    )


def decide_again(result: Result) -> Result:
    """Decide every comparison of a document anew, from its steps: the same verdicts as in the run
    itself, each from the pairs and the state of the machine at the moment of its decision.

    Raises:
        ValueError: a comparison does not fit the rest of the document; says which, and how.
    """
    return replace(
        result, comparisons=tuple(_again(result, before) for before in result.comparisons)
    )


def _again(result: Result, before: Comparison) -> Comparison:
    workload = result.workloads.get(before.workload)
    if workload is None:
        raise ValueError(f"it has no workload `{before.workload}` to compare by")
    for side in (before.base, HEAD):
        if side not in workload.measurements:
            raise ValueError(f"workload `{before.workload}` was not measured on `{side}`")
    if before.metric not in workload.metrics or before.metric not in DECIDING:
        raise ValueError(f"`{before.metric}` is no metric that decides on `{before.workload}`")
    base, head = (workload.measurements[side].samples for side in (before.base, HEAD))
    pairs = Pairs.of(base, head, before.metric)
    if not 0 <= before.pairs <= len(pairs):
        raise ValueError(
            f"{before.pairs} pairs were judged, and it holds {len(pairs)} of "
            f"`{before.metric}` on `{before.workload}`"
        )
    machine = None
    if result.machine and before.machine_then:
        machine = replace(result.machine, after=before.machine_then)
    return decide(
        pairs.first(before.pairs),
        before.rule,
        looks=before.looks,
        extension=before.extension,
        stopped=before.stopped,
        circumstances=Circumstances.of(machine, workload.threads_passed),
        workload=before.workload,
        base=before.base,
    )
