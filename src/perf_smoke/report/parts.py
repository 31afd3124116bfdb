"""What is a report made of, before it becomes markdown, terminal or plain text?

Of parts; a part of sentences; a sentence of spans.
"""

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
        span = Span(kind="plain", text=part) if isinstance(part, str) else part
        spans += (span,) if isinstance(span, Span) else span
    return tuple(span for span in spans if span.text)


def strong(text: str) -> Span:
    """What the eye should find first."""
    return Span(kind="strong", text=text)


def code(text: str, most: int = 100) -> Span:
    """Foreign text inside a sentence: visible, on one line, shortened."""
    if not text:
        return Span(kind="plain", text="(empty)")
    return Span(kind="code", text=untrusted.visible_line(text, most))


def also(before: str, text: str, most: int = 100) -> Sentence:
    """Foreign text with what leads to it; nothing where there is none."""
    return sentence(before, code(text, most)) if text else ()


def link(text: str, address: str) -> Sentence:
    """A link, where the address is one of the web; else nothing."""
    if not re.fullmatch(r"https?://[^\s<>\"'\\`|]{1,1000}", address) or not address.isascii():
        return ()
    return (Span(kind="link", text=text, address=address),)


def quoted(text: str, most: int = 600) -> Sentence:
    """A sentence that was written elsewhere, with its parts in backticks as code.

    A backtick without a partner stands for itself.
    """
    line = untrusted.visible_line(" ".join(text.split()), most)
    pieces = line.split("`")
    whole = len(pieces) % 2 == 0
    return sentence(
        *(
            Span(kind="code" if index % 2 else "plain", text=piece)
            for index, piece in enumerate([line] if whole else pieces)
        )
    )


def join(sentences: Iterable[Sentence], between: str = " ") -> Sentence:
    """Several sentences as one; those that say nothing are left out."""
    spans: list[Span] = []
    for one in filter(None, sentences):
        spans += (Span(kind="plain", text=between), *one) if spans else one
    return tuple(spans)


@dataclass(frozen=True, kw_only=True)
class Title:
    """The verdict, first of all."""

    text: Sentence
    tone: Literal["good", "bad", "doubt", "none"]


@dataclass(frozen=True)
class Items:
    """Sentences that stand one below the other."""

    items: tuple[Sentence, ...]


@dataclass(frozen=True)
class Block:
    """Text to be shown as it is: visible and short already."""

    text: str
    language: str = "text"


@dataclass(frozen=True, kw_only=True)
class Table:
    """Column titles, but for that of the labels; rows of a label and cells; how to read them."""

    columns: tuple[Sentence, ...]
    rows: tuple[tuple[Sentence, ...], ...]
    caption: Sentence = ()


@dataclass(frozen=True)
class Facts:
    """One below the other: what each is about, and what there is to say."""

    facts: tuple[tuple[str, Sentence], ...]


@dataclass(frozen=True)
class Folded:
    """For those who look closer. A terminal, which cannot unfold, shows some of its facts."""

    title: Sentence
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Foot:
    """The last line of a page, with where to go on; a terminal has none."""

    text: Sentence
    links: tuple[Sentence, ...]


Part: TypeAlias = Title | Sentence | Items | Block | Table | Facts | Folded | Foot
"""A sentence by itself is a paragraph. A writer knows how each kind looks; the story knows which
there are, and in which order."""
