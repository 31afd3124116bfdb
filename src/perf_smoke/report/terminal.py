"""How does a report look on a terminal? Through rich: coloured there, plain in a pipe.

Everything is handed over as `Text`, so that no foreign bracket is taken for rich's markup, and
control characters were made visible before (`untrusted.visible`), so that none acts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from perf_smoke.report.facts import AT_A_GLANCE
from perf_smoke.report.parts import (
    Block,
    Facts,
    Folded,
    Items,
    Part,
    Sentence,
    Table,
    Title,
    sentence,
)
from perf_smoke.report.story import Links, story
from perf_smoke.report.untrusted import visible_line
from perf_smoke.report.view import View
from perf_smoke.result import Result

_COLOURS = {"good": "bold green", "bad": "bold red", "doubt": "bold yellow", "none": "bold"}
_INDENT = (0, 0, 0, 2)
_STYLES = {"plain": "", "strong": "bold", "code": "cyan", "link": ""}


def show(result: Result, console: Console, files: Sequence[Path] = ()) -> None:
    """Print the report: what a reader wants at once. The rest is in report.md.

    Args:
        files: where the whole report lies, said at the end.
    """
    show_parts(story(View.of(result), Links()), console, files)


def show_parts(parts: Sequence[Part], console: Console, files: Sequence[Path] = ()) -> None:
    """Print the parts of a story, and where the whole report lies."""
    for part in parts:
        if (shown := _part(part)) is not None:
            console.print()
            console.print(shown)
    if files:
        console.print()
    for path in files:
        # Never wrapped, so that a terminal finds the path and a reader can copy it.
        console.print(Text(visible_line(str(path), 1000), "dim"), soft_wrap=True)


def _part(part: Part) -> RenderableType | None:  # noqa: PLR0911 - one for each kind
    """None for what is left to report.md."""
    match part:
        case Title(text=text):
            return _text(text, _COLOURS[part.tone])
        case tuple():
            return _text(part)
        case Items(items):
            return Group(*(_text(sentence("- ", *item)) for item in items))
        case Block(text):
            return Padding(Text(text, "cyan"), _INDENT, expand=False)
        case Table():
            caption = (Text(), _text(part.caption, "dim")) if part.caption else ()
            return Group(Padding(_grid(part), _INDENT, expand=False), *caption)
        case Folded():
            return _at_a_glance(part)
    return None


def _at_a_glance(folded: Folded) -> RenderableType | None:
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    facts = [fact for part in folded.parts if isinstance(part, Facts) for fact in part.facts]
    shown = [(Text(label), _text(text)) for label, text in facts if label in AT_A_GLANCE]
    for row in shown:
        grid.add_row(*row)
    group = Group(_text(folded.title, "dim"), Padding(grid, _INDENT, expand=False))
    return group if shown else None


def _text(spans: Sentence, style: str = "") -> Text:
    text = Text(style=style)
    for span in spans:
        shown = f"`{span.text}`" if span.kind == "code" else span.text
        text.append(shown, _STYLES[span.kind])
    return text


def _grid(table: Table) -> Grid:
    grid = Grid(box=None, padding=(0, 2, 0, 0), header_style="dim")
    grid.add_column("")
    for title in table.columns:
        grid.add_column(_text(title), justify="right")
    for row in table.rows:
        grid.add_row(*map(_text, row))
    return grid
