"""What do the pairs say: slower, faster, no change, or nothing that is sure?

All bounds are on the logarithmic scale, where both directions are alike: ln(1 + floor) and
ln(1 + margin). An interval of log-ratios inside of them is inside of them as fractions too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

from perf_smoke.compare.evidence import LAST_TAIL, Evidence, Interval
from perf_smoke.compare.looks import FEWEST_PAIRS, tail_at_end, tail_at_look
from perf_smoke.result import Extension, Rule

_FEWEST_FOR_NO_CHANGE = 30
"""Pairs before which no look stops for "no change"."""
_LARGEST_SHORTFALL = 1e4
"""How many times the margin's room this run's reach may be for a number of pairs to be named; pairs
grow with its square, and beyond it the number would mean nothing."""
_Z_POWER = NormalDist().inv_cdf(0.9)
"""How many standard errors beyond a limit a change has to lie to cross it in nine of ten runs."""

Direction = Literal["slower", "faster", "inconclusive"]


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What an interval has to do for a verdict."""

    floor: float
    """Lie beyond it: a change."""
    margin: float
    """Or within it: none. 0 where "no change" is not to be told."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the pairs say, before any guard is asked. Changes are log-ratios, + is slower."""

    verdict: Direction | Literal["no-change"]
    interval: Interval | None = None
    """The interval that decided; None where there are too few pairs for one."""
    level: float | None = None
    reach: float | None = None
    """How far beyond what it must clear a change has to lie, for so many pairs to call it with a
    probability of 90 %."""
    pairs_needed: int | None = None
    """About how many pairs would call a change of the margin with that probability, where
    nothing was sure and they are more than there are; None where no number of them would. The
    errors of pairs and of starts shrink with them, as a longer run has more starts too."""


def at_look(
    evidence: Evidence, rule: Rule, looks: tuple[int, ...], extension: Extension | None = None
) -> Finding:
    """The test of a planned look, which may spend its share of alpha. "No change" waits while a
    change looks likely: with more pairs that may become sure."""
    tail = tail_at_look(len(evidence.pairs), looks, rule.alpha, extension)
    finding = _tested(evidence, rule, tail, fewest_for_no_change=_FEWEST_FOR_NO_CHANGE)
    return _waiting(finding, evidence, rule)


def at_turn(
    evidence: Evidence, rule: Rule, looks: tuple[int, ...], extension: Extension
) -> Finding:
    """The test where measuring ends unless it is extended: it spends what the looks have left of
    alpha for the time until then, and "no change" has its one more test, but waits as at a look."""
    return _waiting(at_end(evidence, rule, looks, extension), evidence, rule)


def at_end(
    evidence: Evidence, rule: Rule, looks: tuple[int, ...], extension: Extension | None = None
) -> Finding:
    """The test where measuring has ended: it spends what the looks have left of alpha, and where
    that is not enough, "no change" has one more test, at 90 %."""
    tail = tail_at_end(len(evidence.pairs), looks, rule.alpha, extension)
    finding = _tested(evidence, rule, tail, fewest_for_no_change=FEWEST_PAIRS)
    last = evidence.at_90_percent if finding.interval else None
    if finding.verdict == "inconclusive" and last and last.within(rule.log_margin):
        return replace(
            finding, verdict="no-change", interval=last, level=1 - 2 * LAST_TAIL, pairs_needed=None
        )
    return finding


def _waiting(finding: Finding, evidence: Evidence, rule: Rule) -> Finding:
    """The finding, but no "no change" while the 90 % interval lies beyond the floor."""
    likely = evidence.at_90_percent
    if finding.verdict == "no-change" and likely and likely.beyond(rule.log_floor):
        return replace(finding, verdict="inconclusive")
    return finding


def direction(interval: Interval | None, rule: Rule) -> Direction:
    """Slower or faster where the whole interval lies beyond the floor."""
    if interval is None or not interval.beyond(rule.log_floor):
        return "inconclusive"
    return "slower" if interval.low > rule.log_floor else "faster"


def within_reach(evidence: Evidence, finding: Finding, pairs: int, bounds: Bounds) -> bool:
    """Whether so many pairs in all may decide what these do not: their interval, narrower by the
    root of what there is more, would be enough if the estimate moved by one standard deviation of
    what the later pairs may still move it by."""
    likely, error, estimate = evidence.at_90_percent, evidence.standard_error, evidence.estimate
    if finding.interval is None or likely is None or error is None or estimate is None:
        return (finding.pairs_needed or pairs) <= pairs
    share = min(1.0, len(evidence.pairs) / pairs)
    moved = error * math.sqrt(1 - share)
    half, last_half = (
        evidence.fixed_error + (interval.half - evidence.fixed_error) * math.sqrt(share)
        for interval in (finding.interval, likely)
    )
    change = abs(estimate) + moved - half > bounds.floor
    return change or max(0.0, abs(estimate) - moved) + last_half < bounds.margin


def _tested(evidence: Evidence, rule: Rule, tail: float, *, fewest_for_no_change: int) -> Finding:
    """The verdict with an error of at most `tail` on each side."""
    pairs = len(evidence.pairs)
    interval = evidence.interval(tail)
    if interval is None:
        # n pairs of one sign have a probability of 2^−n: so small a tail takes more of them.
        needed = max(FEWEST_PAIRS, math.ceil(-math.log2(tail)))
        return Finding(verdict="inconclusive", pairs_needed=needed)
    verdict = direction(interval, rule)
    z = -NormalDist().inv_cdf(tail)
    fixed = evidence.fixed_error
    reach = (interval.half - fixed) * (z + _Z_POWER) / z
    finding = Finding(verdict=verdict, interval=interval, level=1 - rule.alpha, reach=reach + fixed)
    if verdict != "inconclusive":
        return finding
    if interval.within(rule.log_margin) and pairs >= fewest_for_no_change:
        return replace(finding, verdict="no-change")
    room = rule.log_margin - rule.log_floor - fixed
    share = reach / room if room > 0 else math.inf
    if 1 < share < _LARGEST_SHORTFALL:
        return replace(finding, pairs_needed=math.ceil(pairs * share**2))
    return finding
