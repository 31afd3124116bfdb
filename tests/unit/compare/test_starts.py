"""What a program's starts add to the error."""

import random

import pytest
from scipy.stats import t as student

from perf_smoke.compare.starts import CONFIDENCE, TYPICAL, start_error


def spread_over(
    starts: int, per_start: int, between: float, seed: int
) -> tuple[list[float], list[int]]:
    rng = random.Random(seed)
    offsets = [rng.gauss(0, between) for _ in range(starts)]
    labels = [k for k in range(starts) for _ in range(per_start)]
    return [offsets[label] + rng.gauss(0, 0.01) for label in labels], labels


def test_one_start_alone_knows_only_what_is_typical() -> None:
    """The mixture over a scaled inverse chi-squared variance is a t distribution."""
    found = start_error([0.0, 0.01] * 30, [0] * 60, pair_error=1e-6)
    assert found is not None
    for tail in (0.05, 0.005, 0.0005):
        expected = TYPICAL * student.isf(tail, CONFIDENCE)
        assert found.quantile(tail) == pytest.approx(expected, rel=0.03)


def test_starts_that_agree_narrow_it_and_starts_that_do_not_widen_it() -> None:
    one = start_error([0.0, 0.01] * 60, [0] * 120, pair_error=0.0005)
    agreeing = start_error(*spread_over(6, 20, 0.001, seed=1), pair_error=0.0005)
    differing = start_error(*spread_over(6, 20, 0.03, seed=1), pair_error=0.0005)
    assert one
    assert agreeing
    assert differing
    assert agreeing.quantile(0.005) < one.quantile(0.005)
    assert agreeing.quantile(0.005) < differing.quantile(0.005) / 5


def test_starts_that_differ_beyond_their_pairs_are_worth_a_word() -> None:
    agreeing = start_error(*spread_over(4, 30, 0.002, seed=3), pair_error=0.001)
    differing = start_error(*spread_over(4, 30, 0.04, seed=3), pair_error=0.001)
    assert agreeing
    assert differing
    assert agreeing.disagreement == 0
    assert 0.015 < differing.disagreement < 0.08


def test_starts_that_surely_differ_by_half_a_percent_are_not_worth_a_word() -> None:
    differences = [0.005 * (k // 30 % 2) + 0.0001 * (k % 3) for k in range(120)]
    found = start_error(differences, [k // 30 for k in range(120)], pair_error=0.00001)
    assert found
    assert found.disagreement == 0


def test_a_single_start_cannot_disagree() -> None:
    found = start_error([0.0, 0.5] * 10, [7] * 20, pair_error=0.001)
    assert found
    assert found.disagreement == 0


def test_a_start_for_every_pair_adds_nothing() -> None:
    assert start_error([0.1, 0.2, 0.3], ["a", "b", "c"], pair_error=0.01) is None


def test_pairs_that_are_all_equal_can_be_judged() -> None:
    found = start_error([0.1] * 20, [k // 10 for k in range(20)], pair_error=0.0)
    assert found
    assert 0 < found.quantile(0.005) < 0.05
    assert found.disagreement == 0
