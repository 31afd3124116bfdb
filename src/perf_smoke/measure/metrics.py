"""The one place where rates are computed, and where steps are summed up.

Engines disagree about N and N − 1: the first output token comes from the prompt's forward pass,
so N tokens take N − 1 decode steps. Here decode speed is always (n_out − 1) / decode time, and
prefill speed counts only prompt tokens that were really processed.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from perf_smoke.result import MetricSummary, Sample, Tier

LEAST_FOR_SPREAD = 6

SOURCES = {
    "e2e_ms": "e2e_ms",
    "ttft_ms": "ttft_ms",
    "prefill_tps": "prompt_ms",
    "tpot_ms": "decode_ms",
    "decode_tps": "decode_ms",
    "wall_ms": "wall_ms",
    "cpu_ms": "cpu_ms",
    "load_ms": "load_ms",
    "peak_rss_mib": "peak_rss_kib",
}
"""Every metric, and the field of a Sample whose tier it has."""

HEADLINE_FIELDS = {
    "e2e": "e2e_ms",
    "decode": "decode_ms",
    "ttft": "ttft_ms",
    "wall": "wall_ms",
    "cpu": "cpu_ms",
}
"""The metrics that can decide, by the names of the input `metric`."""


def derive(sample: Sample) -> dict[str, float]:
    """All metrics that this step gives; one that it does not give is absent."""
    metrics: dict[str, float] = {}
    for name in ("e2e_ms", "ttft_ms", "wall_ms", "cpu_ms", "load_ms"):
        value = getattr(sample, name)
        if value is not None:
            metrics[name] = value
    if sample.prompt_ms and sample.n_prompt is not None:
        processed = sample.n_prompt - (sample.n_prompt_cached or 0)
        if processed > 0:
            metrics["prefill_tps"] = processed / sample.prompt_ms * 1e3
    if sample.decode_ms and sample.n_out is not None and sample.n_out > 1:
        metrics["tpot_ms"] = sample.decode_ms / (sample.n_out - 1)
        metrics["decode_tps"] = (sample.n_out - 1) / sample.decode_ms * 1e3
    if sample.peak_rss_kib is not None:
        metrics["peak_rss_mib"] = sample.peak_rss_kib / 1024
    return metrics


def summarise(samples: Sequence[Sample]) -> dict[str, MetricSummary]:
    """Median and quartiles of each metric over the steps that count.

    Peak RSS exists once per start of a process: the largest of each start is one value.
    """
    counted = [sample for sample in samples if sample.ok]
    columns: dict[str, list[float]] = {}
    tiers: dict[str, Tier] = {}
    peaks: dict[int, float] = {}
    for sample in counted:
        metrics = derive(sample)
        if (peak := metrics.pop("peak_rss_mib", None)) is not None:
            peaks[sample.restart] = max(peak, peaks.get(sample.restart, 0.0))
            tiers["peak_rss_mib"] = sample.tiers.get("peak_rss_kib", "E")
        for name, value in metrics.items():
            columns.setdefault(name, []).append(value)
            tiers[name] = sample.tiers.get(SOURCES[name], "E")
    columns["peak_rss_mib"] = list(peaks.values())
    return {name: _summary(columns[name], tiers[name]) for name in SOURCES if columns.get(name)}


def _summary(values: list[float], tier: Tier) -> MetricSummary:
    low = high = None
    if len(values) >= LEAST_FOR_SPREAD:
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return MetricSummary(
        median=statistics.median(values), low=low, high=high, n=len(values), tier=tier
    )
