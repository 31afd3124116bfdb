"""How a run was measured: everything that a doubting reader needs to check it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from perf_smoke.report import numbers
from perf_smoke.report.foreign import one_line
from perf_smoke.report.reading import (
    DECIDING,
    METRICS,
    both,
    changes,
    counted,
    counting,
    is_from_a_file,
    is_of_a_running_server,
    is_one_shot,
    paired,
    starts,
    uncounted,
    warm_up_counts,
)
from perf_smoke.report.sources import missing, sources
from perf_smoke.report.spans import Sentence, Span, code, join, sentence
from perf_smoke.result import Comparison, EngineIdentity, Machine, Result, Side

_STOPPED = {
    "decided": "when it was decided",
    "budget": "when the budget was spent",
    "runs": "after the runs that were asked for",
    "cancelled": "when the run was cancelled",
    "failed": "at a failure",
}
_FIRST = ("Steps", "Machine", "Machine load", "Took", "Reason")
_HASH_DIGITS = 12
"""Enough to tell two files apart; result.json has the whole hash."""
_MOST_LOOKS = 12
_MOST_REASONS = 5


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One line: what it is about, and what there is to say."""

    label: str
    text: Sentence
    first: bool
    """Whether it is wanted even where nothing can be folded away."""


def title(result: Result) -> str:
    """What the facts are about: `How this was measured: 182 pairs in random order, 21.3 s`."""
    if result.head is None or not counted(result.head):
        return "Details"
    pairs = len(changes(result))
    if is_from_a_file(result):
        return f"How this was decided: {counting(pairs, 'pair')} from a file"
    amount = (
        f"{counting(pairs, 'pair')} in random order"
        if pairs
        else counting(len(counted(result.head)), "step")
    )
    return f"How this was measured: {amount}, {numbers.seconds(result.cost.steps_s)}"


def facts(result: Result) -> list[Fact]:
    """All of them, those that have nothing to say left out."""
    comparison = paired(result)
    found: list[tuple[str, Sentence]] = [
        ("Steps", _steps(result)),
        ("Verdict", _decision(comparison) if comparison else ()),
        ("Engine", _engine(result.head)),
        ("Base's engine", _base_engine(result)),
        ("Model", _model(result)),
        ("Machine", _machine(result.machine)),
        ("Machine load", _state(result.machine)),
        ("Sources", sources(result.head)),
        ("Missing", missing(result.head)),
        ("Took", _cost(result)),
        ("perf-smoke", _tool(result)),
        ("Series", sentence(code(result.series.key)) if result.series else ()),
        ("Reason", sentence(code(result.reason)) if result.reason else ()),
    ]
    return [Fact(label=label, text=text, first=label in _FIRST) for label, text in found if text]


def _steps(result: Result) -> Sentence:
    head = result.head
    if head is None:
        return ()
    if is_from_a_file(result):
        return sentence(f"{counting(len(changes(result)), 'pair')} from a file.")
    parts = [_amount(result, head)]
    repeats = max((sample.repeats for sample in head.samples), default=1)
    of_runs = repeats > 1 and is_one_shot(head)
    if not is_of_a_running_server(result) and not of_runs:
        parts.append(_starts(head, "Each side" if both(result) else "The engine"))
    if repeats > 1:
        what = "runs of the program" if of_runs else "requests"
        parts.append(sentence(f"Each step is the mean of up to {repeats:,} {what}."))
    if result.comparison and (when := _STOPPED.get(result.comparison.stopped)):
        parts.append(sentence(f"Stopped {when}."))
    for name, side in (("", head), (" of base", result.base)):
        if side and (reasons := uncounted(side)):
            parts.append(_left_out(name, reasons.most_common(_MOST_REASONS)))
    return join(parts)


def _amount(result: Result, head: Side) -> Sentence:
    """How many steps or pairs, and which."""
    if pairs := len(changes(result)):
        which = "the order within each drawn by lot"
        if warm_up_counts(result):
            which = "that of the warm-up, in an order drawn by lot"
        return sentence(f"{counting(pairs, 'pair')}, {which}.")
    if not counted(head):
        return ()
    steps = counting(len(counted(head)), "step")
    if warm_up_counts(result):
        return sentence(f"{steps}, that of the warm-up.")
    return sentence(steps, "." if result.settings.get("warmup") == "0" else " after the warm-up.")


def _starts(head: Side, who: str) -> Sentence:
    count = starts(head)
    if not count:
        return ()
    if count == len(head.samples) and count > 1:
        return sentence("Each step started a process.")
    return sentence(f"{who} was started {'once' if count == 1 else f'{count:,} times'}.")


