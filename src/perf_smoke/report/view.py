"""What do several parts of a report need to know? It is derived from the Result here, once.

Nothing is read out of sentences, names or hashes: what a Result does not record is not known.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from perf_smoke import compare
from perf_smoke.compare.walsh import WalshAverages
from perf_smoke.engines import table as engines
from perf_smoke.metrics import BY_NAME, METRICS, Metric
from perf_smoke.report import numbers
from perf_smoke.report.spans import Sentence, code, sentence
from perf_smoke.report.untrusted import one_line
from perf_smoke.result import (
    HEAD,
    Asked,
    Comparison,
    EngineIdentity,
    Measurement,
    Prompt,
    Result,
    Side,
    Workload,
    fraction,
)

_NOT_ASKED = Workload(
    asked=Asked(
        prompt=Prompt(text="", characters=0, sha256=""), tokens=0, seed=0, threads=0, told=()
    ),
    metrics=(),
    warmup=0,
)
"""Stands for the workload of a run that did not come so far."""


@dataclass(frozen=True, kw_only=True)
class BaseView:
    """A base that was measured beside head, for one workload."""

    name: str
    called: Sentence
    """In the middle of a sentence: `base`, or its name where there are several."""
    side: Side
    measurement: Measurement
    changes: Mapping[str, float]
    """By the name of a metric, the change in time that the pairs show, as a fraction, estimated as
    where it is judged. Of what comes once per start there is none."""


@dataclass(frozen=True, kw_only=True)
class WorkloadView:
    """One workload: what was asked, and what each side gave."""

    name: str
    workload: Workload
    head: Measurement
    bases: tuple[BaseView, ...]
    """Those that were measured and not lost, in the document's order."""
    comparisons: tuple[Comparison, ...]
    """Its questions that have an answer."""
    leading: Comparison | None
    """The gravest of them."""
    base: BaseView | None
    """That of the leading comparison; else the first."""
    headline: Metric | None
    """The metric that leads; None where head has no number."""
    judged: str
    """The name of the metric that is compared; empty where nothing is."""
    log_ratios: tuple[float, ...]
    """Of the pairs that the leading comparison judged; where nothing was judged, of all pairs."""

    @property
    def seconds_per_round(self) -> float | None:
        """What one more step of each side would take; None where a side's wall time is unknown."""
        total_ms = 0.0
        for measurement in (self.head, *(base.measurement for base in self.bases)):
            walls = [step.wall_ms * step.repeats for step in measurement.counted if step.wall_ms]
            if not walls:
                return None
            total_ms += statistics.median(walls)
        return total_ms / 1e3


@dataclass(frozen=True, kw_only=True)
class View:
    """One Result, as its report sees it."""

    result: Result
    engine: EngineIdentity | None
    """Head's."""
    row: engines.Row | None
    """What the engine is; None where it is not known here."""
    from_file: bool
    """Whether the pairs were measured elsewhere and are only judged here."""
    demonstration: bool
    """Whether our engine ran our model, so that nothing of the caller's was measured."""
    workloads: tuple[WorkloadView, ...]
    lead: WorkloadView
    """The workload that the headline speaks of."""
    questions: tuple[Comparison, ...]
    """All comparisons that have an answer."""
    several: bool
    """Whether there is more to tell than one answer."""

    @classmethod
    def of(cls, result: Result) -> View:
        """Everything, computed once."""
        side = result.head
        engine = side.engine if side else None
        row = engines.find(engine.id) if engine else None
        workloads = tuple(_workload(result, *named) for named in result.workloads.items())
        questions = tuple(one for workload in workloads for one in workload.comparisons)
        gravest = _gravest(result, questions)
        empty = _workload(result, "", _NOT_ASKED)
        return cls(
            result=result,
            engine=engine,
            row=row,
            from_file=result.origin == "pairs-file",
            demonstration=bool(
                row
                and row.default_model
                and result.model
                and result.model.reference == row.default_model
            ),
            workloads=workloads,
            lead=next(
                (one for one in workloads if gravest and one.name == gravest.workload),
                workloads[0] if workloads else empty,
            ),
            questions=questions,
            several=len(questions) > 1 or len(workloads) > 1,
        )

    @property
    def leading(self) -> Comparison | None:
        """The comparison that the headline speaks of."""
        return self.lead.leading

    @property
    def ours(self) -> bool:
        """Whether the program is the one that the action brings."""
        return self.row is not None and self.row.whose == "ours"

    def subject(self, comparison: Comparison) -> str:
        """What tells this question from the others but for the base: `prefill, E2E latency`."""
        parts = [one_line(comparison.workload, 60)] if len(self.workloads) > 1 else []
        if len({question.metric for question in self.questions}) > 1 or not parts:
            parts.append(phrase(comparison.metric))
        return ", ".join(parts)


