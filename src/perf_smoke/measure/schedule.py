"""The order of steps: one side alone, or base and head in random pairs, within a budget.

Only one side runs at a time. Every counted step is in the Recording at once, so that an
interruption loses nothing. A failed step ends the measuring: an engine that fails sometimes fails.
"""

from __future__ import annotations

import dataclasses
import math
import random
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Literal

from perf_smoke.engines.base import Engine, Reply, Request, Session
from perf_smoke.measure.checks import checked
from perf_smoke.result import Sample, SideName, Unmeasured

ALONE_SHARE = 1 / 3
"""One side alone takes this share of the budget: more steps would not make it truer."""
MOST_BLOCKS = 4
"""A paired run is cut into blocks; both sides are restarted before each, because two identical
processes can differ for their whole life (memory layout)."""
RESTART_SHARE = 0.25
"""Restarts take no more than this share of the budget: fewer blocks where loading is slow."""
PILOT_PAIRS = 5
"""So many pairs are taken before the number that the budget holds is estimated."""
SHORT_STEP_MS = 10.0
"""Below it, requests are repeated inside one step …"""
REPEATED_STEP_MS = 50.0
"""… until the step takes about this long."""
LONGEST_PADDING = 4096
"""Bytes of environment added at most: another size moves the stack and with it the layout."""

