"""What is said of the engine's greedy output: is it the same everywhere, or not?"""

from __future__ import annotations

from collections.abc import Sequence

from perf_smoke.report import untrusted
from perf_smoke.report.parts import Block, Paragraph, Part
from perf_smoke.report.spans import Sentence, code, sentence, strong
from perf_smoke.report.view import BaseView, View, WorkloadView
from perf_smoke.result import Measurement, Output

_DEMONSTRATION_OUTPUT = "11, so"
_INLINE = 60
"""Longer texts, and those with line ends inside, get a block of their own."""


def differing(workload: WorkloadView) -> tuple[BaseView, ...]:
    """The bases of whose texts head gave none."""
    head = _texts(workload.head)
    if workload.head.output is None or not head:
        return ()
    return tuple(
        base
        for base in workload.bases
        if base.measurement.output and (other := _texts(base.measurement)) and not head & other
    )


def difference(workload: WorkloadView) -> Sentence:
    """Says prominently that head's text is not base's; empty when it is, or cannot be known."""
    bases = differing(workload)
    if not bases:
        return ()
    return sentence(
        strong("The greedy output differs."),
        " ",
        *(_both(workload) or sentence("Each is below.")),
        " Expected after a change of kernels or quantisation; otherwise look here first.",
    )


def output(view: View, workload: WorkloadView) -> list[Part]:
    """The engine's text: a sentence, or blocks for what does not fit into one."""
    head = workload.head.output
    if head is None:
        return []
    if bases := differing(workload):
        if _both(workload):
            return []
        shown: list[Part] = [*_titled_block(sentence("head"), head)]
        for base in bases:
            if base.measurement.output:
                shown += _titled_block(base.called, base.measurement.output)
        return shown
    same = _sameness(workload, head)
    if _fits([head.text]):
        expected = _as_expected(view, head)
        return [Paragraph(sentence("Output ", code(head.text), *same, ".", expected))]
    return [Paragraph(sentence("Output", *same, ":")), _block(head)]


def _both(workload: WorkloadView) -> Sentence:
    """The texts where they differ and fit into a sentence."""
    head = workload.head.output
    others = [(base, base.measurement.output) for base in differing(workload)]
    if head is None or not _fits([head.text, *(text.text for _, text in others if text)]):
        return ()
    said = sentence("Head says ", code(head.text))
    for base, text in others:
        said = sentence(*said, ", ", *base.called, " ", code(text.text if text else ""))
    return sentence(*said, ".")


def _texts(measurement: Measurement) -> set[str]:
    return {step.text_sha256 for step in measurement.counted if step.text_sha256}


def _titled_block(who: Sentence, output: Output) -> tuple[Part, Part]:
    return Paragraph(sentence("Output of ", *who, ":")), _block(output)


def _block(output: Output) -> Block:
    return Block(text=untrusted.beginning(output.text, characters=2000, lines=30))


def _sameness(workload: WorkloadView, head: Output) -> Sentence:
    if not head.stable:
        return sentence(" (the first), ", strong("not the same at every step"))
    others = [base.measurement.output for base in workload.bases]
    alike = bool(others) and all(other and other.sha256 == head.sha256 for other in others)
    where = f", the same on {'both' if len(others) == 1 else 'all'} sides" if alike else ""
    if len(workload.head.samples) < 2:
        return sentence(where)
    return sentence(where, ", at every step" if where else ", the same at every step")


def _as_expected(view: View, head: Output) -> str:
    """What a reader who expects 4 must be told."""
    known = view.demonstration and head.text.strip() == _DEMONSTRATION_OUTPUT
    if not known or view.result.settings.get("prompt"):
        return ""
    return " A model of 135M parameters is expected to say so: speed is tested here, not sums."


def _fits(texts: Sequence[str]) -> bool:
    return all(len(text) <= _INLINE and "\n" not in text.strip("\n") for text in texts)
