"""Which numbers stand in the tables, and how is a change written there?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perf_smoke.metrics import METRICS, Metric
from perf_smoke.report import numbers
from perf_smoke.report.parts import Row, Table
from perf_smoke.report.spans import Sentence, Span, sentence, strong
from perf_smoke.report.untrusted import one_line
from perf_smoke.report.verdict import answer
from perf_smoke.report.view import BaseView, View, WorkloadView
from perf_smoke.result import Comparison, Measurement, MetricSummary


def main_tables(view: View, workload: WorkloadView) -> list[Table]:
    """The metrics that everybody asks for, the headline first; one table per base."""
    headline = workload.headline
    if headline is None:
        return []
    others = (metric for metric in METRICS if metric.table == "main" and metric != headline)
    metrics = (headline, *others)
    if not workload.bases:
        return _one_side(workload, metrics)
    return [
        replace(table, caption=_how_to_read(view, workload, base))
        for base in workload.bases
        for table in _two_sides(workload, base, metrics)
    ]


def further_tables(workload: WorkloadView) -> list[Table]:
    """The metrics for those who look closer."""
    metrics = [
        metric for metric in METRICS if metric.table == "further" and metric != workload.headline
    ]
    if not workload.bases:
        return _one_side(workload, metrics)
    return [table for base in workload.bases for table in _two_sides(workload, base, metrics)]


def questions(view: View) -> Table:
    """All answers at once: a row per workload and metric, a column per base."""
    names = dict.fromkeys(base.name for one in view.workloads for base in one.bases)
    called = {base.name: base.called for one in view.workloads for base in one.bases}
    rows = []
    for workload in view.workloads:
        metrics = dict.fromkeys(one.metric for one in workload.comparisons) or {"": None}
        for metric in metrics:
            answers = {one.base: one for one in workload.comparisons if one.metric == metric}
            cells = tuple(_answer(view, answers.get(name)) for name in names)
            some = next(iter(answers.values()), None)
            label = view.subject(some) if some else one_line(workload.name, 60)
            leads = view.leading is not None and view.leading in answers.values()
            rows.append(
                Row(
                    label=sentence(strong(label) if leads else label),
                    cells=cells or (sentence(_head_alone(workload)),),
                )
            )
    columns = tuple(sentence("since ", *called[name]) for name in names)
    return Table(columns=columns or (sentence("head"),), rows=tuple(rows))


def _head_alone(workload: WorkloadView) -> str:
    metric = workload.headline
    if metric is None:
        return numbers.MISSING
    median = workload.head.summary[metric.key].median
    return numbers.quantity(median, numbers.unit_for(metric.unit, median))


def _answer(view: View, comparison: Comparison | None) -> Sentence:
    if comparison is None:
        return sentence(numbers.MISSING)
    said: str | Span = answer(comparison)
    if comparison is view.leading:
        said = strong(answer(comparison))
    if comparison.low is None or comparison.high is None or comparison.verdict == "not-comparable":
        return sentence(said)
    return sentence(said, f" ({numbers.interval(comparison.low, comparison.high)})")


def _one_side(workload: WorkloadView, metrics: Sequence[Metric]) -> list[Table]:
    summaries = [
        (metric, summary)
        for metric in metrics
        if (summary := workload.head.summary.get(metric.key))
    ]
    if not summaries:
        return []
    has_spread = any(summary.low is not None for _, summary in summaries)
    rows = []
    for metric, summary in summaries:
        unit = numbers.unit_for(metric.unit, summary.median, summary.high)
        spread = (_spread(summary, unit),) if has_spread else ()
        cells = (numbers.number(summary.median, unit), *spread, f"{summary.n:,}")
        rows.append(_row(workload, metric, unit, cells))
    columns = ("median", "quartiles", "n") if has_spread else ("median", "n")
    return [Table(columns=tuple(map(sentence, columns)), rows=tuple(rows))]


def _spread(summary: MetricSummary, unit: numbers.Unit) -> str:
    if summary.low is None or summary.high is None:
        return numbers.MISSING
    return f"{numbers.number(summary.low, unit)} … {numbers.number(summary.high, unit)}"


def _two_sides(workload: WorkloadView, base: BaseView, metrics: Sequence[Metric]) -> list[Table]:
    rows = []
    for metric in metrics:
        medians = [_median(side, metric) for side in (base.measurement, workload.head)]
        if medians == [None, None]:
            continue
        unit = numbers.unit_for(metric.unit, *medians)
        values = (
            numbers.MISSING if median is None else numbers.number(median, unit)
            for median in medians
        )
        rows.append(_row(workload, metric, unit, (*values, _change(base, metric, *medians))))
    columns = (base.called, sentence("head"), sentence("change"))
    return [Table(columns=columns, rows=tuple(rows))] if rows else []


def _median(side: Measurement, metric: Metric) -> float | None:
    summary = side.summary.get(metric.key)
    return summary.median if summary else None


def _row(workload: WorkloadView, metric: Metric, unit: numbers.Unit, cells: tuple[str, ...]) -> Row:
    """The label has the unit, so that the columns stay narrow enough for a phone."""
    texts = f"{metric.label}, {unit.name}", *cells
    marked = (strong(text) if metric == workload.headline else text for text in texts)
    label, *rest = map(sentence, marked)
    return Row(label=label, cells=tuple(rest))


def _change(base: BaseView, metric: Metric, before: float | None, after: float | None) -> str:
    """A change of time: + is slower, also for a rate. Memory has no slower: its difference."""
    if metric.name in base.changes:
        return numbers.change(base.changes[metric.name])
    if metric.per == "step" or not before or not after:
        return numbers.MISSING
    if metric.unit == "mib":
        return _memory_change(after - before, before)
    return numbers.change(after / before - 1)


def _memory_change(difference: float, before: float) -> str:
    # Less than a thousandth is below the digits that the two values are shown with.
    if abs(difference) < before / 1000:
        return "0"
    sign = "+" if difference > 0 else numbers.MINUS
    return sign + numbers.memory(abs(difference))


def _how_to_read(view: View, workload: WorkloadView, base: BaseView) -> Sentence:
    answers = [one for one in workload.comparisons if one.base == base.name]
    decides = (
        view.result.status == "measured"
        and len(answers) == 1
        and answers[0].low is not None
        and answers[0].verdict != "not-comparable"
    )
    return sentence(
        "Changes are in time: + is slower, in the rows with rates too. They are those of the "
        "pairs, not of the two medians.",
        " The first row decides." if decides else "",
    )
