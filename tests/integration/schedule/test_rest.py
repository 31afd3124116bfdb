"""No step begins while a side still runs, unless it never sleeps: with real processes that spin."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import pytest

from perf_smoke.measure.rest import LONGEST_REST_S
from perf_smoke.measure.schedule import Recording
from perf_smoke.result import Rest
from tests.integration.schedule.by_clock import ByClock, Clock
from tests.integration.schedule.recordings import alone, paired, plan
from tests.integration.schedule.restless import Awake, Restless

SPIN_S = 0.02
RUNS = 12


def restless(folder: Path, name: str, spins_s: float = SPIN_S) -> Restless:
    return Restless(log=str(folder / name), spins_s=spins_s)


def rest_of(recording: Recording) -> Rest:
    rest = recording.rests.record
    assert rest is not None
    return rest


def disturbed(steps: list[Awake]) -> int:
    """How many began before the one before them, of whichever side, had come to sleep."""
    in_order = sorted(steps, key=lambda step: step.began_s)
    return sum(later.began_s < earlier.until_s for earlier, later in pairwise(in_order))


def test_a_side_that_spins_for_20_ms_after_its_step_is_waited_for(tmp_path: Path) -> None:
    head, base = restless(tmp_path, "head"), restless(tmp_path, "base", spins_s=0.0)
    recording = paired(head, base, plan(runs=RUNS))

    rest = rest_of(recording)
    steps = [*head.awake(), *base.awake()]
    assert len(head.awake()) >= RUNS
    assert not rest.given_up
    assert rest.rests >= 2 * RUNS + 2 * 8, "each counted step, and each of a warm-up"
    assert disturbed(steps) <= rest.vain < rest.rests
    assert rest.rested_s > RUNS * SPIN_S / 2


def test_its_own_next_step_waits_for_it_too(tmp_path: Path) -> None:
    engine = restless(tmp_path, "head")
    recording = alone(engine, plan(runs=RUNS))

    rest = rest_of(recording)
    after_the_warm_up = rest.rests - RUNS - 1  # only where it had not slept before
    assert after_the_warm_up in (0, 1), "each counted step, and that of the warm-up"
    assert disturbed(engine.awake()) <= rest.vain < rest.rests


@pytest.mark.parametrize("warmup", [0, 1, 3])
def test_a_side_that_never_sleeps_is_given_up_in_its_warm_up(tmp_path: Path, warmup: int) -> None:
    engine = restless(tmp_path, "head", spins_s=math.inf)
    recording = paired(engine, restless(tmp_path, "base"), plan(runs=2, warmup=warmup))

    rest = rest_of(recording)
    assert rest.given_up
    assert rest.vain <= rest.rests <= 2 * (warmup + 1), "none after the warm-up"
    assert rest.rested_s >= rest.vain * LONGEST_REST_S


def test_where_nothing_of_ours_stays_alive_there_is_no_rest(clock: Clock) -> None:
    recording = paired(ByClock(clock=clock), ByClock(clock=clock), plan(runs=3))
    assert recording.rests.record is None
