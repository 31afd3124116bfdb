"""Which Walsh averages bound the centre of the paired log-ratios?

Wilcoxon's signed-rank test turned into an interval (Tukey 1949; Hollander, Wolfe & Chicken,
Nonparametric Statistical Methods, 3rd ed., section 3.4): W, the number of Walsh averages above the
true centre, has a known distribution as soon as each difference is as likely above it as below.
With c the largest count for which P(W ≤ c) ≤ tail, the interval runs from the c-th average to the
c-th from the end, counted from 0. Ties only make it cover more often.
"""

from __future__ import annotations

import functools
import math
from statistics import NormalDist

EXACT_UP_TO = 50
"""Pairs up to which the distribution of W is counted out. Above, the normal distribution with
continuity correction is as good at a tail of 5 % and careful below, for W has lighter tails."""


@functools.lru_cache(maxsize=256)
def rank_cut(pairs: int, tail: float) -> int:
    """The largest c with P(W ≤ c) ≤ tail for so many pairs; −1 where there is none."""
    mean = pairs * (pairs + 1) / 4
    if pairs > EXACT_UP_TO:
        deviation = math.sqrt(pairs * (pairs + 1) * (2 * pairs + 1) / 24)
        return math.floor(mean + NormalDist().inv_cdf(tail) * deviation - 0.5)
    # ways[w]: how many of the 2^n choices of signs give W = w; the lower half is enough.
    ways = [1] + [0] * math.floor(mean)
    for rank in range(1, pairs + 1):
        for total in range(len(ways) - 1, rank - 1, -1):
            ways[total] += ways[total - rank]
    allowed = tail * 2**pairs
    reached = 0
    for total, number in enumerate(ways):
        reached += number
        if reached > allowed:
            return total - 1
    return len(ways) - 1
