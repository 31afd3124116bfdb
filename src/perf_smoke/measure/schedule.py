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
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from perf_smoke.engines.base import Engine, Evidence, Reply, Request, Session
from perf_smoke.measure.checks import checked
from perf_smoke.measure.repeats import mean_reply, repeats_for, step_ms
from perf_smoke.measure.rest import Rests
from perf_smoke.result import BASE, HEAD, Failure, Sample, Stopped, Tier, Unmeasured

ALONE_SHARE = 1 / 3
"""One side alone takes this share of the budget: more steps would not make it truer."""
BLOCKS = 8
"""A paired run is cut into blocks; both sides are restarted before each, because two identical
processes can differ for their whole life (memory layout), now and then by several percent. Where
each step starts a process of its own, there is nothing to restart and one block."""
LONGEST_BLOCK_S = 4.0
"""A budget of longer blocks is cut into more: pairs of one start do not average out what that start
does."""
LONGEST_BLOCK_PAIRS = 30
"""No block of a run of many pairs (`runs`) has more."""
STARTS_SHARE = 0.4
"""Starts take no more than this share of the budget: fewer blocks where loading is slow."""
PILOT_PAIRS = 5
"""So many pairs are taken before the number that the budget holds is estimated."""
LONGEST_PADDING = 4096
"""Bytes of environment added at most: another size moves the stack and with it the layout."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to measure."""

    request: Request
    warmup: int
    runs: int
    """Steps per side, or pairs; 0: as many as the budget holds."""
    budget_s: float
    longest_budget_s: float | None = None
    """Of pairs that are worth it (see `GoOn`); None: no longer than `budget_s`."""
    timeout_s: float
    order_seed: int
    """Of the order within the pairs, and of the layouts."""
    end_s: float = math.inf
    """When everything must have ended, on the clock of time.monotonic."""
    pairs_end_s: float = math.inf
    """When the pairs must have: head alone can still be measured after them."""


@dataclass(kw_only=True)
class Recording:
    """Everything that the steps gave until now. Grows while measuring."""

    samples: dict[str, list[Sample]] = field(default_factory=lambda: {HEAD: [], BASE: []})
    texts: dict[str, str] = field(default_factory=dict)
    """The first text of each side."""
    tiers: dict[str, dict[str, Tier]] = field(default_factory=lambda: {HEAD: {}, BASE: {}})
    """Where each field of a side's samples comes from: the worst of its steps."""
    told: dict[str, Evidence] = field(default_factory=dict)
    """What the engine told of its features, be it in an uncounted step."""
    left_running: dict[str, Counter[str]] = field(
        default_factory=lambda: {HEAD: Counter(), BASE: Counter()}
    )
    """What each side's steps left running when they ended, by name: how many were ended."""
    load_s: float = 0.0
    steps_s: float = 0.0
    """All steps, those of the warm-up included."""
    pairs: int = 0
    pairs_planned: int = 0
    """How many pairs the budget holds, as estimated; 0 before the pilot pairs are taken."""
    extended_after: int | None = None
    """The number of pairs after which the run went on to its longest budget, if it did;
    `pairs_planned` are those that this one holds from then on."""
    rests: Rests = field(default_factory=Rests)
    stopped: Stopped = ""
    lost_base: Failure | None = None
    """How the base failed, which was tried where head had failed first."""
    warmup_counted: bool = False
    """Whether no further step fitted into the budget, so that the warm-up itself was counted."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What somebody who watches wants to know after each step."""

    steps: int
    pairs: int
    elapsed_s: float
    budget_s: float
    sample: Sample
    runs: int = 0
    """How many steps of each side were asked for; 0: as many as the budget holds."""


Watch = Callable[[Progress], None]
Look = Callable[[Recording], bool]
"""Called after each whole pair: has enough been seen?"""
GoOn = Callable[[Recording, int], bool]
"""Called where the budget has ended and might be a longer one, which would hold so many pairs: is
that worth it?"""


_LATE = Failure(reason="deadline-passed", sentence="There is no time left for a step.")


class BaseFailed(Unmeasured):
    """The base could not be measured; head may be, alone."""


class _Side:
    """One side while it is measured: its running session and how often it was started."""

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


def measure_alone(engine: Engine, plan: Plan, recording: Recording, watch: Watch) -> None:
    """Steps of one side: `runs` of them, or as many as fit into a third of the budget.

    The first step always runs to its end or its timeout; where it is longer than that share, the
    warm-up is what counts. Loading is not part of the share.

    Raises:
        Unmeasured: the engine did not start, or a step failed.
    """
    budget_s = plan.budget_s * ALONE_SHARE
    with closing(_Side(HEAD, engine, plan, recording)) as side:
        side.start()
        started_s = time.monotonic()
        warm = side.warm_up()
        if warm and not plan.runs and time.monotonic() - started_s > budget_s:
            side.count(warm[-1])
            recording.warmup_counted = True
            recording.stopped = "budget"
            return
        repeats = repeats_for(warm)
        longest_s = 0.0
        while not recording.stopped:
            step_started_s = time.monotonic()
            sample = side.counted_step(repeats)
            now_s = time.monotonic()
            longest_s = max(longest_s, now_s - step_started_s)
            taken = len(recording.samples[HEAD])
            elapsed_s = now_s - started_s
            watch(
                Progress(
                    steps=taken,
                    pairs=0,
                    elapsed_s=elapsed_s,
                    budget_s=budget_s,
                    sample=sample,
                    runs=plan.runs,
                )
            )
            if plan.runs and taken >= plan.runs:
                recording.stopped = "runs"
            elif now_s + longest_s > plan.end_s:
                recording.stopped = "deadline"
            elif not plan.runs and elapsed_s + longest_s > budget_s:
                recording.stopped = "budget"


