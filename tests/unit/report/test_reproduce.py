"""The command that measures the same on a reader's machine."""

from __future__ import annotations

import dataclasses
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from perf_smoke.report import reproduce
from perf_smoke.settings import parse
from tests.unit.report import builders


def test_the_demonstration_needs_no_options() -> None:
    assert reproduce.command(builders.result()) == "perf-smoke run"


def test_inputs_become_options_and_the_base_that_was_taken_is_named() -> None:
    assert reproduce.command(builders.two_sides()) == (
        "perf-smoke run \\\n"
        "  --engine bitnet-rs \\\n"
        "  --model models/ggml-model-i2_s.gguf \\\n"
        "  --binary target/release/bitnet \\\n"
        "  --build 'cargo build --release --locked -p bitnet-cli' \\\n"
        "  --features cpu,avx2 \\\n"
        f"  --base-ref {builders.BASE}"
    )


def test_a_command_that_fits_into_a_line_stays_in_it() -> None:
    settings = {"command": "bench --fast {prompt}", "prompt": "2+2="}
    assert "\n" not in reproduce.command(builders.result(settings=settings))


@pytest.mark.parametrize("given", [{"base-ref": "main"}, {"base-binary": "old/bitnet"}])
def test_a_base_that_was_given_is_not_given_twice(given: dict[str, str]) -> None:
    found = builders.two_sides()
    command = reproduce.command(dataclasses.replace(found, settings=given))
    assert command.count("--base") == 1


def test_what_only_a_workflow_needs_is_left_out() -> None:
    settings = {
        "comment": "never",
        "pr-number": "7",
        "label": "x",
        "fail-on": "slower",
        "output-dir": "/tmp/x",
        "runtime": "host",
        "tokens": "8",
    }
    assert reproduce.command(builders.result(settings=settings)) == "perf-smoke run --tokens 8"


def test_a_value_that_looks_like_an_option_stays_a_value() -> None:
    command = reproduce.command(builders.result(settings={"prompt": "--help"}))
    assert command == "perf-smoke run --prompt=--help"


@pytest.mark.parametrize(
    "settings",
    [
        {"build": "x" * 4000},
        {"prompt": "a\x1b[2Jb"},
        {"prompt": "a\u202eb"},
        {"command": "./bench --token ***"},
        {"model": "https://host/tiny.gguf?…"},
    ],
)
def test_no_command_is_better_than_one_that_would_run_something_else(
    settings: dict[str, str],
) -> None:
    assert reproduce.command(builders.result(settings=settings)) == ""


def test_inputs_that_cannot_be_run_here_are_not_offered_for_there() -> None:
    assert reproduce.command(builders.invalid()) == ""
    assert reproduce.command(builders.skipped()) == ""
    assert reproduce.command(builders.pairs_file()) == ""


def arguments(command: str) -> list[str]:
    """What a real shell makes of it, behind the command's own name."""
    script = f"perf-smoke() {{ printf '%s\\0' \"$@\"; }}\n{command}"
    shown = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    return shown.stdout.split("\0")[:-1]


@settings(deadline=None, max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from(["prompt", "build", "model", "features"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=126) | st.just("\n"), min_size=1),
        max_size=3,
    )
)
@example({"prompt": 'it\'s $HOME `id` \\ "x"\n; rm -rf /', "build": "x" * 90 + " \\\n  --y"})
def test_a_shell_gives_the_inputs_back_as_they_were(inputs: dict[str, str]) -> None:
    words = arguments(reproduce.command(builders.result(settings=inputs)))[1:]
    found: dict[str, str] = {}
    while words:
        name, tied, value = words.pop(0).partition("=")
        found[name[2:]] = value if tied else words.pop(0)
    assert found == inputs


def test_the_settings_of_a_real_run_come_back_the_same() -> None:
    given = parse({"tokens": "8", "prompt": "a b", "margin": "3%"}).given
    words = arguments(reproduce.command(builders.result(settings=dict(given))))[1:]
    again = dict(zip((word[2:] for word in words[::2]), words[1::2], strict=True))
    assert parse(again).given == given
