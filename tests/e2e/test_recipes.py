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

from tests.e2e.conftest import copy_of_the_action
from tests.e2e.job import ROOT
from tests.emulator.server import Emulator, PullRequest

pytestmark = [pytest.mark.act, pytest.mark.docker]

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
        self.head = self.commit("head", seconds=0.04)
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

    def run(self, recipe: str, event_name: str, event: Mapping[str, Any], *, number: int) -> Run:
        """Run a recipe for an event.

        Args:
            number: of the workflow run.
        """
        folder = self.root / f"run {number}"
        folder.mkdir()
        (folder / "event.json").write_text(json.dumps(event), "utf-8")
        variables = {
            "ARTIFACTS": str(self.root / "artifacts"),
            "GITHUB_API_URL": self.emulator.url,
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
    assert ": slower by " in comment["body"], run.log
    print(run.log)
