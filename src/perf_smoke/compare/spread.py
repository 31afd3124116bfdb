"""How much do values vary, whatever a few of them do?"""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def robust_spread(values: Sequence[float]) -> float:
    """The standard deviation that the quartiles would have in a normal distribution. Two values
    or more."""
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / 1.349
