"""A job in a reusable workflow is known by what the runner tells, or the caller's workflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from perf_smoke.github.reusable import in_a_reusable_workflow

HERE = "o/r/.github/workflows/ci.yml@refs/pull/7/merge"
BY_CALL = """on: pull_request
jobs:
  # a comment
  models:
    strategy:
      matrix: {model: [a, b]}
    uses: ./.github/workflows/bench.yml
  "lint":
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
"""
BY_ITSELF = """jobs: # all
    bench:
        runs-on: ubuntu-latest
        steps:
        - name: x
          uses: org/perf-smoke-action@v1
"""


def told(folder: Path, workflow: str | None, **changes: str) -> bool:
    if workflow is not None:
        path = folder / ".github" / "workflows" / "ci.yml"
        path.parent.mkdir(parents=True)
        path.write_text(workflow)
    environ = {"GITHUB_WORKFLOW_REF": HERE, "GITHUB_JOB": "bench", "GITHUB_WORKSPACE": str(folder)}
    return in_a_reusable_workflow({**environ, **changes})


@pytest.mark.parametrize(
    ("workflow", "job", "reusable"),
    [
        (BY_CALL, "bench", True),  # the job's name is that of the called workflow
        (BY_CALL, "models", True),  # which may be the caller's as well
        (BY_CALL, "lint", False),
        (BY_CALL.replace("\n", "\r\n"), "models", True),
        (BY_ITSELF, "bench", False),
        ("{jobs: {bench: {}}}", "bench", False),
        ("jobs:\n", "bench", False),
        (None, "bench", False),
    ],
)
def test_the_callers_workflow_tells(
    tmp_path: Path, workflow: str | None, job: str, reusable: bool
) -> None:
    assert told(tmp_path, workflow, GITHUB_JOB=job) is reusable


def test_what_the_runner_tells_comes_first(tmp_path: Path) -> None:
    called = "o/shared/.github/workflows/bench.yml@refs/heads/main"
    assert told(tmp_path, BY_ITSELF, PERF_SMOKE_JOB_WORKFLOW=called)
    assert not told(tmp_path / "other", BY_CALL, PERF_SMOKE_JOB_WORKFLOW=HERE)


@pytest.mark.parametrize("ref", ["", "o/r/x@y", "o/r/.github/workflows/../../x@y", "@"])
def test_without_a_workflow_nothing_is_told(tmp_path: Path, ref: str) -> None:
    assert not told(tmp_path, BY_CALL, GITHUB_WORKFLOW_REF=ref)
