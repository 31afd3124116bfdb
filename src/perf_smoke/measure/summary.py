"""How the steps of one side are summed up."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from perf_smoke.metrics import METRICS, Metric
from perf_smoke.result import MetricSummary, Sample, Tier

LEAST_FOR_SPREAD = 6


def summarise(
    samples: Sequence[Sample], tiers: Mapping[str, Tier] | None = None
) -> dict[str, MetricSummary]:
    """Median and quartiles of each metric over the steps that count, by the metric's key.

    What exists once per start of a process (load, peak RSS) is one value per start: the largest.

    Args:
        tiers: where each field of a Sample comes from; the wall clock where nothing is said.
    """
    counted = [sample for sample in samples if sample.ok]
    return {
        metric.key: _summary(values, (tiers or {}).get(metric.source, "E"))
        for metric in METRICS
        if (values := _values(metric, counted))
    }


def _values(metric: Metric, samples: Sequence[Sample]) -> list[float]:
    given = [
        (sample.start, value) for sample in samples if (value := metric.value(sample)) is not None
    ]
    if metric.per == "step":
        return [value for _, value in given]
    largest: dict[int, float] = {}
    for start, value in given:
        largest[start] = max(value, largest.get(start, value))
    return list(largest.values())


def _summary(values: list[float], tier: Tier) -> MetricSummary:
    low = high = None
    if len(values) >= LEAST_FOR_SPREAD:
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return MetricSummary(
        median=statistics.median(values), low=low, high=high, n=len(values), tier=tier
    )
