"""Period effect and carry-over, told from chance by the coin."""

import math
import random

import pytest
from scipy.stats import mannwhitneyu, norm

from perf_smoke.compare import Pairs
from perf_smoke.compare.crossover import carry_over, period_effect, rank_sum_z


def crossed(
    base_second: float, head_second: float, noise: float = 0.05
) -> tuple[list[float], list[float], list[bool]]:
    """Times of two equal sides, each multiplied where it was the second of its pair."""
    rng = random.Random(6)
    head_first = [rng.random() < 0.5 for _ in range(80)]
    base = [0.05 * rng.lognormvariate(0, noise) * (base_second if h else 1.0) for h in head_first]
    head = [0.05 * rng.lognormvariate(0, noise) * (1.0 if h else head_second) for h in head_first]
    return base, head, head_first


def of_both(base: list[float], head: list[float], head_first: list[bool]) -> float:
    return period_effect(Pairs.of_times(base, head).log_ratios, head_first)


@pytest.mark.parametrize("second", [0.8, 1.2, 1.5])
def test_a_period_effect_has_its_size_and_is_no_carry_over(second: float) -> None:
    rows = crossed(second, second)
    assert of_both(*rows) == pytest.approx(math.log(second), abs=0.03)
    assert carry_over(*rows) == 0


@pytest.mark.parametrize(
    ("base_second", "head_second"), [(1.0, 1.2), (1.2, 1.0), (0.8, 1.0), (0.9, 1.1)]
)
def test_a_carry_over_to_one_side_has_its_size(base_second: float, head_second: float) -> None:
    more = math.log(head_second) - math.log(base_second)
    assert carry_over(*crossed(base_second, head_second)) == pytest.approx(more, abs=0.05)


def test_where_the_order_costs_nothing_nothing_is_told() -> None:
    rows = crossed(1.0, 1.0)
    assert (of_both(*rows), carry_over(*rows)) == (0, 0)


def test_in_few_or_noisy_pairs_nothing_is_told_from_chance() -> None:
    rng = random.Random(1)
    noise = [rng.gauss(0, 0.8) for _ in range(20)]
    assert period_effect(noise, [k % 2 == 0 for k in range(20)]) == 0
    assert period_effect([0.0, 2.0] * 7, [False, True] * 7) == 0
    assert period_effect([0.0, 2.0] * 70, [False, True] * 70) == -1


def test_chance_is_taken_for_a_cost_less_than_once_in_a_hundred_runs() -> None:
    alarms = 0
    for seed in range(400):
        rng = random.Random(seed)
        head_first = [rng.random() < 0.5 for _ in range(60)]
        base, head = ([rng.lognormvariate(0, 0.1) for _ in range(60)] for _ in range(2))
        alarms += carry_over(base, head, head_first) != 0
    assert alarms <= 3


@pytest.mark.parametrize("decimals", [2, 9])
def test_the_rank_sum_is_that_of_scipy(decimals: int) -> None:
    rng = random.Random(decimals)
    first = [round(rng.gauss(0, 0.1), decimals) for _ in range(30)]
    second = [round(rng.gauss(0.05, 0.1), decimals) for _ in range(25)]
    known = mannwhitneyu(second, first, method="asymptotic", use_continuity=False)
    assert 2 * norm.sf(abs(rank_sum_z(first, second))) == pytest.approx(known.pvalue)
    assert (rank_sum_z(first, second) > 0) == (known.statistic > 30 * 25 / 2)


def test_times_that_are_all_equal_have_no_order() -> None:
    assert rank_sum_z([1.0] * 9, [1.0] * 9) == 0
