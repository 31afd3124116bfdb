"""The spread of values, whatever a few of them do."""

import random

import pytest
from perf_smoke.compare.spread import robust_spread


def test_the_spread_leaves_outliers_aside() -> None:
    rng = random.Random(4)
    noise = [rng.gauss(0, 0.1) for _ in range(400)]
    assert robust_spread([*noise, 50.0, -50.0]) == pytest.approx(0.1, rel=0.15)
