"""What is said of the engine's greedy output: the same everywhere, or not."""

from __future__ import annotations

from dataclasses import dataclass

from perf_smoke.report.reading import both, is_demonstration
from perf_smoke.report.spans import Sentence, code, sentence, strong
from perf_smoke.result import Output, Result

_DEMONSTRATION_OUTPUT = "11, so"
_INLINE = 60
"""Longer texts, and those with line ends inside, get a block of their own."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """A text to be shown as it is, under a title."""

    title: str
    text: str


def difference(result: Result) -> Sentence:
    """Says prominently that head's text is not base's; empty when it is, or cannot be known."""
    output = result.output
    if output is None or not _differs(result):
        return ()
    said = both_said(result) or sentence("Both are below.")
    if output.text == output.base_text:
        said = sentence("Not at the first step, but at others.")
    return sentence(
        strong("The greedy output differs."),
        " ",
        said,
        " Expected after a change of kernels or quantisation; otherwise look here first.",
    )


def both_said(result: Result) -> Sentence:
    """The two texts where they differ and fit into a sentence."""
    output = result.output
    if output is None or not _differs(result) or not _fits(output):
        return ()
    return sentence("Base says ", code(output.base_text or ""), ", head ", code(output.text), ".")


def output(result: Result) -> tuple[Sentence, list[Block]]:
    """The engine's text: a sentence, and blocks for what does not fit into one."""
    found = result.output
    if found is None:
        return (), []
    if _differs(result):
        return (), [] if _fits(found) else _two_blocks(found)
    same = _sameness(result, found)
    if _fits(found):
        return sentence("Output ", code(found.text), *same, ".", *_as_expected(result, found)), []
    return sentence("Output", *same, ":"), [Block(title="", text=found.text)]


def _differs(result: Result) -> bool:
    output = result.output
    return output is not None and output.matches_base is False and both(result) is not None


def _two_blocks(found: Output) -> list[Block]:
    return [
        Block(title="Base's output:", text=found.base_text or ""),
        Block(title="Head's output:", text=found.text),
    ]


def _sameness(result: Result, found: Output) -> list[str | Sentence]:
    if not found.stable:
        return [sentence(" (the first), ", strong("not the same at every step"))]
    where = ", the same on both sides" if found.matches_base and both(result) else ""
    steps = len(result.head.samples) if result.head else 0
    if steps < 2:
        return [where]
    return [where, ", at every step" if where else ", the same at every step"]


def _as_expected(result: Result, found: Output) -> list[str]:
    """What a reader who expects 4 must be told."""
    known = is_demonstration(result) and found.text.strip() == _DEMONSTRATION_OUTPUT
    if not known or result.settings.get("prompt"):
        return []
    return [" A model of 135M parameters is expected to say so: speed is tested here, not sums."]


def _fits(found: Output) -> bool:
    texts = [found.text, found.base_text or ""]
    return all(len(text) <= _INLINE and "\n" not in text.strip("\n") for text in texts)