def measure_pairs(
    head: Engine,
    base: Engine,
    plan: Plan,
    recording: Recording,
    look: Look,
    watch: Watch,
    go_on: GoOn = lambda *_: False,
) -> None:
    """Pairs of one step of each side in random order: `runs` of them, as many as the budget
    holds, or until `look` has seen enough. The time of loads and restarts is part of the budget.
    Where it ends, `go_on` may ask for the longest one.

    There is always one pair; where another would end more than a step after the budget, the
    warm-up is what counts. No pair is begun that would not end before `pairs_end_s`.

    Raises:
        BaseFailed: base did not start, or a step of it failed.
        Unmeasured: the same of head.
    """
    rng = random.Random(plan.order_seed)  # noqa: S311 - an order of steps, no secret
    started_s = time.monotonic()
    left_s = plan.pairs_end_s - started_s
    plan = dataclasses.replace(
        plan, end_s=plan.pairs_end_s, budget_s=max(0.001, min(plan.budget_s, left_s))
    )
    pair_times_s: list[float] = []
    with (
        closing(_Side(HEAD, head, plan, recording)) as head_side,
        closing(_Side(BASE, base, plan, recording)) as base_side,
        _base_tried_where_head_crashes(base_side, recording),
    ):
        sides = [head_side, base_side]
        order = rng.sample(sides, k=2)
        warm = _start_block(order)
        start_s = time.monotonic() - started_s
        if warm and not plan.runs and start_s + min(map(step_ms, warm)) / 1e3 > plan.budget_s:
            for side, reply in zip(order, warm, strict=True):
                side.count(reply, in_round=0)
            recording.warmup_counted, recording.pairs, recording.stopped = True, 1, "budget"
            return
        repeats = repeats_for(warm)
        one_shot = head.process == base.process == "step"
        blocks = 1 if one_shot else _blocks(plan, start_s)
        block, in_budget, budget_s = 1, blocks, plan.budget_s
        longest_s = min(plan.longest_budget_s or budget_s, left_s)
        while not recording.stopped:
            order = rng.sample(sides, k=2)
            done = _share_done(plan, recording.pairs, time.monotonic() - started_s)
            if block < blocks and done >= block / in_budget:
                _start_block(order)
                block += 1
            pair_started_s = time.monotonic()
            for side in order:
                sample = side.counted_step(repeats, in_round=recording.pairs)
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
                    budget_s=budget_s,
                    sample=sample,
                    runs=plan.runs,
                )
            )
            if look(recording):
                recording.stopped = "decided"
                return
            recording.stopped = _used_up(plan, recording.pairs, started_s, budget_s, pair_times_s)
            if recording.stopped == "budget" and budget_s < longest_s:
                budget_s, blocks = longest_s, int(in_budget * longest_s / plan.budget_s)
                left_s = budget_s - elapsed_s - (blocks - block) * start_s
                pairs = _pairs_that_fit(left_s, pair_times_s)
                if pairs > recording.pairs and go_on(recording, pairs):
                    recording.extended_after, recording.pairs_planned = recording.pairs, pairs
                    recording.stopped = ""


@contextmanager
def _base_tried_where_head_crashes(base: _Side, recording: Recording) -> Iterator[None]:
    """Whether the base works tells most about a head that fails at once."""
    try:
        yield
    except BaseFailed:
        raise
    except Unmeasured:
        if not recording.samples[BASE]:
            try:
                base.counted_step(repeats=1)
            except BaseFailed as error:
                recording.lost_base = error.failure
        raise


def _start_block(order: list[_Side]) -> list[Reply]:
    """Restart the sides in this order and warm them up; the last warm-up step of each, if any."""
    warm: list[Reply] = []
    for side in order:
        side.start()
        warm += side.warm_up()[-1:]
    return warm


def _blocks(plan: Plan, start_s: float) -> int:
    """Into how many blocks the run is cut, when one start of both sides takes `start_s`."""
    parts = plan.runs / LONGEST_BLOCK_PAIRS if plan.runs else plan.budget_s / LONGEST_BLOCK_S
    wanted = max(BLOCKS, int(parts))
    affordable = int(STARTS_SHARE * plan.budget_s / start_s) if start_s > 0 else wanted
    return max(1, min(wanted, affordable, plan.runs or wanted))


def _share_done(plan: Plan, pairs: int, elapsed_s: float) -> float:
    return pairs / plan.runs if plan.runs else elapsed_s / plan.budget_s


def _used_up(
    plan: Plan, pairs: int, started_s: float, budget_s: float, pair_times_s: list[float]
) -> Stopped:
    """Why there is no further pair, if there is none."""
    if plan.runs and pairs >= plan.runs:
        return "runs"
    next_end_s = time.monotonic() + statistics.median(pair_times_s)
    if next_end_s > plan.end_s:
        return "deadline"
    return "budget" if not plan.runs and next_end_s - started_s > budget_s else ""


def _pairs_that_fit(left_s: float, pair_times_s: list[float]) -> int:
    """The pairs taken already, and those for which there is time left."""
    return len(pair_times_s) + max(0, int(left_s / statistics.median(pair_times_s)))
