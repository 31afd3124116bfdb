"""The verdict: each of its words, and what must hold for any two rows of times."""

import math
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf_smoke.compare import Circumstances, Schedule, paired, plan, settled
from perf_smoke.compare.looks import tail_at_look
from perf_smoke.result import Comparison


def job(
    pairs: int, change: float, noise: float = 0.02, seed: int = 7
) -> tuple[list[float], list[float]]:
    """Seconds of base and head, where head takes `change` longer."""
    rng = random.Random(seed)
    base = [0.05 * rng.lognormvariate(0, noise / 2**0.5) for _ in range(pairs)]
    head = [0.05 * (1 + change) * rng.lognormvariate(0, noise / 2**0.5) for _ in range(pairs)]
    return base, head


def names(found: Comparison) -> list[str]:
    return [guard.name for guard in found.guards]


@pytest.mark.parametrize(
    ("change", "verdict"),
    [(0.1, "slower"), (-0.1, "faster"), (0.0, "no-change"), (0.02, "slower")],
)
def test_a_change_is_called_what_it_is(change: float, verdict: str) -> None:
    found = paired(*job(60, change))
    assert found.verdict == verdict
    assert found.kind == "paired"
    assert found.pairs == 60
    assert found.estimate == pytest.approx(change, abs=0.012)
    assert found.estimate is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.estimate < found.high
    assert found.level == 0.99
    assert found.guards == ()


def test_a_sure_change_below_the_floor_is_not_called() -> None:
    found = paired(*job(400, 0.004, noise=0.005))
    assert found.low is not None
    assert found.low > 0
    assert found.verdict == "no-change"


def test_noise_is_told_as_such_with_what_it_would_take() -> None:
    found = paired(*job(40, 0.0, noise=0.3))
    assert found.verdict == "inconclusive"
    assert found.detectable is not None
    assert found.detectable > found.margin
    assert found.pairs_needed is not None
    assert found.pairs_needed > 40


def test_so_many_pairs_as_were_said_to_be_needed_do_see_the_margin() -> None:
    needed = paired(*job(40, 0.0, noise=0.2)).pairs_needed
    assert needed
    seen = paired(*job(needed, 0.0, noise=0.2)).detectable
    assert seen == pytest.approx(0.05, rel=0.25)


def test_the_last_equivalence_test_prints_its_own_interval() -> None:
    base, head = job(60, 0.0, noise=0.12, seed=1)
    found = paired(base, head)
    at_99_percent = paired(base, head, margin=1.0)
    assert (found.verdict, found.level) == ("no-change", 0.9)
    assert found.low is not None
    assert at_99_percent.low is not None
    assert at_99_percent.low < 1 / 1.05 - 1 < found.low
    assert found.detectable == at_99_percent.detectable


def test_a_laxer_alpha_than_ten_percent_needs_no_last_test() -> None:
    found = paired(*job(60, 0.0, noise=0.3), alpha=0.2)
    assert found.verdict == "inconclusive"
    assert found.level == 0.8


def test_the_limit_is_half_the_width_and_another_1_28_errors_beyond_the_floor() -> None:
    found = paired(*job(60, 0.0, noise=0.05), margin=1.0)
    assert found.low is not None
    assert found.high is not None
    assert found.detectable is not None
    half = (math.log1p(found.high) - math.log1p(found.low)) / 2
    z = 2.5758
    expected = half * (z + 1.2816) / z + math.log(1.005)
    assert math.log1p(found.detectable) == pytest.approx(expected, rel=1e-4)


def test_where_the_margin_could_have_been_seen_no_more_pairs_are_asked_for() -> None:
    # A change between the floor and the margin: neither of them is excluded.
    base, head = job(60, 0.025, noise=0.07, seed=6)
    found = paired(base, head)
    assert found.detectable is not None
    assert found.detectable < found.margin
    assert (found.verdict, found.pairs_needed) == ("inconclusive", None)


