"""The interval of the pairs: coverage, references, and what the starts add."""

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import wilcoxon

from perf_smoke.compare import Pairs, Rule, decide


def interval(
    log_ratios: Sequence[float], alpha: float, starts: Sequence[int] | None = None
) -> tuple[float, float]:
    """Bounds of the log-ratio, which a single look errs about with a probability of `alpha`."""
    base_s = [0.05 * math.exp(-ratio / 2) for ratio in log_ratios]
    head_s = [0.05 * math.exp(ratio / 2) for ratio in log_ratios]
    no_last_test = Rule(alpha=alpha, margin=1e-12, floor=0.0)
    answer = decide(Pairs.of_times(base_s, head_s, starts=starts), no_last_test)
    assert answer.low is not None
    assert answer.high is not None
    return math.log1p(answer.low), math.log1p(answer.high)


def half(bounds: tuple[float, float]) -> float:
    return (bounds[1] - bounds[0]) / 2


def holds(truth: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= truth <= bounds[1]


@pytest.mark.parametrize("seed", range(30))
def test_zero_is_outside_exactly_where_scipy_s_wilcoxon_rejects(seed: int) -> None:
    rng = random.Random(seed)
    pairs, centre = rng.randint(11, 45), rng.choice((0.0, 0.4, 0.8, -0.6))
    log_ratios = [rng.gauss(centre, 1) for _ in range(pairs)]
    p_value = wilcoxon(log_ratios, method="exact").pvalue
    for alpha in (0.1, 0.05, 0.01, 0.002):
        assert holds(0, interval(log_ratios, alpha)) == (p_value > alpha)


@pytest.mark.parametrize("pairs", [12, 40, 70])
def test_a_90_percent_interval_covers_the_truth_in_nine_of_ten_jobs(pairs: int) -> None:
    rng = np.random.default_rng(pairs)
    jobs, truth = 400, 0.03
    covered = sum(
        holds(truth, interval((truth + 0.1 * rng.standard_t(3, size=pairs)).tolist(), 0.1))
        for _ in range(jobs)
    )
    assert abs(covered / jobs - 0.9) < 3.5 * math.sqrt(0.9 * 0.1 / jobs)


def test_equal_and_rounded_times_only_make_it_cover_more_often() -> None:
    rng = random.Random(4)
    covered = sum(
        holds(0, interval([round(rng.gauss(0, 2)) / 100 for _ in range(15)], 0.1))
        for _ in range(200)
    )
    assert covered >= 170


def test_shared_starts_widen_the_interval_evenly() -> None:
    rng = random.Random(1)
    log_ratios = [rng.gauss(0, 0.1) for _ in range(40)]
    alone = interval(log_ratios, 0.01)
    shared = interval(log_ratios, 0.01, [k // 10 for k in range(40)])
    assert shared[1] > alone[1] + 0.001
    assert shared[1] - alone[1] == pytest.approx(alone[0] - shared[0])
    assert interval(log_ratios, 0.01, range(40)) == alone


def test_pairs_that_all_agree_leave_the_doubt_of_the_starts_alone() -> None:
    equal = [0.1 + 1e-9 * k for k in range(40)]
    assert 0.003 < half(interval(equal, 0.01, [k // 10 for k in range(40)])) < 0.02
    assert half(interval(equal, 0.01)) < 1e-7


@pytest.mark.parametrize("between_starts", [0.0025, 0.005, 0.01])
def test_starts_that_differ_by_up_to_a_percent_are_covered(between_starts: float) -> None:
    rng = np.random.default_rng(round(1e5 * between_starts))
    starts = [k // 30 for k in range(120)]
    covered = unknown = 0
    for _ in range(100):
        offsets = np.repeat(rng.normal(0, between_starts, size=4), 30)
        log_ratios = (offsets + rng.normal(0, 0.015, size=120)).tolist()
        covered += holds(0, interval(log_ratios, 0.01, starts))
        unknown += holds(0, interval(log_ratios, 0.01))
    assert covered > 96
    assert between_starts < 0.01 or unknown < 75, "without a word on starts it promises too much"


def test_starts_hardly_matter_where_the_pairs_are_noisy() -> None:
    rng = random.Random(9)
    log_ratios = [rng.gauss(0, 0.13) for _ in range(240)]
    shared = interval(log_ratios, 0.0046, [k // 60 for k in range(240)])
    assert half(shared) < 1.35 * half(interval(log_ratios, 0.0046))


def quiet_starts(starts: int, between: float) -> tuple[list[float], list[int]]:
    """Log-ratios of 21 pairs in each of so many starts."""
    rng = random.Random(1)
    offsets = [rng.gauss(0, between) for _ in range(starts)]
    labels = [k for k in range(starts) for _ in range(21)]
    return [offsets[label] + rng.gauss(0, 0.01) for label in labels], labels


def test_one_start_that_is_far_off_is_no_change_but_three_that_agree_are() -> None:
    log_ratios, labels = quiet_starts(8, 0.0)
    log_ratios[:21] = [0.08 + 0.01 * (k % 5 - 2) for k in range(21)]  # the bad start comes first
    for upto in (21, 42, 84, 168):
        assert interval(log_ratios[:upto], 0.001, labels[:upto])[0] < 0
    log_ratios, labels = quiet_starts(3, 0.005)
    assert interval([0.1 + ratio for ratio in log_ratios], 0.001, labels)[0] > 0.01
