"""The verdict: each of its words, and what must hold for any two rows of times."""

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf_smoke.compare import Circumstances, Pairs, Rule, decide, may_go_on, may_stop, plan
from perf_smoke.result import Comparison, Extension
from tests.unit.compare.rows import guards, pairs_of, times

NOTHING = Circumstances()
NO_MARGIN = Rule(margin=1.0)
"""Of so wide a margin nothing but the interval at 1 − alpha decides."""


def decided(pairs: int, change: float = 0.0, noise: float = 0.02, seed: int = 7) -> Comparison:
    return decide(Pairs.of_times(*times(pairs, change, noise, seed)), Rule())


def interval(comparison: Comparison) -> tuple[float, float]:
    assert comparison.low is not None
    assert comparison.high is not None
    return comparison.low, comparison.high


@pytest.mark.parametrize(
    ("change", "verdict"),
    [(0.1, "slower"), (-0.1, "faster"), (0.0, "no-change"), (0.02, "slower")],
)
def test_a_change_is_called_what_it_is(change: float, verdict: str) -> None:
    answer = decided(60, change)
    assert (answer.verdict, answer.pairs, answer.level) == (verdict, 60, 0.99)
    assert (answer.metric, answer.guards, answer.machine_then) == ("wall", (), None)
    assert answer.estimate == pytest.approx(change, abs=0.012)
    low, high = interval(answer)
    assert low < (answer.estimate or 0.0) < high


def test_the_record_says_which_question_it_answers_and_by_which_rule() -> None:
    rule = Rule(alpha=0.02, margin=0.1, floor=0.01)
    pairs = Pairs.of_times(*times(20), metric="decode")
    answer = decide(pairs, rule, looks=(12, 20), stopped="runs", workload="long", base="v1")
    assert (answer.workload, answer.base, answer.metric) == ("long", "v1", "decode")
    assert (answer.rule, answer.looks, answer.stopped) == (rule, (12, 20), "runs")


def test_a_sure_change_below_the_floor_is_not_called() -> None:
    answer = decided(400, 0.004, noise=0.005)
    assert interval(answer)[0] > 0
    assert answer.verdict == "no-change"


def test_noise_is_told_as_such_with_what_it_would_take() -> None:
    noisy = decided(40, noise=0.2)
    assert noisy.verdict == "inconclusive"
    assert (noisy.detectable or 0) > noisy.rule.margin
    assert (noisy.pairs_needed or 0) > 40
    assert decided(noisy.pairs_needed or 0, noise=0.2).detectable == pytest.approx(0.05, rel=0.25)


def test_the_last_equivalence_test_prints_its_own_interval() -> None:
    pairs = Pairs.of_times(*times(60, noise=0.12, seed=1))
    answer, at_99_percent = decide(pairs, Rule()), decide(pairs, NO_MARGIN)
    assert (answer.verdict, answer.level) == ("no-change", 0.9)
    assert interval(at_99_percent)[0] < 1 / 1.05 - 1 < interval(answer)[0]
    assert answer.detectable == at_99_percent.detectable
    assert answer.pairs_needed is None


def test_a_laxer_alpha_than_ten_percent_needs_no_last_test() -> None:
    answer = decide(Pairs.of_times(*times(60, noise=0.3)), Rule(alpha=0.2))
    assert (answer.verdict, answer.level) == ("inconclusive", 0.8)


def test_the_limit_is_half_the_width_and_another_1_28_errors_beyond_the_floor() -> None:
    answer = decide(Pairs.of_times(*times(60, noise=0.05)), NO_MARGIN)
    low, high = interval(answer)
    half, z = (math.log1p(high) - math.log1p(low)) / 2, 2.5758
    expected = half * (z + 1.2816) / z + math.log(1.005)
    assert math.log1p(answer.detectable or 0) == pytest.approx(expected, rel=1e-4)


def test_a_margin_that_no_run_could_see_has_no_number_of_pairs() -> None:
    answer = decide(Pairs.of_times(*times(20)), Rule(margin=1e-300, floor=0.0))
    assert (answer.verdict, answer.pairs_needed) == ("inconclusive", None)


