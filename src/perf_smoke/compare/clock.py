"""How much of a change can be the clock's, where its ticks are coarse beside what is compared?

An engine that tells whole milliseconds rounds every time to a multiple of one. Noise wider than a
tick carries the times across it, and over many pairs the rounding averages out. Noise narrower than
a tick does not: all of base's times may be rounded the same way, and all of head's the other way,
and pairs that agree to the last digit are still off by up to a tick.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_NOTICEABLE = 0.001
"""Share of a step below which a tick does not matter."""
_TELLING_VALUES = 5
"""Number of different times from which on what they are multiples of is the clock's tick, hardly an
accident."""
_EXACT = 1e-6
"""Share of the shortest time by which a time may miss a multiple and still count as one: far less
than a tick, and far more than the rounding of floating-point numbers."""


@dataclass(frozen=True, kw_only=True)
class Tick:
    """What all times are multiples of, where the noise is narrower than it."""

    seconds: float
    error: float
    """By how much the log-ratio of two such times may be off, whatever their number."""


def coarse_tick(base_s: Sequence[float], head_s: Sequence[float], noise: float) -> Tick | None:
    """The tick that must be reckoned with; None where the noise averages it out.

    `noise`: the standard deviation of the pairs' log-ratios.
    """
    seconds = _tick([*base_s, *head_s])
    error = math.log1p(seconds / min(statistics.median(base_s), statistics.median(head_s)))
    if error < _NOTICEABLE or noise >= error:
        return None
    return Tick(seconds=seconds, error=error)


def _tick(times: Sequence[float]) -> float:
    """What they are multiples of. Of a few values that may be more than the tick of the clock,
    which is then taken to be the largest decimal unit, if there is one: 40 and 50 ms are tens, 35
    and 50 single ones."""
    measure = _common_measure(times)
    if len(set(times)) >= _TELLING_VALUES:
        return measure
    units = (10.0**-digits for digits in range(10))
    fitting = (unit for unit in units if _is_multiple(measure, unit))
    return next(fitting, measure)


def _is_multiple(time: float, unit: float) -> bool:
    return unit <= time * (1 + _EXACT) and abs(math.remainder(time, unit)) <= _EXACT * unit


def _common_measure(times: Sequence[float]) -> float:
    """The largest number that all of them are multiples of (Euclid's algorithm, with remainders
    to the nearest multiple, so that what is a little short of one counts as one)."""
    limit = _EXACT * min(times)
    measure = 0.0
    for time in set(times):
        left, measure = measure, time
        while left > limit:
            measure, left = left, abs(math.remainder(measure, left))
    return measure
