"""Each recipe of the README, run as it stands by act, with the emulated GitHub.

What differs from a real run: the artifact actions and this action are folders of this machine
(`stand_ins/`, and a copy of the checkout), and eleven pairs are measured, not thirty seconds.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import copy_of_the_action
from tests.e2e.job import ROOT
from tests.emulator.proxy import Proxy, answer
from tests.emulator.server import Emulator, PullRequest

pytestmark = pytest.mark.act

RECIPES = {
    match[1]: match[2]
    for match in re.finditer(
        r"<!-- recipe-([\w-]+) -->\n```yaml\n(.*?)```\n<!-- /recipe-\1 -->",
        (ROOT / "README.md").read_text("utf-8"),
        re.DOTALL,
    )
}
COMMAND = "          command: ./bench {prompt}\n"
SHORTER = "          runs: 11\n          warmup: 0\n          runtime: host\n"
ALL = {"pull-request", "fork-measure", "fork-report", "matrix", "label", "nightly", "two-tags"} | {
    "gate"
}
STAND_INS = ROOT / "tests" / "e2e" / "stand_ins"
BENCH = """#!/bin/sh
sleep {seconds}
echo "$1 4"
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run of a recipe left."""

    code: int
    log: str
    summaries: tuple[str, ...]


class Repository:
    """A repository of somebody's, in which the README's recipes are used."""

    def __init__(self, root: Path, emulator: Emulator) -> None:
        self.root = root
        self.emulator = emulator
        self.action = copy_of_the_action(root / "perf-smoke-action")
        self.folder = root / "engine"
        self.folder.mkdir()
        self._git("init --quiet --initial-branch main")
        (self.folder / "Makefile").write_text("all:\n\tcp bench.sh bench; chmod +x bench\n")
        (self.folder / ".gitignore").write_text("bench\n.github\n")
        self.base = self.commit("base", seconds=0.01)
        self._git("tag v1.0")
        self.head = self.commit("head", seconds=0.2)
        self._git("tag v1.1")
        workflows = self.folder / ".github" / "workflows"
        workflows.mkdir(parents=True)
        for name, text in RECIPES.items():
            (workflows / f"{name}.yml").write_text(text.replace(COMMAND, COMMAND + SHORTER))

    def commit(self, message: str, *, seconds: float) -> str:
        """A version of the program that takes so long."""
        (self.folder / "bench.sh").write_text(BENCH.format(seconds=seconds))
        self._git("add --all")
        self._git(f"commit --quiet --message {message}")
        return self._git("rev-parse HEAD")

    def run(
        self,
        recipe: str,
        event_name: str,
        event: Mapping[str, Any],
        *,
        number: int,
        url: str = "",
    ) -> Run:
        """Run a recipe for an event.

        Args:
            number: of the workflow run.
            url: of GitHub; the emulator, if none is given.
        """
        folder = self.root / f"run {number}"
        folder.mkdir()
        (folder / "event.json").write_text(json.dumps(event), "utf-8")
        variables = {
            "ARTIFACTS": str(self.root / "artifacts"),
            "GITHUB_API_URL": url or self.emulator.url,
            "SOURCE": str(self.folder),
            "GITHUB_REPOSITORY": self.emulator.repository,
            "GITHUB_RUN_ID": str(number),
            "RUNNER_TOOL_CACHE": str(self.root / "tools"),
        }
        command: list[str | Path] = [Path(sys.executable).with_name("act"), event_name, "--json"]
        command += ["-W", f".github/workflows/{recipe}.yml", "--no-cache-server"]
        for runner in ("ubuntu-latest", "ubuntu-24.04-arm"):
            command += ["-P", f"{runner}=-self-hosted"]
        for name, place in {
            "org/perf-smoke-action@v1": self.action,
            "actions/checkout@v7": STAND_INS / "checkout",
            "actions/upload-artifact@v7": STAND_INS / "upload-artifact",
            "actions/download-artifact@v8": STAND_INS / "download-artifact",
        }.items():
            command += ["--local-repository", f"{name}={place}"]
        command += ["-e", folder / "event.json", "-s", f"GITHUB_TOKEN={self.emulator.bot_token}"]
        for name, value in variables.items():
            command += ["--env", f"{name}={value}"]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={k: v for k, v in os.environ.items() if not k.startswith("GITHUB_")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        summaries = tuple(line["content"] for line in lines if line.get("command") == "summary")
        return Run(code=done.returncode, log=done.stdout, summaries=summaries)

    def _git(self, words: str) -> str:
        author = ["-c", "user.name=a", "-c", "user.email=a@b.invalid"]
        command = ["git", *author, *words.split()]
        done = subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, emulator: Emulator) -> Repository:
    return Repository(tmp_path_factory.mktemp("recipes"), emulator)


def pull_request_event(
    repository: Repository, pull: PullRequest, action: str = "synchronize", label: str = ""
) -> dict[str, Any]:
    """As GitHub sends it; the checkout is that of the head."""
    home = {"full_name": "acme/engine"}
    return {
        "action": action,
        "number": pull.number,
        "pull_request": {
            "number": pull.number,
            "labels": [{"name": label}] if label else [],
            "head": {"sha": repository.head, "ref": pull.branch, "repo": home},
            "base": {"sha": repository.base, "ref": "main", "repo": home},
        },
        "repository": home,
    }


def test_the_readme_has_every_recipe() -> None:
    files = {path.stem: path.read_text() for path in (ROOT / "examples" / "recipes").iterdir()}
    assert files == RECIPES
    assert set(RECIPES) == ALL


def test_a_pull_request(
    repository: Repository, emulator: Emulator, pull_request: PullRequest
) -> None:
    event = pull_request_event(repository, pull_request)
    run = repository.run("pull-request", "pull_request", event, number=1)
    assert run.code == 0, run.log
    (comment,) = emulator.comments(pull_request.number)
    assert ": slower by " in comment["body"].splitlines()[1], run.log


def test_a_forks_pull_request(
    repository: Repository, emulator: Emulator, proxy: Proxy, pull_request: PullRequest
) -> None:
    event = pull_request_event(repository, pull_request)
    measured = repository.run("fork-measure", "pull_request", event, number=10)
    assert measured.code == 0, measured.log
    assert "slower by" in measured.summaries[-1]
    assert emulator.comments(pull_request.number) == []

    def reported(run_id: int, head: str, number: int) -> Run:
        fork = {"full_name": "somebody/engine"}
        # The emulator has commits of its own: of whose head this is, GitHub says in its place.
        pull = {"number": pull_request.number, "head": {"sha": head, "repo": fork}}
        proxy.when("GET", r"/pulls\?.*head=somebody", answer(200, [pull]), times=1)
        followed = {
            "id": run_id,
            "run_attempt": 1,
            "event": "pull_request",
            "head_sha": repository.head,
            "head_branch": "main",
            "head_repository": fork,
            "pull_requests": [],
        }
        completed = {"action": "completed", "workflow_run": followed}
        return repository.run(
            "fork-report", "workflow_run", completed, number=number, url=proxy.url
        )

    nothing = reported(9, repository.head, 11)
    assert nothing.code == 0, nothing.log
    assert "No document lies in `perf-smoke-results`" in nothing.summaries[-1]
    moved = reported(10, "a" * 40, 12)
    assert moved.code == 0, moved.log
    assert "slower by" in moved.summaries[-1]
    assert emulator.comments(pull_request.number) == []
    there = reported(10, repository.head, 13)
    assert there.code == 0, there.log
    (comment,) = emulator.comments(pull_request.number)
    assert ": slower by " in comment["body"].splitlines()[1]
    assert comment["body"].partition("\n")[2] == there.summaries[-1]


def test_what_reports_a_fork_checks_nothing_out_and_what_measures_it_may_write_nothing() -> None:
    measuring, reporting = (
        yaml.safe_load(RECIPES[name]) for name in ("fork-measure", "fork-report")
    )
    assert measuring["permissions"] == {"contents": "read"}
    assert reporting["permissions"] == {"actions": "read", "pull-requests": "write"}
    (job,) = reporting["jobs"].values()
    assert [step["uses"] for step in job["steps"]] == [
        "actions/download-artifact@v8",
        "org/perf-smoke-action/report@v1",
    ]
    assert not [step for step in job["steps"] if "run" in step]
    assert reporting[True]["workflow_run"]["workflows"] == [measuring["name"]]


def test_a_matrix(repository: Repository, emulator: Emulator, pull_request: PullRequest) -> None:
    event = pull_request_event(repository, pull_request)
    run = repository.run("matrix", "pull_request", event, number=20)
    assert run.code == 0, run.log
    (comment,) = emulator.comments(pull_request.number)
    text = comment["body"].partition("\n")[2]
    assert text.startswith("### perf-smoke: 2 of 2 slower\n"), text
    assert "2 results came, 2 legs were expected." in text
    for leg in ("gcc", "clang"):
        assert f"<details><summary><code>{leg}</code>: slower by " in text
    assert text == run.summaries[-1]


def test_a_label(repository: Repository, emulator: Emulator, pull_request: PullRequest) -> None:
    without = pull_request_event(repository, pull_request)
    assert repository.run("label", "pull_request", without, number=30).summaries == ()
    labelled = pull_request_event(repository, pull_request, "labeled", "perf")
    run = repository.run("label", "pull_request", labelled, number=31)
    assert run.code == 0, run.log
    assert len(emulator.comments(pull_request.number)) == 1


def test_a_night(repository: Repository) -> None:
    run = repository.run("nightly", "schedule", {}, number=40)
    assert run.code == 0, run.log
    assert "slower by" in run.summaries[-1]
    assert f"`v1.0`, `{repository.base[:7]}`" in run.summaries[-1]


def test_two_tags(repository: Repository) -> None:
    event = {"inputs": {"base": "v1.1", "head": "v1.0"}}
    run = repository.run("two-tags", "workflow_dispatch", event, number=50)
    assert run.code == 0, run.log
    assert "faster by" in run.summaries[-1], "the newer one is the one that is called head"
    assert f"`v1.1`, `{repository.head[:7]}`" in run.summaries[-1]


def test_a_gate(repository: Repository, emulator: Emulator, pull_request: PullRequest) -> None:
    event = pull_request_event(repository, pull_request)
    run = repository.run("gate", "pull_request", event, number=60)
    assert run.code == 1, run.log
    (comment,) = emulator.comments(pull_request.number)
    assert ": slower by " in comment["body"].splitlines()[1]
