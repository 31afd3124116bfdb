"""What a metric is, and how steps are summed up: from what was given and from nothing else."""

from __future__ import annotations

import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf_smoke.measure.summary import summarise
from perf_smoke.metrics import AUTOMATIC, DECIDING, METRICS, time_s
from perf_smoke.result import Sample, Tier


def step(**fields: Any) -> Sample:
    return Sample(ok=True, **fields)


FULL = step(
    n_prompt=12,
    n_prompt_cached=2,
    n_out=5,
    load_ms=700.0,
    prompt_ms=20.0,
    ttft_ms=21.0,
    decode_ms=40.0,
    e2e_ms=61.0,
    wall_ms=62.0,
    cpu_ms=120.0,
    peak_rss_kib=2048,
)


def medians(*samples: Sample) -> dict[str, float]:
    return {key: summary.median for key, summary in summarise(samples).items()}


def test_a_full_step_gives_every_metric() -> None:
    assert medians(FULL) == {
        "e2e_ms": 61.0,
        "ttft_ms": 21.0,
        "prefill_tps": pytest.approx(500.0),  # ten tokens were processed, two came from a cache
        "decode_tps": pytest.approx(100.0),  # five tokens take four decode steps
        "tpot_ms": 10.0,
        "wall_ms": 62.0,
        "cpu_ms": 120.0,
        "load_ms": 700.0,
        "peak_rss_mib": 2.0,
    }
    assert list(medians(FULL)) == [metric.key for metric in METRICS]


def test_what_decides_is_a_duration_also_where_a_rate_is_shown() -> None:
    assert {name: time_s(FULL, name) for name in DECIDING} == {
        "e2e": 0.061,
        "ttft": 0.021,
        "prefill": 0.002,
        "decode": 0.010,
        "wall": 0.062,
        "cpu": 0.120,
    }
    assert set(AUTOMATIC) <= set(DECIDING)


def test_a_step_that_gives_nothing_has_no_metric() -> None:
    assert summarise([]) == summarise([step()]) == {}
    assert {time_s(step(), name) for name in DECIDING} == {None}


@pytest.mark.parametrize(
    "fields",
    [
        {"n_out": 1, "decode_ms": 5.0},  # one token takes no decode step
        {"n_out": 0, "decode_ms": 5.0},
        {"n_out": 4, "decode_ms": 0.0},
        {"n_out": 4},
        {"decode_ms": 5.0},
        {"n_prompt": 4, "n_prompt_cached": 4, "prompt_ms": 1.0},  # nothing was processed
        {"n_prompt": 4, "n_prompt_cached": 5, "prompt_ms": 1.0},
        {"n_prompt": 0, "prompt_ms": 1.0},
        {"n_prompt": 4, "prompt_ms": 0.0},
        {"prompt_ms": 1.0},
    ],
)
def test_a_rate_without_its_parts_is_missing_and_not_guessed(fields: dict[str, Any]) -> None:
    assert summarise([step(**fields)]) == {}
    assert {time_s(step(**fields), name) for name in DECIDING} == {None}


def test_cpu_time_of_zero_is_a_measurement_that_cannot_be_compared() -> None:
    assert medians(step(cpu_ms=0.0)) == {"cpu_ms": 0.0}
    assert time_s(step(cpu_ms=0.0), "cpu") is None


def test_steps_that_do_not_count_are_in_no_sum() -> None:
    samples = [step(e2e_ms=10.0), Sample(ok=False, error="short", e2e_ms=99.0), step(e2e_ms=20.0)]
    summary = summarise(samples)["e2e_ms"]
    assert (summary.median, summary.n) == (15.0, 2)


@pytest.mark.parametrize(("count", "has_spread"), [(1, False), (5, False), (6, True), (7, True)])
def test_no_spread_is_shown_below_six_steps(count: int, has_spread: bool) -> None:
    summary = summarise([step(e2e_ms=float(value)) for value in range(1, count + 1)])["e2e_ms"]
    assert summary.median == (count + 1) / 2
    assert (summary.low is not None, summary.high is not None) == (has_spread, has_spread)


def test_the_spread_is_made_of_quartiles() -> None:
    summary = summarise([step(wall_ms=float(value)) for value in range(1, 10)])["wall_ms"]
    assert (summary.low, summary.median, summary.high, summary.n) == (3.0, 5.0, 7.0, 9)


def test_load_and_peak_exist_once_per_start() -> None:
    samples = [
        step(load_ms=700.0, peak_rss_kib=1024 * 10, start=0),
        step(peak_rss_kib=1024 * 30, start=0),
        step(load_ms=900.0, peak_rss_kib=1024 * 20, start=1),
        step(peak_rss_kib=1024 * 15, start=1),
    ]
    summary = summarise(samples)
    assert (summary["load_ms"].median, summary["load_ms"].n) == (800.0, 2)
    assert (summary["peak_rss_mib"].median, summary["peak_rss_mib"].n) == (25.0, 2)


def test_a_metric_has_the_tier_of_the_field_that_it_comes_from() -> None:
    tiers: dict[str, Tier] = {"decode_ms": "A", "prompt_ms": "B", "peak_rss_kib": "D"}
    sample = step(n_prompt=4, n_out=4, decode_ms=3.0, prompt_ms=2.0, peak_rss_kib=5, wall_ms=9.0)
    assert {key: row.tier for key, row in summarise([sample], tiers).items()} == {
        "prefill_tps": "B",
        "tpot_ms": "A",
        "decode_tps": "A",
        "wall_ms": "E",  # nothing better was claimed
        "peak_rss_mib": "D",
    }


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_comes_from_the_field_that_it_names(metric: Any) -> None:
    fields = {name: getattr(FULL, name) for name in ("n_prompt", "n_out", metric.source)}
    assert metric.value(step(**fields)) is not None
    assert metric.value(step(**{**fields, metric.source: None})) is None


@given(st.lists(st.floats(min_value=1e-3, max_value=1e9), min_size=1, max_size=40))
def test_the_spread_holds_the_median(values: list[float]) -> None:
    summary = summarise([step(e2e_ms=value) for value in values])["e2e_ms"]
    assert summary.n == len(values)
    assert summary.median == statistics.median(values)
    if summary.low is not None and summary.high is not None:
        assert min(values) <= summary.low <= summary.median <= summary.high <= max(values)
