"""The report as markdown: what it promises, and that foreign text never acts in it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from perf_smoke.report import markdown
from perf_smoke.report.markdown import Links, render
from perf_smoke.report.spans import code, quoted, sentence, strong
from perf_smoke.result import (
    Comparison,
    EngineIdentity,
    Failure,
    Guard,
    Model,
    Output,
    Result,
    Series,
    Status,
    Tool,
)
from tests.unit.report import builders

LINKS = Links(
    run_url="https://github.com/o/r/actions/runs/1",
    result_url="https://github.com/o/r/actions/runs/1/artifacts/2",
    docs_url="https://github.com/o/p/blob/v1/docs/STATISTICS.md",
    verdict_url="https://github.com/o/p#base",
)
OURS = {LINKS.run_url, LINKS.result_url, LINKS.docs_url, LINKS.verdict_url}


def tokens(text: str) -> Iterator[Token]:
    """All tokens as GitHub's dialect reads them, those inside of lines too."""
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table"]).parse(text):
        yield token
        yield from token.children or ()


def plain(text: str) -> str:
    """With ordinary spaces, for comparing."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture(params=builders.every().keys())
def found(request: pytest.FixtureRequest) -> Result:
    return builders.every()[request.param]


def test_the_verdict_comes_first_then_the_table_then_everything_else_folded() -> None:
    text = plain(render(builders.slower(), LINKS))
    parts = [
        "### perf-smoke: slower by 6.8 % (bitnet-rs)",
        "Head takes **3.9 … 9.6 %** longer than base (99 % interval, E2E latency).",
        "| **E2E latency, ms** | **55.0** | **58.1** | **+6.8 %** |",
        "Output `11, so`, the same on both sides, at every step.",
        "<details><summary>How this was measured: 48 pairs in random order, 21.3 s</summary>",
        "<details><summary>Paired differences</summary>",
        "<details><summary>Reproduce on your machine</summary>",
        "*Informational: this check never blocks a merge.*",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert places[0] == 0


def test_the_demonstration_says_in_the_first_line_that_it_is_not_the_callers_code() -> None:
    assert (
        render(builders.result())
        .splitlines()[2]
        .startswith(
            "This measures perf-smoke's own llama.cpp on the demonstration model `smollm2-135m`, "
            "not your code."
        )
    )


def test_every_report_ends_by_saying_that_it_blocks_nothing(found: Result) -> None:
    assert "*Informational: this check never blocks a merge.*" in render(found).splitlines()[-1]


def test_a_report_of_a_step_that_may_fail_does_not_say_that_it_blocks_nothing() -> None:
    strict = dataclasses.replace(builders.slower(), settings={"fail-on": "slower"})
    last = plain(render(strict, Links(result_path="result.json"))).splitlines()[-1]
    assert last == (
        "*`fail-on: slower`: this step fails when head is slower by more than the 5 % margin.* "
        "`result.json`"
    )


def test_every_report_is_whole_markdown(found: Result) -> None:
    assert_whole(render(found, LINKS))


def test_a_failure_shows_what_the_program_said_last() -> None:
    text = plain(render(builders.failed()))
    assert "`bitnet` exited with code 1 after 0.4 s, before the first token." in text
    assert "```text\nloading models/ggml-model-i2_s.gguf\nerror: model file has wrong" in text
    assert "| |" not in text


def test_a_failure_that_printed_nothing_shows_no_empty_block() -> None:
    silent = Failure(reason="engine-timeout", sentence="`bitnet` was silent for 300 s.")
    assert "```text" not in render(dataclasses.replace(builders.failed(), failure=silent))


def test_all_invalid_inputs_are_listed_in_the_open() -> None:
    text = render(builders.invalid())
    assert text.index("- tokens must be a whole number") < text.index("<details>")
    assert text.index("- margin must be from") < text.index("<details>")
    assert "```" not in text


def test_notes_are_said_in_the_open() -> None:
    text = render(builders.slow_engine())
    assert text.index("\nNote: 1 of 4 steps gave another number") < text.index("<details>")


def test_outputs_that_differ_are_both_shown() -> None:
    text = render(builders.unstable_output())
    assert "Base's output:\n\n```text\nThe capital of France is Paris.\n" in text
    assert "Head's output:\n\n```text\nThe capital of France is Paris.\n\nIt is known for:" in text


def test_a_reader_without_a_base_is_told_how_to_get_a_verdict() -> None:
    assert "[How to get a verdict](<https://github.com/o/p#base>)." in render(
        builders.result(), LINKS
    )
    assert "How to get a verdict" not in render(builders.two_sides(), LINKS)
    assert "How to get a verdict" not in render(builders.failed(), LINKS)
    assert "How to get a verdict" not in render(builders.base_not_built(), LINKS)


def test_links_that_are_not_known_are_left_out() -> None:
    assert "](" not in render(builders.result())
    assert render(builders.result()).endswith("never blocks a merge.*\n")


def test_a_result_without_an_address_is_named_by_its_path() -> None:
    text = render(builders.result(), Links(result_path="perf-smoke/result.json"))
    assert text.endswith("never blocks a merge.* `perf-smoke/result.json`\n")


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "https://x.org/>a](b)",
        "https://x.org/ y",
        "http://x.org/\ny",
        "https://ex\u00e4mple.org",
        "https://" + "x" * 2000,
    ],
)
def test_what_is_no_address_becomes_no_link(address: str) -> None:
    assert "](" not in render(builders.result(), Links(run_url=address))


def test_mermaid_draws_the_pairs_and_words_say_the_same() -> None:
    text = render(builders.slower())
    assert "```mermaid\n%%{init:" in text
    assert "Head was slower than base in 43 of 48 pairs." in text
    assert "mermaid" not in render(builders.result())


def test_the_template_takes_no_text_that_was_not_escaped() -> None:
    with pytest.raises(TypeError, match="str is not escaped for markdown"):
        markdown._only_markdown("<b>")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words stay: (+3), tok/s! 5 sides", "plain words stay: (+3), tok/s! 5 sides"),
        ("ping @octocat, please", "ping `@octocat`, please"),
        ("see #12 and GH-7.", "see `#12` and `GH-7`."),
        ("o/r#3 <b>x</b>", "`o/r#3` `<b>x</b>`"),
        ("https://evil.example/x.", "`https://evil.example/x`."),
        ("www.evil.example", "`www.evil.example`"),
        ("[a](b) ![c](d)", "`[a](b)` `![c](d)`"),
        ("*a* _b_ ~~c~~ snake_case", "`*a*` `_b_` `~~c~~` snake_case"),
        ("a | b", "a `|` b"),
        ("deadbeef1 :tada: $x$", "`deadbeef1` `:tada`: `$x$`"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("# title", "`#` title"),
        ("> quote &amp; \\", "`>` quote `&amp`; `\\`"),
        ("=====", "\\====="),
        ("@", "`@`"),
        ("odd ` tick", "odd `` ` `` tick"),
    ],
)
def test_a_word_that_could_act_becomes_code_and_others_stay(text: str, shown: str) -> None:
    assert markdown.inline(quoted(text)) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("5 % and 14.5 %, (99 % interval)", "5~% and 14.5~%, (99~% interval)"),
        ("−0.9 … +1.2 %", "−0.9~…~+1.2~%"),
        ("54.9 ms, 8 s, 3 µs, 2 ns, 9 min", "54.9~ms, 8~s, 3~µs, 2~ns, 9~min"),
        ("97 tok/s of 4 KiB or 1.11 GiB", "97~tok/s of 4~KiB or 1.11~GiB"),
        ("2 CPUs × 4, 1 CPU", "2~CPUs ×~4, 1~CPU"),
        ("3 sides, 4 more, 5 minutes … 6 hosts", "3 sides, 4 more, 5 minutes … 6 hosts"),
    ],
)
def test_no_line_ends_between_a_number_and_its_unit(text: str, shown: str) -> None:
    kept = shown.replace("~", "\N{NO-BREAK SPACE}")
    assert markdown.inline(sentence(text)) == kept
    assert markdown.inline(sentence(strong(text))) == f"**{kept}**"
    assert markdown.inline(sentence(code(text))) == f"`{text}`"


def test_a_label_may_give_its_unit_a_line_so_that_the_table_fits_a_phone() -> None:
    found = render(builders.slower())
    assert "| **E2E~latency, ms** | **55.0** |".replace("~", "\N{NO-BREAK SPACE}") in found
    assert "| +5.6~% |".replace("~", "\N{NO-BREAK SPACE}") in found


def test_code_is_longer_fenced_than_any_of_its_backticks() -> None:
    assert markdown.inline(sentence(code("a``b"))) == "```a``b```"
    assert markdown.inline(sentence(code("`x`"))) == "`` `x` ``"
    assert markdown.fence("a\n`````\nb").splitlines()[0] == "``````text"


NASTY = [
    "</details></summary>",
    "<script>alert(1)</script><img src=x onerror=y>",
    "@octocat @org/team #1 GH-2 o/r#3 deadbeefdeadbeef",
    "[a](https://evil.example) ![b](https://evil.example/x.png) <https://evil.example>",
    "https://evil.example www.evil.example x@evil.example",
    "```\n\n# title\n\n```mermaid\ngraph TD;",
    "~~~\n</details>\n<!-- \n--> <![CDATA[ <?php",
    "| a | b |\n|---|---|\n| c | d |",
    "a\u202eb\u200bc\u2028d\x00e\x1b]8;;https://evil.example\x07",
    "`" * 400,
    "x" * 100_000,
    "\n" * 50_000,
    "@a " * 30_000,
    "- \n1. \n> \n    code\n===\n---\n***\n[x]: https://evil.example\n",
    "`@octocat` `` `a ``` b",
    "$$ x $$ $`y`$ :tada: \\@octocat &#64;octocat",
]
HOSTILE = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=300),
    st.text(alphabet="`@#<>[]()!*_~|\\\n &$-=.1a:/", max_size=200),
    st.builds("".join, st.lists(st.sampled_from(NASTY[:10]), max_size=4)),
)


def hostile_result(text: str, status: Status, sides: bool) -> Result:
    """A document in which everything that others write is this text."""
    found = builders.two_sides(
        pairs=12,
        verdict="not-comparable" if "a" in text else "slower",
        guards=tuple(Guard(name=text, sentence=text) for _ in range(30)),
    )
    engine = EngineIdentity(id=text, version=text, binary=text, binary_sha256=text)
    assert found.head
    assert found.base
    assert found.comparison
    samples = (
        *found.head.samples,
        *(
            dataclasses.replace(found.head.samples[0], ok=False, error=f"{n}{text}")
            for n in range(9)
        ),
    )
    return dataclasses.replace(
        found,
        status=status,
        started=text,
        tool=Tool(version=text, runtime=text),
        settings=dict.fromkeys(("label", "prompt", "threads", "features", "metric", text), text),
        failure=Failure(reason=text, sentence=text, tail=text),
        series=Series(key=text, parts={"prompt": text, "threads": text}),
        machine=builders.machine(cpu_model=text, os=text, kernel=text, arch=text, image=text),
        model=Model(reference=text, sha256=text, bytes=1),
        head=dataclasses.replace(found.head, ref=text, engine=engine, samples=samples),
        base=dataclasses.replace(found.base, ref=text) if sides else None,
        comparison=dataclasses.replace(found.comparison, metric=text, stopped=text),
        output=Output(
            text=text,
            sha256=text,
            stable="b" in text,
            base_text=text + "!",
            matches_base=sides and "c" in text,
        ),
        notes=(text,) * 100,
    )


def assert_whole(text: str) -> None:
    """Nothing but our own headings, HTML and links; every fence, fold and table is closed."""
    headings, folds = 0, 0
    for token in tokens(text):
        if token.type == "html_block":
            for line in token.content.strip().splitlines():
                assert re.fullmatch(
                    r"</details>|<details><summary>(Details|How this was (measur|decid)ed: [\w ,.]+"
                    r"|Paired differences|Reproduce on your machine)</summary>",
                    line,
                ), line
                folds += 1 if line.startswith("<details>") else -1
                assert folds in (0, 1)
        assert token.type not in ("html_inline", "image", "hr", "code_block", "blockquote_open")
        headings += token.type == "heading_open"
        if token.type == "link_open":
            assert token.attrs["href"] in OURS
        if token.type == "text":
            assert not re.search(r"@|#\d|GH-\d|://|www\.|:tada:|\$", token.content)
            assert not re.search(r"\b[0-9a-f]{7,40}\b", token.content)
    assert headings == 1
    assert folds == 0
    assert text.rstrip().splitlines()[-1].startswith("*Informational")
    assert list(tokens(text))[-1].type == "paragraph_close"
    for token in tokens(text):
        if token.type == "table_open" and token.map:
            lines = text.splitlines()[slice(*token.map)]
            assert {line.count("|") for line in lines} in ({4}, {5})


@settings(max_examples=60, deadline=None)
@given(
    HOSTILE,
    st.sampled_from(["measured", "failed", "skipped", "invalid", "cancelled"]),
    st.booleans(),
)
@example("<!-- -->", "failed", True)
def test_foreign_text_never_acts_and_never_bursts_a_comment(
    text: str, status: Status, sides: bool
) -> None:
    rendered = render(hostile_result(text, status, sides), LINKS)
    assert len(rendered) < 60_000
    assert_whole(rendered)


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("sides", [True, False])
def test_the_known_tricks_do_not_act(text: str, sides: bool) -> None:
    rendered = render(hostile_result(text, "measured", sides), LINKS)
    assert len(rendered) < 60_000
    assert_whole(rendered)


def test_the_longest_of_everything_stays_well_below_githubs_limit() -> None:
    lengths = [
        len(render(hostile_result(text, "measured", True), LINKS))
        for text in (
            "x" * 200_000,
            "@a` " * 50_000,
            "\u202e" * 50_000,
            ("\u202e" * 60 + "\n") * 900,
        )
    ]
    assert max(lengths) < 60_000


def test_a_comparison_of_kind_none_decides_nothing() -> None:
    odd = dataclasses.replace(
        builders.two_sides(),
        comparison=Comparison(kind="none", metric="e2e", verdict="no-baseline"),
    )
    assert "decides" not in render(odd)
