"""How was it measured? Everything that a doubting reader needs to check it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from perf_smoke import numbers
from perf_smoke.metrics import METRICS
from perf_smoke.report.parts import Facts, Sentence, also, code, join, sentence
from perf_smoke.report.untrusted import visible_line
from perf_smoke.report.view import View, WorkloadView, counting, phrase
from perf_smoke.result import (
    Comparison,
    Cost,
    EngineIdentity,
    Extension,
    Gpu,
    Machine,
    Measurement,
    Model,
    Rest,
)

_STOPPED = {
    "decided": "when it was decided",
    "budget": "when the budget was spent",
    "runs": "after the runs that were asked for",
    "deadline": "when the deadline came near",
    "cancelled": "when the run was cancelled",
}
AT_A_GLANCE = ("Steps", "Machine", "Machine load", "Took", "Reason")
"""Those that are wanted even where nothing can be unfolded."""
_TIERS = {
    "A": "the engine's own JSON",
    "B": "timings in the server's answer",
    "C": "the stream, on our clock",
    "D": "text that the engine prints",
    "E": "seen from outside the process",
}
_HASH_DIGITS = 12
"""Enough to tell two files apart; result.json has the whole hash."""
_MOST_LOOKS = 12
_MOST_REASONS = 5


def title(view: View, workload: WorkloadView) -> str:
    """What the facts are about: `How this was measured: 182 pairs in random order, 21.3 s`."""
    if not workload.head.counted:
        return "Details"
    pairs = counting(len(workload.log_ratios), "pair") if workload.log_ratios else ""
    if view.result.origin == "pairs-file":
        return f"How this was decided: {pairs} from a file"
    steps = counting(len(workload.head.counted), "step")
    amount = f"{pairs} in random order" if pairs else steps
    took = "" if view.several else f", {numbers.three(view.result.cost.steps_s)} s"
    return f"How this was measured: {amount}{took}"


def of_workload(view: View, workload: WorkloadView) -> Facts:
    """What was done for one workload."""
    return _facts(
        ("Steps", _steps(view, workload)),
        *(("Verdict", _decision(workload, one)) for one in workload.comparisons),
        ("Sources", _sources(workload.head)),
        ("Missing", _missing(view, workload)),
    )


def of_run(view: View) -> Facts:
    """What is the same for all workloads."""
    result, leg = view.result, view.result.leg
    version = visible_line(f"{result.tool.version}, runtime {result.tool.runtime}", 80)
    started = re.sub(r"^(\S{10})T(\S{8})(Z|\+00:00)$", r"\1 \2 UTC", result.started)
    job = leg and sentence(
        *(code(leg.job), " of the workflow ", code(leg.workflow)),
        *also(", matrix ", leg.matrix, 200),
        *(f", run {leg.run_id}, attempt {leg.attempt}, on ", code(leg.event)),
    )
    return _facts(
        ("Engine", _identity(view.engine)),
        ("Base's engine", _base_engines(view)),
        ("Model", _model(result.model)),
        ("Machine", _machine(result.machine)),
        ("Machine load", _state(result.machine)),
        ("Took", _cost(result.cost)),
        ("Job", job or ()),
        ("perf-smoke", sentence(f"{version}, started {visible_line(started, 40)}")),
        ("Series", also("", result.series.key if result.series else "")),
        ("Reason", also("", result.reason)),
    )


def _facts(*facts: tuple[str, Sentence]) -> Facts:
    return Facts(tuple(fact for fact in facts if fact[1]))


def _steps(view: View, workload: WorkloadView) -> Sentence:
    if view.result.origin == "pairs-file":
        return sentence(f"{counting(len(workload.log_ratios), 'pair')} from a file.")
    head, process = workload.head, view.result.head.process if view.result.head else "start"
    repeats = max((step.repeats for step in head.samples), default=1)
    what = "runs of the program" if process == "step" else "requests"
    stopped = "cancelled" if view.result.status == "cancelled" else workload.workload.stopped
    started = process == "start" or (process == "step" and repeats == 1)
    return join(
        [
            _amount(workload),
            _starts(head, "Each side" if workload.bases else "The engine") if started else (),
            sentence(f"Each step is the mean of up to {repeats:,} {what}." if repeats > 1 else ""),
            _rest(workload.workload.rest),
            sentence(f"Stopped {_STOPPED[stopped]}." if stopped else ""),
            _left_out("Not counted", (), head),
            *(_left_out("Not counted of ", one.called, one.measurement) for one in workload.bases),
        ]
    )


def _amount(workload: WorkloadView) -> Sentence:
    counted, pairs = workload.workload.warmup_counted, len(workload.log_ratios)
    if pairs:
        many = len(workload.bases) > 1
        what = f"{counting(pairs, 'round')} of a step of each side" if many else ""
        which = "that of the warm-up, in an order" if counted else "the order within each"
        return sentence(f"{what or counting(pairs, 'pair')}, {which} drawn by lot.")
    if not workload.head.counted:
        return ()
    after = ", that of the warm-up" if counted else " after the warm-up"
    steps = counting(len(workload.head.counted), "step")
    return sentence(steps, after if workload.workload.warmup else "", ".")


def _starts(head: Measurement, who: str) -> Sentence:
    count = len({step.start for step in head.samples})
    if count == len(head.samples):
        return sentence("Each step started a process." if count > 1 else "")
    return sentence(f"{who} was started {'once' if count == 1 else f'{count:,} times'}.")


def _rest(rest: Rest | None) -> Sentence:
    if rest is None or rest.given_up:
        return ()
    vain = f"; {rest.vain:,} times in vain" if rest.vain else ""
    return sentence(
        f"Before each step whoever still ran was waited for, {numbers.three(rest.rested_s)} s in "
        f"all{vain}."
    )


def _left_out(what: str, whose: Sentence, side: Measurement) -> Sentence:
    reasons = Counter(step.error or "unknown" for step in side.samples if not step.ok)
    listed = [also(f"{count:,} ", why, 40) for why, count in reasons.most_common(_MOST_REASONS)]
    return sentence(what, *whose, ": ", *join(listed, ", "), ".") if listed else ()


def _decision(workload: WorkloadView, comparison: Comparison) -> Sentence:
    rule, metric = comparison.rule, phrase(comparison.metric)
    alone, since = len(workload.comparisons) == 1, workload.base_of(comparison).called
    limit, extension = comparison.detectable, comparison.extension
    return sentence(
        f"{metric[:1].upper()}{metric[1:]}",
        " alone decides" if alone else sentence(" since ", since),
        f": two-sided error rate {numbers.share(rule.alpha)}",
        f", margin {numbers.share(rule.margin)}, floor {numbers.share(rule.floor)}",
        "" if comparison.estimate is None else f"; estimate {numbers.change(comparison.estimate)}",
        ""
        if limit is None
        else f"; a change of {numbers.percent(limit)} would have been called with 90 % probability",
        *_looks("; looks were planned after ", comparison.looks),
        *_extension(extension),
        ".",
    )


def _looks(what: str, looks: Sequence[int]) -> Sentence:
    more = ", …" if len(looks) > _MOST_LOOKS else ""
    after = ", ".join(f"{look:,}" for look in looks[:_MOST_LOOKS])
    return sentence(f"{what}{after}{more} pairs" if looks else "")


def _extension(extension: Extension | None) -> Sentence:
    """Whether it took longer than the budget, and what was kept for that."""
    if extension is None:
        return ()
    share = numbers.share(extension.alpha_share)
    kept = f"; {share} of the error rate was kept for a longer budget"
    if not extension.looks:
        return sentence(kept, ", which was not used")
    turn, *later = extension.looks
    went_on = f": {turn:,} pairs decided nothing, so it went on, to look again after "
    return sentence(kept, *_looks(went_on, later))


def _base_engines(view: View) -> Sentence:
    many = len(view.lead.bases) > 1
    return join(
        (
            sentence(sentence(base.called, ": ") if many else "", _identity(base.side.engine))
            for base in view.lead.bases
            if base.side.engine != view.engine
        ),
        "; ",
    )


def _identity(engine: EngineIdentity | None) -> Sentence:
    return (
        engine
        and sentence(
            visible_line(f"{engine.id} {engine.version}".strip(), 120),
            *also(", ", engine.binary, 200),
            *also(", sha256 ", engine.binary_sha256[:_HASH_DIGITS]),
        )
    ) or ()


def _model(model: Model | None) -> Sentence:
    return (
        model
        and sentence(
            code(model.reference, 200),
            "" if model.bytes is None else f", {numbers.memory(model.bytes / 1024**2)}",
            *also(", sha256 ", model.sha256[:_HASH_DIGITS]),
        )
    ) or ()


def _machine(machine: Machine | None) -> Sentence:
    return (
        machine
        and sentence(
            code(machine.cpu_model),
            f" × {machine.cpus}, {numbers.memory(machine.memory_mib)}, ",
            visible_line(f"{machine.os}, kernel {machine.kernel}, {machine.arch}", 200),
            *also(", image ", machine.image),
            *also(", ", _gpus(machine)),
        )
    ) or ()


def _gpus(machine: Machine) -> str:
    """Alike ones together: `2 × NVIDIA T4 (15 GiB, driver 550.54)`."""
    alike = Counter(machine.gpus)
    return ", ".join(f"{n} × {_gpu(gpu)}" if n > 1 else _gpu(gpu) for gpu, n in alike.items())


def _gpu(gpu: Gpu) -> str:
    memory = "" if gpu.memory_mib is None else numbers.memory(gpu.memory_mib)
    beside = ", ".join(filter(None, (memory, f"driver {gpu.driver}" if gpu.driver else "")))
    return f"{gpu.name} ({beside})" if beside else gpu.name


def _state(machine: Machine | None) -> Sentence:
    if machine is None:
        return ()
    loads = ("before", machine.before.load_1min), ("after", machine.after.load_1min)
    shares = ("idle", machine.idle_fraction), ("steal", machine.steal_fraction)
    parts = [f"{load:.2f} {when}" for when, load in loads if load is not None]
    parts += [f"{what} {numbers.percent(share)}" for what, share in shares if share is not None]
    return sentence(", ".join(parts))


def _cost(cost: Cost) -> Sentence:
    parts = {
        "download": cost.download_s,
        "build": cost.build_s,
        "load": cost.load_s,
        "steps": cost.steps_s,
    }
    parts["the rest"] = cost.total_s - sum(parts.values())
    listed = [f"{name} {numbers.three(value)} s" for name, value in parts.items() if value >= 0.01]
    what_for = f": {', '.join(listed)}" if len(listed) > 1 else ""
    return sentence(f"{numbers.three(cost.total_s)} s in all{what_for}" if listed else "")


def _sources(measurement: Measurement) -> Sentence:
    groups = {
        meaning: [
            metric.label
            for metric in METRICS
            if (summary := measurement.summary.get(metric.key)) and summary.tier == tier
        ]
        for tier, meaning in _TIERS.items()
    }
    return sentence(
        "; ".join(f"{', '.join(labels)}: {meaning}" for meaning, labels in groups.items() if labels)
    )


def _missing(view: View, workload: WorkloadView) -> Sentence:
    head = view.result.head
    if head is None or not workload.head.summary or view.result.origin == "pairs-file":
        return ()
    absent = [
        metric
        for metric in METRICS
        if metric.table == "main" and metric.key not in workload.head.summary
    ]
    steps = workload.head.counted
    reasons = {metric.label: metric.why_absent(steps, head.process) for metric in absent}
    parts = [f"{label}: {why}" for label, why in reasons.items() if why]
    if ungiven := ", ".join(label for label, why in reasons.items() if not why):
        parts.append(f"{ungiven}: not given by this engine")
    return sentence("; ".join(parts))
