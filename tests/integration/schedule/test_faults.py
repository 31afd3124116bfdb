"""What goes wrong while steps are taken ends the measuring and loses nothing."""

from __future__ import annotations

import pytest

from perf_smoke.cancel import Cancelled
from perf_smoke.measure.schedule import (
    BaseFailed,
    Progress,
    Recording,
    measure_alone,
    measure_pairs,
)
from perf_smoke.result import Failure, Unmeasured
from tests.integration.schedule.by_clock import ByClock, Clock
from tests.integration.schedule.recordings import SIDES, order, plan, undecided, unseen


@pytest.mark.parametrize("failing", SIDES)
def test_a_side_that_does_not_start_again_ends_the_measuring_and_loses_nothing(
    clock: Clock, failing: str
) -> None:
    engines = {
        name: ByClock(clock=clock, load_s=0.2, fails_at_open=2 if name == failing else 0)
        for name in SIDES
    }
    recording = Recording()
    with pytest.raises(Unmeasured) as caught:
        measure_pairs(engines["head"], engines["base"], plan(runs=16), recording, undecided, unseen)

    assert isinstance(caught.value, BaseFailed) == (failing == "base")
    assert caught.value.failure == Failure(
        reason="engine-crashed", sentence="It did not start.", tail="its last words"
    )
    assert recording.pairs == len(recording.samples["head"]) == len(recording.samples["base"]) == 2
    assert recording.stopped == ""
    assert engines[failing].opened == 2
    for engine in engines.values():
        assert engine.closed == engine.opened


@pytest.mark.parametrize("failing", SIDES)
def test_where_a_side_fails_in_its_warm_up_no_pair_is_counted(clock: Clock, failing: str) -> None:
    engines = {
        name: ByClock(clock=clock, fails_at_step=2 if name == failing else 0) for name in SIDES
    }
    recording = Recording()
    with pytest.raises(Unmeasured) as caught:
        measure_pairs(
            engines["head"], engines["base"], plan(warmup=2), recording, undecided, unseen
        )

    assert isinstance(caught.value, BaseFailed) == (failing == "base")
    assert caught.value.failure.reason == "engine-killed"
    # Head's failure says more with the word of whether the base works.
    assert [len(recording.samples[name]) for name in SIDES] == [0, int(failing == "head")]
    assert all(sample.round is None for sample in recording.samples["base"])
    for engine in engines.values():
        assert engine.closed == engine.opened


def test_head_can_go_on_alone_in_the_same_recording(clock: Clock) -> None:
    recording = Recording()
    head, base = ByClock(clock=clock), ByClock(clock=clock, fails_at_step=1)
    with pytest.raises(BaseFailed):
        measure_pairs(head, base, plan(runs=3), recording, undecided, unseen)
    measure_alone(head, plan(runs=3), recording, unseen)

    assert order(recording) == ["head"] * 3
    assert (recording.stopped, recording.pairs) == ("runs", 0)
    assert [sample.round for sample in recording.samples["head"]] == [None] * 3


def test_an_engine_that_does_not_start_is_the_runs_failure(clock: Clock) -> None:
    engine = ByClock(clock=clock, load_s=2.0, fails_at_open=1)
    recording = Recording()
    with pytest.raises(Unmeasured, match="did not start"):
        measure_alone(engine, plan(), recording, unseen)
    assert recording.load_s == 2.0


@pytest.mark.parametrize("moment", ["open", "restart", "warm-up", "step", "look", "watch"])
def test_a_cancellation_passes_through_closes_both_sides_and_loses_nothing(
    clock: Clock, moment: str
) -> None:
    head, base = ByClock(clock=clock), ByClock(clock=clock)
    recording = Recording()
    head.interrupted_at_open = {"open": 1, "restart": 2}.get(moment, 0)
    head.interrupted_at_step = {"warm-up": 1, "step": 1 + 3}.get(moment, 0)

    def look(_recording: Recording) -> bool:
        if moment == "look" and recording.pairs == 2:
            raise Cancelled
        return False

    def watch(progress: Progress) -> None:
        if moment == "watch" and progress.pairs == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        measure_pairs(head, base, plan(runs=16), recording, look, watch)

    assert recording.pairs == (0 if moment in ("open", "warm-up") else 2)
    assert len(recording.samples["head"]) == recording.pairs
    assert recording.stopped == ""
    assert (head.opened, base.opened) == (head.closed, base.closed)
    assert recording.steps_s == pytest.approx(clock.now_s)


def test_a_cancellation_alone_closes_the_session_too(clock: Clock) -> None:
    engine = ByClock(clock=clock, interrupted_at_step=3)
    recording = Recording()
    with pytest.raises(Cancelled):
        measure_alone(engine, plan(), recording, unseen)
    assert len(recording.samples["head"]) == 1
    assert engine.opened == engine.closed == 1
