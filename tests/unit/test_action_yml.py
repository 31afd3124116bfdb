"""action.yml and the command line take the inputs of settings.py; the action is safe to call."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from perf_smoke import cli
from perf_smoke.environment import inputs as read_inputs
from perf_smoke.settings import INPUTS, parse

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    return document


@pytest.fixture(scope="module")
def steps(action: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["id"]: step for step in action["runs"]["steps"]}


def test_the_defaults_are_valid_settings(action: dict[str, Any]) -> None:
    parse({name: row["default"] for name, row in action["inputs"].items()})


def test_the_token_arrives_in_the_step_that_reports_and_in_no_other(
    steps: dict[str, dict[str, Any]],
) -> None:
    between = {
        "PERF_SMOKE_FOLDER": "${{ steps.place.outputs.folder }}",
        "PERF_SMOKE_MATRIX": "${{ toJSON(matrix) }}",
    }
    measure, report = (steps[name]["env"] for name in ("measure", "report"))
    assert report == {**measure, **between, "INPUT_GITHUB_TOKEN": "${{ inputs.github-token }}"}
    assert between.items() <= measure.items()
    assert "INPUT_GITHUB_TOKEN" not in measure
    assert "env" not in steps["place"]


def test_the_names_of_the_env_lines_are_those_that_perf_smoke_reads(
    steps: dict[str, dict[str, Any]],
) -> None:
    env = steps["report"]["env"]
    environ = {name: f"text of {name}" for name in env if name.startswith("INPUT_")}
    assert list(read_inputs(environ)) == [row.name for row in INPUTS]


def test_launch_knows_which_inputs_name_files_that_a_container_must_see() -> None:
    step = (ROOT / "runtime" / "step").read_text("utf-8")
    (names,) = re.findall(r"^file_inputs=\((.*)\)$", step, re.MULTILINE)
    named = [row.name.upper().replace("-", "_") for row in INPUTS if row.is_file]
    assert names.split() == named


def test_nothing_is_interpolated_into_a_script(steps: dict[str, dict[str, Any]]) -> None:
    assert list(steps) == ["place", "measure", "report"]
    for step in steps.values():
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"


def test_what_measures_reddens_nothing_and_what_reports_runs_whatever_became_of_it(
    steps: dict[str, dict[str, Any]],
) -> None:
    assert steps["measure"]["continue-on-error"] is True
    assert steps["report"]["if"] == "always()"
    assert "continue-on-error" not in steps["report"], "fail-on may ask for red"


def test_no_description_holds_an_expression_which_the_runner_would_refuse(
    action: dict[str, Any],
) -> None:
    rows = [*action["inputs"].values(), *action["outputs"].values(), action]
    assert [row["description"] for row in rows if "${{" in row["description"]] == []


def test_each_step_starts_a_script_that_is_there_and_may_be_executed(
    steps: dict[str, dict[str, Any]],
) -> None:
    for name, step in steps.items():
        (script,) = re.findall(rf'"\$GITHUB_ACTION_PATH/(\w+)" {name}$', step["run"])
        assert (ROOT / script).stat().st_mode & 0o111


def test_the_command_line_has_an_option_for_every_input() -> None:
    run = cli.main.commands["run"]
    options = {
        name: parameter.help
        for parameter in run.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
    }
    for row in INPUTS:
        assert (options[f"--{row.name}"] or "").startswith(row.help)
        if row.default:
            assert row.default in (options[f"--{row.name}"] or "")
    assert list(options) == [f"--{row.name}" for row in INPUTS]


def test_what_a_runner_signals_reads_no_command_substitution() -> None:
    lines = (ROOT / "launch").read_text("utf-8").splitlines()
    code = [line for line in lines if not line.lstrip().startswith("#")]
    assert "trap on_signal INT TERM QUIT HUP" in code
    # A trap that runs in the middle of one breaks bash 5.2: docs/ARCHITECTURE.md.
    assert [line for line in code if re.search(r"\$\([^(]|`|<\(|>\(", line)] == []
