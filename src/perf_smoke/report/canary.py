"""What is said of the engine's greedy output: is it the same everywhere, or not?"""

from __future__ import annotations

from perf_smoke.report import untrusted
from perf_smoke.report.parts import Block, Part, Sentence, code, join, sentence, strong
from perf_smoke.report.view import View, WorkloadView
from perf_smoke.result import Output

_DEMONSTRATION = "2+2=", "11, so"
"""A prompt, and what our model is known to make of it."""
_INLINE = 60
"""Longer texts, and those with line ends inside, get a block of their own."""


def differing(workload: WorkloadView) -> list[tuple[Sentence, Output]]:
    """Head and the bases of whose texts head gave none, with their outputs; else nothing."""
    head, texts = workload.head.output, workload.head.texts
    if head is None or not texts:
        return []
    others = [
        (base.called, base.measurement.output)
        for base in workload.bases
        if base.measurement.output and base.measurement.texts.isdisjoint(texts)
    ]
    return [(sentence("head"), head), *others] if others else []


def difference(workload: WorkloadView) -> Sentence:
    """Says prominently that head's text is not base's; empty when it is, or cannot be known."""
    differ = differing(workload)
    texts = join((sentence(*who, " says ", code(text.text)) for who, text in differ), ", ")
    said = sentence(
        strong("The greedy output differs"),
        sentence(": ", texts) if _fit(differ) else ", as shown below",
        ". Expected after a change of kernels or quantisation; otherwise look here first.",
    )
    return said if differ else ()


def differing_texts(workload: WorkloadView) -> list[Part]:
    """The texts that the difference is in, where its sentence has no room for them."""
    differ = differing(workload)
    return [
        part
        for who, text in differ
        for part in (sentence("Output of ", *who, ":"), Block(untrusted.beginning(text.text)))
        if not _fit(differ)
    ]


def output(view: View, workload: WorkloadView) -> list[Part]:
    """The engine's text where the sides do not differ in it: a sentence, or a block for what does
    not fit into one."""
    head = workload.head.output
    if head is None or differing(workload):
        return []
    same = _sameness(workload, head)
    if not _fit([((), head)]):
        return [sentence("Output", *same, ":"), Block(untrusted.beginning(head.text))]
    # What a reader who expects 4 must be told.
    request = workload.workload.request
    prompt = request.prompt.text if request else ""
    known = view.demonstration and (prompt, head.text.strip()) == _DEMONSTRATION
    small = " A model of 135M parameters is expected to say so: speed is tested here, not sums."
    return [sentence("Output ", code(head.text), *same, ".", small if known else "")]


def _sameness(workload: WorkloadView, head: Output) -> Sentence:
    if not head.stable:
        return sentence(" (the first), ", strong("not the same at every step"))
    others = [base.measurement.output for base in workload.bases]
    alike = bool(others) and all(other and other.sha256 == head.sha256 for other in others)
    where = f", the same on {'both' if len(others) == 1 else 'all'} sides" if alike else ""
    when = ", at every step" if where else ", the same at every step"
    return sentence(where, when if len(workload.head.counted) > 1 else "")


def _fit(texts: list[tuple[Sentence, Output]]) -> bool:
    shown = (output.text for _, output in texts)
    return all(len(text) <= _INLINE and "\n" not in text.strip("\n") for text in shown)
