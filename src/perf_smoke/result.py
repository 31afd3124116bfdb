"""What one run found: the Result document, schema version 1.

Everything that measures builds a Result and knows nothing of GitHub; everything that reports
only reads one. Units are in the names. A value that was not measured is None, never a default.

A run answers questions: for each workload (one request) and each base, by how much each deciding
metric changed. Today there is one of each; the document has room for more:

    sides        head and the bases, by name
    workloads    by name: the request, and what each side gave when it was asked
    comparisons  one for each question: workload, base, metric
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias, get_args

from perf_smoke.reasons import OF_A_PROGRAM, Reason

Ours: TypeAlias = Annotated[str, "ours"]
"""A key, a hash, a moment: no value of a secret is looked for in it (`redaction.py`), for one may
stand there by chance."""

SCHEMA = 1
HEAD: Final = "head"
"""The name of the side that is judged; every other side is a base."""
BASE: Final = "base"
"""The name of the base where there is one."""

WORKLOAD: Final = "default"
"""The name of the workload where there is one."""

Status = Literal["measured", "failed", "skipped", "invalid", "cancelled"]
Verdict = Literal["slower", "faster", "no-change", "inconclusive", "not-comparable", "no-baseline"]
GRAVEST_FIRST: tuple[Verdict, ...] = (
    "slower",
    "not-comparable",
    "inconclusive",
    "no-baseline",
    "faster",
    "no-change",
)
"""Which of several verdicts a reader must see first."""

HEAD_CRASHES: Final = "head-crashes"
"""Graver than any verdict: head's program fails where that of a base answers."""

FailOn = Literal["error", "slower"]
FAIL_ON: tuple[FailOn, ...] = get_args(FailOn)
"""What a step may be asked to fail on; `never` is none of it."""

Reach = Literal["showing", "workflow"]
INPUTS_BESIDE: Mapping[str, Reach] = MappingProxyType(
    {
        "label": "showing",
        "comment": "workflow",
        "github-token": "workflow",
        "pr-number": "workflow",
        "fail-on": "showing",
        "runtime": "workflow",
        "image": "workflow",
        "output-dir": "showing",
    }
)
"""The inputs that change nothing in what is measured: they say how it is shown and what comes of
it, those of `workflow` without effect at a terminal."""

Tier = Literal["A", "B", "C", "D", "E"]
"""Where a number comes from: A the engine's own JSON, B timings in an HTTP body, C an HTTP
stream on our clock, D text of the engine, E the wall clock alone."""

RequestPart = Literal["prompt", "tokens", "seed", "threads", "features"]
"""A part of a request that is passed on to an engine, or not."""

Stopped = Literal["", "decided", "budget", "runs", "deadline"]
"""Why measuring stopped: a planned look decided, the time or the number of steps was used up; empty
where something else ended it."""

GuardName = Literal[
    "tokens-differ",
    "cpu-model-changed",
    "wall-against-cpu",
    "steal",
    "oversubscribed",
    "period-effect",
    "carry-over",
    "starts-disagree",
    "coarse-clock",
    "texts-differ",
    "metric-missing",
]
GuardEffect = Literal["no-verdict", "wider", "said"]
"""What a guard did to the verdict beside which it stands: there is none because of it, or the
interval is wider for it, or it is only said."""


class Strict:
    """A part of the document. When it is read, nothing may be of another type, too much or NaN."""

    __pydantic_config__: ClassVar[Any] = {
        "extra": "forbid",
        "strict": True,
        "allow_inf_nan": False,
    }


@dataclass(frozen=True, kw_only=True)
class Failure(Strict):
    """Why something was not measured."""

    reason: Reason
    """A slug that a workflow can test for, such as `engine-crashed`."""
    sentence: str
    """One plain sentence for a reader: what happened, where, what to do."""
    tail: str = ""
    """The last lines that the program printed. Hostile text."""


