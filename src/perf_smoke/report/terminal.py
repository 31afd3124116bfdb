"""A Result as text on a terminal, through rich: coloured there, plain in a pipe.

Everything is handed over as `Text`, so that no foreign bracket is taken for rich's markup, and
control characters were made visible before (`foreign.visible`), so that none acts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from perf_smoke.report import canary, facts, foreign, subject, verdict, words
from perf_smoke.report.reading import paired
from perf_smoke.report.spans import Sentence, quoted, sentence
from perf_smoke.report.table import Table, main_table, table_caption
from perf_smoke.result import Result

_COLOURS = {"slower": "yellow", "faster": "green", "no-change": "green"}
_INDENT = (0, 0, 0, 2)


def show(result: Result, console: Console, files: Sequence[Path] = ()) -> None:
    """Print the report: what a reader wants at once. The rest is in report.md.

    Args:
        files: where the whole report lies, said at the end.
    """
    console.print()
    console.print(_text(verdict.title(result), f"bold {_colour(result)}"))
    _say(console, words.lead(result))
    _say(console, words.problems(result))
    if result.failure and result.failure.tail.strip() and result.status != "invalid":
        _block(console, foreign.end(result.failure.tail, characters=4000, lines=40))
    if table := main_table(result):
        console.print()
        console.print(Padding(_grid(table), _INDENT, expand=False))
    _say(console, [table_caption(result)], style="dim")
    said, blocks = canary.output(result)
    _say(console, [said])
    for block in blocks:
        if block.title:
            _say(console, [quoted(block.title)])
        _block(console, foreign.beginning(block.text, characters=2000, lines=30))
    _say(console, [subject.what_ran(result)])
    _say(console, [sentence("Note: ", note) for note in words.notes(result)])
    console.print()
    console.print(Padding(_facts(result), _INDENT, expand=False))
    if files:
        console.print()
    for path in files:
        # Never wrapped, so that a terminal finds the path and a reader can copy it.
        console.print(Text(foreign.one_line(str(path), 1000), "dim"), soft_wrap=True)


def _say(console: Console, sentences: Sequence[Sentence], style: str = "") -> None:
    """Each as a paragraph of its own."""
    for spans in sentences:
        if spans:
            console.print()
            console.print(_text(spans, style))


def _text(spans: Sentence, style: str = "") -> Text:
    text = Text(style=style.strip())
    for span in spans:
        if span.kind == "code":
            text.append(f"`{span.text}`", "cyan")
        else:
            text.append(span.text, "bold" if span.kind == "strong" else "")
    return text


def _block(console: Console, text: str) -> None:
    console.print()
    console.print(Padding(Text(text, "cyan"), _INDENT, expand=False))


def _grid(table: Table) -> Grid:
    grid = Grid(box=None, padding=(0, 2, 0, 0), header_style="dim")
    grid.add_column("")
    for title in table.columns:
        grid.add_column(title, justify="right")
    for row in table.rows:
        cells = [Text(cell) for cell in (row.label, *row.cells)]
        grid.add_row(*cells, style="bold" if row.headline else "")
    return grid


def _facts(result: Result) -> Grid:
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    for fact in facts.facts(result):
        if fact.first:
            grid.add_row(Text(fact.label), _text(fact.text))
    return grid


def _colour(result: Result) -> str:
    if result.status != "measured":
        return "red"
    comparison = paired(result)
    if comparison is None or comparison.verdict == "no-baseline":
        return ""
    return _COLOURS.get(comparison.verdict, "yellow")
