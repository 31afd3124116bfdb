"""The order of steps: one side alone, or base and head in random pairs, within a budget.

Only one side runs at a time. Every counted step is in the Recording at once, so that an
interruption loses nothing. A failed step ends the measuring: an engine that fails sometimes fails.

Whoever measures finds here all that it takes; its parts are plan, recording, side and pace.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from perf_smoke.engines.base import Engine, Reply
from perf_smoke.measure.pace import Pace
from perf_smoke.measure.plan import Plan
from perf_smoke.measure.recording import Recording
from perf_smoke.measure.repeats import repeats_for, step_ms
from perf_smoke.measure.side import BaseFailed, MeasuredSide
from perf_smoke.result import BASE, HEAD, Sample, Unmeasured

__all__ = [
    "PILOT_PAIRS",
    "BaseFailed",
    "Plan",
    "Progress",
    "Recording",
    "measure_alone",
    "measure_pairs",
]

ALONE_SHARE = 1 / 3
"""One side alone takes this share of the budget: more steps would not make it truer."""
PILOT_PAIRS = 5
"""So many pairs are taken before the number that the budget holds is estimated."""


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


def measure_alone(engine: Engine, plan: Plan, recording: Recording, watch: Watch) -> None:
    """Steps of one side: `runs` of them, or as many as fit into a third of the budget.

    The first step always runs to its end or its timeout; where it is longer than that share, the
    warm-up is what counts. Loading is not part of the share.

    Raises:
        Unmeasured: the engine did not start, or a step failed.
    """
    budget_s = plan.budget_s * ALONE_SHARE
    with closing(MeasuredSide(HEAD, engine, plan, recording)) as side:
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
    plan = plan.for_pairs(started_s)
    with (
        closing(MeasuredSide(HEAD, head, plan, recording)) as head_side,
        closing(MeasuredSide(BASE, base, plan, recording)) as base_side,
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
        pace = Pace(plan, started_s=started_s, start_s=start_s, one_shot=one_shot)
        while not recording.stopped:
            order = rng.sample(sides, k=2)
            if pace.block_is_over(time.monotonic()):
                _start_block(order)
                pace.block_started()
            pair_started_s = time.monotonic()
            for side in order:
                sample = side.counted_step(repeats, in_round=recording.pairs)
            now_s = time.monotonic()
            pace.pair_taken(now_s - pair_started_s)
            recording.pairs = pace.pairs
            if recording.pairs == PILOT_PAIRS:
                recording.pairs_planned = plan.runs or pace.pairs_that_fit(now_s)
            watch(
                Progress(
                    steps=2 * recording.pairs,
                    pairs=recording.pairs,
                    elapsed_s=now_s - started_s,
                    budget_s=pace.budget_s,
                    sample=sample,
                    runs=plan.runs,
                )
            )
            if look(recording):
                recording.stopped = "decided"
                return
            recording.stopped = pace.stopped(time.monotonic())
            if recording.stopped == "budget" and pace.lengthen():
                pairs = pace.pairs_that_fit(now_s)
                if pairs > recording.pairs and go_on(recording, pairs):
                    recording.extended_after, recording.pairs_planned = recording.pairs, pairs
                    recording.stopped = ""


@contextmanager
def _base_tried_where_head_crashes(base: MeasuredSide, recording: Recording) -> Iterator[None]:
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


def _start_block(order: list[MeasuredSide]) -> list[Reply]:
    """Restart the sides in this order and warm them up; the last warm-up step of each, if any."""
    warm: list[Reply] = []
    for side in order:
        side.start()
        warm += side.warm_up()[-1:]
    return warm
