"""What failed, on which side, and what is there all the same?"""

from __future__ import annotations

from collections.abc import Mapping

from perf_smoke.metrics import BY_NAME
from perf_smoke.report import untrusted
from perf_smoke.report.parts import Block, Folded, Items, Part
from perf_smoke.report.spans import Sentence, code, join, quoted, sentence
from perf_smoke.report.view import View, counting, latency
from perf_smoke.report.what_ran import named
from perf_smoke.result import HEAD, Failure, Measurement, Side, Status

_MOST_PROBLEMS = 40
_STATUS: Mapping[Status, str] = {
    "skipped": "skipped",
    "invalid": "not measured, invalid inputs",
    "cancelled": "cancelled",
}
_FAULTS: Mapping[str, tuple[str, str]] = {
    "bad-durations": ("gives impossible numbers", "does not"),
    "base-missing": ("cannot be had", "can"),
    "build-failed": ("does not build", "does"),
    "engine-crashed": ("crashes", "does not"),
    "engine-killed": ("is killed", "is not"),
    "engine-missing": ("has no program", "has"),
    "engine-timeout": ("takes too long", "does not"),
    "no-tokens": ("gives no token", "does"),
}
"""By reason: what a side does that has failed so, and what the other one does instead."""


def headline(view: View) -> str:
    """What became of a run that did not come to its end, and by whose fault."""
    result = view.result
    if result.status != "failed":
        return _STATUS.get(result.status, result.status)
    fault, others = _FAULTS.get(result.reason, ("", ""))
    bases = [base for base in (*result.sides, *result.lost_bases) if base != HEAD]
    if not (fault and bases):
        return "not measured to the end" if view.lead.headline else "not measured"
    if _answering(view):
        return f"head {fault}, base {others}"
    also = any(lost.reason == result.reason for lost in result.lost_bases.values())
    return f"head {fault}, base too" if also else f"head {fault}"


def why_alone(view: View) -> str:
    """Why head was measured alone though a base was asked for, for a headline: `base crashes`."""
    lost = view.result.lost_bases
    if not lost or view.questions:
        return ""
    fault, _ = _FAULTS.get(next(iter(lost.values())).reason, ("", ""))
    return f", not compared: base {fault}" if fault else ", not compared"


def lost_bases(view: View) -> list[Sentence]:
    """Why bases that were asked for are not compared with."""
    lost = view.result.lost_bases
    if len(lost) == 1 and not view.questions:
        return [
            sentence("Nothing to compare with: ", *quoted(failure.sentence))
            for failure in lost.values()
        ]
    return [
        sentence("Not compared with ", *_called(view, name), ": ", *quoted(failure.sentence))
        for name, failure in lost.items()
    ]


def lost_tails(view: View) -> list[Part]:
    """The last lines of bases that failed."""
    return [
        Folded(title=sentence("Last lines of ", *_called(view, name)), parts=(_tail(failure),))
        for name, failure in view.result.lost_bases.items()
        if failure.tail.strip()
    ]


def paragraphs(view: View) -> list[Sentence]:
    """Why it was not measured, and what was measured until then."""
    failure = view.result.failure
    if view.result.status == "measured":
        return [quoted(failure.sentence)] if failure else []
    why = quoted(failure.sentence, 2000) if failure else ()
    return [
        why or sentence("The run ended without saying why."),
        () if view.lead.headline else _answering(view),
        _until(view),
    ]


def details(view: View) -> list[Part]:
    """What is wrong with the inputs, one sentence each; or the last lines of the program."""
    failure = view.result.failure
    if failure is None or not failure.tail.strip():
        return []
    if view.result.status != "invalid":
        return [_tail(failure)]
    lines = [line for line in failure.tail.splitlines() if line.strip()]
    return [Items(tuple(quoted(line) for line in lines[:_MOST_PROBLEMS]))]


def _answering(view: View) -> Sentence:
    """That the base gives what head did not."""
    workload, result = view.lead.workload, view.result
    if result.reason not in _FAULTS:
        return ()
    told = []
    for name, measurement in workload.measurements.items():
        answers = _latency(measurement, workload.metrics)
        if name != HEAD and name not in result.lost_bases and answers:
            who = named(result.sides.get(name, Side()))
            beside = sentence(", ", *who, ",") if who else ()
            told.append(sentence("Base", *beside, f" answers in {answers}."))
    return join(told)


def _latency(measurement: Measurement, metrics: tuple[str, ...]) -> str:
    wanted = (*metrics, "e2e", "wall", *BY_NAME)
    known = (BY_NAME[name] for name in wanted if name in BY_NAME)
    return next(filter(None, (latency(measurement, metric) for metric in known)), "")


def _until(view: View) -> Sentence:
    lead = view.lead
    if lead.headline is None:
        return sentence("Nothing was measured.") if view.result.status == "cancelled" else ()
    if pairs := len(lead.log_ratios):
        return sentence(f"Until then: {counting(pairs, 'pair')}, no verdict.")
    return sentence(f"Until then: {counting(len(lead.head.counted), 'step')}.")


def _called(view: View, name: str) -> Sentence:
    if len(view.result.lost_bases) == 1 and not view.questions:
        return sentence("base")
    return named(view.result.sides.get(name, Side())) or sentence(code(name, 60))


def _tail(failure: Failure) -> Block:
    return Block(text=untrusted.end(failure.tail, characters=4000, lines=40))
