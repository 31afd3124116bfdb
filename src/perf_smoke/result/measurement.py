"""What a side's steps gave: each of them, and what they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from perf_smoke.reasons import Reason
from perf_smoke.result.strict import Ours, Strict

Tier = Literal["A", "B", "C", "D", "E"]
"""Where a number comes from: A the engine's own JSON, B timings in an HTTP body, C an HTTP
stream on our clock, D text of the engine, E the wall clock alone."""


@dataclass(frozen=True, kw_only=True)
class Sample(Strict):
    """What one step (one timed inference) gave. Durations in ms; None is "not given"."""

    ok: bool
    error: Reason | Literal[""] = ""
    """Why the step does not count."""
    n_prompt: int | None = None
    """Prompt tokens, those taken from a cache included."""
    n_prompt_cached: int | None = None
    n_out: int | None = None
    load_ms: float | None = None
    """Given once per start of a process: on the first step after it."""
    prompt_ms: float | None = None
    ttft_ms: float | None = None
    decode_ms: float | None = None
    """From the first output token to the last: n_out − 1 tokens."""
    e2e_ms: float | None = None
    """From the request to its last token, without the load."""
    wall_ms: float | None = None
    """Of the whole step as seen from outside: the process, or the request and its answer."""
    cpu_ms: float | None = None
    peak_rss_kib: int | None = None
    text_sha256: Ours = ""
    finish_reason: str = ""
    start: int = 0
    """In the how-manieth start of this side's process it ran, from 0."""
    repeats: int = 1
    """Requests inside this one step; the durations are their means."""
    order: int = 0
    """Its place in the order in which all counted steps of the workload were taken."""
    round: int | None = None
    """Of one step of each side, next to each other; None where one side was measured alone."""


@dataclass(frozen=True, kw_only=True)
class MetricSummary(Strict):
    """Median and quartiles of one metric over the steps that count."""

    median: float
    low: float | None
    """Lower quartile; None below six values, where a spread would say nothing."""
    high: float | None
    n: int
    tier: Tier


@dataclass(frozen=True, kw_only=True)
class Output(Strict):
    """The greedy text of one side: the canary. Hostile text."""

    text: str
    """Of its first counted step; a long one is cut."""
    sha256: Ours
    """Of all of it."""
    stable: bool
    """Whether every counted step gave this text."""


@dataclass(frozen=True, kw_only=True)
class Measurement(Strict):
    """What one side gave for one workload."""

    samples: tuple[Sample, ...] = ()
    summary: dict[str, MetricSummary] = field(default_factory=dict)
    """By the key of a metric, such as `e2e_ms`."""
    output: Output | None = None

    @property
    def counted(self) -> list[Sample]:
        """The steps that count."""
        return [sample for sample in self.samples if sample.ok]

    @property
    def texts(self) -> frozenset[str]:
        """The hashes of the texts that its steps gave; empty where the engine gives none."""
        return frozenset(step.text_sha256 for step in self.counted if step.text_sha256)

    @property
    def tokens(self) -> int | None:
        """Output tokens per step; None where the engine gives no count."""
        return usual_tokens(sample.n_out for sample in self.counted)


def usual_tokens(numbers: Iterable[int | None]) -> int | None:
    """The commonest of the output tokens of some steps; None where no step tells any."""
    counts = Counter(number for number in numbers if number is not None)
    return counts.most_common(1)[0][0] if counts else None
