"""Between which bounds does the change lie, with all that may make the estimate wrong?"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from perf_smoke.compare.clock import Tick, coarse_tick
from perf_smoke.compare.looks import FEWEST_PAIRS
from perf_smoke.compare.places import cost_to_head_alone
from perf_smoke.compare.signed_rank import rank_cut
from perf_smoke.compare.starts import start_error
from perf_smoke.compare.walsh import WalshAverages

_SCALE_TAIL = 0.05
"""The standard error is read off the 90 % interval: half of its width over 1.645."""


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


@dataclass(frozen=True, kw_only=True)
class FixedErrors:
    """What makes the estimate wrong however many pairs there are. Log-ratios."""

    tick: Tick | None = None
    """Of the clock, where it is coarse."""
    second_place: float = 0.0
    """What it costs head more than base to be the second of a pair."""

    @property
    def total(self) -> float:
        """By how much the estimate may be off."""
        return (self.tick.error if self.tick else 0.0) + abs(self.second_place) / 2


NO_FIXED_ERRORS = FixedErrors()


class Evidence:
    """The log-ratios of the pairs, head over base, and what follows from them."""

    def __init__(
        self,
        differences: Sequence[float],
        starts: Sequence[Hashable] | None,
        fixed: FixedErrors = NO_FIXED_ERRORS,
    ) -> None:
        """Take what the pairs say.

        Args:
            differences: the log-ratios.
            starts: for each pair, which start of the two programs it belongs to; None: each has
                its own.
            fixed: what makes the estimate wrong however many pairs there are.
        """
        self.differences = differences
        self.starts = starts
        self.fixed = fixed
        self.pairs = len(differences)
        self.one_shot = starts is None or len(set(starts)) == self.pairs
        """Whether each pair started its own programs, so that loading is part of the step."""
        self._averages = WalshAverages(differences)
        self.estimate = self._averages.median() if differences else None
        self._pair_error = 0.0
        self._start_error = None
        if starts is not None and self.pairs >= FEWEST_PAIRS:
            self._pair_error = self._of_pairs(_SCALE_TAIL).half / _z(_SCALE_TAIL)
            self._start_error = start_error(differences, starts, self._pair_error)

    @property
    def disagreement(self) -> float:
        """The standard deviation between the starts where it is worth a word, else 0."""
        return self._start_error.disagreement if self._start_error else 0.0

    def interval(self, tail: float) -> Interval | None:
        """Bounds, each of which is wrong with a probability of at most `tail`.

        Returns:
            None where there are too few pairs for so small an error.
        """
        if self.pairs < FEWEST_PAIRS or rank_cut(self.pairs, tail) < 0:
            return None
        narrow = self._of_pairs(tail)
        more = self.fixed.total
        if self._start_error is not None:
            more += max(0.0, self._start_error.quantile(tail) - _z(tail) * self._pair_error)
        return Interval(low=narrow.low - more, high=narrow.high + more)

    def _of_pairs(self, tail: float) -> Interval:
        """Wilcoxon's interval: whatever else there is to add is left aside."""
        cut = rank_cut(self.pairs, tail)
        return Interval(
            low=self._averages.nth(cut), high=self._averages.nth(self._averages.count - 1 - cut)
        )


def evidence_of(
    base_s: Sequence[float],
    head_s: Sequence[float],
    starts: Sequence[Hashable] | None,
    head_first: Sequence[bool] | None = None,
) -> Evidence:
    """What the times of both sides say, in seconds and in pair order.

    Raises:
        ValueError: as log_ratios().
    """
    differences = log_ratios(base_s, head_s)
    if len(differences) < FEWEST_PAIRS:
        return Evidence(differences, starts)
    fixed = FixedErrors(
        tick=coarse_tick(base_s, head_s, differences),
        second_place=cost_to_head_alone(base_s, head_s, head_first),
    )
    return Evidence(differences, starts, fixed)


def log_ratios(base: Sequence[float], head: Sequence[float]) -> list[float]:
    """ln(head / base) of each pair.

    Raises:
        ValueError: the two differ in length, or a time is not positive and finite.
    """
    if len(base) != len(head):
        raise ValueError(f"{len(base)} times of base, but {len(head)} of head")
    for time in (*base, *head):
        if not (math.isfinite(time) and time > 0):
            raise ValueError(f"a step cannot take {time!r} seconds")
    return [math.log(after) - math.log(before) for before, after in zip(base, head, strict=True)]


def _z(tail: float) -> float:
    return -NormalDist().inv_cdf(tail)
