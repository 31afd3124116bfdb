"""The report on a terminal and in a pipe."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console

from perf_smoke.report import terminal
from perf_smoke.result import Failure, Output, Result
from tests.unit.report import builders


def printed(result: Result, *files: str, width: int = 100) -> str:
    """As a pipe gets it."""
    stream = io.StringIO()
    terminal.show(result, Console(file=stream, width=width), [Path(file) for file in files])
    return stream.getvalue()


def coloured(result: Result, **options: str) -> str:
    """As a terminal gets it."""
    stream = io.StringIO()
    console = Console(
        file=stream, width=100, force_terminal=True, color_system="standard", _environ=options
    )
    terminal.show(result, console)
    return stream.getvalue()


def test_it_reads_from_the_verdict_to_the_files() -> None:
    text = printed(builders.slower(), "perf-smoke-out/report.md", "perf-smoke-out/result.json")
    parts = [
        "perf-smoke: slower by 6.8 % (bitnet-rs)\n",
        "Head takes 3.9 … 9.6 % longer than base",
        "E2E latency, ms  55.0  58.1  +6.8 %",
        "Changes are in time: + is slower",
        "Output `11, so`, the same on both sides, at every step.",
        "Ran `bitnet` (bitnet-rs 0.9.1)",
        "Steps         48 pairs, the order within each drawn by lot.",
        "Machine load  0.21 before, 1.94 after, steal 0.2 %",
        "Took          148 s in all",
        "\nperf-smoke-out/report.md\nperf-smoke-out/result.json\n",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_it_fits_on_one_screen() -> None:
    assert len(printed(builders.result(), "report.md").splitlines()) <= 32


def test_a_pipe_gets_plain_text() -> None:
    assert "\x1b" not in printed(builders.slower())


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("slower", "33"),
        ("cannot-tell", "33"),
        ("no-change", "32"),
        ("faster", "32"),
        ("failed", "31"),
    ],
)
def test_a_terminal_gets_the_verdict_in_its_colour(name: str, code: str) -> None:
    assert f"\x1b[1;{code}mperf-smoke" in coloured(builders.every()[name])


def test_a_measurement_without_a_verdict_has_no_colour() -> None:
    assert "\x1b[1mperf-smoke: 55.0 ms" in coloured(builders.result())


def test_no_color_is_respected() -> None:
    text = coloured(builders.slower(), NO_COLOR="1")
    assert "\x1b[1mperf-smoke" in text
    assert "\x1b[1;33m" not in text


def test_a_failure_shows_the_last_lines_of_the_program() -> None:
    text = printed(builders.failed())
    assert "`bitnet` exited with code 1 after 0.4 s" in text
    assert "  error: model file has wrong magic" in text
    assert "Reason        `engine-crashed`" in text


def test_invalid_inputs_are_all_listed() -> None:
    text = printed(builders.invalid())
    assert "tokens must be a whole number" in text
    assert "margin must be from" in text


def test_outputs_that_differ_are_both_shown() -> None:
    text = printed(builders.unstable_output())
    assert "Base's output:\n\n  The capital of France is Paris." in text
    assert "  1. The Eiffel Tower" in text


def test_a_long_output_needs_no_title() -> None:
    found = builders.result(output=Output(text="a\nb\nc", sha256="", stable=True))
    assert "Output, the same at every step:\n\n  a\n  b\n  c\n" in printed(found)


def test_every_result_can_be_shown_on_a_narrow_terminal() -> None:
    for found in builders.every().values():
        assert all(len(line) <= 40 for line in printed(found, width=40).splitlines())


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[2J\x1b]0;owned\x07\x1b]8;;https://evil.example\x07",
        "\x9b31m\x90\x85",
        "[bold red]x[/] [link=https://evil.example]y[/link] [/]",
        "\r\x08\x08over\u202ewritten",
        ":skull:",
    ],
)
def test_what_an_engine_prints_does_not_act(text: str) -> None:
    found = dataclasses.replace(
        builders.two_sides(),
        failure=Failure(reason=text, sentence=text, tail=text),
        output=Output(text=text, sha256="", stable=True),
        notes=(text,),
        settings={"label": text},
    )
    shown = printed(found, f"{text}/report.md")
    assert not set(shown) & set(map(chr, (*range(10), *range(11, 32), *range(127, 160), 0x202E)))
    if text.startswith(("[", ":")):
        assert text in shown
