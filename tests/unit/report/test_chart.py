"""The picture of the paired differences."""

from __future__ import annotations

import dataclasses
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf_smoke.report import chart
from perf_smoke.report.reading import changes
from perf_smoke.report.spans import flat
from tests.unit.report import builders


def parsed(source: str) -> tuple[float, float, int, list[int]]:
    match = re.search(
        r'x-axis ".*" (\S+) --> (\S+)\n    y-axis "pairs" 0 --> (\d+)\n    bar \[([\d, ]+)\]$',
        source,
    )
    assert match, source
    counts = [int(count) for count in match[4].split(", ")]
    return float(match[1]), float(match[2]), int(match[3]), counts


def test_pairs_are_found_by_their_number_whatever_their_order() -> None:
    found = builders.two_sides(slower_by=0.068, pairs=20)
    assert found.base
    shuffled = dataclasses.replace(
        found, base=dataclasses.replace(found.base, samples=found.base.samples[::-1])
    )
    assert changes(shuffled) == changes(found)
    assert len(changes(found)) == 20


def test_a_step_that_does_not_count_takes_its_pair_out() -> None:
    found = builders.two_sides(pairs=20)
    assert found.base
    broken = (dataclasses.replace(found.base.samples[0], ok=False), *found.base.samples[1:])
    lost = dataclasses.replace(found, base=dataclasses.replace(found.base, samples=broken))
    assert len(changes(lost)) == 19


@pytest.mark.parametrize("metric", ["e2e", "decode", "ttft", "wall", "cpu"])
def test_every_deciding_metric_has_its_differences(metric: str) -> None:
    found = changes(builders.two_sides(slower_by=0.5, pairs=20, metric=metric))
    assert all(0.2 < change < 0.9 for change in found)


def test_decode_is_compared_per_token() -> None:
    found = builders.not_comparable()
    assert found.comparison
    per_token = dataclasses.replace(
        found, comparison=dataclasses.replace(found.comparison, metric="decode")
    )
    # Head: 1 decode step in 37.9 ms of latency; base: 3 in 54.9 ms.
    assert sorted(changes(per_token))[91] == pytest.approx(37.9 / (54.9 / 3) - 1, abs=0.05)


def test_a_metric_that_the_steps_lack_has_no_differences() -> None:
    steps = builders.samples(count=9, n_out=1, pairs=True)
    found = builders.two_sides(metric="decode")
    one = dataclasses.replace(found, head=builders.side(steps), base=builders.side(steps))
    assert changes(one) == []


def test_one_side_has_no_differences() -> None:
    assert changes(builders.result()) == []
    assert changes(builders.failed()) == []


def test_the_picture_spans_the_differences_and_counts_every_pair() -> None:
    low, high, top, counts = parsed(chart.histogram(changes(builders.slower())))
    assert low < 0
    assert high > 6.8
    assert sum(counts) == 48
    assert top == max(counts)


def test_a_far_outlier_does_not_flatten_the_picture() -> None:
    found = [index / 1000 for index in range(100)] + [50.0]
    _, high, _, counts = parsed(chart.histogram(found))
    assert high <= 10
    assert sum(counts) == 101


@pytest.mark.parametrize("found", [[], [0.1] * 5, [0.1] * 50, [0.1] * 9 + [math.nan]])
def test_too_little_to_see_is_no_picture(found: list[float]) -> None:
    assert chart.histogram(found) == ""


def test_the_words_carry_the_meaning_without_the_picture() -> None:
    assert flat(chart.in_words([-0.02, -0.01, 0.0, 0.01, 0.02, 0.03, 0.04])) == (
        "Head was slower than base in 4 of 7 pairs. Half of the changes lie between −0.5 % and "
        "+2.5 %. How many pairs changed by how much:"
    )


@given(st.lists(st.floats(-0.99, 1e6), min_size=6, max_size=400))
def test_no_differences_whatever_break_the_picture(found: list[float]) -> None:
    source = chart.histogram(found)
    if source:
        low, high, _, counts = parsed(source)
        assert low < high
        assert 2 <= len(counts) <= 22
        assert sum(counts) == len(found)
