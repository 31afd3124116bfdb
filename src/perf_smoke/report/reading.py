"""What a Result says, as small questions that several parts of a report ask."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass

from perf_smoke.result import Comparison, Result, Sample, Side


@dataclass(frozen=True, kw_only=True)
class Metric:
    """How one metric of a summary is named, and in what it is stored."""

    label: str
    unit: str
    """`ms`, `tps` or `mib`: how the stored name ends."""
    phrase: str
    """Its name inside a sentence."""


METRICS = {
    "e2e_ms": Metric(label="E2E latency", unit="ms", phrase="E2E latency"),
    "ttft_ms": Metric(label="TTFT", unit="ms", phrase="time to first token"),
    "prefill_tps": Metric(label="Prefill", unit="tps", phrase="prefill"),
    "decode_tps": Metric(label="Decode", unit="tps", phrase="decode"),
    "tpot_ms": Metric(label="TPOT", unit="ms", phrase="time per output token"),
    "wall_ms": Metric(label="Wall", unit="ms", phrase="wall time"),
    "cpu_ms": Metric(label="CPU time", unit="ms", phrase="CPU time"),
    "load_ms": Metric(label="Load", unit="ms", phrase="load time"),
    "peak_rss_mib": Metric(label="Peak RSS", unit="mib", phrase="peak RSS"),
}
MAIN_METRICS = ("e2e_ms", "ttft_ms", "prefill_tps", "decode_tps", "wall_ms", "peak_rss_mib")
"""Those of the main table, in its order."""
DECIDING = {
    "e2e": "e2e_ms",
    "decode": "decode_tps",
    "ttft": "ttft_ms",
    "wall": "wall_ms",
    "cpu": "cpu_ms",
}
"""The metrics that can decide, and the row that shows each."""
DEMONSTRATION_MODEL = "smollm2-135m"


def headline_metric(result: Result) -> str | None:
    """The summary's name of the metric that leads the table; None when nothing was measured."""
    summary = result.head.summary if result.head else {}
    asked = result.comparison.metric if result.comparison else result.settings.get("metric", "")
    wanted = (DECIDING.get(asked, ""), "e2e_ms", "wall_ms", *METRICS)
    return next((name for name in wanted if name in summary), None)


def paired(result: Result) -> Comparison | None:
    """The comparison, where two sides were measured in pairs."""
    comparison = result.comparison
    if comparison is None or comparison.kind == "none" or not (result.head and result.base):
        return None
    return comparison


def is_demonstration(result: Result) -> bool:
    """Whether our engine ran on our model, so that nothing of the caller's was measured."""
    return (
        result.head is not None
        and result.head.engine.id == "embedded"
        and result.model is not None
        and result.model.reference == DEMONSTRATION_MODEL
    )


def counting(count: int, noun: str) -> str:
    """`1 step`, `1,200 steps`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def counted(side: Side) -> list[Sample]:
    """The steps that count."""
    return [sample for sample in side.samples if sample.ok]


def uncounted(side: Side) -> Counter[str]:
    """Why the other steps do not count, by the reason's slug."""
    return Counter(sample.error or "unknown" for sample in side.samples if not sample.ok)


def tokens(side: Side) -> int | None:
    """Output tokens per step of this side; None where the engine gives no count."""
    counts = Counter(sample.n_out for sample in counted(side) if sample.n_out is not None)
    return counts.most_common(1)[0][0] if counts else None


def starts(side: Side) -> int:
    """How often its process was started."""
    return len({sample.restart for sample in side.samples})


def changes(result: Result) -> list[float]:
    """The change in time of each pair, in pair order: head / base − 1, + is slower."""
    if not (result.head and result.base and result.comparison):
        return []
    metric = result.comparison.metric
    bases = {sample.pair: _time(sample, metric) for sample in counted(result.base)}
    heads = {sample.pair: _time(sample, metric) for sample in counted(result.head)}
    return [
        head / base - 1
        for pair, head in sorted((p, t) for p, t in heads.items() if p is not None and t)
        if (base := bases.get(pair))
    ]


def seconds_per_pair(result: Result) -> float | None:
    """What one more pair would take, from the steps' wall times."""
    medians = []
    for side in (result.head, result.base):
        walls = [s.wall_ms * s.repeats for s in counted(side) if s.wall_ms] if side else []
        if not walls:
            return None
        medians.append(statistics.median(walls))
    return sum(medians) / 1000


def asked(result: Result, name: str) -> str:
    """An input as it was in this run, from the settings given or from the series."""
    parts = result.series.parts if result.series else {}
    return result.settings.get(name) or parts.get(name, "")


def _time(sample: Sample, metric: str) -> float | None:
    """The duration that a deciding metric compares, in ms; per token for decode."""
    if metric == "decode":
        if sample.decode_ms is None or not sample.n_out or sample.n_out < 2:
            return None
        return sample.decode_ms / (sample.n_out - 1)
    value = getattr(sample, DECIDING.get(metric, "e2e_ms"))
    return float(value) if value is not None else None
