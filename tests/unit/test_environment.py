"""What of the environment is ours, and what the measured programs never see."""

from __future__ import annotations

import subprocess

import pytest

from perf_smoke import environment


@pytest.mark.parametrize("name", ["INPUT_MODEL-SHA256", "INPUT_MODEL_SHA256"])
def test_inputs_are_read_in_both_spellings(name: str) -> None:
    assert environment.inputs({name: "abc"}) == {"model-sha256": "abc"}


def test_the_filled_spelling_wins() -> None:
    values = {"INPUT_PR-NUMBER": "", "INPUT_PR_NUMBER": "7", "INPUT_TOKENS": "", "INPUT_X": "1"}
    assert environment.inputs(values) == {"pr-number": "7"}


def test_values_are_handed_on_to_the_letter() -> None:
    assert environment.inputs({"INPUT_PROMPT": " a\n"}) == {"prompt": " a\n"}


def test_children_see_neither_inputs_nor_credentials_nor_the_files_for_orders() -> None:
    environ = {
        "PATH": "/bin",
        "GITHUB_SHA": "abc",
        "GITHUB_WORKSPACE": "/w",
        "HF_TOKEN": "the caller's own",
        "INPUT_GITHUB-TOKEN": "ghs_1",
        "INPUT_GITHUB_TOKEN": "ghs_2",
        "PERF_SMOKE_RUNTIME": "host",
        "ACTIONS_RUNTIME_TOKEN": "x",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x",
        "GITHUB_OUTPUT": "/f",
        "GITHUB_ENV": "/f",
        "GITHUB_PATH": "/f",
        "GITHUB_STATE": "/f",
        "GITHUB_STEP_SUMMARY": "/f",
        "GIT_DIR": "/w/.git",
        "GIT_INDEX_FILE": "/w/.git/index",
    }
    assert environment.for_children(environ).keys() == {
        *("PATH", "GITHUB_SHA", "GITHUB_WORKSPACE", "HF_TOKEN")
    }


def test_nor_what_ties_git_to_a_checkout() -> None:
    asked = ["git", "rev-parse", "--local-env-vars"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    assert "GIT_DIR" in listed
    seen = environment.for_children(dict.fromkeys(listed, "/w/.git"))
    assert seen.keys() <= {"GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"}, "the user's settings"
