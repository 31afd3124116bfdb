"""What is the verdict, in one line? A report's title, and an annotation."""

from __future__ import annotations

import json
from typing import Literal

from perf_smoke import numbers
from perf_smoke.report import failure
from perf_smoke.report.canary import differing
from perf_smoke.report.finding import decisive
from perf_smoke.report.parts import Sentence, Title, also, quoted, sentence
from perf_smoke.report.untrusted import visible_line
from perf_smoke.report.view import View, counting, latency
from perf_smoke.report.what_ran import program
from perf_smoke.result import Comparison, Leg, Result

_UNSIZED = {
    "no-change": "no change",
    "inconclusive": "cannot tell",
    "not-comparable": "not comparable",
}
_TONES: dict[str, Literal["good", "doubt"]] = {"faster": "good", "no-change": "good"}


def title(view: View) -> Title:
    """The verdict line of a report: what became of it, and whose engine it was."""
    text = sentence(*_name(view), f": {outcome(view)}", *_engine(view))
    leading = view.lead.leading
    if view.result.status != "measured":
        return Title(text=text, tone="bad")
    return Title(text=text, tone=_TONES.get(leading.verdict, "doubt") if leading else "none")


def annotation(result: Result) -> tuple[str, str]:
    """Title and message, each a plain line: which run, and the verdict with its interval or with
    its cause."""
    view = View.of(result)
    return _plain(_name(view)), _plain(sentence(outcome(view), *_because(view)))


def answer(comparison: Comparison) -> str:
    """`slower by 6.8 %`, `no change`, `cannot tell`."""
    if comparison.verdict in _UNSIZED or comparison.estimate is None:
        return word(comparison)
    return f"{comparison.verdict} by {numbers.percent(comparison.estimate)}"


def word(comparison: Comparison) -> str:
    """`slower`, `no change`, `cannot tell`."""
    return _UNSIZED.get(comparison.verdict, comparison.verdict)


def _plain(spans: Sentence) -> str:
    return "".join(span.text for span in spans)


def _name(view: View) -> Sentence:
    """Which of several runs it is: by its label, or its leg."""
    label = view.result.settings.get("label", "") or place_of(view.result.leg)
    return sentence("perf-smoke", *also(" ", label, 60))


def outcome(view: View) -> str:
    """What became of it: the verdict, or what is in its place."""
    return _verdict(view) if view.result.status == "measured" else failure.headline(view)


def _because(view: View) -> Sentence:
    cause, leading, lead = view.result.failure, view.lead.leading, view.lead
    if view.result.status != "measured":
        return sentence(": ", *quoted(cause.sentence, 300)) if cause else ()
    if guards := decisive(leading):
        return sentence(": ", *quoted(guards[0].sentence, 300))
    others = f", the gravest of {len(view.questions)} questions" if view.questions else ""
    if leading is None or leading.verdict == "not-comparable":
        return sentence(others if view.several else "", *_engine(view))
    sized = leading.low is not None and leading.high is not None
    interval = numbers.interval(leading.low or 0.0, leading.high or 0.0)
    return sentence(
        f" ({interval})" if sized and not _beside_zero(leading) else "",
        others if view.several else f", {latency(lead.head, lead.headline)}" if sized else "",
        ", the greedy output differs" if differing(lead) else "",
        *_engine(view),
    )


def _verdict(view: View) -> str:
    leading = view.lead.leading
    if leading is None:
        speeds = {one.name: latency(one.head, one.headline) for one in view.workloads}
        several = [f"{visible_line(name, 40)} {speed}" for name, speed in speeds.items() if speed]
        shown = ", ".join(several if view.several else speeds.values())
        return f"{shown or 'no numbers'}{failure.why_alone(view)}"
    said, size, margin = answer(leading), leading.estimate, numbers.share(leading.rule.margin)
    sure = leading.verdict in ("slower", "faster")
    if view.several:
        all_alike = f"no change in {counting(len(view.questions), 'question')}"
        subject = f"{view.subject(leading)}{'' if sure else ':'} {said}"
        return all_alike if leading.verdict == "no-change" else subject
    if _beside_zero(leading):
        return (
            f"{said}: {numbers.interval(leading.low or 0.0, leading.high or 0.0)}, within {margin}"
        )
    small = sure and size is not None and abs(size) < leading.rule.margin
    return f"{said}, less than the {margin} margin" if small else said


def _beside_zero(comparison: Comparison) -> bool:
    """Whether "no change" is a change that is surely there, and surely within the margin."""
    low, high = comparison.low or 0.0, comparison.high or 0.0
    return comparison.verdict == "no-change" and low * high > 0


def place_of(leg: Leg | None) -> str:
    """Its place in its matrix, `gcc, arm64`; of a job without one its name, `CI / bench`."""
    if leg is None:
        return ""
    if not leg.matrix:
        return " / ".join(filter(None, (leg.workflow, leg.job)))
    return values_of(leg.matrix)


def values_of(matrix: str) -> str:
    """`gcc, arm64` of `{"cc":"gcc","runner":"arm64"}`; what is no JSON object as it is."""
    try:
        values = list(json.loads(matrix).values())
    except (ValueError, AttributeError, RecursionError):
        return matrix
    return ", ".join(one if isinstance(one, str) else json.dumps(one) for one in values)


def _engine(view: View) -> Sentence:
    engine, row = view.engine, view.row
    if engine is None:
        return ()
    if view.ours:
        name = "demonstration" if view.demonstration else f"{engine.id} llama.cpp"
        return sentence(f" ({name})")
    # A program that tells no engine is known by its own name.
    unnamed = program(engine) if row and not row.programs else ""
    return sentence(also(" (", unnamed, 40) or f" ({visible_line(engine.id, 40)}", ")")
