"""Where does each number come from, and why is one that others have not there?"""

from __future__ import annotations

from collections.abc import Mapping

from perf_smoke.metrics import METRICS, Metric
from perf_smoke.report.parts import Sentence, sentence
from perf_smoke.report.view import View, WorkloadView
from perf_smoke.result import Measurement, Side, Tier

_TIERS: Mapping[Tier, str] = {
    "A": "the engine's own JSON",
    "B": "timings in the server's answer",
    "C": "the stream, on our clock",
    "D": "text that the engine prints",
    "E": "seen from outside the process",
}


def sources(measurement: Measurement) -> Sentence:
    """Where the numbers come from, grouped."""
    groups = {
        meaning: [
            metric.label
            for metric in METRICS
            if (summary := measurement.summary.get(metric.key)) and summary.tier == tier
        ]
        for tier, meaning in _TIERS.items()
    }
    return sentence(
        "; ".join(f"{', '.join(labels)}: {meaning}" for meaning, labels in groups.items() if labels)
    )


def missing(view: View, workload: WorkloadView) -> Sentence:
    """Why a row that others have is not in the table."""
    head = view.result.head
    if head is None or not workload.head.summary or view.from_file:
        return ()
    absent = [
        metric
        for metric in METRICS
        if metric.table == "main" and metric.key not in workload.head.summary
    ]
    reasons = {metric.label: _why(head, workload.head, metric) for metric in absent}
    parts = [f"{label}: {why}" for label, why in reasons.items() if why]
    if ungiven := ", ".join(label for label, why in reasons.items() if not why):
        parts.append(f"{ungiven}: not given by this engine")
    return sentence("; ".join(parts))


def _why(side: Side, measurement: Measurement, metric: Metric) -> str:
    if metric.name == "decode" and measurement.tokens == 1:
        return "a single output token has no decode time"
    cached = any(step.prompt_ms and step.n_prompt_cached for step in measurement.counted)
    if metric.name == "prefill" and cached:
        return "the prompt came from the cache"
    if metric.name == "peak_rss" and side.process == "step":
        starts_at = "the kernel starts a program's count at the peak of perf-smoke"
        return f"too small to tell: {starts_at}, which starts it"
    return ""
