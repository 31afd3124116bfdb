"""What do several parts of a report need to know? It is derived from the Result here, once.

Nothing is read out of sentences, names or hashes: what a Result does not record is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from perf_smoke import compare, numbers
from perf_smoke.engines import table as engines
from perf_smoke.metrics import AUTOMATIC, BY_NAME, METRICS, Metric, time_s
from perf_smoke.report.parts import Sentence, also, code, join, sentence
from perf_smoke.report.untrusted import visible_line
from perf_smoke.result import (
    HEAD,
    Comparison,
    EngineIdentity,
    Measurement,
    Prompt,
    RequestRecord,
    Result,
    Sample,
    Side,
    Workload,
    fraction,
)

_NOT_ASKED = Workload(
    request=RequestRecord(
        prompt=Prompt(text="", characters=0, sha256=""), tokens=0, seed=0, threads=0
    ),
    metrics=(),
    warmup=0,
)
"""Stands for the workload of a run that did not come so far."""


@dataclass(frozen=True, kw_only=True)
class BaseView:
    """A base that was measured for one workload."""

    name: str
    called: Sentence
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
    """The metric that leads; None where no side has a number."""
    log_ratios: tuple[float, ...]
    """Of the pairs that the leading comparison judged; where nothing was judged, of all pairs."""

    def base_of(self, comparison: Comparison) -> BaseView:
        """The base that it is about."""
        return next(base for base in self.bases if base.name == comparison.base)

    @property
    def walls_s(self) -> list[list[float]]:
        """How long each step of each side took, as far as that is known."""
        sides = [self.head, *(base.measurement for base in self.bases)]
        return [
            [step.wall_ms * step.repeats / 1e3 for step in side.counted if step.wall_ms]
            for side in sides
        ]


@dataclass(frozen=True, kw_only=True)
class View:
    """One Result, as its report sees it."""

    result: Result
    engine: EngineIdentity | None
    """Head's."""
    row: engines.Row | None
    """What the engine is; None where it is not known here."""
    workloads: tuple[WorkloadView, ...]
    lead: WorkloadView
    """The workload that the headline speaks of."""
    questions: tuple[Comparison, ...]
    """All comparisons that have an answer."""

    @classmethod
    def of(cls, result: Result) -> View:
        """Everything, computed once."""
        engine = result.head.engine if result.head else None
        asked = result.workloads or {"": _NOT_ASKED}
        workloads = tuple(_workload(result, *each) for each in asked.items())
        questions = tuple(one for workload in workloads for one in workload.comparisons)
        gravest = _gravest(result, questions)
        leading = [one for one in workloads if gravest and one.name == gravest.workload]
        return cls(
            result=result,
            engine=engine,
            row=engines.find(engine.id) if engine else None,
            workloads=workloads,
            lead=next(iter((*leading, *workloads))),
            questions=questions,
        )

    @property
    def several(self) -> bool:
        """Whether there is more to tell than one answer."""
        return len(self.questions) > 1 or len(self.workloads) > 1

    @property
    def ours(self) -> bool:
        """Whether the program is the one that the action brings."""
        return self.row is not None and self.row.whose == "ours"

    @property
    def demonstration(self) -> bool:
        """Whether our engine ran our model, so that nothing of the caller's was measured."""
        model = self.row.default_model if self.row else ""
        return bool(model and self.result.model and self.result.model.reference == model)

    def subject(self, comparison: Comparison) -> str:
        """What tells this question from the others but for the base: `prefill, E2E latency`."""
        parts = [visible_line(comparison.workload, 60)] if len(self.workloads) > 1 else []
        if len({question.metric for question in self.questions}) > 1 or not parts:
            parts.append(phrase(comparison.metric))
        return ", ".join(parts)


def phrase(metric: str) -> str:
    """The name of a metric inside a sentence."""
    return BY_NAME[metric].phrase if metric in BY_NAME else visible_line(metric, 40)


