"""Which of the Walsh averages (d_i + d_j) / 2, i ≤ j, is the k-th smallest?

There are n (n + 1) / 2 of them, too many to write down for thousands of pairs. Whoever sorts d
can count in one walk of two pointers how many lie at or below a value; halving the range until few
are left in it, and sorting those, gives the exact order statistic in about ten such walks. The
range goes from one average to another, so that many equal ones, of a coarse clock, cost no more.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
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
        # Sums instead of averages: those from `least` to `most` are left, and `below` lie below.
        least, most = 2 * self._values[0], 2 * self._values[-1]
        below, until = 0, self.count
        while least < most and until - below > 2 * len(self._values):
            middle = min(least + (most - least) / 2, math.nextafter(most, least))
            reached, at_or_below, above = self._split(middle)
            if reached > rank:
                most, until = at_or_below, reached
            else:
                least, below = above, reached
        if least == most:
            return most / 2
        return sorted(self._between(least, most))[rank - below] / 2

    def median(self) -> float:
        """The Hodges-Lehmann estimate of the centre of the values."""
        half, odd = divmod(self.count, 2)
        upper = self.nth(half)
        return upper if odd else (self.nth(half - 1) + upper) / 2

    def _split(self, limit: float) -> tuple[int, float, float]:
        """How many sums lie at or below the limit, the largest of them, and the smallest of the
        others. Some sum is on either side."""
        values = self._values
        last = len(values) - 1
        reached = 0
        at_or_below, above = -math.inf, math.inf
        for first, value in enumerate(values):
            while last >= first:
                total = value + values[last]
                if total <= limit:
                    reached += last - first + 1
                    if total > at_or_below:  # noqa: PLR1730 - a call would take half as long again
                        at_or_below = total
                    break
                if total < above:  # noqa: PLR1730 - the same
                    above = total
                last -= 1
            else:
                above = min(above, 2 * value)
                break
        return reached, at_or_below, above

    def _between(self, least: float, most: float) -> list[float]:
        """The sums from `least` to `most`. Rounded sums are monotone too: bisection is safe."""
        values = self._values
        sums: list[float] = []
        for first, value in enumerate(values):
            start = bisect_left(values, least, lo=first, key=value.__add__)
            end = bisect_right(values, most, lo=start, key=value.__add__)
            sums += [value + other for other in values[start:end]]
        return sums
