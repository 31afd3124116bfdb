"""What failed, on which side, and what is there all the same?"""

from __future__ import annotations

from perf_smoke.report import untrusted
from perf_smoke.report.parts import (
    Block,
    Folded,
    Items,
    Part,
    Sentence,
    join,
    quoted,
    sentence,
)
from perf_smoke.report.view import View, called, counting, latency, named
from perf_smoke.result import HEAD, Failure

_MOST_PROBLEMS = 40
_STATUS = {
    "skipped": "skipped",
    "invalid": "not measured, invalid inputs",
    "cancelled": "cancelled",
}
_FAULTS = {
    "bad-durations": ("gives impossible numbers", "does not"),
    "base-missing": ("cannot be had", "can"),
    "build-failed": ("does not build", "does"),
    "connection-lost": ("breaks off its answer", "does not"),
    "engine-crashed": ("crashes", "does not"),
    "engine-killed": ("is killed", "is not"),
    "engine-missing": ("has no program", "has"),
    "engine-output": ("does not say what it should", "does"),
    "engine-timeout": ("takes too long", "does not"),
    "model-unusable": ("cannot load the model", "can"),
    "no-tokens": ("gives no token", "does"),
}
"""By reason: what a side does that has failed so, and what the other one does instead."""


def headline(view: View) -> str:
    """What became of a run that did not come to its end, and by whose fault."""
    result, lost = view.result, view.result.lost_bases.values()
    fault, others = _FAULTS.get(result.reason, ("", ""))
    if result.status != "failed":
        return _STATUS.get(result.status, result.status)
    if not fault or not _others(view):
        return "not measured to the end" if view.lead.head.summary else "not measured"
    if view.lead.bases:
        return f"head {fault}, base {others}"
    both = any(failure.reason == result.reason for failure in lost)
    return f"head {fault}, base too" if both else f"head {fault}"


def head_crashes(view: View) -> bool:
    """Whether head's program ended badly, or failed where a base's did not."""
    ended_badly = view.result.reason in ("engine-crashed", "engine-killed")
    return (view.result.status == "failed" and ended_badly) or view.result.head_crashes


def why_alone(view: View) -> str:
    """Why head was measured alone though a base was asked for: `base crashes`, for a headline."""
    faults = [_FAULTS.get(lost.reason, ("",))[0] for lost in view.result.lost_bases.values()]
    if not faults or view.questions:
        return ""
    if view.result.verdict == "not-comparable":
        return ", not the pull request's code"
    return f", not compared: base {faults[0]}" if faults[0] else ", not compared"


def lost_bases(view: View) -> list[Sentence]:
    """Why bases that were asked for are not compared with."""
    only = len(view.result.lost_bases) == 1 and not view.lead.bases
    return [
        sentence(
            ("No verdict: " if lost.reason == "other-checkout" else "Nothing to compare with: ")
            if only
            else sentence("Not compared with ", *called(view.result, name), ": "),
            ("base's " if only else "its ") if _of_a_program(lost) else "",
            quoted(lost.sentence),
        )
        for name, lost in view.result.lost_bases.items()
    ]


def lost_tails(view: View) -> list[Part]:
    """The last lines of bases that failed."""
    return [
        Folded(
            sentence("Last lines of ", called(view.result, name)),
            (Block(untrusted.end(lost.tail)),),
        )
        for name, lost in view.result.lost_bases.items()
        if lost.tail.strip()
    ]


def paragraphs(view: View) -> list[Sentence]:
    """Why it was not measured, and what was measured until then."""
    failure, lead = view.result.failure, view.lead
    why = quoted(failure.sentence, 2000) if failure else ()
    if view.result.status == "measured":
        return [why]
    if failure and failure.reason in _FAULTS and _others(view):
        why = sentence("Head's " if _of_a_program(failure) else "Head: ", *why)
    pairs, steps = len(lead.log_ratios), len(lead.head.counted)
    nothing = "Nothing was measured." if view.result.status == "cancelled" else ""
    until = f"{counting(pairs, 'pair')}, no verdict" if pairs else counting(steps, "step")
    until = f"Until then: {until}." if pairs or steps else nothing
    return [why or sentence("The run ended without saying why."), _answering(view), sentence(until)]


def details(view: View) -> list[Part]:
    """What is wrong with the inputs, one sentence each; or the last lines of the program."""
    failure = view.result.failure
    if failure is None or not failure.tail.strip():
        return []
    if failure.reason != "invalid-inputs":
        return [Block(untrusted.end(failure.tail))]
    lines = [line for line in failure.tail.splitlines() if line.strip()]
    return [Items(tuple(quoted(line) for line in lines[:_MOST_PROBLEMS]))]


def _others(view: View) -> set[str]:
    """The sides that were asked for beside head."""
    return {*view.result.sides, *view.result.lost_bases} - {HEAD}


def _of_a_program(failure: Failure) -> bool:
    """Whether the sentence begins with the program of the side that failed."""
    begins = failure.sentence.startswith("`")
    return begins and failure.reason in _FAULTS and failure.reason != "base-missing"


def _answering(view: View) -> Sentence:
    if view.lead.head.summary:
        return ()
    return join(
        sentence(
            sentence("Base, ", named(base.side), ",") if named(base.side) else "Base",
            f" answers in {latency(base.measurement, view.lead.headline)}.",
        )
        for base in view.lead.bases
    )
