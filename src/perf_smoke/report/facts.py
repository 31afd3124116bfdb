"""How was it measured? Everything that a doubting reader needs to check it."""

from __future__ import annotations

import re
from collections import Counter

from perf_smoke.compare.circumstances import percent
from perf_smoke.report import numbers
from perf_smoke.report.parts import Fact, Facts
from perf_smoke.report.sources import missing, sources
from perf_smoke.report.spans import Sentence, Span, code, join, sentence
from perf_smoke.report.untrusted import one_line
from perf_smoke.report.view import View, WorkloadView, counting, phrase
from perf_smoke.result import Comparison, EngineIdentity, Machine, Measurement, Result

_STOPPED = {
    "decided": "when it was decided",
    "budget": "when the budget was spent",
    "runs": "after the runs that were asked for",
}
_GLANCE = ("Steps", "Machine", "Machine load", "Took", "Reason")
_HASH_DIGITS = 12
"""Enough to tell two files apart; result.json has the whole hash."""
_MOST_LOOKS = 12
_MOST_REASONS = 5


def title(view: View, workload: WorkloadView) -> str:
    """What the facts are about: `How this was measured: 182 pairs in random order, 21.3 s`."""
    if not workload.head.counted:
        return "Details"
    pairs = counting(len(workload.log_ratios), "pair")
    if view.from_file:
        return f"How this was decided: {pairs} from a file"
    amount = counting(len(workload.head.counted), "step")
    if workload.log_ratios:
        amount = f"{pairs} in random order"
    took = "" if view.several else f", {numbers.seconds(view.result.cost.steps_s)}"
    return f"How this was measured: {amount}{took}"


def of_workload(view: View, workload: WorkloadView) -> Facts:
    """What was done for one workload."""
    verdicts = [_decision(workload, one) for one in workload.comparisons]
    return _facts(
        ("Steps", _steps(view, workload)),
        *(("Verdict", verdict) for verdict in verdicts),
        ("Sources", sources(workload.head)),
        ("Missing", missing(view, workload)),
    )


def of_run(view: View) -> Facts:
    """What is the same for all workloads."""
    result = view.result
    return _facts(
        ("Engine", _identity(view.engine) if view.engine else ()),
        ("Base's engine", _base_engines(view)),
        ("Model", _model(result)),
        ("Machine", _machine(result.machine)),
        ("Machine load", _state(result.machine)),
        ("Took", _cost(result)),
        ("Job", _job(result)),
        ("perf-smoke", _tool(result)),
        ("Series", sentence(code(result.series.key)) if result.series else ()),
        ("Reason", sentence(code(result.reason)) if result.reason else ()),
    )


def _facts(*facts: tuple[str, Sentence]) -> Facts:
    """Those that have something to say."""
    return Facts(
        tuple(
            Fact(label=label, text=text, glance=label in _GLANCE) for label, text in facts if text
        )
    )


def _steps(view: View, workload: WorkloadView) -> Sentence:
    if view.from_file:
        return sentence(f"{counting(len(workload.log_ratios), 'pair')} from a file.")
    head, process = workload.head, view.result.head.process if view.result.head else "start"
    repeats = max((step.repeats for step in head.samples), default=1)
    parts = [_amount(workload)]
    if process == "start" or (process == "step" and repeats == 1):
        parts.append(_starts(head, "Each side" if workload.bases else "The engine"))
    if repeats > 1:
        what = "runs of the program" if process == "step" else "requests"
        parts.append(sentence(f"Each step is the mean of up to {repeats:,} {what}."))
    if view.result.status == "cancelled":
        parts.append(sentence("Stopped when the run was cancelled."))
    elif when := _STOPPED.get(workload.workload.stopped):
        parts.append(sentence(f"Stopped {when}."))
    left_out = [
        _left_out(sentence("Not counted of ", *base.called), base.measurement)
        for base in workload.bases
    ]
    return join([*parts, _left_out(sentence("Not counted"), head), *left_out])


def _amount(workload: WorkloadView) -> Sentence:
    """How many steps or pairs, and which."""
    counted = workload.workload.warmup_counted
    if pairs := len(workload.log_ratios):
        what = counting(pairs, "pair")
        if len(workload.bases) > 1:
            what = f"{counting(pairs, 'round')} of a step of each side"
        which = "that of the warm-up, in an order" if counted else "the order within each"
        return sentence(f"{what}, {which} drawn by lot.")
    if not workload.head.counted:
        return ()
    after = ", that of the warm-up" if counted else " after the warm-up"
    steps = counting(len(workload.head.counted), "step")
    return sentence(steps, after if workload.workload.warmup else "", ".")


def _starts(head: Measurement, who: str) -> Sentence:
    count = len({step.start for step in head.samples})
    if not count:
        return ()
    if count == len(head.samples) and count > 1:
        return sentence("Each step started a process.")
    return sentence(f"{who} was started {'once' if count == 1 else f'{count:,} times'}.")


def _left_out(what: Sentence, side: Measurement) -> Sentence:
    reasons = Counter(step.error or "unknown" for step in side.samples if not step.ok)
    listed = [
        sentence(f"{count:,} ", code(reason, 40))
        for reason, count in reasons.most_common(_MOST_REASONS)
    ]
    return sentence(*what, ": ", *join(listed, ", "), ".") if listed else ()


def _decision(workload: WorkloadView, comparison: Comparison) -> Sentence:
    rule, metric = comparison.rule, phrase(comparison.metric)
    who = f"{metric[:1].upper()}{metric[1:]} alone decides"
    if len(workload.comparisons) > 1:
        base = next(one for one in workload.bases if one.name == comparison.base)
        since: Sentence = sentence(" since ", *base.called) if len(workload.bases) > 1 else ()
        who = f"{metric[:1].upper()}{metric[1:]}"
    else:
        since = ()
    parts = [
        f": two-sided error rate {numbers.share(rule.alpha)}",
        f", margin {numbers.share(rule.margin)}, floor {numbers.share(rule.floor)}",
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
    return sentence(who, *since, *parts, ".")


def _base_engines(view: View) -> Sentence:
    """Those that are not head's."""
    others = {
        base.name: sentence(
            *((*base.called, ": ") if len(view.lead.bases) > 1 else ()),
            *_identity(base.side.engine),
        )
        for workload in view.workloads
        for base in workload.bases
        if base.side.engine and base.side.engine != view.engine
    }
    return join(others.values(), "; ")


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
        parts.append(f"idle {percent(machine.idle_fraction)}")
    if machine.steal_fraction is not None:
        parts.append(f"steal {percent(machine.steal_fraction)}")
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


def _job(result: Result) -> Sentence:
    leg = result.leg
    if leg is None:
        return ()
    parts: list[str | Span] = [code(leg.job), " of the workflow ", code(leg.workflow)]
    if leg.matrix:
        parts += [", matrix ", code(leg.matrix, 200)]
    attempt = f", attempt {leg.attempt}" if leg.attempt > 1 else ""
    return sentence(*parts, f", run {leg.run_id}{attempt}, on ", code(leg.event))


def _tool(result: Result) -> Sentence:
    version = one_line(f"{result.tool.version}, runtime {result.tool.runtime}", 80)
    started = one_line(re.sub(r"^(\S{10})T(\S{8})(Z|\+00:00)$", r"\1 \2 UTC", result.started), 40)
    return sentence(f"{version}, started {started}")
