"""Foreign text never acts: not in markdown, not on a terminal, not in a shell."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from perf_smoke.report.markdown import Links, render
from perf_smoke.report.verdict import annotation
from perf_smoke.result import (
    BASE,
    HEAD,
    EngineIdentity,
    Failure,
    Guard,
    Leg,
    Measurement,
    Model,
    Output,
    Result,
    Sample,
    Series,
    Side,
    Status,
    Tool,
)
from tests.unit.report import golden, runs

OURS = {
    getattr(golden.LINKS, name) for name in ("run_url", "result_url", "docs_url", "verdict_url")
}
NASTY = [
    "</details></summary>",
    "<script>alert(1)</script><img src=x onerror=y>",
    "@octocat @org/team #1 GH-2 o/r#3 deadbeefdeadbeef",
    "[a](https://evil.example) ![b](https://evil.example/x.png) <https://evil.example>",
    "https://evil.example www.evil.example x@evil.example",
    "```\n\n# title\n\n```mermaid\ngraph TD;",
    "~~~\n</details>\n<!-- \n--> <![CDATA[ <?php",
    "| a | b |\n|---|---|\n| c | d |",
    "a\u202eb\u200bc\u2028d\x00e\x1b]8;;https://evil.example\x07\x1b[2J\x9b31m\r\x08",
    "[bold red]x[/] [link=https://evil.example]y[/link] [/] :skull:",
    "`" * 400,
    "x" * 100_000,
    "\n" * 50_000,
    "@a " * 30_000,
    "\u202e" * 50_000,
    "- \n1. \n> \n    code\n===\n---\n***\n[x]: https://evil.example\n",
    "`@octocat` `` `a ``` b",
    "$$ x $$ $`y`$ :tada: \\@octocat &#64;octocat a|b",
]
HOSTILE = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=300),
    st.text(alphabet="`@#<>[]()!*_~|\\\n &$-=.1a:/", max_size=200),
    st.builds("".join, st.lists(st.sampled_from(NASTY[:10]), max_size=4)),
)
ONE, SEVERAL = runs.two(pairs=12, slower_by=0.5), runs.questions()
STATUSES: list[Status] = ["measured", "failed", "skipped", "invalid", "cancelled"]


def hostile(text: str, status: Status, *, several: bool = False, lost: bool = False) -> Result:
    """A document in which everything that others write is this text."""
    document = SEVERAL if several else ONE
    engine = EngineIdentity(id=text, version=text, binary=text, binary_sha256=text)
    bad = tuple(Sample(ok=False, error=text) for _ in range(9))  # type: ignore[arg-type]

    def named(name: str) -> str:
        return name if name in (HEAD, BASE) else text

    def measurement(name: str, found: Measurement) -> Measurement:
        steps = tuple(replace(step, text_sha256=name) for step in found.samples)
        output = Output(text=text + name, sha256=name, stable="b" in text)
        return replace(found, samples=(*steps, *bad), output=output)

    system: Any = dict.fromkeys(("cpu_model", "os", "kernel", "arch", "image"), text)
    guards: Any = tuple(
        Guard(name="steal", effect="said", sentence=f"{text}{n}") for n in range(30)
    )
    return replace(
        document,
        status=status,
        started=text,
        tool=Tool(version=text, runtime=text),
        settings=dict.fromkeys(("label", "command", text), text) if "c" in text else {},
        leg=Leg(
            **dict.fromkeys(("repository", "event", "workflow", "job", "matrix"), text),
            run_id=1,
            attempt=2,
        ),
        failure=Failure(reason=text, sentence=text, tail=text),  # type: ignore[arg-type]
        series=Series(key=text, parts={}),
        machine=runs.machine(**system),
        model=Model(reference=text, sha256=text, bytes=1),
        sides={named(name): Side(ref=text, commit=text, engine=engine) for name in document.sides},
        lost_bases={
            name: Failure(reason="build-failed", sentence=text, tail=text)
            for name in ([BASE, text] if lost else [])
        },
        workloads={
            text + name: replace(
                workload,
                request=runs.asked(
                    prompt=replace(runs.asked().prompt, text=text, file=text if several else ""),
                    features=(text,),
                ),
                measurements={
                    named(side): measurement(side, found)
                    for side, found in workload.measurements.items()
                },
            )
            for name, workload in document.workloads.items()
        },
        comparisons=tuple(
            replace(
                one,
                workload=text + one.workload,
                base=named(one.base),
                metric=text if "d" in text else one.metric,
                guards=guards,
            )
            for one in document.comparisons
        ),
        notes=(text,) * 100,
    )


def tokens(text: str) -> Iterator[Token]:
    """All tokens as GitHub's dialect reads them, those inside of lines too."""
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table"]).parse(text):
        yield token
        yield from token.children or ()


