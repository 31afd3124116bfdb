"""The cut of the signed-rank distribution, against scipy and against enumeration."""

import itertools

import pytest
from scipy.stats import wilcoxon

from perf_smoke.compare.signed_rank import EXACT_UP_TO, rank_cut

TAILS = (0.05, 0.025, 0.005, 0.0025, 0.0005)


def chance_of_at_most(cut: int, pairs: int) -> float:
    """P(W ≤ cut), by scipy: differences of the sizes 1, 2, …, with `cut` as the sum of the
    positive ones."""
    left, signed = cut, []
    for rank in range(pairs, 0, -1):
        positive = rank <= left
        left -= rank if positive else 0
        signed.append(rank if positive else -rank)
    assert left == 0
    return float(wilcoxon(signed, alternative="less", method="exact").pvalue)


@pytest.mark.parametrize("pairs", [11, 12, 20, 33, EXACT_UP_TO])
@pytest.mark.parametrize("tail", TAILS)
def test_the_cut_is_the_largest_that_errs_no_more_than_allowed(pairs: int, tail: float) -> None:
    cut = rank_cut(pairs, tail)
    if cut < 0:
        assert chance_of_at_most(0, pairs) > tail
    else:
        assert chance_of_at_most(cut, pairs) <= tail
        assert chance_of_at_most(cut + 1, pairs) > tail


@pytest.mark.parametrize("pairs", [EXACT_UP_TO + 1, 80, 150, 400])
@pytest.mark.parametrize("tail", TAILS)
def test_above_the_exact_range_the_cut_is_as_good_or_careful(pairs: int, tail: float) -> None:
    found = chance_of_at_most(rank_cut(pairs, tail), pairs)
    assert 0.7 * tail < found <= 1.005 * tail


def test_six_pairs_by_enumeration() -> None:
    sums = [
        sum(rank for rank, positive in zip(range(1, 7), signs, strict=True) if positive)
        for signs in itertools.product((False, True), repeat=6)
    ]
    for tail in (0.5, 0.2, 0.1, 0.05, 0.02):
        cut = rank_cut(6, tail)
        assert sum(total <= cut for total in sums) / 64 <= tail
        assert sum(total <= cut + 1 for total in sums) / 64 > tail


def test_no_bound_is_better_than_a_wrong_one() -> None:
    assert rank_cut(7, 0.005) == -1  # all seven of one sign: 1/128
    assert rank_cut(8, 0.005) == 0
    assert rank_cut(3, 0.9) == 3  # never past the middle