def _left_out(side: str, reasons: Iterable[tuple[str, int]]) -> Sentence:
    spans: list[str | Span] = [f"Not counted{side}: "]
    for index, (reason, count) in enumerate(reasons):
        spans += [", " if index else "", f"{count:,} ", code(reason, 40)]
    return sentence(*spans, ".")


def _decision(comparison: Comparison) -> Sentence:
    metric = METRICS[DECIDING.get(comparison.metric, "e2e_ms")].phrase
    parts = [
        f"{metric[0].upper()}{metric[1:]} alone decides",
        f": two-sided error rate {numbers.share(comparison.alpha)}",
        f", margin {numbers.share(comparison.margin)}, floor {numbers.share(comparison.floor)}",
    ]
    if comparison.estimate is not None:
        parts.append(f"; estimate {numbers.change(comparison.estimate)}")
    if comparison.detectable is not None:
        size = numbers.percent(comparison.detectable)
        parts.append(f"; a change of {size} would have been called with 90 % probability")
    if looks := comparison.looks[:_MOST_LOOKS]:
        after = ", ".join(f"{look:,}" for look in looks)
        more = ", …" if len(comparison.looks) > _MOST_LOOKS else ""
        parts.append(f"; looks were planned after {after}{more} pairs")
    return sentence(*parts, ".")


def _engine(side: Side | None) -> Sentence:
    if side is None or side.engine.id == "pairs":
        return ()
    return _identity(side.engine)


def _base_engine(result: Result) -> Sentence:
    if result.base is None or (result.head and result.base.engine == result.head.engine):
        return ()
    return _identity(result.base.engine)


def _identity(engine: EngineIdentity) -> Sentence:
    name = " ".join(filter(None, (engine.id, engine.version)))
    parts: list[str | Span] = [one_line(name, 120)]
    if engine.binary:
        parts += [", ", code(engine.binary, 200)]
    if engine.binary_sha256:
        parts += [", sha256 ", code(engine.binary_sha256[:_HASH_DIGITS])]
    return sentence(*parts)


def _model(result: Result) -> Sentence:
    model = result.model
    if model is None:
        return ()
    parts: list[str | Span] = [code(model.reference, 200)]
    if model.bytes is not None:
        parts.append(f", {numbers.memory(model.bytes / 1024**2)}")
    if model.sha256:
        parts += [", sha256 ", code(model.sha256[:_HASH_DIGITS])]
    return sentence(*parts)


def _machine(machine: Machine | None) -> Sentence:
    if machine is None:
        return ()
    system = one_line(f"{machine.os}, kernel {machine.kernel}, {machine.arch}", 200)
    parts: list[str | Span] = [
        code(machine.cpu_model),
        f" × {machine.cpus}, {numbers.memory(machine.memory_mib)}, {system}",
    ]
    if machine.image:
        parts += [", image ", code(machine.image)]
    return sentence(*parts)


def _state(machine: Machine | None) -> Sentence:
    if machine is None:
        return ()
    parts = [
        f"{state.load_1min:.2f} {when}"
        for when, state in (("before", machine.before), ("after", machine.after))
        if state.load_1min is not None
    ]
    if machine.idle_fraction is not None:
        parts.append(f"idle {numbers.percent(machine.idle_fraction)}")
    if machine.steal_fraction is not None:
        parts.append(f"steal {numbers.percent(machine.steal_fraction)}")
    return sentence(", ".join(parts))


def _cost(result: Result) -> Sentence:
    cost = result.cost
    if cost.total_s < 0.01:
        return ()
    parts = (
        ("download", cost.download_s),
        ("build", cost.build_s),
        ("load", cost.load_s),
        ("steps", cost.steps_s),
        ("the rest", cost.total_s - cost.download_s - cost.build_s - cost.load_s - cost.steps_s),
    )
    listed = [f"{name} {numbers.seconds(value)}" for name, value in parts if value >= 0.01]
    what_for = f": {', '.join(listed)}" if len(listed) > 1 else ""
    return sentence(f"{numbers.seconds(cost.total_s)} in all{what_for}")


def _tool(result: Result) -> Sentence:
    version = one_line(f"{result.tool.version}, runtime {result.tool.runtime}", 80)
    started = one_line(re.sub(r"^(\S{10})T(\S{8})(Z|\+00:00)$", r"\1 \2 UTC", result.started), 40)
    return sentence(f"{version}, started {started}")
