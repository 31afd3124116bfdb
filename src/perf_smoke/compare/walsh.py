"""Which of the Walsh averages (d_i + d_j) / 2, i ≤ j, is the k-th smallest?

There are n (n + 1) / 2 of them, too many to write down for thousands of pairs. Whoever sorts d
can count in one walk of two pointers how many lie at or below a value; halving the range until few
are left in it, and sorting those, gives the exact order statistic in about 30 such walks.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence


class WalshAverages:
    """The averages of all pairs of the values, each value with itself included, by rank."""

    def __init__(self, values: Sequence[float]) -> None:
        self._values = sorted(values)
        self.count = len(values) * (len(values) + 1) // 2

    def nth(self, rank: int) -> float:
        """The average of this rank, from 0 (the smallest) to count − 1.

        Raises:
            IndexError: there is no such rank.
        """
        if not 0 <= rank < self.count:
            raise IndexError(f"rank {rank} of {self.count} averages")
        # Sums instead of averages; all lie in (above, upto], `below` of them at or below `above`.
        above = math.nextafter(2 * self._values[0], -math.inf)
        upto = 2 * self._values[-1]
        below, until = 0, self.count
        while until - below > 2 * len(self._values):
            middle = above + (upto - above) / 2
            if not above < middle < upto:
                return upto / 2  # only equal sums are left
            reached = self._at_or_below(middle)
            if reached > rank:
                upto, until = middle, reached
            else:
                above, below = middle, reached
        return sorted(self._between(above, upto))[rank - below] / 2

    def median(self) -> float:
        """The Hodges-Lehmann estimate of the centre of the values."""
        half, odd = divmod(self.count, 2)
        upper = self.nth(half)
        return upper if odd else (self.nth(half - 1) + upper) / 2

    def _at_or_below(self, limit: float) -> int:
        values = self._values
        last = len(values) - 1
        reached = 0
        for first, value in enumerate(values):  # pragma: no branch - the break ends it
            while last >= first and value + values[last] > limit:
                last -= 1
            if last < first:
                break
            reached += last - first + 1
        return reached

    def _between(self, above: float, upto: float) -> list[float]:
        """The sums in (above, upto]. Rounded sums are monotone too, so that bisection is safe."""
        values = self._values
        sums: list[float] = []
        for first, value in enumerate(values):
            start = bisect_right(values, above, lo=first, key=value.__add__)
            end = bisect_right(values, upto, lo=start, key=value.__add__)
            sums += [value + other for other in values[start:end]]
        return sums
