"""Which numbers stand in the tables, and how is a change written there?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perf_smoke import numbers
from perf_smoke.metrics import METRICS, Metric
from perf_smoke.report.parts import Sentence, Table, sentence, strong
from perf_smoke.report.untrusted import visible_line
from perf_smoke.report.verdict import answer
from perf_smoke.report.view import BaseView, View, WorkloadView, latency
from perf_smoke.result import Comparison


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


def questions(view: View) -> list[Table]:
    """All answers at once: a row per workload and metric, a column per base; no table without any
    answer."""
    bases = {base.name: base.called for workload in view.workloads for base in workload.bases}
    columns = tuple(sentence("since ", *called) for called in bases.values())
    rows = [row for workload in view.workloads for row in _answers(view, workload, [*bases])]
    told = any({*row[1:]} != {sentence(numbers.MISSING)} for row in rows)
    return [Table(columns=columns or (sentence("head"),), rows=tuple(rows))] if told else []


def _answers(
    view: View, workload: WorkloadView, bases: Sequence[str]
) -> list[tuple[Sentence, ...]]:
    alone = sentence(latency(workload.head, workload.headline) or numbers.MISSING)
    answers = {(view.subject(one), one.base): one for one in workload.comparisons}
    leads = [label for (label, _), one in answers.items() if one is view.lead.leading]
    labels = dict.fromkeys(label for label, _ in answers) or [visible_line(workload.name, 60)]
    return [
        (
            sentence(strong(label) if label in leads else label),
            *(_answer(view, answers.get((label, base))) for base in bases),
            *(() if bases else (alone,)),
        )
        for label in labels
    ]


def _answer(view: View, comparison: Comparison | None) -> Sentence:
    if comparison is None:
        return sentence(numbers.MISSING)
    said, low, high = answer(comparison), comparison.low, comparison.high
    sized = low is not None and high is not None and comparison.verdict != "not-comparable"
    interval = numbers.interval(low or 0.0, high or 0.0).removesuffix(" %")
    return sentence(
        strong(said) if comparison is view.lead.leading else said, f" ({interval})" if sized else ""
    )


def _tables(workload: WorkloadView, metrics: Sequence[Metric]) -> list[Table]:
    sides = [_two_sides(workload, base, metrics) for base in workload.bases]
    return [table for table in sides or [_one_side(workload, metrics)] if table.rows]


def _one_side(workload: WorkloadView, metrics: Sequence[Metric]) -> Table:
    given = [metric for metric in metrics if metric.key in workload.head.summary]
    summaries = [workload.head.summary[metric.key] for metric in given]
    spread = any(summary.low is not None for summary in summaries)
    rows = []
    for metric, summary in zip(given, summaries, strict=True):
        unit = numbers.unit_for(metric.unit, summary.median, summary.high)
        low, median, high = (
            numbers.MISSING if value is None else numbers.three(value / unit.size)
            for value in (summary.low, summary.median, summary.high)
        )
        quartiles = (low if summary.low is None else f"{low} … {high}",) if spread else ()
        rows.append(_row(workload, metric, unit, (median, *quartiles, f"{summary.n:,}")))
    columns = ("median", "quartiles", "n") if spread else ("median", "n")
    return Table(columns=tuple(map(sentence, columns)), rows=tuple(rows))


def _two_sides(workload: WorkloadView, base: BaseView, metrics: Sequence[Metric]) -> Table:
    rows = []
    sides = base.measurement.summary, workload.head.summary
    for metric in metrics:
        before, after = (side[metric.key].median if metric.key in side else None for side in sides)
        unit = numbers.unit_for(metric.unit, before, after)
        cells = [
            numbers.MISSING if median is None else numbers.three(median / unit.size)
            for median in (before, after)
        ]
        rows.append(_row(workload, metric, unit, (*cells, _change(base, metric, before, after))))
    shown = tuple(row for row in rows if {*row[1:]} != {sentence(numbers.MISSING)})
    return Table(columns=(base.called, sentence("head"), sentence("change")), rows=shown)


def _row(
    workload: WorkloadView, metric: Metric, unit: numbers.Unit, cells: Sequence[str]
) -> tuple[Sentence, ...]:
    # The label has the unit, so that the columns stay narrow enough for a phone.
    texts, leads = (f"{metric.label}, {unit.name}", *cells), metric == workload.headline
    return tuple(sentence(strong(text) if leads else text) for text in texts)


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
    alone, leading = len(view.questions) == 1, view.lead.leading
    decides = alone and leading and leading.low is not None
    return sentence(
        "Changes are in time: + is slower, in the rows with rates too. They are those of the "
        "pairs, not of the two medians.",
        " The first row decides."
        if decides and leading and leading.verdict != "not-comparable"
        else "",
    )
