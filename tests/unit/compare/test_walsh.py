"""Order statistics of Walsh averages, against writing all of them down."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf_smoke.compare.walsh import WalshAverages


def written_down(values: list[float]) -> list[float]:
    return sorted((a + b) / 2 for i, a in enumerate(values) for b in values[i:])


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12))
def test_every_rank_is_that_of_the_list_of_all_averages(values: list[float]) -> None:
    averages = WalshAverages(values)
    # As sums: that is how they are compared, and halving a subnormal number rounds.
    expected = sorted((a + b) / 2 for i, a in enumerate(sorted(values)) for b in sorted(values)[i:])
    assert averages.count == len(expected)
    assert [averages.nth(rank) for rank in range(averages.count)] == expected


@pytest.mark.parametrize("decimals", [1, 3, 17])
def test_hundreds_of_values_with_and_without_ties_give_exact_ranks(decimals: int) -> None:
    rng = random.Random(decimals)
    values = [round(rng.gauss(0, 0.1), decimals) for _ in range(300)]
    expected = written_down(values)
    averages = WalshAverages(values)
    for rank in (0, 1, 500, averages.count // 2, averages.count - 2, averages.count - 1):
        assert averages.nth(rank) == pytest.approx(expected[rank], abs=1e-15)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 50, 51, 52])
def test_the_median_is_that_of_the_list(count: int) -> None:
    rng = random.Random(count)
    values = [rng.gauss(0, 1) for _ in range(count)]
    all_of_them = written_down(values)
    middle = (all_of_them[(len(all_of_them) - 1) // 2] + all_of_them[len(all_of_them) // 2]) / 2
    assert WalshAverages(values).median() == pytest.approx(middle, abs=1e-12)


def test_equal_values_have_one_average() -> None:
    averages = WalshAverages([0.1] * 400)
    assert averages.nth(0) == averages.nth(averages.count - 1) == averages.median() == 0.1


def test_two_clusters_far_apart_end_the_search() -> None:
    averages = WalshAverages([0.0] * 200 + [1e300] * 200)
    assert averages.nth(200 * 201 // 2 - 1) == 0.0
    assert averages.nth(200 * 201 // 2) == 0.5e300


@pytest.mark.parametrize("rank", [-1, 6])
def test_a_rank_that_is_not_there_is_an_error(rank: int) -> None:
    with pytest.raises(IndexError, match="of 6 averages"):
        WalshAverages([1.0, 2.0, 3.0]).nth(rank)