def test_the_limit_is_the_change_called_nine_times_of_ten() -> None:
    limit = paired(*job(60, 0.0, noise=0.05)).detectable
    assert limit
    called = sum(
        paired(*job(60, limit, noise=0.05, seed=seed)).verdict == "slower" for seed in range(60)
    )
    assert 45 <= called <= 60


@pytest.mark.parametrize("pairs", [1, 5, 10])
def test_below_eleven_pairs_there_is_an_estimate_but_no_verdict(pairs: int) -> None:
    found = paired(*job(pairs, 0.5))
    assert found.verdict == "inconclusive"
    assert found.estimate == pytest.approx(0.5, rel=0.1)
    assert found.low is found.high is found.level is found.detectable is None
    assert found.pairs_needed == 11


def test_eleven_pairs_can_have_a_verdict() -> None:
    assert paired(*job(11, 0.5)).verdict == "slower"


def test_a_small_alpha_takes_more_than_eleven() -> None:
    found = paired(*job(12, 0.5), alpha=0.0001)
    assert (found.verdict, found.low, found.pairs_needed) == ("inconclusive", None, 15)


def test_no_pairs_at_all_give_nothing() -> None:
    found = paired([], [])
    assert (found.verdict, found.estimate, found.pairs) == ("inconclusive", None, 0)


