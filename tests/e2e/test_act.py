"""A whole workflow with `uses: ./`, run by act against a Docker engine and the emulated GitHub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import copy_of_the_action
from tests.emulator.server import Emulator, PullRequest

pytestmark = [pytest.mark.act, pytest.mark.docker]

RUNTIMES = ("docker", "host")

WORKFLOW = """
name: perf
on: [push, pull_request]
permissions:
  pull-requests: write
jobs:
  smoke:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        runtime: [docker, host]
    steps:
      - uses: actions/checkout@v4
      - id: smoke
        uses: ./
        with:
          runtime: ${{ matrix.runtime }}
          # A runner tells the jobs of a matrix apart; act shows no matrix to a composite action.
          label: ${{ matrix.runtime }}
          runs: 2
          warmup: 0
      - run: printenv OUTPUTS >"$OUTPUTS_FOLDER/${{ matrix.runtime }}.json"
        env:
          OUTPUTS: ${{ toJSON(steps.smoke.outputs) }}
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run of the workflow left, by runtime."""

    outputs: Mapping[str, Mapping[str, str]]
    summaries: Mapping[str, str]
    log: str


class Repository:
    """A repository that holds the action and the workflow above."""

    def __init__(self, root: Path, emulator: Emulator) -> None:
        self.root = root
        self.emulator = emulator
        self.folder = copy_of_the_action(root / "engine")
        workflows = self.folder / ".github" / "workflows"
        workflows.mkdir(parents=True)
        (workflows / "perf.yml").write_text(WORKFLOW, "utf-8")
        for words in ("init --quiet", "add --all", "commit --quiet --message all"):
            author = ["-c", "user.name=a", "-c", "user.email=a@b.invalid"]
            subprocess.run(["git", *author, *words.split()], cwd=self.folder, check=True)

    def run(self, event_name: str, event: Mapping[str, Any], *, number: int) -> Run:
        """Run the workflow for an event.

        Args:
            number: of the workflow run.
        """
        folder = self.root / f"run {number}"
        folder.mkdir()
        event_file = folder / "event.json"
        event_file.write_text(json.dumps(event), "utf-8")
        variables = {
            "GITHUB_API_URL": self.emulator.url,
            "GITHUB_REPOSITORY": self.emulator.repository,
            "GITHUB_RUN_ID": str(number),
            "OUTPUTS_FOLDER": str(folder),
            "RUNNER_TOOL_CACHE": str(self.root / "tools"),
        }
        command: list[str | Path] = [
            Path(sys.executable).with_name("act"),
            event_name,
            "--json",
            "--no-cache-server",
        ]
        command += ["-P", "ubuntu-latest=-self-hosted", "-e", event_file]
        command += ["-s", f"GITHUB_TOKEN={self.emulator.bot_token}"]
        for name, value in variables.items():
            command += ["--env", f"{name}={value}"]
        log = folder / "log"
        with log.open("wb") as output:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env={k: v for k, v in os.environ.items() if not k.startswith("GITHUB_")},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
            )
        text = log.read_text("utf-8", "replace")
        assert done.returncode == 0, text
        return Run(
            outputs={
                name: json.loads((folder / f"{name}.json").read_text("utf-8")) for name in RUNTIMES
            },
            summaries=dict(_summaries(text)),
            log=text,
        )


def _summaries(log: str) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [
        (line["matrix"]["runtime"], line["content"])
        for line in lines
        if line.get("command") == "summary"
    ]


def pull_request_event(pull: PullRequest) -> dict[str, Any]:
    repository = {"full_name": "acme/engine"}
    return {
        "number": pull.number,
        "pull_request": {
            "number": pull.number,
            "head": {"sha": pull.sha, "ref": pull.branch, "repo": repository},
            "base": {"sha": "0" * 40, "ref": "main", "repo": repository},
        },
        "repository": repository,
    }


def push_event(branch: str, commit: str) -> dict[str, Any]:
    # act takes the commit from an event that says that it deleted nothing.
    return {
        "ref": f"refs/heads/{branch}",
        "after": commit,
        "deleted": False,
        "repository": {"full_name": "acme/engine"},
    }


@pytest.fixture(scope="module")
def repository(
    tmp_path_factory: pytest.TempPathFactory, emulator: Emulator, image: str
) -> Repository:
    return Repository(tmp_path_factory.mktemp("act"), emulator)


def test_a_pull_request_gets_one_comment_per_job_and_later_runs_update_it(
    repository: Repository, emulator: Emulator, pull_request: PullRequest
) -> None:
    event = pull_request_event(pull_request)

    first = repository.run("pull_request", event, number=1)
    for runtime in RUNTIMES:
        outputs = first.outputs[runtime]
        assert (outputs["status"], outputs["comment-status"]) == ("measured", "created"), first.log
        for name in ("e2e-ms", "ttft-ms", "decode-tps", "load-ms", "peak-rss-mib", "cost-seconds"):
            assert float(outputs[name]) > 0
        summary = first.summaries[runtime]
        assert summary.startswith(f"### perf-smoke `{runtime}`: ")
        assert "| TTFT" in summary
        assert f"runtime {runtime}" in summary
    created = emulator.comments(pull_request.number)
    assert len(created) == len(RUNTIMES), created
    assert {comment["user"]["login"] for comment in created} == {"github-actions[bot]"}
    assert {comment["html_url"] for comment in created} == {
        first.outputs[runtime]["comment-url"] for runtime in RUNTIMES
    }

    second = repository.run("pull_request", event, number=2)
    for runtime in RUNTIMES:
        assert second.outputs[runtime]["comment-status"] == "updated", second.log
    updated = emulator.comments(pull_request.number)
    assert [comment["id"] for comment in updated] == [comment["id"] for comment in created]
    assert not {comment["body"] for comment in updated} & {comment["body"] for comment in created}

    third = repository.run("push", push_event("main", "1" * 40), number=3)
    for runtime in RUNTIMES:
        assert third.outputs[runtime]["status"] == "measured", third.log
        assert third.outputs[runtime]["comment-status"] == "no-pull-request"
        assert third.outputs[runtime]["comment-url"] == ""
        assert third.summaries[runtime].startswith(f"### perf-smoke `{runtime}`: ")
    assert emulator.comments(pull_request.number) == updated

    own = push_event(pull_request.branch, pull_request.sha)
    fourth = repository.run("push", own, number=4)
    for runtime in RUNTIMES:
        assert fourth.outputs[runtime]["status"] == "measured", fourth.log
        assert fourth.outputs[runtime]["comment-status"] == "superseded"
    assert emulator.comments(pull_request.number) == updated


def test_the_token_and_the_masked_are_nowhere_in_the_log(
    repository: Repository, pull_request: PullRequest
) -> None:
    run = repository.run("pull_request", pull_request_event(pull_request), number=5)
    lines = [json.loads(line) for line in run.log.splitlines() if line.startswith("{")]
    # act repeats the command that tells it what to mask; a runner does not.
    shown = [line for line in lines if line.get("command") != "add-mask"]
    assert repository.emulator.bot_token not in json.dumps(shown)
