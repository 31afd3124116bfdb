"""The table: what was measured, and nothing else."""

from __future__ import annotations

import dataclasses

import pytest

from perf_smoke.report.spans import flat
from perf_smoke.report.table import Table, further_table, main_table, table_caption
from perf_smoke.result import MetricSummary, Result, Side
from tests.unit.report import builders


def rows(table: Table | None) -> dict[str, tuple[str, ...]]:
    assert table
    return {row.label: row.cells for row in table.rows}


def with_metric(found: Result, name: str, head: float | None, base: float | None) -> Result:
    def replaced(side: Side | None, value: float | None) -> Side:
        assert side
        summary = {key: row for key, row in side.summary.items() if key != name}
        if value is not None:
            summary[name] = MetricSummary(median=value, low=None, high=None, n=1, tier="E")
        return dataclasses.replace(side, summary=summary)

    return dataclasses.replace(
        found, head=replaced(found.head, head), base=replaced(found.base, base)
    )


def test_one_side_shows_median_quartiles_and_number() -> None:
    table = main_table(builders.result())
    assert table
    assert table.columns == ("median", "quartiles", "n")
    assert rows(table)["E2E latency, ms"] == ("55.0", "53.7 … 55.9", "182")


def test_two_sides_show_base_head_and_change() -> None:
    table = main_table(builders.two_sides())
    assert table
    assert table.columns == ("base", "head", "change")
    assert list(rows(table)) == [
        "E2E latency, ms",
        "TTFT, ms",
        "Prefill, tok/s",
        "Decode, tok/s",
        "Wall, ms",
        "Peak RSS, MiB",
    ]


@pytest.mark.parametrize("found", builders.every().values(), ids=builders.every().keys())
def test_at_most_four_columns_so_that_a_phone_shows_them(found: Result) -> None:
    for table in (main_table(found), further_table(found)):
        if table:
            assert len(table.columns) <= 3
            assert {len(row.cells) for row in table.rows} == {len(table.columns)}


def test_the_headline_metric_comes_first_and_is_marked_alone() -> None:
    table = main_table(builders.one_token())
    assert table
    assert table.rows[0].label == "Wall, ms"
    assert [row.headline for row in table.rows] == [True, False, False, False]


def test_the_deciding_row_shows_the_estimate_and_not_the_ratio_of_medians() -> None:
    assert rows(main_table(builders.two_sides(estimate=0.0123)))["E2E latency, ms"][2] == "+1.2 %"


def test_an_estimate_of_another_metric_is_not_shown_as_this_ones() -> None:
    found = builders.two_sides(metric="decode", estimate=0.5)
    assert found.head
    without = with_metric(found, "decode_tps", head=None, base=None)
    assert rows(main_table(without))["E2E latency, ms"][2] == "−0.1 %"


def test_a_rate_that_falls_is_a_plus_because_it_takes_longer() -> None:
    found = with_metric(builders.two_sides(), "decode_tps", head=80, base=100)
    assert rows(main_table(found))["Decode, tok/s"] == ("100", "80.0", "+25.0 %")


@pytest.mark.parametrize(
    ("head", "base", "cells"),
    [
        (165.0, 165.05, ("165", "165", "0")),
        (173.0, 165.0, ("165", "173", "+8.00 MiB")),
        (157.0, 165.0, ("165", "157", "−8.00 MiB")),
        (2048.0, 2040.0, ("1.99", "2.00", "+8.00 MiB")),
    ],
)
def test_memory_has_a_difference_and_no_slower(
    head: float, base: float, cells: tuple[str, ...]
) -> None:
    found = with_metric(builders.two_sides(), "peak_rss_mib", head=head, base=base)
    assert next(v for k, v in rows(main_table(found)).items() if "RSS" in k) == cells


def test_what_was_not_measured_has_no_row() -> None:
    assert "Decode, tok/s" not in rows(main_table(builders.one_token()))


def test_what_one_side_did_not_give_leaves_its_cell_and_change_empty() -> None:
    found = with_metric(builders.two_sides(), "ttft_ms", head=None, base=24.0)
    assert rows(main_table(found))["TTFT, ms"] == ("24.0", "–", "–")


def test_a_base_that_failed_on_the_way_has_no_column() -> None:
    table = main_table(builders.base_died())
    assert table
    assert table.columns == ("median", "quartiles", "n")


def test_what_neither_side_gave_has_no_row() -> None:
    found = with_metric(builders.two_sides(), "ttft_ms", head=None, base=None)
    assert "TTFT, ms" not in rows(main_table(found))


def test_below_six_steps_there_is_no_column_of_spreads() -> None:
    table = main_table(builders.slow_engine())
    assert table
    assert table.columns == ("median", "n")
    assert rows(table)["E2E latency, s"] == ("12.3", "3")


def test_a_row_of_less_than_six_leaves_its_cell_of_the_spread_empty() -> None:
    assert rows(further_table(builders.result()))["Load, ms"][1:] == ("–", "1")


def test_both_cells_of_a_row_share_their_unit() -> None:
    found = with_metric(builders.two_sides(), "ttft_ms", head=1020, base=980)
    assert rows(main_table(found))["TTFT, s"] == ("0.980", "1.02", "+4.1 %")


def test_nothing_measured_is_no_table() -> None:
    assert main_table(builders.failed()) is None
    assert further_table(builders.failed()) is None
    assert further_table(builders.result(head=builders.side(()))) is None


def test_the_headline_is_not_repeated_among_the_further_metrics() -> None:
    found = builders.two_sides(metric="cpu")
    assert next(iter(rows(main_table(found)))) == "CPU time, ms"
    assert list(rows(further_table(found))) == ["Load, ms", "TPOT, ms"]


def test_a_summary_from_a_newer_version_may_hold_metrics_we_do_not_know() -> None:
    found = builders.result()
    assert found.head
    summary = {"joules": MetricSummary(median=1, low=None, high=None, n=1, tier="E")}
    odd = dataclasses.replace(found, head=dataclasses.replace(found.head, summary=summary))
    assert main_table(odd) is None


def test_the_caption_explains_the_sign_and_which_row_decides() -> None:
    assert flat(table_caption(builders.two_sides())) == (
        "Changes are in time: + is slower, in the rows with rates too. The first row decides."
    )


@pytest.mark.parametrize("name", ["cancelled", "not-comparable", "too-few-pairs"])
def test_no_row_decides_where_there_is_no_verdict(name: str) -> None:
    assert "decides" not in flat(table_caption(builders.every()[name]))


def test_one_side_needs_no_caption() -> None:
    assert table_caption(builders.result()) == ()
