"""How does a report look as GitHub's markdown: the comment, the summary and report.md?

Foreign text never acts: it stands in code, in fences longer than any of its own, or is escaped
word by word, so that no markup, link, reference or mention comes of it. Every part of a story
passes through `_inline`, `_fence` or `_summary`; nothing else makes text of it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from perf_smoke.report.legs_story import LegsStory, left_out
from perf_smoke.report.parts import (
    Block,
    Facts,
    Folded,
    Foot,
    Items,
    Part,
    Sentence,
    Span,
    Table,
    Title,
)
from perf_smoke.report.story import Links, story
from perf_smoke.report.view import View
from perf_smoke.result import Result

__all__ = ["LegsReport", "Links", "render", "written"]

_NO_BREAK = "\N{NO-BREAK SPACE}"
_TOGETHER = re.compile(
    r"(?<=\d) (?=(?:%|[nµm]?s|min|h|[KMGT]iB|tok/s|CPUs?)(?![\w/]))"  # a number and its unit
    r"|(?<=[\d%]) (?=… [+\N{MINUS SIGN}\d])|(?<=\d …) (?=[+\N{MINUS SIGN}\d])|(?<=×) (?=\d)"
)
"""The spaces at which no line may end: a phone's lines are short."""
_HARMLESS = re.compile(r"[\w.,;:!?()'\"’%×…–±/=+\N{MINUS SIGN}-]*")
_ACTING = re.compile(
    r"(?<![^\W_])_|_(?![^\W_])|//|www\.|:(?:[a-z][\w+-]*|[+-]1):|\b[0-9a-f]{7,40}\b|\bGH-\d",
    re.IGNORECASE,
)


def render(result: Result, links: Links | None = None) -> str:
    """The whole report, without a marker line. That of one answer is well below GitHub's 65,536
    characters."""
    return written(story(View.of(result), links or Links()))


def written(parts: Iterable[Part]) -> str:
    """The parts of a story, one below the other."""
    return "\n\n".join(map(_part, parts)) + "\n"


@dataclass(frozen=True, kw_only=True)
class LegsReport:
    """The common report of several results, its parts written."""

    before: tuple[str, ...]
    reports: tuple[str, ...]
    after: tuple[str, ...]

    @classmethod
    def of(cls, story: LegsStory) -> LegsReport:
        """Each part written once."""
        return cls(
            before=tuple(map(_part, story.before)),
            reports=tuple(map(_part, story.reports)),
            after=tuple(map(_part, story.after)),
        )

    def within(self, room: int) -> str:
        """With as many of the legs' own reports as fit.

        Args:
            room: UTF-8 bytes. Where what comes before the reports is too much already, it is more.
        """
        room -= sum(map(_size, (*self.before, _part(left_out(len(self.reports))), *self.after)))
        fitting = 0
        while fitting < len(self.reports) and _size(self.reports[fitting]) <= room:
            room -= _size(self.reports[fitting])
            fitting += 1
        missing = len(self.reports) - fitting
        without = (_part(left_out(missing)),) if missing else ()
        return "\n\n".join((*self.before, *self.reports[:fitting], *without, *self.after)) + "\n"


def _size(text: str) -> int:
    return len(text.encode(errors="replace")) + 2


def _part(part: Part) -> str:  # noqa: PLR0911 - one for each kind
    match part:
        case Title(text=text):
            return f"### {_inline(text)}"
        case tuple():
            return _inline(part)
        case Items(items):
            return "\n".join(f"- {_inline(item)}" for item in items)
        case Block():
            return _fence(part)
        case Table():
            return _table(part)
        case Facts(facts):
            return "\n".join(f"- **{label}**: {_inline(text)}" for label, text in facts)
        case Folded(title, parts):
            inside = "\n\n".join(map(_part, parts))
            return f"<details><summary>{_summary(title)}</summary>\n\n{inside}\n\n</details>"
        case Foot(text, links):
            return " ".join(filter(None, (f"*{_inline(text)}*", " · ".join(map(_inline, links)))))


def _inline(spans: Sentence) -> str:
    """A sentence, for a line of its own or the middle of one."""
    # What would start a list or underline a heading if it came first.
    return re.sub(r"^(\d{0,9})([-+=]|[.)](?=\s|$))", r"\1\\\2", "".join(map(_span, spans)))


def _span(span: Span) -> str:
    if span.kind == "code":
        return _code(span.text)
    text = _prose(span.text, _code)
    if span.kind == "link":
        return f"[{text}](<{span.address}>)"
    return f"**{text}**" if span.kind == "strong" else text


def _summary(spans: Sentence) -> str:
    """A sentence in HTML: markdown is not read beside `<details>`."""

    def code(text: str) -> str:
        return f"<code>{html.escape(text)}</code>"

    return "".join(
        code(span.text) if span.kind == "code" else _prose(span.text, code) for span in spans
    )


def _prose(text: str, code: Callable[[str], str]) -> str:
    """Words as they are; a word that markdown or GitHub could act upon becomes code.

    Code is what GitHub searches neither for @names nor for #numbers, commits and addresses.
    """

    def word(match: re.Match[str]) -> str:
        found = match[0]
        if _HARMLESS.fullmatch(found) and not _ACTING.search(found):
            return found
        bare = found.rstrip(".,;:!?")
        return code(bare) + found[len(bare) :] if bare else code(found)

    return _TOGETHER.sub(_NO_BREAK, re.sub(r"\S+", word, text))


def _code(text: str) -> str:
    """Inline code that its text cannot end."""
    ticks = "`" * (1 + _longest_run(text))
    # One space at each end is taken off again when it is read.
    pad = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def _fence(block: Block) -> str:
    """A fenced block that its text cannot end."""
    ticks = "`" * max(3, 1 + _longest_run(block.text))
    return f"{ticks}{block.language}\n{block.text}\n{ticks}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _table(table: Table) -> str:
    columns = " | ".join(map(_cell, table.columns))
    lines = (f"| | {columns} |", "|---|" + "--:|" * len(table.columns), *map(_row, table.rows))
    caption = f"\n\n{_inline(table.caption)}" if table.caption else ""
    return "\n".join(lines) + caption


def _row(row: tuple[Sentence, ...]) -> str:
    # On a narrow screen a label may take more lines, and what is in brackets, or comes behind a
    # colon, one of its own.
    label, *cells = map(_cell, row)
    together = (re.sub(r"(?<!:) (?![(])", _NO_BREAK, cell) for cell in cells)
    return f"| {' | '.join((label, *together))} |"


def _cell(spans: Sentence) -> str:
    return "".join(map(_span, spans)).replace("|", r"\|")
