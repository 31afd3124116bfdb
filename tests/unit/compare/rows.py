"""Steps of two sides, made up: what the tests of compare decide on."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from perf_smoke.compare import Pairs
from perf_smoke.result import Comparison, Machine, MachineState, Sample

Times = list[float]


def times(
    pairs: int, change: float = 0.0, noise: float = 0.02, seed: int = 7
) -> tuple[Times, Times]:
    """Seconds of base and head, where head takes `change` longer. `noise`: of a log-ratio."""
    rng = random.Random(seed)
    base = [0.05 * rng.lognormvariate(0, noise / 2**0.5) for _ in range(pairs)]
    head = [0.05 * (1 + change) * rng.lognormvariate(0, noise / 2**0.5) for _ in range(pairs)]
    return base, head


def coin(pairs: int) -> list[bool]:
    """Which pairs head opens."""
    rng = random.Random(3)
    return [rng.random() < 0.5 for _ in range(pairs)]


def samples(
    base_s: Sequence[float],
    head_s: Sequence[float],
    *,
    starts: int | None = 4,
    cpus: float | None = 1.9,
    head_first: Sequence[bool] | None = None,
    **of_head: Any,
) -> tuple[list[Sample], list[Sample]]:
    """The steps of base and head as a paired run leaves them.

    Args:
        base_s: seconds of base's steps.
        head_s: seconds of head's.
        starts: of each side; None: one for every pair.
        cpus: CPUs that the steps had on average; None: CPU time is not given.
        head_first: which pairs head opened; None: every second one.
        of_head: what else is true of head's steps.
    """
    pairs = len(base_s)
    sides: tuple[list[Sample], list[Sample]] = ([], [])
    for number, both in enumerate(zip(base_s, head_s, strict=True)):
        opens = number % 2 == 0 if head_first is None else head_first[number]
        for side, time_s in enumerate(both):
            given = {
                "e2e_ms": time_s * 1e3,
                "wall_ms": time_s * 1e3,
                "cpu_ms": time_s * cpus * 1e3 if cpus else None,
                "n_out": 4,
                "text_sha256": "a",
                **(of_head if side else {}),
            }
            start = number if starts is None else number * starts // pairs
            order = 2 * number + ((side == 1) ^ opens)
            sides[side].append(Sample(ok=True, start=start, round=number, order=order, **given))
    return sides


def pairs_of(base_s: Sequence[float], head_s: Sequence[float], **how: Any) -> Pairs:
    """The same as Pairs. See samples."""
    return Pairs.of(*samples(base_s, head_s, **how), "e2e")


def guards(comparison: Comparison) -> list[tuple[str, str]]:
    """Those that fired, with their effects."""
    return [(guard.name, guard.effect) for guard in comparison.guards]


def machine(**then: Any) -> Machine:
    """One that was idle before, and `then` as is said."""
    before = MachineState(load_1min=0.1, cpu_ticks=0, steal_ticks=0, idle_ticks=0, cpu_model="A")
    return Machine(
        cpu_model="A",
        flags_hash="",
        cpus=2,
        memory_mib=8000,
        os="",
        kernel="",
        arch="",
        before=before,
        after=dataclasses.replace(before, **then),
    )


def crossing(times: Sequence[float], limits_z: Sequence[float]) -> list[float]:
    """The chance that a Brownian motion has been beyond a limit, up to each of these times: by the
    trapezoid rule on a regular grid, which is another way than boundary.py's."""
    chances = []
    total, grid, density, before = 0.0, np.zeros(1), np.ones(1), 0.0
    for time, z in zip(times, limits_z, strict=True):
        limit, step = z * math.sqrt(time), math.sqrt(time - before)
        total += math.fsum(
            mass * math.erfc((limit - at) / step / math.sqrt(2))
            for at, mass in zip(grid, density, strict=True)
        )
        chances.append(total)
        points = np.linspace(-limit, limit, 2001)
        spread = np.exp(-(((points[:, None] - grid[None, :]) / step) ** 2) / 2)
        density = spread @ density / step / math.sqrt(2 * math.pi) * (points[1] - points[0])
        density[[0, -1]] /= 2
        grid, before = points, time
    return chances
