"""What do the pairs say: slower, faster, no change, or nothing that is sure?

All bounds are on the logarithmic scale, where both directions are alike: ln(1 + floor) and
ln(1 + margin). An interval of log-ratios inside of them is inside of them as fractions too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from perf_smoke.compare.evidence import Evidence, Interval
from perf_smoke.compare.looks import FEWEST_PAIRS

Said = Literal["slower", "faster", "no-change", "inconclusive"]

FEWEST_FOR_NO_CHANGE = 30
"""Pairs before which no look stops for "no change"."""
LAST_TAIL = 0.05
"""Error on each side of the last test for "no change", that of two one-sided tests at 5 %
(Schuirmann 1987): its interval has the level 90 %."""
_Z_POWER = NormalDist().inv_cdf(0.9)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What counts as a change, as fractions of time, and how often the verdict may be wrong."""

    alpha: float = 0.01
    margin: float = 0.05
    floor: float = 0.005

    def __post_init__(self) -> None:
        if not (
            0 < self.alpha <= 0.5 and 0 < self.margin < math.inf and 0 <= self.floor < math.inf
        ):
            raise ValueError(f"alpha, margin or floor is out of range: {self}")

    @property
    def log_margin(self) -> float:
        """The margin as a log-ratio."""
        return math.log1p(self.margin)

    @property
    def log_floor(self) -> float:
        """The floor as a log-ratio."""
        return math.log1p(self.floor)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the pairs say. Changes are log-ratios, + is slower."""

    said: Said
    estimate: float | None
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


def at_look(evidence: Evidence, rule: Rule, tail: float) -> Finding:
    """The verdict at a planned look, with an error of at most `tail` on each side."""
    interval = evidence.interval(tail)
    if interval is None:
        return _too_few(evidence, tail)
    said = direction(interval, rule)
    enough = evidence.pairs >= FEWEST_FOR_NO_CHANGE
    if said == "inconclusive" and enough and interval.within(rule.log_margin):
        said = "no-change"
    return _finding(said, evidence, rule, tail, interval)


def at_end(evidence: Evidence, rule: Rule, tail: float) -> Finding:
    """The verdict where measuring has ended: "no change" has one more test, at 90 %."""
    interval = evidence.interval(tail)
    if interval is None:
        return _too_few(evidence, tail)
    said = direction(interval, rule)
    if said == "inconclusive" and interval.within(rule.log_margin):
        said = "no-change"
    found = _finding(said, evidence, rule, tail, interval)
    last = evidence.interval(LAST_TAIL)
    if said == "inconclusive" and last and last.within(rule.log_margin):
        return Finding(
            said="no-change",
            estimate=found.estimate,
            interval=last,
            level=1 - 2 * LAST_TAIL,
            reach=found.reach,
        )
    return found


def direction(interval: Interval, rule: Rule) -> Said:
    """Slower or faster where the whole interval lies beyond the floor; else inconclusive."""
    if interval.low > rule.log_floor:
        return "slower"
    if interval.high < -rule.log_floor:
        return "faster"
    return "inconclusive"


def _too_few(evidence: Evidence, tail: float) -> Finding:
    """n pairs of one sign have a probability of 2^−n: more would be needed for so small a tail."""
    return Finding(
        said="inconclusive",
        estimate=evidence.estimate,
        pairs_needed=max(FEWEST_PAIRS, math.ceil(-math.log2(tail))),
    )


def _finding(
    said: Said, evidence: Evidence, rule: Rule, tail: float, interval: Interval
) -> Finding:
    z = -NormalDist().inv_cdf(tail)
    fixed = evidence.fixed.total
    reach = (interval.half - fixed) * (z + _Z_POWER) / z
    needed = None
    room = rule.log_margin - rule.log_floor - fixed
    if said == "inconclusive" and room > 0:
        share = reach / room
        needed = math.ceil(evidence.pairs * share**2)
    return Finding(
        said=said,
        estimate=evidence.estimate,
        interval=interval,
        level=1 - rule.alpha,
        reach=reach + fixed,
        pairs_needed=needed if needed and needed > evidence.pairs else None,
    )
