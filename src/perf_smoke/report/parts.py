"""Of which kinds of parts is a report made?

The story says which parts there are and in which order; a writer knows how each kind looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from perf_smoke.report.spans import Sentence


@dataclass(frozen=True, kw_only=True)
class Title:
    """The verdict, first of all."""

    text: Sentence
    tone: Literal["good", "bad", "doubt", "none"]
    """What it means to somebody who has changed something."""


@dataclass(frozen=True)
class Paragraph:
    """One or more sentences."""

    text: Sentence


@dataclass(frozen=True)
class Items:
    """Sentences that stand one below the other."""

    items: tuple[Sentence, ...]


@dataclass(frozen=True, kw_only=True)
class Block:
    """Text to be shown as it is: visible and short already."""

    text: str
    language: str = "text"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A label, then one cell per column."""

    label: Sentence
    cells: tuple[Sentence, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Column titles (that of the labels is empty) and rows of as many cells."""

    columns: tuple[Sentence, ...]
    rows: tuple[Row, ...]
    caption: Sentence = ()
    """How to read it."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What it is about, and what there is to say."""

    label: str
    text: Sentence
    glance: bool = False
    """Whether it is wanted even where nothing can be unfolded."""


@dataclass(frozen=True)
class Facts:
    """Facts, one below the other."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, kw_only=True)
class Folded:
    """For those who look closer. A terminal, which cannot unfold, shows the facts at a glance."""

    title: Sentence
    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class Foot:
    """The last line of a page; a terminal has none."""

    text: Sentence
    links: tuple[Sentence, ...]


Part: TypeAlias = Title | Paragraph | Items | Block | Table | Facts | Folded | Foot
