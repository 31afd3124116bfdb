"""One side while it is measured: started, warmed up, and asked for one step after another."""

from __future__ import annotations

import dataclasses
import random
import time

from perf_smoke.engines.base import Engine, Reply, Session
from perf_smoke.measure.checks import checked
from perf_smoke.measure.plan import Plan
from perf_smoke.measure.recording import Recording
from perf_smoke.measure.repeats import mean_reply
from perf_smoke.result import BASE, Failure, Sample, Unmeasured

LONGEST_PADDING = 4096
"""Bytes of environment added at most: another size moves the stack and with it the layout."""

_LATE = Failure(reason="deadline-passed", sentence="There is no time left for a step.")


class BaseFailed(Unmeasured):
    """The base could not be measured; head may be, alone."""


class MeasuredSide:
    """The running session of a side, and how often it was started."""

    def __init__(self, name: str, engine: Engine, plan: Plan, recording: Recording) -> None:
        self._name = name
        self._engine = engine
        self._plan = plan
        self._recording = recording
        # A generator of its own: when a side is restarted must not change the order of the steps.
        self._layouts = random.Random(f"{plan.order_seed} {name}")  # noqa: S311 - a layout, no secret
        self._session: Session | None = None
        # After a base that failed head is measured further, alone.
        self._starts = 1 + max((sample.start for sample in recording.samples[name]), default=-1)
        self._fresh_load_ms: float | None = None

    def start(self) -> None:
        """Start or restart what stays warm; nothing where each step starts its own process.

        Raises:
            Unmeasured: it did not start.
        """
        if self._engine.process != "step":
            self._open()

    def warm_up(self) -> list[Reply]:
        """The uncounted steps after a start.

        Raises:
            Unmeasured: one of them failed.
        """
        replies = []
        for _ in range(self._plan.warmup):
            reply = self._step(repeats=1)
            if reply.failure is not None:
                raise self._failed(reply.failure)
            replies.append(reply)
        self._recording.rests.after_warm_up(self._name)
        return replies

    def counted_step(self, repeats: int, in_round: int | None = None) -> Sample:
        """One step, entered into the recording.

        Raises:
            Unmeasured: it failed. It is in the recording all the same.
        """
        return self.count(self._step(repeats), in_round)

    def count(self, reply: Reply, in_round: int | None = None) -> Sample:
        """Enter a step into the recording.

        Raises:
            Unmeasured: the step failed.
        """
        taken = self._recording.samples
        sample = dataclasses.replace(
            reply.sample,
            start=self._starts - 1,
            order=sum(len(samples) for samples in taken.values()),
            round=in_round,
        )
        taken[self._name].append(sample)
        worst = self._recording.tiers[self._name]
        worst.update({name: max(tier, worst.get(name, tier)) for name, tier in reply.tiers.items()})
        self._fresh_load_ms = None
        if reply.failure is not None:
            raise self._failed(reply.failure)
        self._recording.texts.setdefault(self._name, reply.text)
        return sample

    def close(self) -> None:
        """End its session."""
        if self._session is not None:
            self._session.close()
            self._session = None
            self._recording.rests.without(self._name)

    def _open(self) -> Session:
        """A new session in place of the old one, with another memory layout."""
        self.close()
        padding = {"PERF_SMOKE_PADDING": "x" * self._layouts.randrange(LONGEST_PADDING)}
        started_s = time.monotonic()
        try:
            self._session = self._engine.open(padding)
        except Unmeasured as error:
            raise self._failed(error.failure) from error
        finally:
            self._recording.load_s += time.monotonic() - started_s
        self._recording.rests.along_with(self._name, self._session)
        self._fresh_load_ms = self._session.load_ms
        self._starts += 1
        return self._session

    def _step(self, repeats: int) -> Reply:
        """One step that is not counted yet."""
        session = self._session or self._open()
        self._recording.rests.before_step()
        started_s = time.monotonic()
        try:
            reply = self._repeated(session, repeats)
        finally:
            self._recording.steps_s += time.monotonic() - started_s
            if self._engine.process == "step":
                self.close()
        self._recording.told |= reply.told
        if self._fresh_load_ms is not None:
            sample = dataclasses.replace(reply.sample, load_ms=self._fresh_load_ms)
            reply = dataclasses.replace(reply, sample=sample)
        return reply

    def _repeated(self, session: Session, repeats: int) -> Reply:
        replies = []
        for _ in range(repeats):
            limit_s = min(self._plan.timeout_s, self._plan.end_s - time.monotonic())
            if limit_s <= 0:
                raise self._failed(_LATE)
            reply = checked(session.step(self._plan.request, limit_s))
            self._recording.left_running[self._name].update(reply.left_running)
            if reply.sample.error == "engine-timeout" and limit_s < self._plan.timeout_s:
                raise self._failed(_LATE)  # it may be as good as any other
            if reply.failure is not None or repeats == 1:
                return reply
            replies.append(reply)
        return mean_reply(replies)

    def _failed(self, failure: Failure) -> Unmeasured:
        return (BaseFailed if self._name == BASE else Unmeasured).of(failure)