class Unmeasured(Exception):
    """Something that the run needs cannot be had. Carries the Failure that the reader sees."""

    def __init__(self, reason: Reason, sentence: str, tail: str = "") -> None:
        super().__init__(sentence)
        self.failure = Failure(reason=reason, sentence=sentence, tail=tail)

    @classmethod
    def of(cls, failure: Failure) -> Unmeasured:
        """The exception that carries this failure."""
        return cls(failure.reason, failure.sentence, failure.tail)


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
        return usual_tokens(self.counted)


def usual_tokens(samples: Iterable[Sample]) -> int | None:
    """The commonest number of output tokens of these steps; None where none tells one."""
    counts = Counter(sample.n_out for sample in samples if sample.n_out is not None)
    return counts.most_common(1)[0][0] if counts else None


@dataclass(frozen=True, kw_only=True)
class Prompt(Strict):
    """What the model was to complete."""

    text: str
    """Empty where it came from a file: that is not published."""
    file: str = ""
    """The input `prompt-file`."""
    characters: int
    sha256: Ours


@dataclass(frozen=True, kw_only=True)
class RequestRecord(Strict):
    """What was asked of the engine in each step."""

    prompt: Prompt
    tokens: int
    seed: int
    threads: int
    features: tuple[str, ...] = ()
    passed: tuple[RequestPart, ...] = ()
    """What of this was passed on to the engine: to a command only what it names, to a server that
    ran already nothing of how it is to run."""

    @property
    def threads_passed(self) -> int | None:
        """The number of threads, where one was passed on to the engine."""
        return self.threads if "threads" in self.passed else None


@dataclass(frozen=True, kw_only=True)
class Rest(Strict):
    """How steps were kept apart: before each, the programs of all sides were waited for until they
    slept. A step that follows a rest takes another time than one that does not."""

    rests: int
    """Those of the warm-up included."""
    vain: int
    """After how many of them a program still ran: each had lasted as long as a rest may."""
    rested_s: float
    """All of them together."""
    given_up: bool = False
    """Whether no further one was made, because a side did not sleep once in its first warm-up."""


@dataclass(frozen=True, kw_only=True)
class Workload(Strict):
    """One request, and what each side gave when it was asked."""

    request: RequestRecord | None = None
    """None in a document that was made of numbers alone."""
    metrics: tuple[Ours, ...]
    """The names of the metrics that decide, the first one leading."""
    warmup: int = 0
    """Uncounted steps after each start."""
    warmup_counted: bool = False
    """Whether no further step fitted into the budget, so that the warm-up itself was counted."""
    stopped: Stopped = ""
    rest: Rest | None = None
    """None where no program was kept running from step to step."""
    order_seed: int | None = None
    """Of the coin that decided which side went first, and of the programs' layouts; None where one
    side was measured alone."""
    measurements: dict[str, Measurement] = field(default_factory=dict)
    """By the name of the side; without an entry, a side was not asked."""

    @property
    def threads_passed(self) -> int | None:
        """The number of threads, where one was passed on to the engine."""
        return self.request.threads_passed if self.request else None


@dataclass(frozen=True, kw_only=True)
class EngineIdentity(Strict):
    """Which program was measured."""

    id: Ours
    version: str = ""
    binary: str = ""
    binary_sha256: Ours = ""


Process = Literal["step", "start", "running"]
"""Whose life a process has: one for every step, one that is kept from start to start, or one that
was running already and is only spoken to."""


def is_commit(text: str) -> bool:
    """Whether this is a commit's whole hash: no name, no option, nothing short."""
    return re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", text) is not None


@dataclass(frozen=True, kw_only=True)
class Side(Strict):
    """Head, or a base that it is compared with."""

    ref: str = ""
    """As it was named: a branch or tag, `base-binary`; empty where it has no name."""
    commit: Ours = ""
    """What is checked out, where that is what was measured; empty outside a repository, and where
    the program is of no checkout."""
    parents: tuple[Ours, ...] = ()
    """Of the commit; the first is the one that it was made upon."""
    engine: EngineIdentity | None = None
    """None where it was not found, and in a document that was made of numbers alone."""
    process: Process = "start"

    def is_code_of(self, commit: str) -> bool:
        """Whether this is that commit, or a merge of it; also where either is not known."""
        return not (self.commit and commit) or commit in (self.commit, *self.parents)


