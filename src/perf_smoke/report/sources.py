"""Where each number comes from, and why one that others have is not there."""

from __future__ import annotations

from perf_smoke.report.reading import MAIN_METRICS, METRICS, counted, is_one_shot, tokens
from perf_smoke.report.spans import Sentence, sentence
from perf_smoke.result import Side

_TIERS = {
    "A": "the engine's own JSON",
    "B": "timings in the server's answer",
    "C": "the stream, on our clock",
    "D": "text that the engine prints",
    "E": "seen from outside the process",
}


def sources(side: Side | None) -> Sentence:
    """Where the numbers come from, grouped."""
    if side is None:
        return ()
    groups = {
        meaning: [
            metric.label
            for name, metric in METRICS.items()
            if name in side.summary and side.summary[name].tier == tier
        ]
        for tier, meaning in _TIERS.items()
    }
    return sentence(
        "; ".join(f"{', '.join(labels)}: {meaning}" for meaning, labels in groups.items() if labels)
    )


def missing(side: Side | None) -> Sentence:
    """Why a row that others have is not in the table."""
    if side is None or not side.summary or side.engine.id == "pairs":
        return ()
    absent = [name for name in MAIN_METRICS if name not in side.summary]
    ungiven = [METRICS[name].label for name in absent if not _why(side, name)]
    parts = [f"{METRICS[name].label}: {_why(side, name)}" for name in absent if _why(side, name)]
    if ungiven:
        parts.append(f"{', '.join(ungiven)}: not given by this engine")
    return sentence("; ".join(parts))


def _why(side: Side, name: str) -> str:
    steps = counted(side)
    if name == "decode_tps" and tokens(side) == 1:
        return "a single output token has no decode time"
    if name == "prefill_tps" and any(step.prompt_ms and step.n_prompt_cached for step in steps):
        return "the prompt came from the cache"
    if name == "peak_rss_mib" and is_one_shot(side):
        starts_at = "the kernel starts a program's count at the peak of perf-smoke"
        return f"too small to tell: {starts_at}, which starts it"
    return ""
