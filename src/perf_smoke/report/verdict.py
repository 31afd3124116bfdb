"""The verdict in one line: a report's title and an annotation."""

from __future__ import annotations

from perf_smoke.report import numbers
from perf_smoke.report.canary import difference
from perf_smoke.report.foreign import one_line
from perf_smoke.report.reading import (
    METRICS,
    counting,
    headline_metric,
    is_demonstration,
    no_base,
    paired,
    tokens,
    verdict_taken_by,
)
from perf_smoke.report.spans import Sentence, Span, code, flat, quoted, sentence
from perf_smoke.report.subject import program
from perf_smoke.result import Result

_STATUS = {
    "skipped": "skipped",
    "invalid": "not measured, invalid inputs",
    "cancelled": "cancelled",
}
_UNSIZED = {
    "no-change": "no change",
    "inconclusive": "cannot tell",
    "not-comparable": "not comparable",
}


def title(result: Result) -> Sentence:
    """The verdict line of a report: whose engine, and what became of it."""
    return sentence("perf-smoke", *_label(result), f": {_verdict(result)}", *_engine(result))


def headline(result: Result) -> str:
    """The verdict line in plain text: `perf-smoke: slower by 6.8 % (bitnet-rs)`."""
    return flat(title(result))


def notice(result: Result) -> str:
    """One plain line for an annotation: the verdict with its interval, or with its cause."""
    return flat(sentence("perf-smoke", *_label(result), ": ", *_brief(result)))


def latency(result: Result) -> str:
    """The headline metric of head: `54.9 ms for 4 tokens`; empty when it was not measured."""
    name = headline_metric(result)
    if name is None or result.head is None:
        return ""
    metric, median = METRICS[name], result.head.summary[name].median
    value = numbers.quantity(median, numbers.unit_for(metric.unit, median))
    if name not in ("e2e_ms", "wall_ms"):
        return f"{value} {metric.phrase}"
    count = tokens(result.head)
    return f"{value} for {counting(count, 'token')}" if count else value


def _brief(result: Result) -> list[str | Span | Sentence]:
    verdict = _verdict(result)
    if result.status != "measured":
        cause = quoted(result.failure.sentence, 300) if result.failure else ()
        return [verdict, ": " if cause else "", cause]
    parts: list[str | Span | Sentence] = [verdict]
    comparison = paired(result)
    if comparison and comparison.verdict == "not-comparable":
        return [verdict, *_engine(result)]
    if taken := verdict_taken_by(result):
        return [verdict, ": ", quoted(taken[0].sentence, 300)]
    if comparison and comparison.low is not None and comparison.high is not None:
        parts.append(f" ({numbers.interval(comparison.low, comparison.high)})")
        parts.append(f", {latency(result)}")
    if difference(result):
        parts.append(", the greedy output differs")
    return [*parts, *_engine(result)]


def _verdict(result: Result) -> str:
    if result.status == "failed":
        return "not measured to the end" if headline_metric(result) else "not measured"
    if result.status != "measured":
        return _STATUS[result.status]
    comparison = paired(result)
    if comparison is None or comparison.verdict == "no-baseline":
        not_compared = ", not compared" if no_base(result) else ""
        return f"{latency(result) or 'no numbers'}{not_compared}"
    if comparison.verdict in _UNSIZED or comparison.estimate is None:
        return _UNSIZED.get(comparison.verdict, comparison.verdict)
    by = f"{comparison.verdict} by {numbers.percent(comparison.estimate)}"
    if abs(comparison.estimate) >= comparison.margin:
        return by
    return f"{by}, less than the {numbers.share(comparison.margin)} margin"


def _label(result: Result) -> list[str | Span]:
    label = result.settings.get("label", "")
    return [" ", code(label, 60)] if label else []


def _engine(result: Result) -> list[str | Span]:
    if result.head is None:
        return []
    if is_demonstration(result):
        return [" (demonstration)"]
    engine = result.head.engine
    if engine.id == "embedded":
        return [" (embedded llama.cpp)"]
    if engine.id == "command" and (name := program(engine)):
        return [" (", code(name, 40), ")"]
    return [f" ({one_line(engine.id, 40)})"]
