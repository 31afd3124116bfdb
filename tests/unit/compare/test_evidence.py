"""The interval of the pairs: coverage, references, and what the starts add."""

import itertools
import math
import random

import numpy as np
import pytest
from scipy.stats import wilcoxon

from perf_smoke.compare.evidence import Evidence, Interval, log_ratios


def interval(evidence: Evidence, tail: float) -> Interval:
    found = evidence.interval(tail)
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(30))
def test_zero_is_outside_exactly_where_scipy_s_wilcoxon_rejects(seed: int) -> None:
    rng = random.Random(seed)
    pairs, centre = rng.randint(11, 45), rng.choice((0.0, 0.4, 0.8, -0.6))
    differences = [rng.gauss(centre, 1) for _ in range(pairs)]
    p_value = wilcoxon(differences, method="exact").pvalue
    for alpha in (0.1, 0.05, 0.01, 0.002):
        found = interval(Evidence(differences, None), alpha / 2)
        assert (not found.low <= 0 <= found.high) == (p_value <= alpha)


def test_every_choice_of_signs_of_eleven_pairs_by_enumeration() -> None:
    sizes = [random.Random(2).lognormvariate(0, 1) for _ in range(11)]
    sizes = [size * 1.07**k for k, size in enumerate(sizes)]
    outside = 0
    for signs in itertools.product((-1, 1), repeat=11):
        found = interval(Evidence([s * x for s, x in zip(signs, sizes, strict=True)], None), 0.01)
        outside += not found.low <= 0 <= found.high
    assert 0.5 * 0.02 < outside / 2**11 <= 0.02


@pytest.mark.parametrize("pairs", [12, 40, 70])
def test_a_90_percent_interval_covers_the_truth_in_nine_of_ten_jobs(pairs: int) -> None:
    rng = np.random.default_rng(pairs)
    jobs, truth = 400, 0.03
    covered = 0
    for _ in range(jobs):
        differences = (truth + 0.1 * rng.standard_t(3, size=pairs)).tolist()
        found = interval(Evidence(differences, None), 0.05)
        covered += found.low <= truth <= found.high
    assert abs(covered / jobs - 0.9) < 3.5 * math.sqrt(0.9 * 0.1 / jobs)


def test_equal_and_rounded_times_only_make_it_cover_more_often() -> None:
    rng = random.Random(4)
    covered = 0
    for _ in range(200):
        rounded = [round(rng.gauss(0, 2)) / 100 for _ in range(15)]
        found = interval(Evidence(rounded, None), 0.05)
        covered += found.low <= 0 <= found.high
    assert covered >= 170


def test_below_eleven_pairs_there_is_no_interval() -> None:
    assert Evidence([0.1] * 10, None).interval(0.2) is None
    assert Evidence([0.1] * 11, None).interval(0.005) is not None


def test_eleven_pairs_cannot_bound_an_error_of_one_in_ten_thousand() -> None:
    assert Evidence([0.1] * 11, None).interval(0.0001) is None


def test_pairs_with_a_start_each_need_no_widening() -> None:
    differences = [random.Random(1).gauss(0, 0.1) for _ in range(20)]
    alone = Evidence(differences, None).interval(0.005)
    assert Evidence(differences, list(range(20))).interval(0.005) == alone


def test_shared_starts_widen_the_interval_evenly() -> None:
    rng = random.Random(1)
    differences = [rng.gauss(0, 0.1) for _ in range(40)]
    alone = interval(Evidence(differences, None), 0.005)
    shared = interval(Evidence(differences, [k // 10 for k in range(40)]), 0.005)
    assert shared.low < alone.low
    assert shared.high > alone.high
    assert shared.high - alone.high == pytest.approx(alone.low - shared.low)


def test_pairs_that_all_agree_leave_the_doubt_of_the_starts_alone() -> None:
    evidence = Evidence([0.1] * 40, [k // 10 for k in range(40)])
    found = interval(evidence, 0.005)
    assert 0.003 < found.half < 0.02
    assert interval(Evidence([0.1] * 40, None), 0.005).half == 0


def covered_share(between_starts: float, within: float, starts: int, tail: float) -> float:
    """How often the interval of 120 pairs in so many starts covers the truth."""
    rng = np.random.default_rng(round(1e5 * between_starts + 1e3 * within) + starts)
    per_start = 120 // starts
    labels = [k // per_start for k in range(per_start * starts)]
    covered, jobs = 0, 150
    for _ in range(jobs):
        offsets = rng.normal(0, between_starts, size=starts)
        differences = (offsets[labels] + rng.normal(0, within, size=len(labels))).tolist()
        found = interval(Evidence(differences, labels), tail)
        covered += found.low <= 0 <= found.high
    return covered / jobs


@pytest.mark.parametrize("between_starts", [0.0025, 0.005, 0.01])
def test_starts_that_differ_by_up_to_a_percent_are_covered(between_starts: float) -> None:
    assert covered_share(between_starts, within=0.015, starts=4, tail=0.005) > 0.96


def test_without_a_word_on_starts_the_same_pairs_would_promise_too_much() -> None:
    rng = np.random.default_rng(12)
    covered = 0
    for _ in range(100):
        offsets = np.repeat(rng.normal(0, 0.01, size=4), 30)
        found = interval(Evidence((offsets + rng.normal(0, 0.015, size=120)).tolist(), None), 0.005)
        covered += found.low <= 0 <= found.high
    assert covered < 75


def test_starts_hardly_matter_where_the_pairs_are_noisy() -> None:
    rng = random.Random(9)
    differences = [rng.gauss(0, 0.13) for _ in range(240)]
    alone = interval(Evidence(differences, None), 0.0023)
    shared = interval(Evidence(differences, [k // 60 for k in range(240)]), 0.0023)
    assert shared.half < 1.35 * alone.half


@pytest.mark.parametrize("time", [0.0, -1.0, math.inf, math.nan])
def test_times_that_cannot_be_are_an_error(time: float) -> None:
    with pytest.raises(ValueError, match="cannot take"):
        log_ratios([1.0], [time])
    with pytest.raises(ValueError, match="cannot take"):
        log_ratios([time], [1.0])


def test_sides_of_different_length_are_an_error() -> None:
    with pytest.raises(ValueError, match="2 times of base, but 1 of head"):
        log_ratios([1.0, 2.0], [1.0])
