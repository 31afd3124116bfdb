"""What is the verdict, in one line? A report's title, and an annotation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

from perf_smoke.report import failure, numbers
from perf_smoke.report.canary import differing
from perf_smoke.report.finding import decisive_guards
from perf_smoke.report.parts import Title
from perf_smoke.report.spans import Sentence, code, flat, quoted, sentence
from perf_smoke.report.untrusted import one_line
from perf_smoke.report.view import View, counting, latency
from perf_smoke.report.what_ran import program
from perf_smoke.result import Comparison, Leg, Result, Verdict

_UNSIZED: Mapping[Verdict, str] = {
    "no-change": "no change",
    "inconclusive": "cannot tell",
    "not-comparable": "not comparable",
}
_TONES: Mapping[Verdict, Literal["good", "doubt"]] = {"faster": "good", "no-change": "good"}


def title(view: View) -> Title:
    """The verdict line of a report: what became of it, and whose engine it was."""
    text = sentence("perf-smoke", *_label(view), f": {_verdict(view)}", *_engine(view))
    if view.result.status != "measured":
        return Title(text=text, tone="bad")
    leading = view.leading
    return Title(text=text, tone=_TONES.get(leading.verdict, "doubt") if leading else "none")


def notice(result: Result) -> str:
    """One plain line for an annotation: the verdict with its interval, or with its cause."""
    view = View.of(result)
    return flat(sentence("perf-smoke", *_label(view), f": {_verdict(view)}", *_because(view)))


def answer(comparison: Comparison) -> str:
    """`slower by 6.8 %`, `no change`, `cannot tell`."""
    if comparison.verdict in _UNSIZED or comparison.estimate is None:
        return _UNSIZED.get(comparison.verdict, comparison.verdict)
    return f"{comparison.verdict} by {numbers.percent(comparison.estimate)}"


def _because(view: View) -> Sentence:
    result, leading = view.result, view.leading
    if result.status != "measured":
        return sentence(": ", *quoted(result.failure.sentence, 300)) if result.failure else ()
    if guards := decisive_guards(leading):
        return sentence(": ", *quoted(guards[0].sentence, 300))
    size = ""
    sized = leading and leading.verdict != "not-comparable" and not _beside_zero(leading)
    if leading and sized and leading.low is not None and leading.high is not None:
        size = f" ({numbers.interval(leading.low, leading.high)})"
    if view.several:
        count = len(view.questions)
        return sentence(size, f", the gravest of {count} questions" if count > 1 else "")
    lead = view.lead
    if size or (leading and _beside_zero(leading)):
        size += f", {latency(lead.head, lead.headline)}"
    differs = bool(differing(lead)) and leading and leading.verdict != "not-comparable"
    return sentence(size, ", the greedy output differs" if differs else "", *_engine(view))


def _verdict(view: View) -> str:
    if view.result.status != "measured":
        return failure.headline(view)
    leading = view.leading
    if leading is None:
        return f"{_speeds(view) or 'no numbers'}{failure.why_alone(view)}"
    said = answer(leading)
    margin = numbers.share(leading.rule.margin)
    if view.several:
        subject = view.subject(leading)
        if leading.verdict in ("slower", "faster"):
            return f"{subject} {said}"
        if leading.verdict == "no-change":
            return f"no change in {counting(len(view.questions), 'question')}"
        return f"{subject}: {said}"
    if _beside_zero(leading) and leading.low is not None and leading.high is not None:
        return f"{said}: {numbers.interval(leading.low, leading.high)}, within {margin}"
    if leading.verdict not in _UNSIZED and abs(leading.estimate or 0.0) < leading.rule.margin:
        return f"{said}, less than the {margin} margin"
    return said


def _beside_zero(comparison: Comparison) -> bool:
    """Whether "no change" is a change that is surely there, and surely within the margin."""
    low, high = comparison.low or 0.0, comparison.high or 0.0
    return comparison.verdict == "no-change" and low * high > 0


def _speeds(view: View) -> str:
    """What head took, for each workload."""
    speeds = {one.name: latency(one.head, one.headline) for one in view.workloads}
    if len(speeds) == 1:
        return "".join(speeds.values())
    return ", ".join(f"{one_line(name, 40)} {speed}" for name, speed in speeds.items() if speed)


def _label(view: View) -> Sentence:
    """What tells this job from its likes: the input `label`, else its place in the matrix."""
    label = view.result.settings.get("label", "") or _matrix(view.result.leg)
    return sentence(" ", code(label, 60)) if label else ()


def _matrix(leg: Leg | None) -> str:
    if leg is None or not leg.matrix:
        return ""
    try:
        values = json.loads(leg.matrix)
    except (ValueError, RecursionError):
        return leg.matrix
    if not isinstance(values, dict):
        return leg.matrix
    return ", ".join(one if isinstance(one, str) else json.dumps(one) for one in values.values())


def _engine(view: View) -> Sentence:
    engine = view.engine
    if engine is None:
        return ()
    if view.demonstration:
        return sentence(" (demonstration)")
    if view.ours:
        return sentence(f" ({engine.id} llama.cpp)")
    # A program that no id tells is known by its own name.
    if view.row and not view.row.programs and (name := program(engine)):
        return sentence(" (", code(name, 40), ")")
    return sentence(f" ({one_line(engine.id, 40)})")