@dataclass(frozen=True, kw_only=True)
class Guard(Strict):
    """A check that forbids a verdict, or must be said beside it."""

    name: GuardName
    effect: GuardEffect
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Rule(Strict):
    """What counts as a change, as fractions of time, and how often the verdict may be wrong.

    Raises:
        ValueError: one of them is out of range.
    """

    alpha: float = 0.01
    """The chance of a wrong slower or faster when nothing differs, over all looks."""
    margin: float = 0.05
    """A change within it is practically none."""
    floor: float = 0.005
    """A change within it is not called even when it is sure."""

    def __post_init__(self) -> None:
        if not (
            0 < self.alpha <= 0.5 and 0 < self.margin < math.inf and 0 <= self.floor < math.inf
        ):
            raise ValueError(f"alpha, margin or floor is out of range: {self}")

    @property
    def log_margin(self) -> float:
        """The margin as a log-ratio."""
        return math.log1p(self.margin)

    @property
    def log_floor(self) -> float:
        """The floor as a log-ratio."""
        return math.log1p(self.floor)


@dataclass(frozen=True, kw_only=True)
class Extension(Strict):
    """What a run had set aside to go on after its budget, if that left the question open.

    Raises:
        ValueError: the looks do not rise, or the share is none.
    """

    alpha_share: float
    """The part of alpha that is kept for it."""
    looks: tuple[int, ...] = ()
    """The number of pairs after which the run went on, those at which it was planned to look from
    then on, and the expected end; empty where it did not go on."""

    def __post_init__(self) -> None:
        if not 0 < self.alpha_share < 1:
            raise ValueError(f"alpha_share is out of range: {self}")
        if len(self.looks) == 1 or list(self.looks) != sorted({0, *self.looks})[1:]:
            raise ValueError(f"planned looks rise, and these do not: {self.looks}")


@dataclass(frozen=True, kw_only=True)
class MachineState(Strict):
    """How busy the machine was at one moment."""

    load_1min: float | None
    cpu_ticks: int | None
    """All CPU time since boot, in ticks of /proc/stat."""
    steal_ticks: int | None
    """The part of it that the hypervisor gave to others."""
    idle_ticks: int | None = None
    """The part of it in which there was nothing to run."""
    own_ticks: int | None = None
    """CPU time, in such ticks, of perf-smoke and of what it had run to its end."""
    cpu_model: str = ""
    """As the machine names it at that moment."""


@dataclass(frozen=True, kw_only=True)
class Comparison(Strict):
    """The answer to one question, and what it rests on. Changes are of time: + is slower."""

    workload: Ours = WORKLOAD
    base: Ours = BASE
    metric: Ours
    """By name: `e2e`, `decode`, …"""
    verdict: Verdict
    rule: Rule = field(default_factory=Rule)
    log_ratio: float | None = None
    """Estimate of ln(head / base); None where there is no pair."""
    standard_error: float | None = None
    """Of log_ratio, with what starts differ by; None where there are too few pairs."""
    low: float | None = None
    """Lower end of the interval that decided, as a fraction."""
    high: float | None = None
    level: float | None = None
    """Confidence level of low … high."""
    detectable: float | None = None
    """The change that this run would have called with 90 % probability, as a fraction."""
    pairs: int = 0
    """How many were judged: the first so many of those that could be used."""
    pairs_needed: int | None = None
    """About how many pairs would have shown a change of the margin; set when inconclusive."""
    looks: tuple[int, ...] = ()
    """The numbers of pairs at which it was planned to look, the expected end last; empty: only
    the end."""
    extension: Extension | None = None
    """None where the run could not be longer than its budget."""
    stopped: Stopped = ""
    """`decided`: by the look after `pairs` pairs."""
    guards: tuple[Guard, ...] = ()
    machine_then: MachineState | None = None
    """What the guards knew of the machine at the moment of decision."""

    @property
    def estimate(self) -> float | None:
        """The change as a fraction."""
        return None if self.log_ratio is None else fraction(self.log_ratio)


_LARGEST_LOG_RATIO = 700.0
"""e^700 is about the largest number that a float holds."""


