"""The verdict on two sides that were measured in pairs: numbers in, one Comparison out."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from perf_smoke.compare import looks
from perf_smoke.compare.doubts import Circumstances, weigh
from perf_smoke.compare.evidence import Evidence, evidence_of
from perf_smoke.compare.rule import Finding, Rule, at_end, at_look
from perf_smoke.result import Comparison

_LARGEST_LOG_RATIO = 700.0
"""e^700 is about the largest number that a float holds."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How the pairs were taken."""

    looks: tuple[int, ...] = ()
    """The planned looks (looks.plan), the expected end last; empty: only the end."""
    stopped: str = ""
    """Why measuring stopped. `decided`: by the verdict of a planned look."""
    starts: Sequence[Hashable] | None = None
    """For each pair, which start of the two programs it belongs to; None: each has its own."""


_ONE_LOOK = Schedule()
_NOTHING_ELSE = Circumstances()


def paired(
    base: Sequence[float],
    head: Sequence[float],
    *,
    alpha: float = 0.01,
    margin: float = 0.05,
    floor: float = 0.005,
    metric: str = "e2e",
    schedule: Schedule = _ONE_LOOK,
    circumstances: Circumstances = _NOTHING_ELSE,
) -> Comparison:
    """Decide whether head takes longer than base. docs/STATISTICS.md explains how.

    Args:
        base: seconds of base's step in each pair.
        head: seconds of head's step in each pair, in the same order.
        alpha: the chance of a wrong slower or faster when nothing differs, over all looks.
        margin: a change of time that is practically none, as a fraction.
        floor: a change that is not called even when it is sure, as a fraction.
        metric: what the seconds are of, for the record.
        schedule: how the pairs were taken.
        circumstances: what the guards look at.

    Raises:
        ValueError: the two differ in length, a time is not positive and finite, or alpha, margin
            or floor is out of range.
    """
    rule = Rule(alpha=alpha, margin=margin, floor=floor)
    evidence = evidence_of(base, head, schedule.starts, circumstances.head_first)
    finding = _finding(evidence, rule, schedule)
    weighed = weigh(finding, rule, evidence, circumstances)
    interval = finding.interval
    return Comparison(
        kind="paired",
        metric=metric,
        verdict=weighed.verdict,
        estimate=_fraction(finding.estimate),
        low=_fraction(interval.low) if interval else None,
        high=_fraction(interval.high) if interval else None,
        level=finding.level,
        alpha=alpha,
        margin=margin,
        floor=floor,
        detectable=_fraction(weighed.detectable),
        pairs=evidence.pairs,
        pairs_needed=finding.pairs_needed if weighed.pairs_would_help else None,
        looks=schedule.looks,
        stopped=schedule.stopped,
        guards=weighed.guards,
    )


def settled(
    base: Sequence[float],
    head: Sequence[float],
    *,
    alpha: float = 0.01,
    margin: float = 0.05,
    floor: float = 0.005,
    schedule: Schedule,
    circumstances: Circumstances = _NOTHING_ELSE,
) -> bool:
    """Whether measuring may stop here: at a planned look, and there is a verdict.

    paired() must be told afterwards that measuring stopped because it was `decided`.

    Raises:
        ValueError: as paired().
    """
    if not looks.is_look(len(base), schedule.looks):
        return False
    found = paired(
        base,
        head,
        alpha=alpha,
        margin=margin,
        floor=floor,
        schedule=replace(schedule, stopped="decided"),
        circumstances=circumstances,
    )
    return found.verdict != "inconclusive"


def _finding(evidence: Evidence, rule: Rule, schedule: Schedule) -> Finding:
    pairs, planned = evidence.pairs, schedule.looks
    if schedule.stopped == "decided" and looks.is_look(pairs, planned):
        return at_look(evidence, rule, looks.tail_at_look(pairs, planned, rule.alpha))
    return at_end(evidence, rule, looks.tail_at_end(pairs, planned, rule.alpha))


def _fraction(log_ratio: float | None) -> float | None:
    """The change of time that a log-ratio is."""
    return None if log_ratio is None else math.expm1(min(log_ratio, _LARGEST_LOG_RATIO))