def phrase(metric: str) -> str:
    """The name of a metric inside a sentence."""
    return BY_NAME[metric].phrase if metric in BY_NAME else one_line(metric, 40)


def latency(measurement: Measurement, metric: Metric | None) -> str:
    """The headline metric of a side: `54.9 ms for 4 tokens`; empty when it was not measured."""
    if metric is None or metric.key not in measurement.summary:
        return ""
    median = measurement.summary[metric.key].median
    value = numbers.quantity(median, numbers.unit_for(metric.unit, median))
    if metric.name not in ("e2e", "wall"):
        return f"{value} {metric.phrase}"
    return f"{value} for {counting(count, 'token')}" if (count := measurement.tokens) else value


def counting(count: int, noun: str) -> str:
    """`1 step`, `1,200 steps`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _workload(result: Result, name: str, workload: Workload) -> WorkloadView:
    head = workload.measurements.get(HEAD, Measurement())
    measured = [
        base
        for base, measurement in workload.measurements.items()
        if base != HEAD and base not in result.lost_bases and measurement.summary and head.summary
    ]
    answers = [
        one
        for one in result.comparisons
        if one.workload == name and one.base in measured and one.verdict != "no-baseline"
    ]
    leading = _gravest(result, answers)
    bases = tuple(_base(result, workload, base, head, answers) for base in measured)
    wanted = (leading.metric if leading else "", *workload.metrics, "e2e", "wall", *BY_NAME)
    headline = next(
        (BY_NAME[one] for one in wanted if one in BY_NAME and BY_NAME[one].key in head.summary),
        None,
    )
    base = next((one for one in bases if leading and one.name == leading.base), None)
    base = base or next(iter(bases), None)
    judged = leading.metric if leading else headline.name if headline and base else ""
    return WorkloadView(
        name=name,
        workload=workload,
        head=head,
        bases=bases,
        comparisons=tuple(answers),
        leading=leading,
        base=base,
        headline=headline,
        judged=judged,
        log_ratios=_log_ratios(head, base.measurement, judged, leading) if base else (),
    )


def _base(
    result: Result, workload: Workload, name: str, head: Measurement, answers: list[Comparison]
) -> BaseView:
    side, measurement = result.sides.get(name, Side()), workload.measurements[name]
    judged = {one.metric: one for one in answers if one.base == name}
    some = next(iter(judged.values()), None)
    changes: dict[str, float] = {}
    for metric in METRICS:
        comparison = judged.get(metric.name)
        if comparison and comparison.estimate is not None:
            changes[metric.name] = comparison.estimate
        elif metric.per == "step" and (
            ratios := _log_ratios(head, measurement, metric.name, comparison or some)
        ):
            changes[metric.name] = fraction(WalshAverages(ratios).median())
    one_of_many = len({*result.sides, *result.lost_bases} - {HEAD}) > 1
    return BaseView(
        name=name,
        called=sentence(code(side.ref or side.commit[:7] or name, 60) if one_of_many else "base"),
        side=side,
        measurement=measurement,
        changes=changes,
    )


def _log_ratios(
    head: Measurement, base: Measurement, metric: str, judged: Comparison | None
) -> tuple[float, ...]:
    if metric not in BY_NAME:
        return ()
    pairs = compare.Pairs.of(base.samples, head.samples, metric)
    return tuple((pairs.first(judged.pairs) if judged else pairs).log_ratios)


def _gravest(result: Result, comparisons: Iterable[Comparison]) -> Comparison | None:
    return dataclasses.replace(result, comparisons=tuple(comparisons)).gravest