def fraction(log_ratio: float) -> float:
    """The change of time that a log-ratio is: 0.05 for 5 % slower."""
    return math.expm1(min(log_ratio, _LARGEST_LOG_RATIO))


@dataclass(frozen=True, kw_only=True)
class Gpu(Strict):
    """A GPU of the machine, whether or not anything ran on it."""

    name: str
    driver: str = ""
    """Its version; for a driver of the kernel its name too."""
    memory_mib: int | None = None


@dataclass(frozen=True, kw_only=True)
class Machine(Strict):
    """Which machine it was, and its state before and after. The shares of its time are those of the
    measuring: a build fills a machine, and a download leaves it idle."""

    cpu_model: str
    flags_hash: Ours
    cpus: int
    """CPUs that this process may use: affinity and cgroup quota respected."""
    memory_mib: int
    os: str
    kernel: str
    arch: str
    image: str = ""
    """The runner's image, where it says so (ImageOS and ImageVersion)."""
    gpus: tuple[Gpu, ...] = ()
    """Those that could be seen."""
    before: MachineState
    """When the run began."""
    measuring: MachineState | None = None
    """When measuring began: model, programs and sides were there."""
    after: MachineState
    """When measuring ended."""

    @property
    def key(self) -> tuple[str, ...]:
        """What two machines have in common whose results may stand in one line over time."""
        of_gpus = (f"{gpu.name} {gpu.memory_mib} MiB, driver {gpu.driver}" for gpu in self.gpus)
        what_runs = self.image or self.os
        return (self.cpu_model, self.flags_hash, str(self.cpus), what_runs, *sorted(of_gpus))

    @property
    def steal_fraction(self) -> float | None:
        """Share of the CPU time that the hypervisor gave to others."""
        return self._share(self._begin.steal_ticks, self.after.steal_ticks)

    @property
    def idle_fraction(self) -> float | None:
        """Share of the CPU time in which a CPU had nothing to run."""
        return self._share(self._begin.idle_ticks, self.after.idle_ticks)

    @property
    def others_fraction(self) -> float | None:
        """Share of the CPU time that other programs of this machine took."""
        own = self._share(self._begin.own_ticks, self.after.own_ticks)
        steal, idle = self.steal_fraction, self.idle_fraction
        if own is None or steal is None or idle is None:
            return None
        return max(0.0, 1.0 - idle - steal - own)

    @property
    def cpu_models(self) -> tuple[str, str]:
        """What the machine named its CPU when measuring began and when it ended."""
        return self._begin.cpu_model, self.after.cpu_model

    @property
    def _begin(self) -> MachineState:
        return self.measuring or self.before

    def _share(self, first: int | None, last: int | None) -> float | None:
        started, ended = self._begin.cpu_ticks, self.after.cpu_ticks
        if first is None or last is None or started is None or ended is None:
            return None
        spent, part = ended - started, last - first
        return part / spent if spent > 0 and part >= 0 else None


@dataclass(frozen=True, kw_only=True)
class Model(Strict):
    """The model file that was used."""

    reference: str
    sha256: Ours = ""
    """Empty where the engine holds the model itself (an endpoint)."""
    bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Series(Strict):
    """Which results may be compared with this one over time."""

    key: Ours
    parts: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Cost(Strict):
    """What the smoke itself took, in seconds."""

    total_s: float
    download_s: float = 0.0
    build_s: float = 0.0
    load_s: float = 0.0
    steps_s: float = 0.0
    """All steps, those of the warm-up included."""


@dataclass(frozen=True, kw_only=True)
class Tool(Strict):
    """Which perf-smoke it was."""

    version: Ours
    runtime: Ours
    """`docker`, `host` or `cli`."""


@dataclass(frozen=True, kw_only=True)
class Leg(Strict):
    """Which job of which workflow measured. Nothing here decides where something is published: a
    job of a fork may have written it."""

    repository: str
    event: Ours
    workflow: str
    job: str
    matrix: str
    """Compact JSON with sorted keys; empty without a matrix."""
    run_id: int
    attempt: int
    head_sha: Ours = ""
    """The commit that the run is about: on a pull request its head."""


