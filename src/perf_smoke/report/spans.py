"""What a sentence of a report is made of, before it becomes markdown, terminal or plain text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from perf_smoke.report import foreign


@dataclass(frozen=True, kw_only=True)
class Span:
    """A piece of a sentence. Renderers escape the text of every kind."""

    kind: Literal["plain", "strong", "code"]
    text: str


Sentence: TypeAlias = tuple[Span, ...]


def sentence(*parts: str | Span | Sentence) -> Sentence:
    """Put a sentence together; bare strings are plain."""
    spans: list[Span] = []
    for part in parts:
        if isinstance(part, Span):
            spans.append(part)
        elif isinstance(part, str):
            spans.append(Span(kind="plain", text=part))
        else:
            spans += part
    return tuple(span for span in spans if span.text)


def strong(text: str) -> Span:
    """What the eye should find first."""
    return Span(kind="strong", text=text)


def code(text: str, most: int = 100) -> Span:
    """Foreign text inside a sentence: visible, on one line, shortened."""
    if not text:
        return Span(kind="plain", text="(empty)")
    return Span(kind="code", text=foreign.one_line(text, most))


def quoted(text: str, most: int = 600) -> Sentence:
    """A sentence that was written elsewhere, with its parts in backticks as code.

    A backtick without a partner stands for itself.
    """
    line = foreign.one_line(" ".join(text.split()), most)
    pieces = line.split("`")
    if len(pieces) % 2 == 0:
        return sentence(line)
    return sentence(
        *(
            Span(kind="code" if index % 2 else "plain", text=piece)
            for index, piece in enumerate(pieces)
        )
    )


def join(sentences: list[Sentence]) -> Sentence:
    """Several sentences as one, a space between them."""
    spans: list[Span] = []
    for one in sentences:
        if spans and one:
            spans.append(Span(kind="plain", text=" "))
        spans += one
    return tuple(spans)


def flat(spans: Sentence) -> str:
    """As plain text, without any marks."""
    return "".join(span.text for span in spans)
