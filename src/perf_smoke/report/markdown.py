"""A Result as GitHub's markdown: the comment, the summary and report.md.

Foreign text never acts: it stands in code, in fences longer than any of its own, or is escaped
word by word, so that no markup, link, reference or mention comes of it.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from perf_smoke.report import canary, facts, foreign, reproduce, subject, verdict, words
from perf_smoke.report.chart import histogram, in_words
from perf_smoke.report.reading import both, changes, no_base
from perf_smoke.report.spans import Sentence, Span
from perf_smoke.report.table import Row, Table, further_table, main_table, table_caption
from perf_smoke.result import Result

_NO_BREAK = "\N{NO-BREAK SPACE}"
_TOGETHER = re.compile(
    r"(?<=\d) (?=(?:%|[nµm]?s|min|h|[KMGT]iB|tok/s|CPUs?)(?![\w/]))"  # a number and its unit
    r"|(?<=[\d%]) (?=… [+\N{MINUS SIGN}\d])|(?<=\d …) (?=[+\N{MINUS SIGN}\d])|(?<=×) (?=\d)"
)
"""The spaces at which no line may end: a phone's lines are short."""


@dataclass(frozen=True, kw_only=True)
class Links:
    """Where a reader can go on. What is empty is left out; only http and https become links."""

    run_url: str = ""
    result_url: str = ""
    result_path: str = ""
    """Where result.json lies, when it has no address."""
    docs_url: str = ""
    """How to read the verdict."""
    verdict_url: str = ""
    """How to get one: the inputs for a base."""


class _Markdown(str):
    """Text that may stand in the document as it is. The template takes nothing else."""

    __slots__ = ()


def render(result: Result, links: Links | None = None) -> str:
    """The whole report, without a marker line. Well below GitHub's 65,536 characters."""
    links = links or Links()
    sentence_of_output, blocks = canary.output(result)
    found = changes(result)
    chart = histogram(found)
    command = reproduce.command(result)
    return _template().render(
        title=inline(verdict.title(result)),
        lead=_lead(result, links),
        tail=fence(foreign.end(result.failure.tail, characters=4000, lines=40))
        if result.failure and result.failure.tail.strip() and result.status != "invalid"
        else None,
        table=_table(main_table(result)),
        caption=inline(table_caption(result)),
        what_ran=inline(subject.what_ran(result)),
        output=inline(sentence_of_output),
        blocks=[
            (
                _Markdown(block.title),
                fence(foreign.beginning(block.text, characters=2000, lines=30)),
            )
            for block in blocks
        ],
        details=_Markdown(facts.title(result)),
        facts=[(_Markdown(fact.label), inline(fact.text)) for fact in facts.facts(result)],
        further=_table(further_table(result)),
        problems=[inline(problem) for problem in words.problems(result)],
        notes=[inline(note) for note in words.notes(result)],
        chart=fence(chart, "mermaid") if chart else None,
        chart_words=inline(in_words(found)) if chart else None,
        command=fence(command, "sh") if command else None,
        consequence=inline(words.consequence(result)),
        links=_links(links),
    )


def inline(spans: Sentence) -> _Markdown:
    """A sentence in markdown, for a line of its own or the middle of one."""
    text = "".join(_span(span) for span in spans)
    # What would start a list or underline a heading if it came first.
    return _Markdown(re.sub(r"^(\d{0,9})([-+=]|[.)](?=\s|$))", r"\1\\\2", text))


def fence(text: str, language: str = "text") -> _Markdown:
    """A fenced block that its text cannot end."""
    ticks = "`" * max(3, 1 + _longest_run(text))
    return _Markdown(f"{ticks}{language}\n{text}\n{ticks}")


def code_span(text: str) -> str:
    """Inline code that its text cannot end."""
    ticks = "`" * (1 + _longest_run(text))
    # One space at each end is taken off again when it is read.
    pad = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _span(span: Span) -> str:
    if span.kind == "code":
        return code_span(span.text)
    if span.kind == "strong":
        return f"**{_prose(span.text)}**"
    return _prose(span.text)


_HARMLESS = re.compile(r"[\w.,;:!?()'\"’%×…–±/=+\N{MINUS SIGN}-]*")
_ACTING = re.compile(
    r"(?<![^\W_])_|_(?![^\W_])|//|www\.|:(?:[a-z][\w+-]*|[+-]1):|\b[0-9a-f]{7,40}\b|\bGH-\d",
    re.IGNORECASE,
)


def _prose(text: str) -> str:
    """Words as they are; a word that markdown or GitHub could act upon becomes code.

    Code is what GitHub searches neither for @names nor for #numbers, commits and addresses.
    """
    words = re.sub(r"\S+", lambda found: _word(found[0]), text)
    return _TOGETHER.sub(_NO_BREAK, words)


def _word(word: str) -> str:
    if _HARMLESS.fullmatch(word) and not _ACTING.search(word):
        return word
    bare = word.rstrip(".,;:!?")
    return code_span(bare) + word[len(bare) :] if bare else code_span(word)


def _table(table: Table | None) -> _Markdown | None:
    """GitHub's table. Its cells are ours alone: labels and numbers."""
    if table is None:
        return None
    lines = [
        "| | " + " | ".join(table.columns) + " |",
        "|---|" + "--:|" * len(table.columns),
        *(_row(row) for row in table.rows),
    ]
    return _Markdown("\n".join(lines))


def _row(row: Row) -> str:
    mark = "**" if row.headline else ""
    # Where the screen is narrow, the unit alone may go to a second line.
    name, space, unit = row.label.rpartition(" ")
    label = name.replace(" ", _NO_BREAK) + space + unit
    cells = (label, *(cell.replace(" ", _NO_BREAK) for cell in row.cells))
    return "| " + " | ".join(f"{mark}{cell}{mark}" for cell in cells) + " |"


def _lead(result: Result, links: Links) -> list[_Markdown]:
    paragraphs = [inline(paragraph) for paragraph in words.lead(result)]
    how = _link("How to get a verdict", links.verdict_url)
    if how and result.status == "measured" and both(result) is None and not no_base(result):
        paragraphs[-1:] = [_Markdown(f"{last} {how}.") for last in paragraphs[-1:]]
    return paragraphs


def _links(links: Links) -> _Markdown:
    shown = [
        _link("run", links.run_url),
        _link("result.json", links.result_url),
        _link("how to read this", links.docs_url),
    ]
    if not links.result_url and links.result_path:
        shown.insert(1, _Markdown(code_span(foreign.one_line(links.result_path, 200))))
    listed = " · ".join(link for link in shown if link)
    return _Markdown(f" {listed}" if listed else "")


def _link(text: str, address: str) -> _Markdown | None:
    if not re.fullmatch(r"https?://[^\s<>\"'\\`|]{1,1000}", address) or not address.isascii():
        return None
    return _Markdown(f"[{text}](<{address}>)")


@functools.cache
def _template() -> Template:
    # Escaping is not HTML's but markdown's, and done above: `finalize` refuses what missed it.
    environment = Environment(
        loader=PackageLoader("perf_smoke.report"),
        autoescape=False,  # noqa: S701 - see above: code spans would show the entities as they are
        finalize=_only_markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.md.j2")


def _only_markdown(value: object) -> object:
    if not isinstance(value, _Markdown):
        raise TypeError(f"{type(value).__name__} is not escaped for markdown")
    return value