Origin = Literal["measured", "pairs-file"]
"""Where a document comes from: this run measured its steps, or somebody's file held them."""


@dataclass(frozen=True, kw_only=True)
class Result(Strict):
    """Everything that one run found."""

    status: Status
    origin: Origin = "measured"
    started: Ours
    """ISO 8601, UTC."""
    tool: Tool
    settings: dict[str, str]
    """The inputs as given, secrets left out."""
    cost: Cost
    failure: Failure | None = None
    """Set for every status but `measured`; on `measured`, what cut the run short."""
    leg: Leg | None = None
    """None outside a workflow."""
    series: Series | None = None
    machine: Machine | None = None
    model: Model | None = None
    sides: dict[str, Side] = field(default_factory=dict)
    """Head, and the bases by name; without an entry, nothing is known of a side."""
    lost_bases: dict[str, Failure] = field(default_factory=dict)
    """Bases that were asked for, and could not be had or measured: why, by name."""
    workloads: dict[str, Workload] = field(default_factory=dict)
    comparisons: tuple[Comparison, ...] = ()
    """One for each workload, base and metric; none where nothing was compared."""
    notes: tuple[str, ...] = ()
    """Sentences that a reader of the numbers should know."""
    schema: Literal[1] = 1

    @property
    def reason(self) -> str:
        """The failure's slug, or nothing."""
        return self.failure.reason if self.failure else ""

    @property
    def head(self) -> Side | None:
        """The side that is judged."""
        return self.sides.get(HEAD)

    @property
    def gravest(self) -> Comparison | None:
        """The comparison that a reader must see first: of equal verdicts the larger change."""
        return min(self.comparisons, key=_gravity, default=None)

    @property
    def head_crashes(self) -> bool:
        """Whether head's program fails where that of a base answers."""
        return (
            self.status == "failed"
            and self.reason in OF_A_PROGRAM
            and any(measurement.counted for _, measurement in self._against_head())
        )

    @property
    def text_changed(self) -> bool | None:
        """Whether head gave none of the texts that a base gave; None where that is not known."""
        pairs = [
            (head.texts, base.texts)
            for head, base in self._against_head()
            if head.texts and base.texts
        ]
        return any(head.isdisjoint(base) for head, base in pairs) if pairs else None

    def fails_step(self, asked: Iterable[FailOn]) -> FailOn | None:
        """Which of these it is that the step is to fail on; None where it is none.

        A job that was cancelled does not ask.
        """
        slower = any(
            one.verdict == "slower" and (one.estimate or 0.0) > one.rule.margin
            for one in self.comparisons
        )
        applies = {"error": self.status not in ("measured", "cancelled"), "slower": slower}
        return next((one for one in asked if applies[one]), None)

    def _against_head(self) -> Iterator[tuple[Measurement, Measurement]]:
        """What head and a base that is not lost gave, for each workload and base."""
        for workload in self.workloads.values():
            for name, measurement in workload.measurements.items():
                if name not in (HEAD, *self.lost_bases):
                    yield workload.measurements.get(HEAD, Measurement()), measurement

    @property
    def outcome(self) -> Verdict | Literal["head-crashes"] | None:
        """The verdict, or what is graver than any."""
        return HEAD_CRASHES if self.head_crashes else self.verdict

    @property
    def verdict(self) -> Verdict | None:
        """The gravest one; None where the run did not come to its end."""
        if gravest := self.gravest:
            return gravest.verdict
        if self.status != "measured":
            return None
        lost = {failure.reason for failure in self.lost_bases.values()}
        return "not-comparable" if "other-checkout" in lost else "no-baseline"


def because_of(cause: FailOn) -> str:
    """Why a step is red, in a sentence."""
    return f"failed because of `fail-on: {cause}`."


def fail_on(text: str) -> tuple[FailOn, ...]:
    """What the input `fail-on` asks for, whatever else stands in it."""
    words = re.split(r"[\s,]+", text)
    return tuple(one for one in FAIL_ON if one in words)


def _gravity(comparison: Comparison) -> tuple[int, float]:
    return GRAVEST_FIRST.index(comparison.verdict), -abs(comparison.log_ratio or 0.0)
