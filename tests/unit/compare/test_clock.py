"""What the ticks of a clock are, by the times alone, and when they matter."""

import random

import pytest

from perf_smoke.compare import Pairs
from perf_smoke.compare.clock import Tick, coarse_tick


def tick_of(base: list[float], head: list[float]) -> Tick | None:
    return coarse_tick(base, head, Pairs.of_times(base, head).spread)


@pytest.mark.parametrize(
    ("times_ms", "tick_ms"),
    [
        ([20, 21], 1),
        ([20, 22, 25], 1),
        ([5, 10], 1),
        ([40, 60], 10),
        ([20.5, 21], 0.1),
        ([61 / 3, 62 / 3], 1 / 3),
        ([100, 110, 120, 130, 150], 10),
        ([100, 104, 108, 112, 120], 4),
    ],
)
def test_the_tick_is_what_all_times_are_multiples_of(times_ms: list[float], tick_ms: float) -> None:
    times = [time / 1e3 for time in times_ms] * 6
    tick = tick_of(times, times)
    assert tick is not None
    assert tick.seconds == pytest.approx(tick_ms / 1e3)


def test_times_of_a_fine_clock_have_none() -> None:
    rng = random.Random(2)
    base, head = ([rng.gauss(0.02, 1e-6) for _ in range(12)] for _ in range(2))
    assert tick_of(base, head) is None
    assert tick_of([round(time, 6) for time in base], [round(time, 6) for time in head]) is None


def test_noise_that_is_wider_than_a_tick_averages_it_out() -> None:
    rng = random.Random(2)
    wide = [[round(rng.gauss(0.02, 0.002), 3) for _ in range(40)] for _ in range(2)]
    assert tick_of(*wide) is None
    base, head = ([round(rng.gauss(0.0202, 0.0002), 3) for _ in range(40)] for _ in range(2))
    tick = tick_of(base, head)
    assert tick is not None
    assert coarse_tick(base, head, 0.99 * tick.error) == tick
    assert coarse_tick(base, head, 1.01 * tick.error) is None


def test_times_that_are_all_the_same_are_taken_for_the_largest_unit_that_they_allow() -> None:
    for time, unit in ((0.02, 0.01), (0.037, 0.001), (3.0, 1.0)):
        tick = tick_of([time] * 11, [time] * 11)
        assert tick is not None
        assert tick.seconds == pytest.approx(unit)