def test_where_the_margin_could_have_been_seen_no_more_pairs_are_asked_for() -> None:
    # A change between the floor and the margin: neither of them is excluded.
    answer = decided(60, 0.025, noise=0.07, seed=6)
    assert (answer.detectable or 1) < answer.rule.margin
    assert (answer.verdict, answer.pairs_needed) == ("inconclusive", None)


def test_the_limit_is_the_change_called_nine_times_of_ten() -> None:
    limits = sorted(decided(60, noise=0.05, seed=seed).detectable or 0 for seed in range(60))
    called = sum(
        decided(60, limits[30], noise=0.05, seed=seed).verdict == "slower" for seed in range(60)
    )
    assert 48 <= called < 60


def test_the_standard_error_is_that_of_the_estimates_of_many_jobs() -> None:
    answers = [decided(60, noise=0.1, seed=seed) for seed in range(150)]
    ratios = [answer.log_ratio or 0.0 for answer in answers]
    spread = math.sqrt(math.fsum(ratio**2 for ratio in ratios) / len(ratios))
    told = sorted(answer.standard_error or 0.0 for answer in answers)[75]
    assert told == pytest.approx(spread, rel=0.12)


def test_the_standard_error_is_half_of_the_90_percent_interval_over_1_645() -> None:
    shared, alone = pairs_of(*times(80, noise=0.01)), pairs_of(*times(80, noise=0.01), starts=None)
    for pairs in (shared, alone):
        low, high = interval(decide(pairs, Rule(alpha=0.1)))
        half = (math.log1p(high) - math.log1p(low)) / 2
        assert decide(pairs, Rule()).standard_error == pytest.approx(half / 1.644854, rel=1e-5)
    starts_add = decide(shared, Rule()).standard_error, decide(alone, Rule()).standard_error
    assert (starts_add[0] or 0) > 2 * (starts_add[1] or 0)


@pytest.mark.parametrize("pairs", [1, 5, 10])
def test_below_eleven_pairs_there_is_an_estimate_but_no_verdict(pairs: int) -> None:
    answer = decided(pairs, 0.5)
    assert (answer.verdict, answer.pairs_needed) == ("inconclusive", 11)
    assert answer.estimate == pytest.approx(0.5, rel=0.1)
    assert answer.low is answer.high is answer.level is answer.detectable is None
    assert answer.standard_error is None


def test_eleven_pairs_can_have_a_verdict_and_a_small_alpha_takes_more() -> None:
    assert decided(11, 0.5).verdict == "slower"
    answer = decide(Pairs.of_times(*times(12, 0.5)), Rule(alpha=0.0001))
    assert (answer.verdict, answer.low, answer.pairs_needed) == ("inconclusive", None, 15)
    assert answer.standard_error is not None


def test_no_pair_at_all_is_said_to_be_the_metric_s_fault() -> None:
    answer = decide(Pairs.of([], [], "ttft"), Rule(), circumstances=Circumstances(steal=0.5))
    assert (answer.verdict, answer.log_ratio, answer.pairs) == ("inconclusive", None, 0)
    assert guards(answer)[0] == ("metric-missing", "no-verdict")
    assert "No pair of steps gave `ttft` on both sides" in answer.guards[0].sentence
    assert answer.pairs_needed is None


def test_measuring_stops_at_the_first_look_that_is_sure_and_decides_the_same_afterwards() -> None:
    pairs, looks = Pairs.of_times(*times(240, 0.08, noise=0.1)), plan(240)
    stops = [count for count in range(241) if may_stop(pairs.first(count), Rule(), looks, NOTHING)]
    assert stops
    assert set(stops) <= set(looks[:-1])
    answer = decide(pairs.first(stops[0]), Rule(), looks=looks, stopped="decided")
    assert (answer.verdict, answer.pairs) == ("slower", stops[0])


