"""Between which bounds does the change lie, with all that may make the estimate wrong?

All changes are log-ratios, ln(head / base), and stay so until a Comparison is made.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from statistics import NormalDist

from perf_smoke.compare.clock import Tick, coarse_tick
from perf_smoke.compare.crossover import carry_over
from perf_smoke.compare.looks import FEWEST_PAIRS
from perf_smoke.compare.pairs import Pairs
from perf_smoke.compare.signed_rank import rank_cut
from perf_smoke.compare.starts import start_error

LAST_TAIL = 0.05
"""Error on each side of the 90 % interval. It is that of two one-sided tests at 5 % (Schuirmann
1987), and standard errors are read off it: half of its width over 1.645."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Bounds of a log-ratio."""

    low: float
    high: float

    @property
    def half(self) -> float:
        """Half of its width."""
        return (self.high - self.low) / 2

    def within(self, bound: float) -> bool:
        """Whether all of it lies strictly between −bound and +bound."""
        return -bound < self.low and self.high < bound

    def beyond(self, bound: float) -> bool:
        """Whether all of it lies above +bound, or all of it below −bound."""
        return self.low > bound or self.high < -bound


class Evidence:
    """The estimate that the pairs give, and how far it may be off."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs
        self.enough = len(pairs) >= FEWEST_PAIRS
        """Whether there are pairs enough for any bounds."""
        self.tick: Tick | None = None
        """Of the clock, where it is coarse."""
        self.carry_over = 0.0
        """What it costs head more than base to be the second of a pair."""
        self._averages = pairs.averages
        self._pair_error = 0.0
        self._start_error = None
        if self.enough:
            base_s, head_s = pairs.base.time_s, pairs.head.time_s
            self.tick = coarse_tick(base_s, head_s, pairs.spread)
            self.carry_over = carry_over(base_s, head_s, pairs.head_first)
            self._pair_error = self._of_pairs(LAST_TAIL).half / _z(LAST_TAIL)
            self._start_error = start_error(pairs.log_ratios, pairs.starts, self._pair_error)

    @functools.cached_property
    def estimate(self) -> float | None:
        """The Hodges-Lehmann estimate; None without a pair."""
        return self._averages.median() if self.pairs else None

    @property
    def fixed_error(self) -> float:
        """By how much the estimate may be off however many pairs there are: by a tick of a coarse
        clock, and by half of the carry-over."""
        return (self.tick.error if self.tick else 0.0) + abs(self.carry_over) / 2

    @property
    def disagreement(self) -> float:
        """The standard deviation between the starts where it is worth a word, else 0."""
        return self._start_error.disagreement if self._start_error else 0.0

    @functools.cached_property
    def at_90_percent(self) -> Interval | None:
        """The 90 % interval of a single look; None where there are too few pairs."""
        return self.interval(LAST_TAIL)

    @property
    def standard_error(self) -> float | None:
        """Half of the 90 % interval over 1.645, so that it holds what starts differ by and the
        errors that no number of pairs makes smaller; None where there are too few pairs."""
        return self.at_90_percent.half / _z(LAST_TAIL) if self.at_90_percent else None

    def interval(self, tail: float) -> Interval | None:
        """Bounds, each of which is wrong with a probability of at most `tail`.

        Returns:
            None where there are too few pairs for so small an error.
        """
        if not self.enough or rank_cut(len(self.pairs), tail) < 0:
            return None
        narrow = self._of_pairs(tail)
        more = self.fixed_error
        if self._start_error is not None:
            more += max(0.0, self._start_error.quantile(tail) - _z(tail) * self._pair_error)
        return Interval(low=narrow.low - more, high=narrow.high + more)

    def _of_pairs(self, tail: float) -> Interval:
        """Wilcoxon's interval: whatever else there is to add is left aside."""
        cut = rank_cut(len(self.pairs), tail)
        return Interval(
            low=self._averages.nth(cut), high=self._averages.nth(self._averages.count - 1 - cut)
        )


def _z(tail: float) -> float:
    return -NormalDist().inv_cdf(tail)
