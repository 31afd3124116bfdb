"""An engine whose loads and steps take exactly as long as it is told, by a clock of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from perf_smoke.cancel import Cancelled
from perf_smoke.engines.base import Reply, Request
from perf_smoke.measure import schedule, side
from perf_smoke.result import EngineIdentity, Failure, Process, Sample, Unmeasured
from tests.integration.schedule.recordings import REQUEST


@dataclass
class Clock:
    """Stands in for `time`: it goes on when an engine works, and only then."""

    now_s: float = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def replace_time(self, patch: pytest.MonkeyPatch) -> None:
        """For all that the order of steps asks the time."""
        for module in (schedule, side):
            patch.setattr(module, "time", self)


@dataclass(kw_only=True)
class ByClock:
    """An engine whose loads and steps take exactly as long as it is told."""

    clock: Clock
    step_s: float = 0.1
    load_s: float = 0.0
    later_steps_s: Mapping[int, float] = field(default_factory=dict)
    """By their number from 1, where they differ."""
    e2e_ms: float | None = None
    """What it says of a step, where that is not all of its time."""
    fails_at_step: int = 0
    times_out_at_step: int = 0
    fails_at_open: int = 0
    interrupted_at_step: int = 0
    interrupted_at_open: int = 0
    process: Process = "start"
    identity: EngineIdentity = EngineIdentity(id="by-clock")  # noqa: RUF009 - it is frozen
    steps: int = 0
    began_s: list[float] = field(default_factory=list)
    opened: int = 0
    closed: int = 0
    paddings: list[str] = field(default_factory=list)
    timeouts_s: set[float] = field(default_factory=set)

    def open(self, environment: Mapping[str, str]) -> ByClockSession:
        self.opened += 1
        (padding,) = environment.values()
        self.paddings.append(padding)
        self.clock.now_s += self.load_s
        if self.opened == self.interrupted_at_open:
            self.closed += 1  # an engine cleans up behind itself when it does not start
            raise Cancelled
        if self.opened == self.fails_at_open:
            self.closed += 1
            raise Unmeasured("engine-crashed", "It did not start.", "its last words")
        return ByClockSession(self)


class ByClockSession:
    """What is open of it."""

    def __init__(self, engine: ByClock) -> None:
        self._engine = engine
        self._open = True
        self.load_ms = None if engine.process == "step" else engine.load_s * 1e3 or 1.0

    def step(self, request: Request, timeout_s: float) -> Reply:
        engine = self._engine
        assert self._open
        assert request == REQUEST
        engine.steps += 1
        engine.began_s.append(engine.clock.now_s)
        engine.timeouts_s.add(timeout_s)
        took_s = engine.later_steps_s.get(engine.steps, engine.step_s)
        engine.clock.now_s += took_s
        if engine.steps == engine.interrupted_at_step:
            raise Cancelled
        if engine.steps == engine.fails_at_step:
            failure = Failure(reason="engine-killed", sentence="It was killed.")
            return Reply(sample=Sample(ok=False, error=failure.reason), failure=failure)
        if engine.steps == engine.times_out_at_step:
            failure = Failure(reason="engine-timeout", sentence="It took too long.")
            return Reply(sample=Sample(ok=False, error=failure.reason), failure=failure)
        sample = Sample(
            ok=True, n_out=4, e2e_ms=engine.e2e_ms or took_s * 1e3, wall_ms=took_s * 1e3
        )
        return Reply(sample=sample, text="11, so")

    def close(self) -> None:
        self._engine.closed += self._open
        self._open = False
