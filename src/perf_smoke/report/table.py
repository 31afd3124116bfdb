"""The one small table: what was measured, the headline metric first."""

from __future__ import annotations

from dataclasses import dataclass

from perf_smoke.report import numbers
from perf_smoke.report.reading import (
    MAIN_METRICS,
    METRICS,
    both,
    deciding_row,
    headline_metric,
    paired,
)
from perf_smoke.report.spans import Sentence, sentence
from perf_smoke.result import MetricSummary, Result, Side

_FURTHER = ("load_ms", "tpot_ms", "cpu_ms")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One metric: its label, then one cell per column."""

    label: str
    """With the unit, so that the columns stay narrow enough for a phone."""
    cells: tuple[str, ...]
    headline: bool


@dataclass(frozen=True, kw_only=True)
class Table:
    """Column titles (the first column, of labels, has none) and rows of as many cells."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def main_table(result: Result) -> Table | None:
    """The metrics that everybody asks for; None when nothing was measured."""
    headline = headline_metric(result)
    if headline is None:
        return None
    return _table(result, (headline, *(name for name in MAIN_METRICS if name != headline)))


def further_table(result: Result) -> Table | None:
    """The metrics for those who look closer; None when there are none."""
    headline = headline_metric(result)
    return _table(result, tuple(name for name in _FURTHER if name != headline))


def table_caption(result: Result) -> Sentence:
    """How to read the changes of a table with two sides."""
    if both(result) is None:
        return ()
    comparison = paired(result)
    decides = (
        result.status == "measured"
        and comparison is not None
        and comparison.low is not None
        and comparison.verdict != "not-comparable"
    )
    return sentence(
        "Changes are in time: + is slower, in the rows with rates too.",
        " The first row decides." if decides else "",
    )


def _table(result: Result, names: tuple[str, ...]) -> Table | None:
    if sides := both(result):
        return _two_sides(result, *sides, names)
    return _one_side(result, result.head, names) if result.head else None


def _one_side(result: Result, side: Side, names: tuple[str, ...]) -> Table | None:
    found = {name: side.summary[name] for name in names if name in side.summary}
    if not found:
        return None
    has_spread = any(summary.low is not None for summary in found.values())
    rows = []
    for name, summary in found.items():
        unit = numbers.unit_for(METRICS[name].unit, summary.median, summary.high)
        spread = (_spread(summary, unit),) if has_spread else ()
        rows.append(
            Row(
                label=f"{METRICS[name].label}, {unit.name}",
                cells=(numbers.number(summary.median, unit), *spread, f"{summary.n:,}"),
                headline=name == headline_metric(result),
            )
        )
    columns = ("median", "quartiles", "n") if has_spread else ("median", "n")
    return Table(columns=columns, rows=tuple(rows))


def _spread(summary: MetricSummary, unit: numbers.Unit) -> str:
    if summary.low is None or summary.high is None:
        return numbers.MISSING
    return f"{numbers.number(summary.low, unit)} … {numbers.number(summary.high, unit)}"


def _two_sides(result: Result, head: Side, base: Side, names: tuple[str, ...]) -> Table | None:
    rows = []
    for name in names:
        medians = [
            found.median if (found := side.summary.get(name)) else None for side in (base, head)
        ]
        if medians == [None, None]:
            continue
        unit = numbers.unit_for(METRICS[name].unit, *medians)
        values = [
            numbers.number(median, unit) if median is not None else numbers.MISSING
            for median in medians
        ]
        rows.append(
            Row(
                label=f"{METRICS[name].label}, {unit.name}",
                cells=(*values, _change(result, name, *medians)),
                headline=name == headline_metric(result),
            )
        )
    return Table(columns=("base", "head", "change"), rows=tuple(rows)) if rows else None


def _change(result: Result, name: str, base: float | None, head: float | None) -> str:
    """A change of time: + is slower, also for a rate. Memory has no slower: its difference."""
    comparison = paired(result)
    if comparison and comparison.estimate is not None and name == deciding_row(result):
        return numbers.change(comparison.estimate)
    if not base or not head:
        return numbers.MISSING
    if METRICS[name].unit == "mib":
        return _memory_change(head - base, base)
    return numbers.change((base / head if METRICS[name].unit == "tps" else head / base) - 1)


def _memory_change(difference: float, base: float) -> str:
    # Less than a thousandth is below the digits that the two values are shown with.
    if abs(difference) < base / 1000:
        return "0"
    sign = "+" if difference > 0 else numbers.MINUS
    return sign + numbers.memory(abs(difference))