def latency(measurement: Measurement, metric: Metric | None) -> str:
    """The headline metric of a side: `54.9 ms for 4 tokens`; empty when it was not measured."""
    if metric is None or metric.key not in measurement.summary:
        return ""
    median, count = measurement.summary[metric.key].median, measurement.tokens
    work = f" for {counting(count, 'token')}" if count else ""
    what = work if metric.whole else f" {metric.phrase}"
    return f"{numbers.quantity(median, numbers.unit_for(metric.unit, median))}{what}"


def named(side: Side) -> Sentence:
    """A side as it was named, beside its commit: `` `v1.2`, `1dbec34` ``; empty without both."""
    ref = () if side.commit.startswith(side.ref) else also("", side.ref, 60)
    return join([ref, also("", side.commit[:7])], ", ")


def called(result: Result, base: str) -> Sentence:
    """In the middle of a sentence: `base`, or its name where there are several."""
    side = result.sides.get(base, Side())
    many = len({*result.sides, *result.lost_bases} - {HEAD}) > 1
    return sentence(code(side.ref or side.commit[:7] or base, 60) if many else "base")


def counting(count: int, noun: str) -> str:
    """`1 step`, `1,200 steps`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _workload(result: Result, name: str, workload: Workload) -> WorkloadView:
    head = workload.measurements.get(HEAD, Measurement())
    measured = {
        base: measurement
        for base, measurement in workload.measurements.items()
        if base != HEAD and base not in result.lost_bases and measurement.summary
    }
    answers = tuple(
        one
        for one in result.comparisons
        if one.workload == name and one.base in measured and one.verdict != "no-baseline"
    )
    leading = _gravest(result, answers)
    bases = tuple(_base(result, head, answers, *side) for side in measured.items())
    wanted = (leading.metric if leading else "", *workload.metrics, *AUTOMATIC, *BY_NAME)
    given = {key for side in (head, *measured.values()) for key in side.summary}
    known = (BY_NAME[metric] for metric in wanted if metric in BY_NAME)
    headline = next((metric for metric in known if metric.key in given), None)
    leads = [base for base in bases if leading and base.name == leading.base]
    base = next(iter((*leads, *bases)), None)
    log_ratios: tuple[float, ...] = ()
    if base and headline:
        log_ratios = _pairs(_rounds(head, base.measurement), headline).log_ratios
    return WorkloadView(
        name=name,
        workload=workload,
        head=head,
        bases=bases,
        comparisons=answers,
        leading=leading,
        base=base,
        headline=headline,
        log_ratios=log_ratios[: leading.pairs] if leading else log_ratios,
    )


def _base(
    result: Result,
    head: Measurement,
    answers: Iterable[Comparison],
    name: str,
    measurement: Measurement,
) -> BaseView:
    judged = {one.metric: one.log_ratio for one in answers if one.base == name}
    rounds = _rounds(head, measurement)
    changes = {}
    for metric in METRICS:
        if metric.per == "start":
            continue
        if (estimate := judged.get(metric.name)) is None and (pairs := _pairs(rounds, metric)):
            estimate = pairs.averages.median()
        if estimate is not None:
            changes[metric.name] = fraction(estimate)
    return BaseView(
        name=name,
        called=called(result, name),
        side=result.sides.get(name, Side()),
        measurement=measurement,
        changes=changes,
    )


def _rounds(head: Measurement, base: Measurement) -> list[tuple[Sample, Sample]]:
    """Base's and head's step of each round in which both count."""
    bases, heads = (
        {step.round: step for step in side.counted if step.round is not None}
        for side in (base, head)
    )
    return [(bases[at], heads[at]) for at in sorted(bases.keys() & heads.keys())]


def _pairs(rounds: Iterable[tuple[Sample, Sample]], metric: Metric) -> compare.Pairs:
    """The times of one metric. Nothing else that is known of the steps plays a part in an estimate,
    and to gather it for every metric takes as long as to estimate."""
    times = [(time_s(base, metric.name), time_s(head, metric.name)) for base, head in rounds]
    both = [(base, head) for base, head in times if base and head]
    bases, heads = ([pair[side] for pair in both] for side in (0, 1))
    return compare.Pairs.of_times(bases, heads, metric=metric.name)


def _gravest(result: Result, comparisons: tuple[Comparison, ...]) -> Comparison | None:
    return replace(result, comparisons=comparisons).gravest
