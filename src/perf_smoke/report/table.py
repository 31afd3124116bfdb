"""Which numbers stand in the tables, and how is a change written there?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perf_smoke.metrics import METRICS, Metric
from perf_smoke.report import numbers
from perf_smoke.report.parts import Row, Sentence, Table, sentence, strong
from perf_smoke.report.untrusted import one_line
from perf_smoke.report.verdict import answer
from perf_smoke.report.view import BaseView, View, WorkloadView, latency
from perf_smoke.result import Comparison, Measurement


def main_tables(view: View, workload: WorkloadView) -> list[Table]:
    """The metrics that everybody asks for, the headline first; one table per base."""
    first = [workload.headline] if workload.headline else []
    others = (metric for metric in METRICS if metric.table == "main" and metric not in first)
    tables = _tables(workload, (*first, *others))
    if any(base.changes for base in workload.bases):
        tables[-1:] = [replace(last, caption=_how_to_read(view)) for last in tables[-1:]]
    return tables


def further_tables(workload: WorkloadView) -> list[Table]:
    """The metrics for those who look closer."""
    further = (metric for metric in METRICS if metric.table == "further")
    return _tables(workload, [metric for metric in further if metric != workload.headline])


def questions(view: View) -> Table:
    """All answers at once: a row per workload and metric, a column per base."""
    bases = {base.name: base for workload in view.workloads for base in workload.bases}
    since = [sentence("since ", *base.called) for base in bases.values()]
    rows: list[Row] = []
    for workload in view.workloads:
        answers: dict[str, dict[str, Comparison]] = {}
        for one in workload.comparisons:
            answers.setdefault(view.subject(one), {})[one.base] = one
        alone = latency(workload.head, workload.headline) or numbers.MISSING
        cells = () if bases else (sentence(alone),)
        if not answers:
            none = tuple(sentence(numbers.MISSING) for _ in bases)
            rows.append(Row(sentence(one_line(workload.name, 60)), cells or none))
        for label, by_base in answers.items():
            leads = any(one is view.leading for one in by_base.values())
            found = tuple(_answer(view, by_base.get(name)) for name in bases)
            rows.append(Row(sentence(strong(label) if leads else label), found))
    return Table(columns=tuple(since or [sentence("head")]), rows=tuple(rows))


def _answer(view: View, comparison: Comparison | None) -> Sentence:
    if comparison is None:
        return sentence(numbers.MISSING)
    said = answer(comparison)
    shown = sentence(strong(said) if comparison is view.leading else said)
    if comparison.low is None or comparison.high is None or comparison.verdict == "not-comparable":
        return shown
    interval = numbers.interval(comparison.low, comparison.high).removesuffix(" %")
    return sentence(*shown, f" ({interval})")


def _tables(workload: WorkloadView, metrics: Sequence[Metric]) -> list[Table]:
    sides = [_two_sides(workload, base, metrics) for base in workload.bases]
    return [table for table in sides or [_one_side(workload, metrics)] if table.rows]


def _one_side(workload: WorkloadView, metrics: Sequence[Metric]) -> Table:
    summaries = {
        metric: workload.head.summary[metric.key]
        for metric in metrics
        if metric.key in workload.head.summary
    }
    spread = any(summary.low is not None for summary in summaries.values())
    rows = []
    for metric, summary in summaries.items():
        low, high = summary.low, summary.high
        unit = numbers.unit_for(metric.unit, summary.median, high)
        quartiles = numbers.MISSING
        if low is not None and high is not None:
            quartiles = f"{numbers.number(low, unit)} … {numbers.number(high, unit)}"
        median, n = numbers.number(summary.median, unit), f"{summary.n:,}"
        cells = (median, quartiles, n) if spread else (median, n)
        rows.append(_row(workload, metric, unit, cells))
    columns = ("median", "quartiles", "n") if spread else ("median", "n")
    return Table(columns=tuple(map(sentence, columns)), rows=tuple(rows))


def _two_sides(workload: WorkloadView, base: BaseView, metrics: Sequence[Metric]) -> Table:
    rows = []
    for metric in metrics:
        before, after = _median(base.measurement, metric), _median(workload.head, metric)
        unit = numbers.unit_for(metric.unit, before, after)
        values = [
            numbers.MISSING if median is None else numbers.number(median, unit)
            for median in (before, after)
        ]
        if values != [numbers.MISSING] * 2:
            change = _change(base, metric, before, after)
            rows.append(_row(workload, metric, unit, (*values, change)))
    columns = (base.called, sentence("head"), sentence("change"))
    return Table(columns=columns, rows=tuple(rows))


def _median(side: Measurement, metric: Metric) -> float | None:
    return side.summary[metric.key].median if metric.key in side.summary else None


def _row(workload: WorkloadView, metric: Metric, unit: numbers.Unit, cells: Sequence[str]) -> Row:
    """The label has the unit, so that the columns stay narrow enough for a phone."""
    texts = (f"{metric.label}, {unit.name}", *cells)
    leads = metric == workload.headline
    label, *rest = (sentence(strong(text) if leads else text) for text in texts)
    return Row(label, tuple(rest))


def _change(base: BaseView, metric: Metric, before: float | None, after: float | None) -> str:
    """A change of time: + is slower, also for a rate. Memory has no slower: its difference."""
    if metric.name in base.changes:
        return numbers.change(base.changes[metric.name])
    if metric.per == "step" or not before or not after:
        return numbers.MISSING
    if metric.unit != "mib":
        return numbers.change(after / before - 1)
    # Less than a thousandth is below the digits that the two values are shown with.
    sign = "+" if after > before else numbers.MINUS
    same = abs(after - before) < before / 1000
    return "0" if same else sign + numbers.memory(abs(after - before))


def _how_to_read(view: View) -> Sentence:
    alone, leading = len(view.questions) == 1, view.leading
    decides = alone and leading and leading.low is not None
    return sentence(
        "Changes are in time: + is slower, in the rows with rates too. They are those of the "
        "pairs, not of the two medians.",
        " The first row decides."
        if decides and leading and leading.verdict != "not-comparable"
        else "",
    )