def test_no_look_stops_for_no_change_before_thirty_pairs() -> None:
    pairs, looks = Pairs.of_times(*times(120, noise=0.01)), plan(120)
    assert looks[:2] == (15, 30)
    assert [may_stop(pairs.first(look), Rule(), looks, NOTHING) for look in (15, 30)] == [
        False,
        True,
    ]
    assert decide(pairs.first(15), Rule()).verdict == "no-change", "the end may"


def test_a_busy_machine_is_measured_on_until_the_change_is_clear() -> None:
    base, head = times(60, 0.02, noise=0.02)
    busy, looks = Circumstances(steal=0.2), plan(120)
    pairs = Pairs.of_times(base, head)
    assert may_stop(pairs, Rule(), looks, NOTHING)
    assert not may_stop(pairs, Rule(), looks, busy)
    assert may_stop(Pairs.of_times(base, [1.02 * time for time in head]), Rule(), looks, busy)


def test_no_change_waits_while_a_change_looks_likely_but_not_at_the_end() -> None:
    pairs, looks = Pairs.of_times(*times(60, 0.012, noise=0.05)), plan(120)
    low, high = interval(decide(pairs, Rule(alpha=0.1)))
    assert low > 0.005, "the 90 % interval lies beyond the floor"
    assert high < 0.05
    assert not may_stop(pairs, Rule(), looks, NOTHING)
    assert decide(pairs, Rule(), looks=looks, stopped="budget").verdict == "no-change"
    nearer = Pairs.of_times(*times(60, 0.0, noise=0.05))
    assert may_stop(nearer, Rule(), looks, NOTHING)


KEPT = Extension(alpha_share=0.2)


def goes_on(pairs: Pairs, most: int, known: Circumstances = NOTHING) -> bool:
    return may_go_on(pairs, Rule(), plan(60), known, KEPT, pairs_at_most=most)


def test_a_run_goes_on_where_nothing_is_decided_and_more_pairs_may_do_it() -> None:
    likely = Pairs.of_times(*times(60, 0.03, noise=0.15))
    assert goes_on(likely, 120), "slower may become sure"
    assert not goes_on(likely, 61), "not by one pair"
    assert goes_on(Pairs.of_times(*times(60, noise=0.15)), 240), "no change may be shown"
    assert not goes_on(Pairs.of_times(*times(60, noise=0.4)), 120), "neither can be"
    assert not goes_on(Pairs.of_times(*times(60, 0.3, noise=0.1)), 1000), "slower already"
    assert not goes_on(Pairs.of_times(*times(60, noise=0.02)), 1000), "no change already"
    assert goes_on(Pairs.of_times(*times(8)), 16), "too few for any verdict"
    assert not goes_on(Pairs.of_times(*times(8)), 9), "too few then, too"


def test_it_goes_on_where_a_change_within_the_margin_looks_likely() -> None:
    pairs = Pairs.of_times(*times(60, 0.012, noise=0.05))
    assert decide(pairs, Rule(), looks=plan(60), extension=KEPT).verdict == "no-change"
    assert goes_on(pairs, 61)


def test_it_does_not_go_on_where_more_pairs_bring_no_verdict_back() -> None:
    likely = Pairs.of_times(*times(60, 0.03, noise=0.15))
    assert goes_on(likely, 1000, Circumstances(steal=0.2))
    assert not goes_on(likely, 1000, Circumstances(cpu_models=("A", "B")))
    quiet = Pairs.of_times(*times(60, noise=0.02))
    assert not goes_on(quiet, 1000, Circumstances(steal=0.2)), "its pairs are not what is missing"
    assert not goes_on(Pairs.of([], [], "ttft"), 1000), "there will be none later either"


def test_a_look_with_too_few_pairs_for_its_share_of_alpha_decides_nothing() -> None:
    pairs, rule, looks = Pairs.of_times(*times(12, 1.0)), Rule(alpha=0.001), plan(96)
    assert not may_stop(pairs, rule, looks, NOTHING)
    assert decide(pairs, rule, looks=looks, stopped="decided").low is None