def assert_whole(text: str) -> None:
    """Nothing but our own headings, HTML and links; every fence, fold and table is closed."""
    headings, folds = 0, 0
    for token in tokens(text):
        if token.type == "html_block":
            for line in token.content.strip().splitlines():
                bare = re.sub(r"<code>[^<]*</code>", "", line)
                assert re.fullmatch(r"</details>|<details><summary>[^<@#$]*</summary>", bare), line
                folds += 1 if line.startswith("<details>") else -1
                assert folds in (0, 1)
        assert token.type not in ("html_inline", "image", "hr", "code_block", "blockquote_open")
        headings += token.type == "heading_open"
        if token.type == "link_open":
            assert token.attrs["href"] in OURS
        if token.type == "text":
            assert not re.search(r"@|#\d|GH-\d|://|www\.|:tada:|\$", token.content)
            assert not re.search(r"\b[0-9a-f]{7,40}\b", token.content)
        if token.type == "table_open" and token.map:
            lines = text.splitlines()[slice(*token.map)]
            bars = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
            assert bars in ({3}, {4}, {5})
    assert (headings, folds) == (1, 0)
    assert text.splitlines()[-1].startswith("*Informational")
    assert list(tokens(text))[-1].type == "paragraph_close"


@pytest.mark.parametrize("name", runs.every())
def test_every_report_is_whole_markdown(name: str) -> None:
    report = replace(runs.every()[name], settings={})
    assert_whole(render(report, golden.LINKS))
    assert all(len(line) <= 40 for line in golden.printed(report, width=40).splitlines())


@settings(max_examples=60, deadline=None)
@given(HOSTILE, st.sampled_from(STATUSES), st.booleans(), st.booleans())
@example("<!-- -->", "failed", False, True)
def test_foreign_text_never_acts(text: str, status: Status, several: bool, lost: bool) -> None:
    assert_whole(render(hostile(text, status, several=several, lost=lost), golden.LINKS))


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("text", NASTY)
def test_the_known_tricks_neither_act_nor_burst_a_comment(text: str, several: bool) -> None:
    document = hostile(text, "measured", several=several)
    rendered = render(document, golden.LINKS)
    assert_whole(rendered)
    assert several or len(rendered) < 60_000
    title, message = annotation(document)
    shown = golden.printed(document) + title + message
    assert not set(shown) & set(map(chr, (*range(10), *range(11, 32), *range(127, 160), 0x202E)))
    assert [len(line.splitlines()) for line in (title, message)] == [1, 1]
    assert len(title + message) < 600


def said(text: str) -> str:
    """A sentence that was written elsewhere, as markdown."""
    return render(runs.failed(Failure(reason="no-space", sentence=text))).split("\n\n")[1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words stay: (+3), tok/s! 5 sides", "plain words stay: (+3), tok/s! 5 sides"),
        ("ping @octocat, please", "ping `@octocat`, please"),
        ("see #12 and GH-7.", "see `#12` and `GH-7`."),
        ("o/r#3 <b>x</b>", "`o/r#3` `<b>x</b>`"),
        ("https://evil.example/x.", "`https://evil.example/x`."),
        ("[a](b) ![c](d)", "`[a](b)` `![c](d)`"),
        ("*a* _b_ ~~c~~ snake_case", "`*a*` `_b_` `~~c~~` snake_case"),
        ("deadbeef1 :tada: $x$", "`deadbeef1` `:tada`: `$x$`"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("# title", "`#` title"),
        ("=====", "\\====="),
        ("odd ` tick", "odd `` ` `` tick"),
        ("`a` is code", "`a` is code"),
        ("5 % of (99 % interval)", "5^% of (99^% interval)"),
        ("−0.9 … +1.2 %", "−0.9^…^+1.2^%"),
        (
            "54.9 ms, 3 µs, 97 tok/s of 4 KiB, 2 CPUs × 4",
            "54.9^ms, 3^µs, 97^tok/s of 4^KiB, 2^CPUs ×^4",
        ),
        ("3 sides, 5 minutes … 6 hosts", "3 sides, 5 minutes … 6 hosts"),
    ],
)
def test_a_word_that_could_act_becomes_code_and_numbers_keep_their_units(
    text: str, shown: str
) -> None:
    assert said(text) == shown.replace("^", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "https://x.org/>a](b)", "http://x.org/\ny", "https://ex\u00e4mple.org"],
)
def test_what_is_no_address_becomes_no_link(address: str) -> None:
    assert "](" not in render(runs.demonstration(), Links(run_url=address))


@settings(deadline=None, max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from(["prompt", "build", "model", "features"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=126) | st.just("\n"), min_size=1),
        max_size=3,
    )
)
@example({"prompt": 'it\'s $HOME `id` \\ "x"\n; rm -rf /', "build": "x" * 90 + " \\\n  --y"})
@example({"prompt": "--help"})
def test_a_shell_gives_the_inputs_back_as_they_were(inputs: dict[str, str]) -> None:
    report = render(replace(runs.demonstration(), settings=inputs))
    if "***" in str(inputs) or "?…" in str(inputs):
        return
    command = re.search(r"(`{3,})sh\n(.*?)\n\1", report, re.DOTALL)
    assert command
    script = f"perf-smoke() {{ printf '%s\\0' \"$@\"; }}\n{command[2]}"
    shown = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    words = shown.stdout.split("\0")[1:-1]
    given: dict[str, str] = {}
    while words:
        name, tied, value = words.pop(0).partition("=")
        given[name[2:]] = value if tied else words.pop(0)
    assert given == inputs
