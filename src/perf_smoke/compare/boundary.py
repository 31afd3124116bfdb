"""How large must the statistic be at each look, so that all looks together err by alpha?

Looking at growing data again and again with a fixed limit finds something in the end. The error
is therefore spent bit by bit (Lan & DeMets 1983): at each look the limit z_k is such that the
chance to cross it there for the first time, when nothing differs, is the next bit. Under that
hypothesis the signed-rank statistic behaves like a Brownian motion S(τ) with independent steps, so
that the chances follow from a recursion over the density of S among the walks that have not
crossed yet (Armitage, McPherson & Rowe 1969; Jennison & Turnbull 2000, chapter 19), integrated
here by Gauss-Legendre panels of about one step's width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_NODES = (0.2386191860831969, 0.6612093864662645, 0.9324695142031521)
_WEIGHTS = (0.4679139345726910, 0.3607615730481386, 0.1713244923791704)
"""Gauss-Legendre, six points on [−1, 1]: positive nodes and their weights."""
_LARGEST_Z = 12.0


def limits(times: Sequence[float], spending: Sequence[float]) -> tuple[float, ...]:
    """The limits z_k of |S(τ_k)| / √τ_k.

    Args:
        times: the information τ_k at each look, increasing; only their ratios matter.
        spending: the two-sided error that may be spent up to each look, increasing.
    """
    walk = _START
    limits_z: list[float] = []
    spent = 0.0
    for time, total in zip(times, spending, strict=True):
        arriving = _Arrival(walk, time)
        limits_z.append(_solve(arriving, total - spent))
        walk = arriving.beyond(limits_z[-1])
        spent = total
    return tuple(limits_z)


def rank_information(pairs: int) -> float:
    """The information τ in the signed ranks of so many pairs.

    Cov(T_m, T_n) = (n + 1) m (2m + 1) / 6 for m ≤ n (a rank among m grows in proportion when
    pairs are added), hence corr = √(τ_m / τ_n) with this τ: nearly n, exact for small n too.
    """
    return pairs * (2 * pairs + 1) / (pairs + 1)


Masses = Sequence[tuple[float, float]]
"""Values of |S| and the probability that each stands for."""


@dataclass(frozen=True)
class _Walk:
    """The walks that have crossed no limit up to this time."""

    time: float
    masses_at: Callable[[float], Masses]
    """|S|, finely enough for a next step of this standard deviation."""


_START = _Walk(0.0, lambda _: [(0.0, 1.0)])


class _Arrival:
    """Those walks at the time of the next look."""

    def __init__(self, walk: _Walk, time: float) -> None:
        self._time = time
        self._step = math.sqrt(time - walk.time)
        self._masses = walk.masses_at(self._step)

    def leaving(self, z: float) -> float:
        """The chance to be beyond z, either way."""
        limit = z * math.sqrt(self._time)
        return math.fsum(
            mass * (_upper_tail((limit - at) / self._step) + _upper_tail((limit + at) / self._step))
            for at, mass in self._masses
        )

    def beyond(self, z: float) -> _Walk:
        """The walks that are not beyond z, and go on."""
        limit = z * math.sqrt(self._time)

        def masses_at(next_step: float) -> Masses:
            return [
                (at, width * self._density_of_size(at))
                for at, width in _gauss_legendre(limit, panel=2 * min(next_step, self._step))
            ]

        return _Walk(self._time, masses_at)

    def _density_of_size(self, at: float) -> float:
        return (
            math.fsum(
                mass * (_density((at - start) / self._step) + _density((at + start) / self._step))
                for start, mass in self._masses
            )
            / self._step
        )


def _gauss_legendre(upto: float, panel: float) -> list[tuple[float, float]]:
    """Nodes in (0, upto) with their weights, six to each panel of at most this width."""
    panels = max(3, math.ceil(upto / panel))
    half = upto / panels / 2
    return [
        ((2 * index + 1) * half + sign * node * half, weight * half)
        for index in range(panels)
        for node, weight in zip(_NODES, _WEIGHTS, strict=True)
        for sign in (-1, 1)
    ]


def _solve(arriving: _Arrival, error: float) -> float:
    """The z beyond which exactly this error lies."""
    low, high = 0.0, _LARGEST_Z
    while high - low > 1e-7:
        middle = (low + high) / 2
        if arriving.leaving(middle) > error:
            low = middle
        else:
            high = middle
    return high


def _density(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _upper_tail(x: float) -> float:
    return math.erfc(x / math.sqrt(2)) / 2
