"""How much `budget` would so many pairs take?"""

from __future__ import annotations

import math
import statistics

from perf_smoke.report.view import View, WorkloadView

_FOR_STEPS = 0.6
"""Starts after the first ones take up to two fifths of a budget."""
_DEVIATIONS = 2.0
"""So many standard deviations are allowed for: of the sum of the steps to come, and of what is
known of their mean by the steps that were taken."""
_LEAST_SPREAD = 0.1
"""Of a step's time: a few steps may look more alike than the next ones will be."""
_RESERVE = 1.1
"""For what stands between the steps, and for a machine that is slower the next time."""


def needed_s(view: View, workload: WorkloadView, pairs: int) -> float | None:
    """The budget that holds so many pairs of this workload's steps, their spread, warm-up and
    starts; None where the wall time of a side is unknown. The workloads take turns."""
    walls_s = workload.walls_s
    if not all(walls_s):
        return None
    pair_s = sum(map(statistics.fmean, walls_s))
    deviation_s = math.hypot(*map(_deviation_s, walls_s))
    taken = min(map(len, walls_s))
    steps_s = pairs * pair_s + _DEVIATIONS * deviation_s * math.sqrt(pairs + pairs**2 / taken)
    start_s = _load_s(view) + workload.workload.warmup * pair_s
    once_started_s = _RESERVE * (steps_s + start_s)
    return max(once_started_s, steps_s / _FOR_STEPS) * len(view.workloads)


def _deviation_s(steps_s: list[float]) -> float:
    least_s = _LEAST_SPREAD * statistics.fmean(steps_s)
    return max(least_s, statistics.stdev(steps_s)) if len(steps_s) > 1 else least_s


def _load_s(view: View) -> float:
    """What one start of every side takes, by those of this run."""
    measured = [
        measurement
        for workload in view.result.workloads.values()
        for measurement in workload.measurements.values()
    ]
    starts = sum(1 + max((step.start for step in one.samples), default=0) for one in measured)
    return view.result.cost.load_s / starts * len(view.result.sides) if starts else 0.0