Stopped = Literal["", "decided", "budget", "runs"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to measure."""

    request: Request
    warmup: int
    runs: int
    """Steps per side, or pairs; 0: as many as the budget holds."""
    budget_s: float
    timeout_s: float
    seed: int


@dataclass(kw_only=True)
class Recording:
    """Everything that the steps gave until now. Grows while measuring."""

    samples: dict[SideName, list[Sample]] = field(default_factory=lambda: {"head": [], "base": []})
    texts: dict[SideName, str] = field(default_factory=dict)
    """The first text of each side."""
    load_s: float = 0.0
    steps_s: float = 0.0
    """All steps, those of the warm-up included."""
    pairs: int = 0
    pairs_planned: int = 0
    """How many pairs the budget holds, as estimated; 0 before the pilot pairs are taken."""
    stopped: Stopped = ""
    warmup_counted: bool = False
    """Whether one step took longer than the budget, so that the warm-up itself was counted."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What somebody who watches wants to know after each step."""

    steps: int
    pairs: int
    elapsed_s: float
    budget_s: float
    sample: Sample


Watch = Callable[[Progress], None]
Look = Callable[[Recording], bool]
"""Called after each whole pair: has enough been seen?"""


class BaseFailed(Unmeasured):
    """The base could not be measured; head may be, alone."""


class _Side:
    """One side while it is measured: its running session and how often it was started."""

    def __init__(self, name: SideName, engine: Engine, plan: Plan, recording: Recording) -> None:
        self._name = name
        self._engine = engine
        self._plan = plan
        self._recording = recording
        self._session: Session | None = None
        self._starts = 0
        self._fresh_load_ms: float | None = None

    def start(self, rng: random.Random) -> None:
        """Start or restart it, with another memory layout than before."""
        self.close()
        padding = {"PERF_SMOKE_PADDING": "x" * rng.randrange(LONGEST_PADDING)}
        started_s = time.monotonic()
        try:
            self._session = self._engine.open(padding)
        except Unmeasured as error:
            raise self._failed(error) from error
        finally:
            self._recording.load_s += time.monotonic() - started_s
        self._fresh_load_ms = self._session.load_ms
        self._starts += 1

    def step(self, rng: random.Random, repeats: int = 1) -> Reply:
        """One step that is not counted yet."""
        if self._engine.process_per_step or self._session is None:
            self.start(rng)
        started_s = time.monotonic()
        try:
            reply = self._repeated(repeats)
        finally:
            self._recording.steps_s += time.monotonic() - started_s
        if self._fresh_load_ms is not None:
            sample = dataclasses.replace(reply.sample, load_ms=self._fresh_load_ms)
            reply = dataclasses.replace(reply, sample=sample)
        return reply

    def counted_step(self, rng: random.Random, repeats: int = 1, pair: int | None = None) -> Sample:
        """One step, entered into the recording.

        Raises:
            Unmeasured: it failed. It is in the recording all the same.
        """
        return self.count(self.step(rng, repeats), pair)

    def count(self, reply: Reply, pair: int | None = None) -> Sample:
        """Enter a step into the recording.

        Raises:
            Unmeasured: the step failed.
        """
        taken = self._recording.samples
        sample = dataclasses.replace(
            reply.sample,
            restart=self._starts - 1,
            order=sum(len(samples) for samples in taken.values()),
            pair=pair,
        )
        taken[self._name].append(sample)
        self._fresh_load_ms = None
        if reply.failure is not None:
            raise self._failed(Unmeasured.of(reply.failure))
        self._recording.texts.setdefault(self._name, reply.text)
        return sample

    def warm_up(self, rng: random.Random) -> Reply | None:
        """The uncounted steps after a start; the last of them, or None where there are none.

        Raises:
            Unmeasured: one of them failed.
        """
        reply = None
        for _ in range(self._plan.warmup):
            reply = self.step(rng)
            if reply.failure is not None:
                raise self._failed(Unmeasured.of(reply.failure))
        return reply

    def close(self) -> None:
        """End its session."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _repeated(self, repeats: int) -> Reply:
        if self._session is None:  # pragma: no cover - step() has started it
            raise RuntimeError("not started")
        replies = []
        for _ in range(repeats):
            reply = checked(self._session.step(self._plan.request, self._plan.timeout_s))
            if reply.failure is not None or repeats == 1:
                return reply
            replies.append(reply)
        return mean_reply(replies)

    def _failed(self, error: Unmeasured) -> Unmeasured:
        return BaseFailed.of(error.failure) if self._name == "base" else error


def measure_alone(engine: Engine, plan: Plan, recording: Recording, watch: Watch) -> None:
    """Steps of one side: `runs` of them, or as many as fit into a third of the budget.

    The first step always runs to its end or its timeout; where it is longer than that share, the
    warm-up is what counts.

    Raises:
        Unmeasured: the engine did not start, or a step failed.
    """
    rng = random.Random(plan.seed)  # noqa: S311 - a layout, no secret
    budget_s = plan.budget_s * ALONE_SHARE
    with closing(_Side("head", engine, plan, recording)) as side:
        if not engine.process_per_step:
            side.start(rng)
        started_s = time.monotonic()
        warm = side.warm_up(rng)
        if warm and not plan.runs and time.monotonic() - started_s > budget_s:
            side.count(warm)
            recording.warmup_counted = True
            recording.stopped = "budget"
            return
        repeats = repeats_for([warm])
        longest_s = 0.0
        while not recording.stopped:
            step_started_s = time.monotonic()
            sample = side.counted_step(rng, repeats)
            now_s = time.monotonic()
            longest_s = max(longest_s, now_s - step_started_s)
            taken = len(recording.samples["head"])
            elapsed_s = now_s - started_s
            watch(
                Progress(
                    steps=taken, pairs=0, elapsed_s=elapsed_s, budget_s=budget_s, sample=sample
                )
            )
            if plan.runs:
                recording.stopped = "runs" if taken >= plan.runs else ""
            elif elapsed_s + longest_s > budget_s:
                recording.stopped = "budget"


def measure_pairs(
    head: Engine, base: Engine, plan: Plan, recording: Recording, look: Look, watch: Watch
) -> None:
    """Pairs of one step of each side in random order: `runs` of them, as many as the budget
    holds, or until `look` has seen enough. The time of loads and restarts is part of the budget.

    Raises:
        BaseFailed: base did not start, or a step of it failed.
        Unmeasured: the same of head.
    """
    rng = random.Random(plan.seed)  # noqa: S311 - an order of steps, no secret
    started_s = time.monotonic()
    pair_times_s: list[float] = []
    with (
        closing(_Side("head", head, plan, recording)) as head_side,
        closing(_Side("base", base, plan, recording)) as base_side,
    ):
        sides = [head_side, base_side]
        warm = _start_block(sides, rng)
        start_s = time.monotonic() - started_s
        if all(warm) and not plan.runs and start_s > plan.budget_s:
            for side, reply in zip(sides, warm, strict=True):
                if reply:
                    side.count(reply, pair=0)
            recording.warmup_counted, recording.pairs, recording.stopped = True, 1, "budget"
            return
        repeats = repeats_for(warm)
        blocks = _blocks(plan, start_s)
        block = 1
        while not recording.stopped:
            done = _share_done(plan, recording.pairs, time.monotonic() - started_s)
            if block < blocks and done >= block / blocks:
                _start_block(sides, rng)
                block += 1
            pair_started_s = time.monotonic()
            for side in rng.sample(sides, k=2):
                sample = side.counted_step(rng, repeats, pair=recording.pairs)
            now_s = time.monotonic()
            recording.pairs += 1
            pair_times_s.append(now_s - pair_started_s)
            elapsed_s = now_s - started_s
            if recording.pairs == PILOT_PAIRS:
                recording.pairs_planned = plan.runs or _pairs_that_fit(
                    plan.budget_s - elapsed_s - (blocks - block) * start_s, pair_times_s
                )
            watch(
                Progress(
                    steps=2 * recording.pairs,
                    pairs=recording.pairs,
                    elapsed_s=elapsed_s,
                    budget_s=plan.budget_s,
                    sample=sample,
                )
            )
            if look(recording):
                recording.stopped = "decided"
            else:
                recording.stopped = _used_up(plan, recording.pairs, elapsed_s, pair_times_s)


def repeats_for(warm: list[Reply | None]) -> int:
    """How many requests one step holds: one, but for steps of a few milliseconds."""
    times_ms = [
        reply.sample.e2e_ms or reply.sample.wall_ms or SHORT_STEP_MS for reply in warm if reply
    ]
    slowest_ms = max(times_ms, default=SHORT_STEP_MS)
    return 1 if slowest_ms >= SHORT_STEP_MS else math.ceil(REPEATED_STEP_MS / slowest_ms)


def mean_reply(replies: list[Reply]) -> Reply:
    """Several requests as one step: durations and CPU time are means, the rest is of the first.

    A text that was not the same each time has no hash, so that it cannot pass as stable.
    """
    first = replies[0].sample
    means: dict[str, Any] = {}
    for name in ("prompt_ms", "ttft_ms", "decode_ms", "e2e_ms", "wall_ms", "cpu_ms", "load_ms"):
        values = [getattr(reply.sample, name) for reply in replies]
        means[name] = None if None in values else statistics.fmean(values)
    hashes = {reply.sample.text_sha256 for reply in replies}
    sample = dataclasses.replace(
        first,
        **means,
        repeats=len(replies),
        text_sha256=first.text_sha256 if len(hashes) == 1 else "",
        peak_rss_kib=max(reply.sample.peak_rss_kib or 0 for reply in replies) or None,
    )
    return dataclasses.replace(replies[0], sample=sample)


def _start_block(sides: list[_Side], rng: random.Random) -> list[Reply | None]:
    """Restart both sides in random order and warm them up."""
    warm: dict[int, Reply | None] = {}
    for at in rng.sample(range(len(sides)), k=len(sides)):
        sides[at].start(rng)
        warm[at] = sides[at].warm_up(rng)
    return [warm[at] for at in range(len(sides))]


def _blocks(plan: Plan, start_s: float) -> int:
    """Into how many blocks the run is cut, when one start of both sides takes `start_s`."""
    affordable = int(RESTART_SHARE * plan.budget_s / start_s) if start_s > 0 else MOST_BLOCKS
    return max(1, min(MOST_BLOCKS, affordable, plan.runs or MOST_BLOCKS))


def _share_done(plan: Plan, pairs: int, elapsed_s: float) -> float:
    return pairs / plan.runs if plan.runs else elapsed_s / plan.budget_s


def _used_up(plan: Plan, pairs: int, elapsed_s: float, pair_times_s: list[float]) -> Stopped:
    if plan.runs:
        return "runs" if pairs >= plan.runs else ""
    return "budget" if elapsed_s + statistics.median(pair_times_s) > plan.budget_s else ""


def _pairs_that_fit(left_s: float, pair_times_s: list[float]) -> int:
    """The pairs taken already, and those for which there is time left."""
    return len(pair_times_s) + max(0, int(left_s / statistics.median(pair_times_s)))
