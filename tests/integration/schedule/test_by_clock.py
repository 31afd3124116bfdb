"""The order of steps where exact times matter: budget, restarts, pairs, repeats."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf_smoke.measure.schedule import Progress, Recording, measure_alone, measure_pairs
from perf_smoke.result import Process, Unmeasured
from tests.integration.schedule.by_clock import ByClock, Clock
from tests.integration.schedule.recordings import (
    SIDES,
    alone,
    order,
    paired,
    plan,
    starts,
    taken,
    undecided,
    unseen,
)


def test_alone_takes_a_third_of_the_budget_its_warm_up_included_and_its_load_not(
    clock: Clock,
) -> None:
    recording = alone(ByClock(clock=clock, step_s=1.0, load_s=20.0), plan())

    assert len(recording.samples["head"]) == 9
    assert recording.stopped == "budget"
    assert clock.now_s == 20.0 + 10.0
    assert (recording.load_s, recording.steps_s) == (20.0, 10.0)


def test_alone_goes_on_only_while_a_step_as_long_as_the_longest_fits(clock: Clock) -> None:
    recording = alone(ByClock(clock=clock, step_s=1.0, later_steps_s={2: 3.0}), plan())

    assert len(recording.samples["head"]) == 5
    assert clock.now_s == 1.0 + 3.0 + 4 * 1.0


def test_runs_are_taken_also_where_they_exceed_the_budget(clock: Clock) -> None:
    engine = ByClock(clock=clock, step_s=40.0)
    recording = alone(engine, plan(runs=3))

    assert (len(recording.samples["head"]), engine.steps) == (3, 4)
    assert (recording.stopped, recording.warmup_counted) == ("runs", False)


@pytest.mark.parametrize("warmup", [0, 1])
def test_of_a_slow_engine_alone_the_first_step_is_taken_to_its_end_and_counts(
    clock: Clock, warmup: int
) -> None:
    engine = ByClock(clock=clock, step_s=40.0)
    recording = alone(engine, plan(warmup=warmup))

    assert (len(recording.samples["head"]), engine.steps) == (1, 1)
    assert recording.warmup_counted == bool(warmup)
    assert recording.stopped == "budget"
    assert recording.texts == {"head": "11, so"}
    assert engine.closed == engine.opened


@pytest.mark.parametrize(("step_s", "pairs"), [(40.0, 1), (14.0, 1), (8.0, 1), (7.0, 1), (4.0, 2)])
def test_of_slow_engines_there_is_always_one_pair(clock: Clock, step_s: float, pairs: int) -> None:
    head, base = (ByClock(clock=clock, step_s=step_s) for _ in SIDES)
    recording = paired(head, base, plan())

    assert recording.pairs == len(recording.samples["head"]) == pairs
    assert recording.stopped == "budget"
    assert recording.warmup_counted == (step_s > 10.0)
    assert head.steps == base.steps == pairs + (step_s <= 10.0)
    assert {sample.round for _, sample in taken(recording)} == set(range(pairs))
    assert clock.now_s <= 30.0 + step_s or recording.warmup_counted


@pytest.mark.parametrize("seed", range(4))
def test_a_warm_up_that_counts_has_the_order_in_which_it_was_taken(clock: Clock, seed: int) -> None:
    head, base = (ByClock(clock=clock, step_s=40.0) for _ in SIDES)
    recording = paired(head, base, plan(order_seed=seed))

    began_s = {"head": head.began_s, "base": base.began_s}
    assert order(recording) == sorted(SIDES, key=lambda name: began_s[name])
    assert [sample.round for _, sample in taken(recording)] == [0, 0]
    assert clock.now_s == 80.0


def test_runs_of_pairs_are_taken_also_where_the_warm_up_exceeds_the_budget(clock: Clock) -> None:
    head, base = (ByClock(clock=clock, step_s=40.0) for _ in SIDES)
    recording = paired(head, base, plan(runs=1))

    assert (recording.pairs, recording.stopped) == (1, "runs")
    assert not recording.warmup_counted
    assert head.steps == base.steps == 2


@given(
    head_s=st.floats(0.02, 50.0),
    base_s=st.floats(0.02, 50.0),
    load_s=st.floats(0.0, 20.0),
    process=st.sampled_from(["start", "step"]),
)
def test_the_budget_is_used_and_kept_to_within_a_step(
    head_s: float, base_s: float, load_s: float, process: Process
) -> None:
    clock = Clock()
    budget_s = 30.0
    shared: dict[str, Any] = {"clock": clock, "process": process}
    if process == "step":
        load_s = 0.0  # it is part of the step
    shared["load_s"] = load_s
    with pytest.MonkeyPatch.context() as patch:
        clock.replace_time(patch)
        head, base = ByClock(step_s=head_s, **shared), ByClock(step_s=base_s, **shared)
        recording = paired(head, base, plan(budget_s=budget_s))

    first_s = 2 * load_s + head_s + base_s  # this much is always taken
    most_s = max(first_s, 1.1 * budget_s + max(head_s, base_s))
    assert clock.now_s <= most_s + 1e-9, "the clock adds its steps up in another order"
    assert recording.stopped == "budget"
    if not recording.warmup_counted:
        assert clock.now_s + head_s + base_s > budget_s
    assert recording.load_s + recording.steps_s == pytest.approx(clock.now_s)


def test_every_pair_has_one_step_of_each_side_and_the_order_is_random(clock: Clock) -> None:
    recording = paired(ByClock(clock=clock), ByClock(clock=clock), plan(runs=100))

    pairs = [tuple(names) for names in zip(*[iter(order(recording))] * 2, strict=True)]
    assert {frozenset(names) for names in pairs} == {frozenset(SIDES)}
    assert [sample.round for _, sample in taken(recording)] == [at // 2 for at in range(200)]
    head_first = [names[0] == "head" for names in pairs]
    assert 30 <= sum(head_first) <= 70
    assert max(len(list(group)) for _, group in groupby(head_first)) < 20


def test_the_seed_alone_decides_the_order_however_often_the_sides_are_restarted(
    clock: Clock,
) -> None:
    def orders(load_s: float, seed: int, process: Process = "start") -> list[str]:
        head, base = (ByClock(clock=clock, load_s=load_s, process=process) for _ in SIDES)
        recording = paired(head, base, plan(order_seed=seed))
        assert (
            head.opened == base.opened == len(set(starts(recording, "head"))) + (process == "step")
        )
        return order(recording)[:100]

    seldom = orders(load_s=3.0, seed=7)
    assert seldom == orders(load_s=3.0, seed=7)
    assert seldom == orders(load_s=0.0, seed=7)
    assert seldom == orders(load_s=0.0, seed=7, process="step")
    assert seldom != orders(load_s=3.0, seed=8)


def test_the_seed_decides_the_paddings_and_each_side_has_its_own(clock: Clock) -> None:
    def paddings(seed: int) -> list[list[str]]:
        head, base = (ByClock(clock=clock) for _ in SIDES)
        paired(head, base, plan(order_seed=seed, runs=4))
        return [head.paddings, base.paddings]

    assert paddings(7) == paddings(7)
    assert len({padding for seed in (7, 8) for side in paddings(seed) for padding in side}) == 16


@pytest.mark.parametrize(("runs", "blocks"), [(40, [5] * 8), (12, [2, 1] * 4), (2, [1, 1])])
def test_restarts_divide_the_runs_evenly_and_hit_both_sides_at_once(
    clock: Clock, runs: int, blocks: list[int]
) -> None:
    head, base = (ByClock(clock=clock, load_s=0.2) for _ in SIDES)
    recording = paired(head, base, plan(runs=runs))

    assert starts(recording, "head") == starts(recording, "base")
    assert list(Counter(starts(recording, "head")).values()) == blocks
    assert head.opened == head.closed == base.opened == base.closed == len(blocks)
    assert head.steps == base.steps == runs + len(blocks), "each restart has its own warm-up"


def test_restarts_divide_the_budget_evenly(clock: Clock) -> None:
    recording = paired(ByClock(clock=clock, load_s=0.2), ByClock(clock=clock, load_s=0.2), plan())

    blocks = Counter(starts(recording, "head"))
    assert list(blocks) == list(range(8))
    assert starts(recording, "head") == starts(recording, "base")
    assert max(blocks.values()) - min(blocks.values()) <= 2


@pytest.mark.parametrize(
    ("load_s", "expected"), [(0.0, 8), (0.3, 8), (0.8, 6), (1.2, 4), (1.7, 3), (2.0, 2), (10.0, 1)]
)
def test_restarts_take_no_more_than_two_fifths_of_the_budget(
    clock: Clock, load_s: float, expected: int
) -> None:
    recording = paired(
        ByClock(clock=clock, load_s=load_s), ByClock(clock=clock, load_s=load_s), plan()
    )

    assert len(set(starts(recording, "head"))) == expected
    assert expected == 1 or recording.load_s <= 0.4 * 30.0


@pytest.mark.parametrize(
    ("longer", "starts"),
    [
        ({"budget_s": 120.0}, 30),
        ({"budget_s": 31.0}, 8),
        ({"budget_s": 16.0}, 8),
        ({"runs": 600, "budget_s": 120.0}, 20),
    ],
)
def test_a_longer_run_has_more_starts_because_pairs_alone_do_not_average_them_out(
    clock: Clock, longer: dict[str, float], starts: int
) -> None:
    head, base = (ByClock(clock=clock, load_s=0.1) for _ in SIDES)
    paired(head, base, plan(**longer))
    assert head.opened == base.opened == starts


def test_an_engine_that_takes_no_time_to_start_is_restarted_as_often_as_any(clock: Clock) -> None:
    head, base = (ByClock(clock=clock) for _ in SIDES)
    paired(head, base, plan(warmup=0, runs=16))
    assert head.opened == base.opened == 8


def test_where_each_step_starts_a_process_nothing_else_is_started_or_warmed_up(
    clock: Clock,
) -> None:
    head, base = (ByClock(clock=clock, process="step") for _ in SIDES)
    recording = paired(head, base, plan(runs=20))

    assert head.steps == head.opened == head.closed == 1 + 20
    assert base.steps == base.opened == base.closed == 1 + 20
    assert starts(recording, "head") == starts(recording, "base") == list(range(1, 21))


def test_the_load_is_told_once_per_start_by_the_first_counted_step(clock: Clock) -> None:
    recording = paired(
        ByClock(clock=clock, load_s=0.2), ByClock(clock=clock, load_s=0.3), plan(runs=16)
    )

    assert [sample.load_ms for sample in recording.samples["head"]] == [200.0, None] * 8
    assert [sample.load_ms for sample in recording.samples["base"]] == [300.0, None] * 8


def test_a_step_is_given_its_timeout(clock: Clock) -> None:
    engine = ByClock(clock=clock)
    alone(engine, plan(runs=2, timeout_s=7.0))
    assert engine.timeouts_s == {7.0}


def test_no_step_is_begun_that_would_not_end_before_the_deadline(clock: Clock) -> None:
    recording = alone(ByClock(clock=clock, step_s=1.0), plan(runs=1000, end_s=20.5))
    assert (recording.stopped, len(recording.samples["head"])) == ("deadline", 19)
    assert clock.now_s == 20.0


def test_no_pair_is_begun_that_would_not_leave_its_time_to_head(clock: Clock) -> None:
    head, base = ByClock(clock=clock, step_s=1.0), ByClock(clock=clock, step_s=1.0)
    recording = paired(head, base, plan(runs=1000, end_s=100.0, pairs_end_s=30.5))
    assert recording.stopped == "deadline"
    assert 25 < clock.now_s <= 30.5


def test_a_budget_beyond_the_deadline_is_cut(clock: Clock) -> None:
    head, base = ByClock(clock=clock, step_s=1.0), ByClock(clock=clock, step_s=1.0)
    recording = paired(head, base, plan(budget_s=600.0, pairs_end_s=30.5))
    assert recording.stopped == "deadline"
    assert clock.now_s <= 30.5
    assert recording.pairs_planned <= 15


def test_a_step_is_given_no_more_than_is_left(clock: Clock) -> None:
    engine = ByClock(clock=clock, step_s=4.0)
    with pytest.raises(Unmeasured) as caught:
        alone(engine, plan(warmup=9, timeout_s=7.0, end_s=10.0))
    assert engine.timeouts_s == {7.0, 6.0, 2.0}
    assert caught.value.failure.reason == "deadline-passed"


def test_a_step_that_the_deadline_cut_off_counts_for_nothing(clock: Clock) -> None:
    engine = ByClock(clock=clock, step_s=4.0, times_out_at_step=2)
    recording = Recording()
    with pytest.raises(Unmeasured) as caught:
        measure_alone(engine, plan(end_s=10.0), recording, unseen)
    assert caught.value.failure.reason == "deadline-passed"
    assert recording.samples["head"] == []


def test_measuring_stops_with_the_whole_pair_after_which_enough_is_seen(clock: Clock) -> None:
    seen: list[tuple[int, ...]] = []

    def look(recording: Recording) -> bool:
        seen.append((recording.pairs, *(len(recording.samples[name]) for name in SIDES)))
        return recording.pairs == 7

    head, base = (ByClock(clock=clock) for _ in SIDES)
    recording = Recording()
    measure_pairs(head, base, plan(), recording, look, unseen)

    assert seen == [(pairs, pairs, pairs) for pairs in range(1, 8)]
    assert (recording.pairs, recording.stopped) == (7, "decided")
    assert head.steps == base.steps == 1 + 7


@pytest.mark.parametrize("load_s", [0.0, 0.5, 2.0])
def test_the_pilot_pairs_tell_how_many_the_budget_holds(clock: Clock, load_s: float) -> None:
    planned: list[int] = []

    def look(recording: Recording) -> bool:
        planned.append(recording.pairs_planned)
        return False

    recording = Recording()
    head, base = (ByClock(clock=clock, load_s=load_s) for _ in SIDES)
    measure_pairs(head, base, plan(), recording, look, unseen)

    assert planned[:4] == [0] * 4
    assert len(set(planned[4:])) == 1
    assert abs(planned[-1] - recording.pairs) <= 1


def extended(step_s: float, load_s: float = 0.1, *, worth_it: bool = True) -> Extended:
    """A run of 8 s that may become one of 20."""
    clock, asked = Clock(), []

    def go_on(recording: Recording, pairs: int) -> bool:
        asked.append((recording.pairs, pairs))
        return worth_it

    with pytest.MonkeyPatch.context() as patch:
        clock.replace_time(patch)
        head, base = (ByClock(clock=clock, step_s=step_s, load_s=load_s) for _ in SIDES)
        recording, told = Recording(), list[Progress]()
        how = plan(budget_s=8.0, longest_budget_s=20.0)
        measure_pairs(head, base, how, recording, undecided, told.append, go_on)
    return Extended(recording, asked, clock.now_s, told)


class Extended(NamedTuple):
    """What became of a run that might be extended."""

    recording: Recording
    asked: list[tuple[int, int]]
    """Pairs taken, and those that the longest budget would hold."""
    ended_s: float
    told: list[Progress]


def test_a_run_that_is_worth_it_goes_on_to_the_longest_budget() -> None:
    recording, asked, ended_s, told = extended(0.1)

    ((pairs, most),) = asked
    assert recording.extended_after == pairs < recording.pairs
    assert recording.pairs_planned == most
    assert abs(most - recording.pairs) <= 1
    assert (recording.stopped, 19.7 < ended_s <= 20.0) == ("budget", True)
    assert {each.budget_s for each in told[:pairs]} == {8.0}
    assert {each.budget_s for each in told[pairs:]} == {20.0}
    starts_each_second = [len(set(starts(recording, name))) / 20 for name in SIDES]
    assert starts_each_second == [20 / 20] * 2, "at the pace of the first 8 s, which had 8"


def test_a_run_that_is_not_worth_it_ends_with_its_budget() -> None:
    recording, asked, ended_s, _ = extended(0.1, worth_it=False)

    assert len(asked) == 1
    assert recording.extended_after is None
    assert (recording.stopped, recording.pairs) == ("budget", asked[0][0])
    assert ended_s <= 8.0


def test_nobody_is_asked_where_the_longest_budget_holds_no_further_pair() -> None:
    recording, asked, _, _ = extended(7.5)
    assert (asked, recording.pairs) == ([], 1)


def test_a_number_of_runs_is_the_plan(clock: Clock) -> None:
    assert paired(ByClock(clock=clock), ByClock(clock=clock), plan(runs=50)).pairs_planned == 50


def test_where_pairs_become_so_slow_that_none_fits_the_plan_is_those_taken(clock: Clock) -> None:
    head = ByClock(clock=clock, step_s=0.1, later_steps_s={6: 40.0})
    recording = paired(head, ByClock(clock=clock, step_s=0.1), plan())
    assert recording.pairs == recording.pairs_planned == 5


def test_who_watches_is_told_of_each_step_alone(clock: Clock) -> None:
    told: list[Progress] = []
    measure_alone(ByClock(clock=clock, step_s=1.0), plan(runs=2), Recording(), told.append)

    assert [(each.steps, each.pairs, each.elapsed_s) for each in told] == [(1, 0, 2.0), (2, 0, 3.0)]
    assert {each.budget_s for each in told} == {10.0}
    assert [each.sample.order for each in told] == [0, 1]


def test_who_watches_is_told_of_each_pair(clock: Clock) -> None:
    told: list[Progress] = []
    head, base = (ByClock(clock=clock, step_s=1.0, load_s=1.0) for _ in SIDES)
    measure_pairs(head, base, plan(budget_s=8.0), Recording(), undecided, told.append)

    assert [(each.steps, each.pairs, each.elapsed_s) for each in told] == [(2, 1, 6.0), (4, 2, 8.0)]
    assert {each.budget_s for each in told} == {8.0}
    assert [each.sample.order for each in told] == [1, 3]


def test_steps_of_a_few_milliseconds_are_repeated_in_one_step(clock: Clock) -> None:
    head, base = ByClock(clock=clock, step_s=0.003), ByClock(clock=clock, step_s=0.004)
    recording = paired(head, base, plan(runs=4, warmup=1))

    for name, engine, step_ms in (("head", head, 3.0), ("base", base, 4.0)):
        samples = recording.samples[name]
        assert [sample.repeats for sample in samples] == [13] * 4, "50 ms of the slower side"
        assert [sample.e2e_ms for sample in samples] == pytest.approx([step_ms] * 4)
        assert engine.steps == engine.opened + 13 * 4


def test_alone_they_are_repeated_too(clock: Clock) -> None:
    recording = alone(ByClock(clock=clock, step_s=0.005), plan(runs=2))
    assert [sample.repeats for sample in recording.samples["head"]] == [10, 10]


@pytest.mark.parametrize(
    ("changes", "warmup"),
    [({"step_s": 0.01}, 1), ({"step_s": 0.003}, 0), ({"step_s": 0.5, "e2e_ms": 2.0}, 1)],
)
def test_longer_or_unknown_steps_are_not_repeated_nor_those_that_mostly_load(
    clock: Clock, changes: dict[str, float], warmup: int
) -> None:
    engine = ByClock(clock=clock, process="step", **changes)  # type: ignore[arg-type] # floats
    recording = alone(engine, plan(runs=2, warmup=warmup))
    assert [sample.repeats for sample in recording.samples["head"]] == [1, 1]


def test_a_repeated_step_ends_with_the_first_request_that_fails(clock: Clock) -> None:
    engine = ByClock(clock=clock, step_s=0.005, fails_at_step=1 + 10 + 3)
    recording = Recording()
    with pytest.raises(Unmeasured):
        measure_alone(engine, plan(runs=5), recording, unseen)

    assert [sample.ok for sample in recording.samples["head"]] == [True, False]
    assert engine.steps == engine.fails_at_step
