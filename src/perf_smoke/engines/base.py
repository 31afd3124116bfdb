"""What every engine offers: `prepare` gives an Engine, `open` a Session, `step` one Reply.

Engines return counts and durations; rates are computed in metrics.py alone, because
engines disagree about N and N − 1. A value that an engine does not give stays None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from perf_smoke.result import EngineIdentity, Failure, Process, Sample, Tier

Evidence = Literal["confirmed", "contradicted", "not told"]
"""What an engine tells of a feature that it was asked for."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One inference: greedy, `tokens` output tokens exactly (EOS ignored where possible)."""

    prompt: str
    tokens: int
    seed: int
    threads: int

    @property
    def context_tokens(self) -> int:
        """Room for the prompt (a token is at least a byte) and the answer: a small context
        would end the text early without a word."""
        needed = len(self.prompt.encode()) + self.tokens + 16
        return max(512, -(-needed // 256) * 256)


@dataclass(frozen=True, kw_only=True)
class EngineSetup:
    """All that an engine may need to get ready on one side."""

    model: Path | None
    """The verified local file; None where a server holds the model."""
    model_name: str
    """The reference as given, for servers that know models by name."""
    tokenizer: Path | None
    binary: str
    command: tuple[str, ...]
    endpoint: str
    metrics: str
    features: tuple[str, ...]
    working_directory: Path
    """Where the caller's programs run: the checkout of this side."""
    scratch: Path
    """An empty private folder of this side, removed after the run."""
    environment: Mapping[str, str]
    """What child processes see: the job's environment without our inputs and secrets."""
    start_timeout_s: float
    """How long a worker or server may take until it is ready: what is left of the deadline."""
    request: Request
    on_build_output: Callable[[bytes], None] = lambda _data: None
    """Gets each piece of what `build: auto` prints for a reader, as it comes."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a step gave: its sample, the text, and why it does not count if it does not."""

    sample: Sample
    tiers: Mapping[str, Tier] = field(default_factory=dict)
    """Where each field of the sample comes from."""
    text: str = ""
    told: Mapping[str, Evidence] = field(default_factory=dict)
    """What the engine told of its features, where it could tell: by name."""
    failure: Failure | None = None
    left_running: tuple[str, ...] = ()
    """The names of what its program left running, which was ended with it."""


class Session(Protocol):
    """Whatever stays alive between steps: a worker, a server, or nothing. Used as a context."""

    load_ms: float | None
    """From the start to ready for the first request; None where each step loads anew."""

    def step(self, request: Request, timeout_s: float) -> Reply:
        """Run one inference. Never raises for what the engine does: see Reply.failure.

        After a failure of the process itself the session is dead; every further step fails.
        """
        ...

    def close(self) -> None:
        """End it, with all its children. May be called twice."""
        ...


@runtime_checkable
class Resident(Protocol):
    """A session that keeps processes of ours alive between its steps."""

    pids: Sequence[int]
    """Those that were there when it was ready for the first step."""


class Engine(Protocol):
    """A prepared engine of one side: found, identified, ready to be started."""

    identity: EngineIdentity
    process: Process
    """Whose life its process has; where each step starts one, `wall` says something about it."""

    def open(self, environment: Mapping[str, str]) -> Session:
        """Start what stays warm, with these extra environment variables.

        Raises:
            Unmeasured: it did not start, with the last lines that it printed.
        """
        ...
