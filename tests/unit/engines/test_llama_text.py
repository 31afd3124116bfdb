"""What llama.cpp's one-shot programs print, as it was recorded, in all generations."""

from __future__ import annotations

from pathlib import Path

import pytest

from perf_smoke.engines.llama_text import Timings, read_text, read_timings


def recorded(name: str) -> str:
    """The last lines on stderr of a real run."""
    return (Path(__file__).with_name("recorded") / f"{name}.txt").read_text()


OF_2023 = recorded("2023")
OF_EARLY_2023 = recorded("early-2023")
OF_2024 = recorded("2024")
OF_2026 = recorded("2026")
ONE_OUTPUT_TOKEN = recorded("one-output-token")
ONE_PROMPT_TOKEN = recorded("one-prompt-token")


def timings(
    n_prompt: int,
    n_out: int,
    load_ms: float | None,
    prompt_ms: float | None,
    decode_ms: float | None,
    total_ms: float | None,
) -> Timings:
    return Timings(
        n_prompt=n_prompt,
        n_out=n_out,
        load_ms=load_ms,
        prompt_ms=prompt_ms,
        decode_ms=decode_ms,
        total_ms=total_ms,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OF_EARLY_2023, timings(24, 32, 134.84, 925.78, 4178.32, 5211.06)),
        (OF_2023, timings(8, 64, 435.83, 956.94, 9896.93, 10901.13)),
        (OF_2024, timings(4, 4, 193.16, 20.81, 26.32, 48.43)),
        (OF_2026, timings(4, 4, 154.66, 28.32, 30.75, 60.50)),
    ],
    ids=["early-2023", "2023", "2024", "2026"],
)
def test_three_runs_after_the_prompt_are_four_tokens_in_every_generation(
    text: str, expected: Timings
) -> None:
    assert read_timings(text) == expected


def test_a_comma_before_the_decimals_is_read_as_the_point_that_it_is() -> None:
    assert read_timings(OF_2026.replace(".", ",")) == read_timings(OF_2026)


def test_one_output_token_has_no_run_although_one_is_printed() -> None:
    assert read_timings(ONE_OUTPUT_TOKEN) == timings(4, 1, 120.68, 36.31, None, 37.35)


def test_a_prompt_of_one_token_is_one_of_the_runs_and_neither_part_can_be_told() -> None:
    assert read_timings(ONE_PROMPT_TOKEN) == timings(1, 4, 120.48, None, None, 47.87)


def test_an_early_end_is_counted_as_what_was_produced() -> None:
    text = OF_2024.replace("   3 runs", "  20 runs")
    found = read_timings(text)
    assert found is not None
    assert found.n_out == 21


def test_timings_that_are_turned_off_leave_the_counts() -> None:
    text = OF_2026.replace("28.32 ms /", " 0.00 ms /").replace("30.75 ms /", " 0.00 ms /")
    found = read_timings(text)
    assert found is not None
    assert (found.n_prompt, found.n_out) == (4, 4)
    assert found.prompt_ms is None
    assert found.decode_ms is None


def test_the_last_timings_count_when_some_were_printed_before() -> None:
    found = read_timings(OF_2023 + OF_2026)
    assert found is not None
    assert found.total_ms == 60.50


@pytest.mark.parametrize(
    "text",
    [
        "",
        "prompt eval time = soon",
        "[ Prompt: 286.6 t/s | Generation: 114.7 t/s ]",
        OF_2026.replace("3 runs", "many runs"),
        OF_2026.replace("prompt eval time =      28.32", "prompt eval time =        nan"),
        OF_2026.replace("eval time =      30.75", "eval time =        inf"),
        OF_2026.replace("4 tokens (    7", "(    7"),
        "x" * 100_000,
    ],
)
def test_text_without_both_lines_gives_no_timings(text: str) -> None:
    assert read_timings(text) is None


@pytest.mark.parametrize(
    ("stdout", "text", "ended"),
    [
        ("11, so\n\n", "11, so", False),
        ("11, so", "11, so", False),
        ("11 [end of text]\n\n\n", "11", True),
        ("say [end of text] twice\n\n", "say [end of text] twice", False),
        ("  two spaces stay\n\n", "  two spaces stay", False),
    ],
)
def test_only_what_the_program_added_is_taken_off_the_text(
    stdout: str, text: str, ended: bool
) -> None:
    assert read_text(stdout, "2+2=", prompt_is_shown=False) == (text, ended)


@pytest.mark.parametrize("stdout", ["2+2=11, so\n", " 2+2=11, so\n"])
def test_a_prompt_that_cannot_be_hidden_is_taken_off(stdout: str) -> None:
    assert read_text(stdout, "2+2=", prompt_is_shown=True) == ("11, so", False)


def test_a_text_that_does_not_start_with_the_prompt_stays_whole() -> None:
    assert read_text(" 4", "2+2=", prompt_is_shown=True) == (" 4", False)
