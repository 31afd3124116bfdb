"""What does it cost to be the second of a pair, and does it cost both sides the same?

A pair is a small crossover trial: two treatments, base and head, one after the other, and a coin
decides which comes first. Such a trial knows two nuisances (Hills & Armitage, The two-period
cross-over clinical trial, Br J Clin Pharmacol 8, 1979):

    period effect  whatever comes second takes longer; the coin makes it favour no side
    carry-over     what one treatment leaves behind disturbs the other that follows; if the two
                   leave different things, it looks like a difference between them of half its size

The pairs that base opened and those that head opened differ by chance and by these alone. Between
the two groups, the log-ratios (head over base) differ by twice the period effect, and the
log-products, which are what a patient's two results add up to, differ by the carry-over. Rank sums
(Wilcoxon 1945) tell both from chance whatever the noise is like.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

_FEWEST_PER_ORDER = 8
"""Pairs that base must have opened, and head, before the two groups are compared."""
_Z = 3.29
"""The limit of a rank sum: one false alarm in a thousand jobs."""


def period_effect(log_ratios: Sequence[float], head_first: Sequence[bool]) -> float:
    """What it costs a step of either side to be the second of its pair, as a log-ratio; 0 where it
    cannot be told from chance.

    Args:
        log_ratios: of the pairs, head over base.
        head_first: for each pair, whether head opened it.
    """
    return _shift(log_ratios, head_first) / 2


def carry_over(
    base_s: Sequence[float], head_s: Sequence[float], head_first: Sequence[bool]
) -> float:
    """What it costs head more than base to be the second, as a log-ratio; 0 where it cannot be told
    from chance. Half of it is how far the estimate of the change is off."""
    products = [math.log(base) + math.log(head) for base, head in zip(base_s, head_s, strict=True)]
    return _shift(products, head_first)


def _shift(values: Sequence[float], head_first: Sequence[bool]) -> float:
    """Median of the pairs that base opened less that of those that head opened."""
    base_opened = [value for value, head in zip(values, head_first, strict=True) if not head]
    head_opened = [value for value, head in zip(values, head_first, strict=True) if head]
    if min(len(base_opened), len(head_opened)) < _FEWEST_PER_ORDER:
        return 0.0
    if abs(rank_sum_z(head_opened, base_opened)) <= _Z:
        return 0.0
    return statistics.median(base_opened) - statistics.median(head_opened)


def rank_sum_z(first: Sequence[float], second: Sequence[float]) -> float:
    """Wilcoxon's rank sum of `second`, standardised; ties get their mean rank."""
    ordered = sorted([*first, *second])
    ranks: dict[float, float] = {}
    ties = 0
    start = 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end] == ordered[start]:
            end += 1
        ranks[ordered[start]] = (start + end + 1) / 2
        ties += (end - start) ** 3 - (end - start)
        start = end
    total = len(ordered)
    expected = len(second) * (total + 1) / 2
    variance = len(first) * len(second) / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 0.0
    return (sum(ranks[value] for value in second) - expected) / math.sqrt(variance)
