"""What one run found: the Result document, schema version 1.

Everything that measures builds a Result and knows nothing of GitHub; everything that reports
only reads one. Units are in the names. A value that was not measured is None, never a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

SCHEMA = 1

Status = Literal["measured", "failed", "skipped", "invalid", "cancelled"]
Verdict = Literal["slower", "faster", "no-change", "inconclusive", "not-comparable", "no-baseline"]
Tier = Literal["A", "B", "C", "D", "E"]
"""Where a number comes from: A the engine's own JSON, B timings in an HTTP body, C an HTTP
stream on our clock, D text of the engine, E the wall clock alone."""

SideName = Literal["head", "base"]

_STRICT = {"extra": "forbid", "strict": True, "allow_inf_nan": False}


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why something was not measured."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    reason: str
    """A slug that a workflow can test for, such as `engine-crashed`."""
    sentence: str
    """One plain sentence for a reader: what happened, where, what to do."""
    tail: str = ""
    """The last lines that the program printed. Hostile text."""


class Unmeasured(Exception):
    """Something that the run needs cannot be had. Carries the Failure that the reader sees."""

    def __init__(self, reason: str, sentence: str, tail: str = "") -> None:
        super().__init__(sentence)
        self.failure = Failure(reason=reason, sentence=sentence, tail=tail)

    @classmethod
    def of(cls, failure: Failure) -> Unmeasured:
        """The exception that carries this failure."""
        return cls(failure.reason, failure.sentence, failure.tail)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What one step (one timed inference) gave. Durations in ms; None is "not given"."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    ok: bool
    error: str = ""
    """The reason's slug when the step does not count: `short`, `engine-timeout`, …"""
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
    text_sha256: str = ""
    finish_reason: str = ""
    tiers: dict[str, Tier] = field(default_factory=dict)
    restart: int = 0
    """The how-manieth start of this side's process it ran in, from 0."""
    repeats: int = 1
    """Requests inside this one step; the durations are their means."""
    order: int = 0
    """Its place in the order in which all counted steps of the run were taken."""
    pair: int | None = None


@dataclass(frozen=True, kw_only=True)
class MetricSummary:
    """Median and quartiles of one metric over the steps that count."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    median: float
    low: float | None
    """Lower quartile; None below six values, where a spread would say nothing."""
    high: float | None
    n: int
    tier: Tier


@dataclass(frozen=True, kw_only=True)
class EngineIdentity:
    """Which program was measured."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    id: str
    version: str = ""
    binary: str = ""
    binary_sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of the run: head, or the base it is compared with."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    ref: str
    """The commit, or how the side was named (`base-binary`)."""
    engine: EngineIdentity
    samples: tuple[Sample, ...] = ()
    summary: dict[str, MetricSummary] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Guard:
    """A check that forbids a verdict, or must be said beside it."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    name: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The verdict and what it rests on. Changes are fractions of time: + is slower."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    kind: Literal["paired", "none"]
    metric: str
    verdict: Verdict
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    """Confidence level of low … high: the interval that decided."""
    alpha: float = 0.01
    margin: float = 0.05
    floor: float = 0.005
    detectable: float | None = None
    """The change that this run would have called with 90 % probability."""
    pairs: int = 0
    pairs_needed: int | None = None
    """About how many pairs would have shown a change of `margin`; set when inconclusive."""
    looks: tuple[int, ...] = ()
    """The numbers of pairs at which it was planned to look, the expected end last; empty: only
    the end. `pairs` says how far it came."""
    stopped: str = ""
    """Why measuring stopped: `decided`, `budget` or `runs`."""
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Output:
    """The engine's greedy text: the canary. Hostile text."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    text: str
    sha256: str
    stable: bool
    """Whether every counted step of head gave this text."""
    base_text: str | None = None
    matches_base: bool | None = None


@dataclass(frozen=True, kw_only=True)
class MachineState:
    """How busy the machine was at one moment."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    load_1min: float | None
    cpu_ticks: int | None
    """All CPU time since boot, in ticks of /proc/stat."""
    steal_ticks: int | None
    """The part of it that the hypervisor gave to others."""
    idle_ticks: int | None = None
    """The part of it in which there was nothing to run."""
    cpu_model: str = ""
    """As the machine names it at that moment."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Which machine it was, and its state before and after. The shares of its time are those of the
    measuring: a build fills a machine, and a download leaves it idle."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    cpu_model: str
    flags_hash: str
    cpus: int
    """CPUs that this process may use: affinity and cgroup quota respected."""
    memory_mib: int
    os: str
    kernel: str
    arch: str
    image: str = ""
    """The runner's image, where it says so (ImageOS and ImageVersion)."""
    before: MachineState
    """When the run began."""
    measuring: MachineState | None = None
    """When measuring began: model, programs and sides were there."""
    after: MachineState
    """When measuring ended."""

    @property
    def steal_fraction(self) -> float | None:
        """Share of the CPU time that the hypervisor gave to others."""
        return self._share(self._start.steal_ticks, self.after.steal_ticks)

    @property
    def idle_fraction(self) -> float | None:
        """Share of the CPU time in which a CPU had nothing to run."""
        return self._share(self._start.idle_ticks, self.after.idle_ticks)

    @property
    def cpu_models(self) -> tuple[str, str]:
        """What the machine named its CPU when measuring began and when it ended."""
        return self._start.cpu_model, self.after.cpu_model

    @property
    def _start(self) -> MachineState:
        return self.measuring or self.before

    def _share(self, first: int | None, last: int | None) -> float | None:
        started, ended = self._start.cpu_ticks, self.after.cpu_ticks
        if first is None or last is None or started is None or ended is None:
            return None
        spent, part = ended - started, last - first
        return part / spent if spent > 0 and part >= 0 else None


@dataclass(frozen=True, kw_only=True)
class Model:
    """The model file that was used."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    reference: str
    sha256: str = ""
    """Empty where the engine holds the model itself (an endpoint)."""
    bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Series:
    """Which results may be compared with this one over time."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    key: str
    parts: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What the smoke itself took, in seconds."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    total_s: float
    download_s: float = 0.0
    build_s: float = 0.0
    load_s: float = 0.0
    steps_s: float = 0.0
    """All steps, those of the warm-up included."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """Which perf-smoke it was."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    version: str
    runtime: str
    """`docker`, `host` or `cli`."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """Everything that one run found."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    status: Status
    started: str
    """ISO 8601, UTC."""
    tool: Tool
    settings: dict[str, str]
    """The inputs as given, secrets left out."""
    cost: Cost
    failure: Failure | None = None
    """Set for every status but `measured`; on `measured`, what cut the run short."""
    series: Series | None = None
    machine: Machine | None = None
    model: Model | None = None
    head: Side | None = None
    base: Side | None = None
    comparison: Comparison | None = None
    output: Output | None = None
    order_seed: int | None = None
    """Of the coin that decided which side of a pair went first, and of the programs' layouts."""
    notes: tuple[str, ...] = ()
    """Sentences that a reader of the numbers should know."""
    schema: Literal[1] = 1

    @property
    def reason(self) -> str:
        """The failure's slug, or nothing."""
        return self.failure.reason if self.failure else ""


def told_to_engine(settings: Mapping[str, str], name: str) -> bool:
    """Whether the engine learns of this input: a command of those that it names, a server that was
    there already nothing of how it is to run."""
    if settings.get("endpoint") and name in ("threads", "features"):
        return False
    command = settings.get("command", "")
    return not command or f"{{{name}}}" in command
