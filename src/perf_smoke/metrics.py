"""What a metric is: one table, which everybody reads who measures, decides, words or publishes.

Engines disagree about N and N − 1: the first output token comes from the prompt's forward pass,
so N tokens take N − 1 decode steps. Here decode time is always per token after the first, and
prefill counts only prompt tokens that were really processed. A rate is that time turned over, and
is computed nowhere else.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Literal

from perf_smoke.numbers import StoredUnit
from perf_smoke.result import Process, Sample, usual_tokens


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One row."""

    name: str
    """As the input `metric` and a Comparison call it."""
    unit: StoredUnit
    label: str
    """In a table."""
    phrase: str
    """Inside a sentence."""
    amount: Callable[[Sample], float | None]
    """What is compared: a duration in ms (of a rate: per token), or memory in MiB; None where the
    step does not give it."""
    source: str
    """The field of a Sample that it comes from, whose tier it has."""
    per: Literal["step", "start"] = "step"
    """How often it is given; per start, the largest counts."""
    table: Literal["main", "further"] = "further"
    """In which table of a report it stands."""
    output: str = ""
    """What the output of this name is, for the action's users; empty: there is none."""
    whole: bool = False
    """Whether it is the time of all that was asked for, so that words need not name it."""
    why_absent: Callable[[Sequence[Sample], Process], str] = lambda _samples, _process: ""
    """Why steps that count do not give it, where they tell."""
    why_not: str = ""
    """Why it cannot decide; empty where it can."""
    longer: tuple[str, str] = ("takes", "longer")
    """Verb and end of "Head takes 3 … 4 % longer than base"."""
    shorter: tuple[str, str] = ("takes", "less time")

    @property
    def key(self) -> str:
        """As a summary, an output and a reader's table call it: `decode_tps`."""
        return f"{self.name}_{self.unit}"

    @property
    def decides(self) -> bool:
        """Whether the verdict may rest on it."""
        return not self.why_not

    def value(self, sample: Sample) -> float | None:
        """What is shown, in `unit`."""
        amount = self.amount(sample)
        if amount is None or self.unit != "tps":
            return amount
        return 1e3 / amount if amount > 0 else None


def _field(name: str) -> Callable[[Sample], float | None]:
    """The field itself."""
    return operator.attrgetter(name)


def _per_prompt_token_ms(sample: Sample) -> float | None:
    if not sample.prompt_ms or sample.n_prompt is None:
        return None
    processed = sample.n_prompt - (sample.n_prompt_cached or 0)
    return sample.prompt_ms / processed if processed > 0 else None


def _per_output_token_ms(sample: Sample) -> float | None:
    if not sample.decode_ms or sample.n_out is None or sample.n_out < 2:
        return None
    return sample.decode_ms / (sample.n_out - 1)


def _peak_rss_mib(sample: Sample) -> float | None:
    return None if sample.peak_rss_kib is None else sample.peak_rss_kib / 1024


def _no_prefill(samples: Sequence[Sample], _process: Process) -> str:
    cached = any(sample.prompt_ms and sample.n_prompt_cached for sample in samples)
    return "the prompt came from the cache" if cached else ""


def _no_decode(samples: Sequence[Sample], _process: Process) -> str:
    is_single = usual_tokens(sample.n_out for sample in samples) == 1
    return "a single output token has no decode time" if is_single else ""


def _no_peak_rss(_samples: Sequence[Sample], process: Process) -> str:
    starts_at = "the kernel starts a program's count at the peak of perf-smoke, which starts it"
    return f"too small to tell: {starts_at}" if process == "step" else ""


_ONCE_PER_START = "it comes once per start, and a run has too few of those for a verdict"

METRICS: tuple[Metric, ...] = (
    Metric(
        name="e2e",
        unit="ms",
        label="E2E latency",
        phrase="E2E latency",
        amount=_field("e2e_ms"),
        source="e2e_ms",
        whole=True,
        table="main",
        output="Median time of one request without the load, in ms.",
    ),
    Metric(
        name="ttft",
        unit="ms",
        label="TTFT",
        phrase="time to first token",
        amount=_field("ttft_ms"),
        source="ttft_ms",
        table="main",
        output="Median time to the first token, in ms.",
        longer=("takes", "longer to the first token"),
        shorter=("takes", "less time to the first token"),
    ),
    Metric(
        name="prefill",
        unit="tps",
        label="Prefill",
        phrase="prefill",
        amount=_per_prompt_token_ms,
        source="prompt_ms",
        why_absent=_no_prefill,
        table="main",
        output="Median prefill rate, in tokens per second.",
        longer=("takes", "longer per prompt token"),
        shorter=("takes", "less time per prompt token"),
    ),
    Metric(
        name="decode",
        unit="tps",
        label="Decode",
        phrase="decode",
        amount=_per_output_token_ms,
        source="decode_ms",
        why_absent=_no_decode,
        table="main",
        output="Median decode rate, in tokens per second.",
        longer=("takes", "longer per output token"),
        shorter=("takes", "less time per output token"),
    ),
    Metric(
        name="tpot",
        unit="ms",
        label="TPOT",
        phrase="time per output token",
        amount=_per_output_token_ms,
        source="decode_ms",
        why_not="it is `decode`, turned over: choose that",
    ),
    Metric(
        name="wall",
        unit="ms",
        label="Wall",
        phrase="wall time",
        amount=_field("wall_ms"),
        source="wall_ms",
        whole=True,
        table="main",
        output="Median wall time of one step, in ms.",
    ),
    Metric(
        name="cpu",
        unit="ms",
        label="CPU time",
        phrase="CPU time",
        amount=_field("cpu_ms"),
        source="cpu_ms",
        longer=("uses", "more CPU time"),
        shorter=("uses", "less CPU time"),
    ),
    Metric(
        name="load",
        unit="ms",
        label="Load",
        phrase="load time",
        amount=_field("load_ms"),
        source="load_ms",
        per="start",
        output="Median time to load the model, in ms.",
        why_not=_ONCE_PER_START,
    ),
    Metric(
        name="peak_rss",
        unit="mib",
        label="Peak RSS",
        phrase="peak RSS",
        amount=_peak_rss_mib,
        source="peak_rss_kib",
        why_absent=_no_peak_rss,
        per="start",
        table="main",
        output="Peak resident memory of the engine, in MiB.",
        why_not=_ONCE_PER_START,
    ),
)

BY_NAME = {metric.name: metric for metric in METRICS}
DECIDING = tuple(metric.name for metric in METRICS if metric.decides)
"""What the input `metric` may name."""
AUTOMATIC = ("e2e", "decode", "wall")
"""What `metric: auto` means: the first of these that every step gives. Wall comes last, as it is
mostly load where a process is started."""

DURATIONS = tuple(each.name for each in fields(Sample) if each.name.endswith("_ms"))
"""The fields of a Sample that are durations in ms."""


def time_s(sample: Sample, name: str) -> float | None:
    """A deciding metric of this step, in seconds (of a rate: per token).

    None where the step does not give it, or gives no time at all.
    """
    amount_ms = BY_NAME[name].amount(sample)
    return amount_ms / 1e3 if amount_ms is not None and amount_ms > 0 else None
