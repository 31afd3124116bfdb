"""When to look, and what each look may spend."""

import itertools
from statistics import NormalDist

import numpy as np
import pytest

from perf_smoke.compare import next_look, plan, plan_extension, tail_at_end, tail_at_look
from perf_smoke.compare.boundary import rank_information
from perf_smoke.compare.signed_rank import rank_cut
from perf_smoke.result import Extension
from tests.unit.compare.rows import crossing


@pytest.mark.parametrize("pairs", [1, 5, 11, 12, 13, 40, 240, 5000])
def test_looks_rise_to_the_expected_end_and_none_is_too_early(pairs: int) -> None:
    looks = plan(pairs)
    assert looks[-1] == pairs
    assert list(looks) == sorted(set(looks))
    assert all(look >= 12 for look in looks[:-1])


def test_240_pairs_are_looked_at_eight_times() -> None:
    assert plan(240) == (30, 60, 90, 120, 150, 180, 210, 240)


def test_where_no_pair_is_expected_no_look_is_planned() -> None:
    assert plan(0) == ()


def z_of(tail: float) -> float:
    return -NormalDist().inv_cdf(tail)


@pytest.mark.parametrize("end", [59, 60, 61, 75, 33, 12, 15, 300])
def test_wherever_it_ends_all_looks_together_spend_alpha(end: int) -> None:
    looks = plan(60)
    taken = [look for look in looks[:-1] if look < end]
    z = [z_of(tail_at_look(look, looks, 0.01)) for look in taken]
    z.append(z_of(tail_at_end(end, looks, 0.01)))
    times = [rank_information(pairs) for pairs in (*taken, end)]
    assert crossing(times, z)[-1] == pytest.approx(0.01, rel=1e-4)


def test_without_planned_looks_the_end_spends_alpha_at_once() -> None:
    assert tail_at_end(40, (), 0.01) == pytest.approx(0.005, rel=1e-5)


KEPT = 0.2


@pytest.mark.parametrize(("turn", "end"), [(60, 120), (52, 120), (70, 119), (8, 100), (60, 61)])
def test_a_run_that_went_on_has_spent_alpha_in_the_end_and_less_where_it_turned(
    turn: int, end: int
) -> None:
    looks = plan(60)
    before, after = Extension(alpha_share=KEPT), plan_extension(turn, 120)
    assert (after[0], after[-1]) == (turn, 120)
    early = [look for look in looks[:-1] if look < turn]
    z = [z_of(tail_at_look(look, looks, 0.01, before)) for look in early]
    z.append(z_of(tail_at_end(turn, looks, 0.01, before)))
    times = [rank_information(pairs) for pairs in (*early, turn)]
    assert crossing(times, z)[-1] == pytest.approx(0.01 * (1 - KEPT), rel=1e-4)

    extension = Extension(alpha_share=KEPT, looks=after)
    late = [look for look in after[1:-1] if look < end]
    assert [tail_at_look(look, looks, 0.01, extension) for look in early] == [
        tail_at_look(look, looks, 0.01, before) for look in early
    ]
    z += [z_of(tail_at_look(look, looks, 0.01, extension)) for look in late]
    z.append(z_of(tail_at_end(end, looks, 0.01, extension)))
    times += [rank_information(pairs) for pairs in (*late, end)]
    assert crossing(times, z)[-1] == pytest.approx(0.01, rel=1e-4)


def test_the_looks_of_a_run_that_went_on_are_those_of_both_parts() -> None:
    looks, extension = plan(60), Extension(alpha_share=KEPT, looks=plan_extension(50, 90))
    assert extension.looks == (50, 60, 70, 80, 90)
    taken, at = [], 0
    while (look := next_look(at, looks, extension)) is not None:
        taken.append(at := look)
    assert taken == [15, 23, 30, 38, 45, 60, 70, 80], "its turn is no look, nor its end"
    assert plan_extension(50, 50) == ()


def rank_sums(signs: np.ndarray, sizes: np.ndarray, pairs: int) -> np.ndarray:
    """W of the first pairs, for every row of signs."""
    ranks = sizes[:pairs].argsort().argsort() + 1
    total: np.ndarray = (signs[:, :pairs] * ranks).sum(axis=1)
    return total


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("end", [16, 14])
def test_all_65536_choices_of_signs_err_by_no_more_than_alpha(end: int, alpha: float) -> None:
    """The design's own null distribution: a coin decided which side's step came first."""
    looks = (12, 13, 14, 16)
    signs = np.array(list(itertools.product((0, 1), repeat=16)), dtype=np.int64)
    errors = []
    for seed in range(6):
        sizes = np.random.default_rng(seed).lognormal(size=16)
        crossed = np.zeros(len(signs), dtype=bool)
        for pairs in [look for look in looks[:-1] if look < end] + [end]:
            tail = tail_at_end if pairs == end else tail_at_look
            cut = rank_cut(pairs, tail(pairs, looks, alpha))
            above = rank_sums(signs, sizes, pairs)
            crossed |= np.minimum(above, pairs * (pairs + 1) // 2 - above) <= cut
        errors.append(crossed.mean())
    assert 0.6 * alpha < np.mean(errors) <= alpha
    assert max(errors) < 1.15 * alpha  # for one given row of sizes the looks may correlate less


@pytest.mark.parametrize("expected", [24, 60, 240])
def test_simulated_jobs_of_heavy_tailed_noise_err_by_no_more_than_alpha(expected: int) -> None:
    alpha, looks, jobs = 0.01, plan(expected), 20_000
    rng = np.random.default_rng(expected)
    noise = rng.standard_t(3, size=(jobs, expected))
    crossed = np.zeros(jobs, dtype=bool)
    for pairs in looks:
        tail = tail_at_end if pairs == looks[-1] else tail_at_look
        cut = rank_cut(pairs, tail(pairs, looks, alpha))
        part = noise[:, :pairs]
        ranks = np.abs(part).argsort(axis=1).argsort(axis=1) + 1
        above = (ranks * (part > 0)).sum(axis=1)
        crossed |= np.minimum(above, pairs * (pairs + 1) // 2 - above) <= cut
    three_errors = 3 * (alpha * (1 - alpha) / jobs) ** 0.5
    assert 0.6 * alpha < crossed.mean() < alpha + three_errors
