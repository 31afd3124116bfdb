"""What does it cost to be the second of a pair, and does it cost both sides the same?

A coin decides which side is second, so that the pairs that base opened and those that head opened
differ by chance and by that cost alone: rank sums (Wilcoxon 1945) tell the two apart whatever else
goes on. The log-ratios, head over base, of the two differ by the cost to base and to head added up;
the products of a pair's times by the cost to head less the cost to base.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

FEWEST_PER_PLACE = 8
"""Pairs that base must have opened, and head, before the two are compared."""
_Z = 3.29
"""One false alarm in a thousand jobs."""


def cost_to_either(differences: Sequence[float], head_first: Sequence[bool] | None) -> float:
    """The mean cost to the two sides, as a log-ratio; 0 where it cannot be told from chance.

    Args:
        differences: the log-ratios of the pairs.
        head_first: for each pair, whether head opened it; None where that is not known.
    """
    return _shift(differences, head_first) / 2


def cost_to_head_alone(
    base_s: Sequence[float], head_s: Sequence[float], head_first: Sequence[bool] | None
) -> float:
    """The cost to head less the cost to base, as a log-ratio; 0 where it cannot be told from
    chance. Half of it is how far the estimate is off."""
    products = [math.log(base) + math.log(head) for base, head in zip(base_s, head_s, strict=True)]
    return _shift(products, head_first)


def _shift(values: Sequence[float], head_first: Sequence[bool] | None) -> float:
    """Median of the pairs that base opened less that of those that head opened."""
    if head_first is None:
        return 0.0
    base_opened = [value for value, head in zip(values, head_first, strict=True) if not head]
    head_opened = [value for value, head in zip(values, head_first, strict=True) if head]
    if min(len(base_opened), len(head_opened)) < FEWEST_PER_PLACE:
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
