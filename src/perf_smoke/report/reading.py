"""What a Result says, as small questions that several parts of a report ask."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass

from perf_smoke.result import Comparison, Guard, Result, Sample, Side


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
_NO_BASE = "Nothing to compare with: "
_WARM_UP_COUNTED = "No step after the warm-up "
_ONE_SHOT = frozenset(("llama-completion", "llama-bench", "bitnet-rs", "bitnet-cpp", "command"))
"""The engines that start a program for every step."""
TAKES_THE_VERDICT = frozenset(("cpu-model-changed", "wall-against-cpu", "steal", "oversubscribed"))
"""The guards that leave no verdict where the pairs alone would give one."""
DEMONSTRATION_MODEL = "smollm2-135m"


def headline_metric(result: Result) -> str | None:
    """The summary's name of the metric that leads the table; None when nothing was measured."""
    summary = result.head.summary if result.head else {}
    comparison = result.comparison
    asked = comparison.metric if comparison else result.settings.get("metric", "")
    wanted = (DECIDING.get(asked, ""), "e2e_ms", "wall_ms", *METRICS)
    return next((name for name in wanted if name in summary), None)


def both(result: Result) -> tuple[Side, Side] | None:
    """Head and base, where both were measured. A base that failed on the way is none."""
    if result.comparison and result.comparison.kind == "none":
        return None
    if not (result.head and result.head.summary and result.base and result.base.summary):
        return None
    return result.head, result.base


def paired(result: Result) -> Comparison | None:
    """The comparison, where two sides were measured in pairs."""
    return result.comparison if both(result) else None


def deciding_row(result: Result) -> str | None:
    """The summary's name of the metric that was compared; None where nothing was."""
    comparison = paired(result)
    return DECIDING.get(comparison.metric) if comparison else None


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


def is_of_a_running_server(result: Result) -> bool:
    """Whether a server was asked that we did not start: how it runs is its own business."""
    return bool(result.settings.get("endpoint"))


def is_one_shot(side: Side) -> bool:
    """Whether a program is started for every step, so that it is measured from outside."""
    return side.engine.id in _ONE_SHOT


def starts(side: Side) -> int:
    """How often its process was started."""
    return len({sample.restart for sample in side.samples})


def changes(result: Result) -> list[float]:
    """The change in time of each pair, in pair order: head / base − 1, + is slower."""
    if (sides := both(result)) is None:
        return []
    head_side, base_side = sides
    name = deciding_row(result) or headline_metric(result)
    heads = {sample.pair: _time(sample, name) for sample in counted(head_side)}
    bases = {sample.pair: _time(sample, name) for sample in counted(base_side)}
    return [
        head / base - 1
        for pair, head in sorted((p, t) for p, t in heads.items() if p is not None and t)
        if (base := bases.get(pair))
    ]


def is_from_a_file(result: Result) -> bool:
    """Whether the pairs were measured elsewhere and only decided upon here."""
    return result.head is not None and result.head.engine.id == "pairs"


def no_base(result: Result) -> str:
    """The note that says why there is nothing to compare with; empty where there is none."""
    return next((note for note in result.notes if note.startswith(_NO_BASE)), "")


def warm_up_counts(result: Result) -> bool:
    """Whether the steps are those of the warm-up, as no other fitted into the budget."""
    return any(note.startswith(_WARM_UP_COUNTED) for note in result.notes)


def verdict_taken_by(result: Result) -> list[Guard]:
    """The guards that left no verdict; empty where the pairs are too few for one anyway."""
    comparison = paired(result)
    if comparison is None or comparison.verdict != "inconclusive" or comparison.low is None:
        return []
    return [guard for guard in comparison.guards if guard.name in TAKES_THE_VERDICT]


def seconds_per_pair(result: Result) -> float | None:
    """What one more pair would take, from the steps' wall times."""
    medians = []
    for side in (result.head, result.base):
        walls = [s.wall_ms * s.repeats for s in counted(side) if s.wall_ms] if side else []
        if not walls:
            return None
        medians.append(statistics.median(walls))
    return sum(medians) / 1000


def has_gaps(text: str) -> bool:
    """Whether something of an input was left out when it was recorded, as a secret."""
    return "***" in text or "?…" in text


def asked(result: Result, name: str) -> str:
    """An input as it was in this run, from the settings given or from the series."""
    parts = result.series.parts if result.series else {}
    return result.settings.get(name) or parts.get(name, "")


def _time(sample: Sample, name: str | None) -> float | None:
    """The duration behind a headline metric, in ms; per token for decode."""
    decode_ms = None
    if sample.decode_ms is not None and sample.n_out and sample.n_out > 1:
        decode_ms = sample.decode_ms / (sample.n_out - 1)
    times = {
        "decode_tps": decode_ms,
        "e2e_ms": sample.e2e_ms,
        "ttft_ms": sample.ttft_ms,
        "wall_ms": sample.wall_ms,
        "cpu_ms": sample.cpu_ms,
    }
    return times.get(name or "")
