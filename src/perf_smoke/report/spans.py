"""What is a sentence of a report made of, before it becomes markdown, terminal or plain text?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from perf_smoke.report import untrusted


@dataclass(frozen=True, kw_only=True)
class Span:
    """A piece of a sentence. Writers escape the text of every kind."""

    kind: Literal["plain", "strong", "code", "link"]
    text: str
    address: str = ""
    """Where a link leads."""


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
    return Span(kind="code", text=untrusted.one_line(text, most))


def link(text: str, address: str) -> Sentence:
    """A link, where the address is one of the web; else nothing."""
    if not re.fullmatch(r"https?://[^\s<>\"'\\`|]{1,1000}", address) or not address.isascii():
        return ()
    return (Span(kind="link", text=text, address=address),)


def quoted(text: str, most: int = 600) -> Sentence:
    """A sentence that was written elsewhere, with its parts in backticks as code.

    A backtick without a partner stands for itself.
    """
    line = untrusted.one_line(" ".join(text.split()), most)
    pieces = line.split("`")
    if len(pieces) % 2 == 0:
        return sentence(line)
    return sentence(
        *(
            Span(kind="code" if index % 2 else "plain", text=piece)
            for index, piece in enumerate(pieces)
        )
    )


def join(sentences: Iterable[Sentence], between: str = " ") -> Sentence:
    """Several sentences as one; those that say nothing are left out."""
    spans: list[Span] = []
    for one in filter(None, sentences):
        spans += (Span(kind="plain", text=between), *one) if spans else one
    return tuple(spans)


def flat(spans: Sentence) -> str:
    """As plain text, without any marks."""
    return "".join(span.text for span in spans)
