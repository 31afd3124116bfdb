"""The limits of a sequential test, against the tables of the literature."""

import math

import numpy as np
import pytest

from perf_smoke.compare.boundary import limits, rank_information
from tests.unit.compare.rows import crossing

# Jennison & Turnbull, Group Sequential Methods (2000), tables 2.1 and 2.3: constants for K looks
# at even intervals.
POCOCK = {
    0.05: {1: 1.960, 2: 2.178, 3: 2.289, 4: 2.361, 5: 2.413, 10: 2.555},
    0.01: {1: 2.576, 2: 2.772, 3: 2.873, 4: 2.939, 5: 2.986, 10: 3.117},
}
O_BRIEN_FLEMING = {
    0.05: {2: 1.977, 3: 2.004, 4: 2.024, 5: 2.040, 10: 2.087},
    0.01: {2: 2.580, 3: 2.595, 4: 2.609, 5: 2.621, 10: 2.660},
}


def cases(table: dict[float, dict[int, float]]) -> list[tuple[float, int, float]]:
    return [(alpha, looks, z) for alpha, row in table.items() for looks, z in row.items()]


@pytest.mark.parametrize(("alpha", "looks", "z"), cases(POCOCK))
def test_pocock_s_constants_are_the_limits_for_what_they_spend(
    alpha: float, looks: int, z: float
) -> None:
    times = range(1, looks + 1)
    spending = crossing(times, [z] * looks)
    # The tables have three decimals: half of the last one is worth up to 0.3 % of alpha.
    assert spending[-1] == pytest.approx(alpha, rel=0.004)
    assert limits(times, spending) == pytest.approx([z] * looks, abs=1e-3)


@pytest.mark.parametrize(("alpha", "looks", "z"), cases(O_BRIEN_FLEMING))
def test_o_brien_and_fleming_s_constants_are_the_limits_for_theirs(
    alpha: float, looks: int, z: float
) -> None:
    times = range(1, looks + 1)
    shaped = [z * math.sqrt(looks / k) for k in times]
    spending = crossing(times, shaped)
    assert spending[-1] == pytest.approx(alpha, rel=0.004)
    assert limits(times, spending) == pytest.approx(shaped, abs=1e-3)


def test_limits_spend_exactly_what_they_may() -> None:
    times = [12, 20, 30, 45, 60]
    spending = [0.001, 0.003, 0.0045, 0.008, 0.01]
    assert crossing(times, limits(times, spending)) == pytest.approx(spending, rel=1e-4)


@pytest.mark.parametrize("times", [[180, 181], [1000, 4000, 4001], [12, 13, 240]])
def test_looks_close_together_are_integrated_finely_enough(times: list[int]) -> None:
    spending = [0.01 * (k + 1) / len(times) for k in range(len(times))]
    assert crossing(times, limits(times, spending)) == pytest.approx(spending, rel=1e-3)


def test_one_look_is_the_ordinary_test() -> None:
    assert limits([60], [0.05])[0] == pytest.approx(1.959964, abs=1e-5)


def test_rank_information_is_the_correlation_of_the_growing_statistic() -> None:
    rng = np.random.default_rng(3)
    few, many = 6, 30
    values = rng.normal(size=(60_000, many))

    def signed_ranks(part: np.ndarray) -> np.ndarray:
        ranks = np.abs(part).argsort(axis=1).argsort(axis=1) + 1
        total: np.ndarray = (np.sign(part) * ranks).sum(axis=1)
        return total

    found = np.corrcoef(signed_ranks(values[:, :few]), signed_ranks(values))[0, 1]
    expected = math.sqrt(rank_information(few) / rank_information(many))
    assert found == pytest.approx(expected, abs=0.01)
    assert abs(expected - math.sqrt(few / many)) > 0.012  # the plain share would be seen to be off
