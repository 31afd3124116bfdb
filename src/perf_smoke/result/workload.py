"""One request, how it was asked, and what each side gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from perf_smoke.result.measurement import Measurement
from perf_smoke.result.strict import Ours, Strict

WORKLOAD: Final = "default"
"""The name of the workload where there is one."""

RequestPart = Literal["prompt", "tokens", "seed", "threads", "features"]
"""A part of a request that is passed on to an engine, or not."""

Stopped = Literal["", "decided", "budget", "runs", "deadline"]
"""Why measuring stopped: a planned look decided, the time or the number of steps was used up; empty
where something else ended it."""


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