@pytest.mark.parametrize(
    "wrong", [{"alpha": 0.0}, {"alpha": 0.6}, {"margin": 0.0}, {"floor": -0.1}]
)
def test_a_rule_that_cannot_be_is_an_error(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        paired(*job(20, 0.0), **wrong)  # type: ignore[arg-type] # a table of cases


def test_measuring_stops_at_the_first_look_that_is_sure_and_decides_the_same_afterwards() -> None:
    base, head = job(240, 0.08, noise=0.1)
    looks = plan(240)
    stops = [
        pairs
        for pairs in range(1, 241)
        if settled(base[:pairs], head[:pairs], schedule=Schedule(looks=looks))
    ]
    assert stops
    first = stops[0]
    assert first in looks[:-1]
    found = paired(base[:first], head[:first], schedule=Schedule(looks=looks, stopped="decided"))
    assert (found.verdict, found.looks, found.stopped) == ("slower", looks, "decided")


def test_no_change_is_not_settled_before_thirty_pairs() -> None:
    base, head = job(120, 0.0, noise=0.01)
    looks = plan(120)
    assert looks[:2] == (15, 30)
    assert not settled(base[:15], head[:15], schedule=Schedule(looks=looks))
    assert settled(base[:30], head[:30], schedule=Schedule(looks=looks))


def test_a_busy_machine_is_measured_on_until_the_change_is_clear() -> None:
    base, head = job(60, 0.06, noise=0.08)
    schedule, busy = Schedule(looks=plan(120)), Circumstances(steal=0.2)
    assert settled(base, head, schedule=schedule)
    assert not settled(base, head, schedule=schedule, circumstances=busy)
    assert settled(base, [2 * second for second in head], schedule=schedule, circumstances=busy)


def test_a_look_with_too_few_pairs_for_its_share_of_alpha_settles_nothing() -> None:
    base, head = job(12, 1.0)
    schedule = Schedule(looks=plan(96))
    assert not settled(base, head, alpha=0.001, schedule=schedule)
    assert (
        paired(base, head, alpha=0.001, schedule=Schedule(looks=plan(96), stopped="decided")).low
        is None
    )


def test_the_end_spends_what_the_looks_have_left() -> None:
    base, head = job(30, 0.0, noise=0.1)
    at_the_look = paired(base, head, schedule=Schedule(looks=plan(60), stopped="decided"))
    at_the_end = paired(base, head, schedule=Schedule(looks=plan(60), stopped="budget"))
    only_look = paired(base, head)
    assert at_the_look.high and at_the_end.high and only_look.high  # noqa: PT018 - for mypy
    assert only_look.high <= at_the_end.high < at_the_look.high
    assert tail_at_look(30, plan(60), 0.01) < 0.005


def test_pairs_of_few_starts_are_trusted_less() -> None:
    base, head = job(80, 0.0, noise=0.01)
    alone = paired(base, head)
    shared = paired(base, head, schedule=Schedule(starts=[k // 20 for k in range(80)]))
    assert alone.high and shared.high  # noqa: PT018 - for mypy
    assert shared.high > alone.high + 0.003


def test_starts_that_disagree_are_said_beside_the_verdict() -> None:
    base, head = job(80, 0.3, noise=0.01)
    head = [second * (1 + 0.04 * (k // 20 % 2)) for k, second in enumerate(head)]
    found = paired(base, head, schedule=Schedule(starts=[k // 20 for k in range(80)]))
    assert (found.verdict, names(found)) == ("slower", ["restarts-disagree"])


def test_other_token_counts_are_not_comparable_but_the_estimate_is_shown() -> None:
    found = paired(*job(60, -0.3), circumstances=Circumstances(tokens=(4, 2)))
    assert (found.verdict, names(found)) == ("not-comparable", ["tokens-differ"])
    assert found.estimate == pytest.approx(-0.3, abs=0.02)
    noisy = paired(*job(60, 0.0, noise=0.5), circumstances=Circumstances(tokens=(4, 2)))
    assert (noisy.verdict, noisy.pairs_needed) == ("not-comparable", None)


def test_other_text_keeps_the_verdict_and_is_said() -> None:
    found = paired(*job(60, 0.1), circumstances=Circumstances(texts=({"a"}, {"b"})))
    assert (found.verdict, names(found)) == ("slower", ["texts-differ"])


@pytest.mark.parametrize(("change", "verdict"), [(0.2, "slower"), (0.0, "no-change")])
def test_an_order_that_matters_to_both_sides_is_said_and_favours_none(
    change: float, verdict: str
) -> None:
    base, head = job(160, change)
    coin = random.Random(3)
    head_first = [coin.random() < 0.5 for _ in range(160)]
    base = [s * (1.1 if after else 1.0) for s, after in zip(base, head_first, strict=True)]
    head = [s * (1.0 if first else 1.1) for s, first in zip(head, head_first, strict=True)]
    found = paired(base, head, circumstances=Circumstances(head_first=head_first))
    assert (found.verdict, names(found)) == (verdict, ["order-in-pair"])
    assert found.estimate == pytest.approx(change, abs=0.03)


@pytest.mark.parametrize("disturbed", ["base", "head"])
def test_a_side_that_disturbs_the_step_after_its_own_widens_the_interval(disturbed: str) -> None:
    base, head = job(160, 0.0)
    coin = random.Random(3)
    head_first = [coin.random() < 0.5 for _ in range(160)]
    if disturbed == "base":
        base = [s * (1.2 if after else 1.0) for s, after in zip(base, head_first, strict=True)]
    else:
        head = [s * (1.0 if first else 1.2) for s, first in zip(head, head_first, strict=True)]
    alone = paired(base, head)
    assert alone.verdict == ("faster" if disturbed == "base" else "slower"), "it looks like one"
    found = paired(base, head, circumstances=Circumstances(head_first=head_first))
    assert found.verdict == "inconclusive"
    assert "places-unequal" in names(found)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 < found.high
    assert found.pairs_needed is None, "no number of pairs makes up for it"


def test_a_cost_in_milliseconds_that_both_sides_pay_takes_no_large_change() -> None:
    base, head = job(60, 1.0, noise=0.01)
    coin = random.Random(3)
    head_first = [coin.random() < 0.5 for _ in range(60)]
    more = 0.06 * min(base)
    base = [s + (more if after else 0.0) for s, after in zip(base, head_first, strict=True)]
    head = [s + (0.0 if first else more) for s, first in zip(head, head_first, strict=True)]
    found = paired(base, head, circumstances=Circumstances(head_first=head_first))
    assert found.verdict == "slower"
    assert found.estimate == pytest.approx(0.97, abs=0.03)


def test_another_cpu_voids_the_verdict() -> None:
    found = paired(*job(60, 0.5), circumstances=Circumstances(cpu_models=("A", "B")))
    assert (found.verdict, names(found)) == ("inconclusive", ["cpu-model-changed"])
    assert found.estimate is not None
    assert (found.detectable, found.pairs_needed) == (None, None)


def test_clocks_that_contradict_each_other_void_the_verdict() -> None:
    wall, cpu = job(60, 0.1), job(60, -0.1, seed=2)
    found = paired(*wall, circumstances=Circumstances(wall_s=wall, cpu_s=cpu))
    assert (found.verdict, names(found)) == ("inconclusive", ["wall-against-cpu"])
    agreeing = paired(*wall, circumstances=Circumstances(wall_s=wall, cpu_s=job(60, 0.0, seed=2)))
    assert (agreeing.verdict, agreeing.guards) == ("slower", ())


@pytest.mark.parametrize(
    ("change", "verdict"), [(0.07, "inconclusive"), (0.6, "slower"), (-0.6, "faster")]
)
def test_on_a_busy_machine_only_a_change_far_beyond_the_margin_is_called(
    change: float, verdict: str
) -> None:
    found = paired(*job(60, change, noise=0.1), circumstances=Circumstances(steal=0.2))
    assert (found.verdict, names(found)) == (verdict, ["steal"])


def test_on_a_busy_machine_the_limit_is_that_of_what_would_be_called_there() -> None:
    sides = job(60, 0.0, noise=0.1)
    quiet, busy = paired(*sides), paired(*sides, circumstances=Circumstances(steal=0.2))
    assert quiet.detectable is not None
    assert busy.detectable == pytest.approx((1 + quiet.detectable) * 1.05 / 1.005 - 1, rel=1e-9), (
        "the margin takes the floor's place"
    )
    assert paired(*job(60, 0.0, noise=0.5)).pairs_needed is not None
    noisy = paired(*job(60, 0.0, noise=0.5), circumstances=Circumstances(steal=0.2))
    assert noisy.pairs_needed is None, "more pairs do not make a quiet machine"


def test_times_on_a_coarse_clock_claim_no_more_than_its_ticks() -> None:
    base, head = [0.020] * 40, [0.021] * 40
    found = paired(base, head)
    assert (found.verdict, names(found)) == ("inconclusive", ["coarse-clock"])
    assert found.low == pytest.approx(0.0, abs=1e-9)
    assert found.pairs_needed is None, "more of the same ticks tell nothing"
    same = paired(base, base)
    assert (same.verdict, names(same)) == ("inconclusive", ["coarse-clock"])
    fine = paired([time + 0.000123 for time in base], [time + 0.000123 for time in head])
    assert (fine.verdict, fine.guards) == ("slower", ())


def test_noise_of_several_ticks_averages_the_rounding_out() -> None:
    exact = job(120, 0.10, noise=0.15)
    rounded = tuple([round(second, 3) for second in side] for side in exact)
    found = paired(rounded[0], rounded[1])
    assert (found.verdict, found.guards) == ("slower", ())
    assert found.estimate == pytest.approx(paired(*exact).estimate, abs=0.01)


def test_too_many_threads_are_the_named_cause_of_no_verdict() -> None:
    base, head = job(60, 0.0, noise=0.7)
    cpu = tuple([second * 1.2 for second in side] for side in (base, head))
    found = paired(
        base,
        head,
        circumstances=Circumstances(
            wall_s=(base, head), cpu_s=(cpu[0], cpu[1]), threads=2, cpus=2, load_before=0.1
        ),
        schedule=Schedule(starts=[k // 20 for k in range(60)]),
    )
    assert (found.verdict, names(found)) == ("inconclusive", ["oversubscribed"])


@pytest.mark.parametrize(("idle", "said"), [(0.4, []), (0.05, ["oversubscribed"])])
def test_a_program_that_loads_on_one_thread_is_not_said_to_queue_while_a_cpu_is_free(
    idle: float, said: list[str]
) -> None:
    base, head = job(60, 0.0, noise=0.7)
    cpu = tuple([second * 1.2 for second in side] for side in (base, head))
    known = Circumstances(wall_s=(base, head), cpu_s=(cpu[0], cpu[1]), threads=2, cpus=2, idle=idle)
    one_shot = Schedule(starts=range(60))
    found = paired(base, head, circumstances=known, schedule=one_shot)
    assert (found.verdict, names(found)) == ("inconclusive", said)


def test_too_few_pairs_and_a_busy_machine_are_both_told() -> None:
    found = paired(*job(5, 0.9), circumstances=Circumstances(steal=0.2))
    assert (found.verdict, names(found)) == ("inconclusive", ["steal"])


times = st.floats(min_value=1e-300, max_value=1e300)
two_rows = st.integers(1, 40).flatmap(
    lambda pairs: st.tuples(
        st.lists(times, min_size=pairs, max_size=pairs),
        st.lists(times, min_size=pairs, max_size=pairs),
        st.lists(st.integers(0, 3), min_size=pairs, max_size=pairs),
    )
)
properties = settings(derandomize=True, deadline=None, max_examples=60)


def numbers(found: Comparison) -> list[float]:
    shown = (found.estimate, found.low, found.high, found.level, found.detectable)
    return [number for number in shown if number is not None]


@properties
@given(two_rows)
def test_any_positive_times_give_finite_numbers(
    rows: tuple[list[float], list[float], list[int]],
) -> None:
    base, head, starts = rows
    for labels in (None, starts):
        found = paired(base, head, schedule=Schedule(starts=labels))
        assert all(map(math.isfinite, numbers(found)))
        if found.low is not None and found.high is not None and found.estimate is not None:
            assert found.low <= found.estimate <= found.high


def test_a_ratio_beyond_all_floats_is_still_a_number() -> None:
    found = paired([1e-300] * 11, [1e300] * 11)
    assert found.verdict == "slower"
    assert all(map(math.isfinite, numbers(found)))


near = st.floats(min_value=0.01, max_value=1.0)
two_near_rows = st.integers(11, 40).flatmap(
    lambda pairs: st.tuples(
        st.lists(near, min_size=pairs, max_size=pairs),
        st.lists(near, min_size=pairs, max_size=pairs),
        st.sampled_from([None, [k // 6 for k in range(pairs)]]),
    )
)
MIRRORED = {"slower": "faster", "faster": "slower"}


@properties
@given(two_near_rows)
def test_sides_that_are_swapped_give_the_mirrored_verdict(
    rows: tuple[list[float], list[float], list[int] | None],
) -> None:
    base, head, starts = rows
    one = paired(base, head, schedule=Schedule(starts=starts))
    other = paired(head, base, schedule=Schedule(starts=starts))
    assert other.verdict == MIRRORED.get(one.verdict, one.verdict)
    assert one.estimate is not None
    assert other.estimate is not None
    assert math.log1p(other.estimate) == pytest.approx(-math.log1p(one.estimate), abs=1e-9)
    assert one.low is not None
    assert other.high is not None
    assert math.log1p(other.high) == pytest.approx(-math.log1p(one.low), abs=1e-6)


@properties
@given(two_near_rows, st.sampled_from([2.0**-20, 0.25, 1024.0]))
def test_the_unit_of_time_does_not_matter(
    rows: tuple[list[float], list[float], list[int] | None], factor: float
) -> None:
    base, head, starts = rows
    one = paired(base, head, schedule=Schedule(starts=starts))
    other = paired(
        [second * factor for second in base],
        [second * factor for second in head],
        schedule=Schedule(starts=starts),
    )
    assert numbers(other) == pytest.approx(numbers(one), rel=1e-6, abs=1e-9)


def test_thousands_of_pairs_are_no_burden() -> None:
    base, head = job(4000, 0.01, noise=0.1)
    started = time.process_time()
    assert paired(base, head, schedule=Schedule(looks=plan(4000))).verdict != "inconclusive"
    assert time.process_time() - started < 30  # writing eight million averages down takes as long