def test_the_end_spends_what_the_looks_have_left() -> None:
    pairs, looks = Pairs.of_times(*times(30, noise=0.1)), plan(60)
    at_the_look = interval(decide(pairs, Rule(), looks=looks, stopped="decided"))
    at_the_end = interval(decide(pairs, Rule(), looks=looks, stopped="budget"))
    only_look = interval(decide(pairs, Rule()))
    assert only_look[1] <= at_the_end[1] < at_the_look[1]


@pytest.mark.parametrize("looks", [(0, 12, 20), (12, 12, 20), (20, 12), (-4, 20)])
def test_looks_that_do_not_rise_are_an_error(looks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="planned looks rise"):
        decide(Pairs.of_times(*times(20)), Rule(), looks=looks)


@pytest.mark.parametrize("looks", [(30,), (30, 30, 60), (60, 30)])
def test_looks_of_an_extension_that_do_not_rise_are_an_error(looks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="planned looks rise"):
        Extension(alpha_share=0.2, looks=looks)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_an_extension_has_a_part_of_alpha(share: float) -> None:
    with pytest.raises(ValueError, match="alpha_share"):
        Extension(alpha_share=share)


def numbers(answer: Comparison) -> list[float]:
    shown = (answer.estimate, answer.low, answer.high, answer.level, answer.detectable)
    return [number for number in (*shown, answer.standard_error) if number is not None]


def two_rows(time: st.SearchStrategy[float], fewest: int) -> st.SearchStrategy[Pairs]:
    def rows(pairs: int) -> st.SearchStrategy[Pairs]:
        row = st.lists(time, min_size=pairs, max_size=pairs)
        starts = st.sampled_from([None, [k // 6 for k in range(pairs)], [0] * pairs])
        return st.builds(Pairs.of_times, row, row, starts=starts)

    return st.integers(fewest, 40).flatmap(rows)


properties = settings(derandomize=True, deadline=None, max_examples=60)
near = two_rows(st.floats(min_value=0.01, max_value=1.0), fewest=11)


@properties
@given(two_rows(st.floats(min_value=1e-300, max_value=1e300), fewest=1))
def test_any_positive_times_give_finite_numbers(pairs: Pairs) -> None:
    answer = decide(pairs, Rule())
    assert all(map(math.isfinite, numbers(answer)))
    if answer.low is not None and answer.high is not None and answer.estimate is not None:
        assert answer.low <= answer.estimate <= answer.high


@properties
@given(near)
def test_sides_that_are_swapped_give_the_mirrored_verdict(pairs: Pairs) -> None:
    swapped = Pairs.of_times(pairs.head.time_s, pairs.base.time_s, starts=pairs.starts)
    one, other = decide(pairs, Rule()), decide(swapped, Rule())
    mirrored = {"slower": "faster", "faster": "slower"}
    assert other.verdict == mirrored.get(one.verdict, one.verdict)
    assert other.log_ratio == pytest.approx(-(one.log_ratio or 0), abs=1e-9)
    assert math.log1p(interval(other)[1]) == pytest.approx(-math.log1p(interval(one)[0]), abs=1e-6)


@properties
@given(near, st.sampled_from([2.0**-20, 0.25, 1024.0]))
def test_the_unit_of_time_does_not_matter(pairs: Pairs, factor: float) -> None:
    rows = ([time * factor for time in side.time_s] for side in (pairs.base, pairs.head))
    other = decide(Pairs.of_times(*rows, starts=pairs.starts), Rule())
    assert numbers(other) == pytest.approx(numbers(decide(pairs, Rule())), rel=1e-6, abs=1e-9)


def test_thousands_of_pairs_are_no_burden() -> None:
    started = time.process_time()
    pairs = Pairs.of_times(*times(4000, 0.01, noise=0.1))
    assert decide(pairs, Rule(), looks=plan(4000)).verdict != "inconclusive"
    assert time.process_time() - started < 30  # writing eight million averages down takes as long
