"""How is the emulated GitHub API installed and started?

The npm package `emulate`, of the committed lock file, run by Node.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import requests
from github import Auth, Github
from github.Repository import Repository

from perf_smoke.processes.kinship import end_with_parent
from tests.npm import NODE, installed

HERE = Path(__file__).resolve().parent
START_TIMEOUT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """An open pull request of the emulated repository."""

    number: int
    branch: str
    sha: str


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """The running emulator, with one repository, and helpers to set a scene in it."""

    url: str
    repository: str = "acme/engine"
    bot_token: str = "bot-token"
    stranger_token: str = "stranger-token"
    owner_token: str = "owner-token"
    _counter: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    def open_pull_request(self) -> PullRequest:
        """A new branch with one commit, and a pull request for it."""
        branch = f"topic-{next(self._counter)}"
        with self._client(self.owner_token) as github:
            repository = github.get_repo(self.repository)
            main = repository.get_branch("main")
            repository.create_git_ref(f"refs/heads/{branch}", main.commit.sha)
            repository.create_file(f"{branch}.txt", "A change", branch, branch=branch)
            pull = repository.create_pull(base="main", head=branch, title=branch, body="")
            return PullRequest(number=pull.number, branch=branch, sha=pull.head.sha)

    def comments(self, number: int) -> list[dict[str, Any]]:
        """All comments of a pull request as the API gives them, oldest first."""
        with self._client(self.owner_token) as github:
            return [comment.raw_data for comment in self._issue_comments(github, number)]

    def add_comment(self, number: int, body: str, token: str) -> int:
        """Write a comment as the account of `token`; its id."""
        with self._client(token) as github:
            return self._repository(github).get_issue(number).create_comment(body).id

    def delete_comments(self, number: int) -> None:
        """Delete every comment of a pull request."""
        with self._client(self.owner_token) as github:
            for comment in self._issue_comments(github, number):
                comment.delete()

    def close_pull_request(self, number: int) -> None:
        """Close it without merging."""
        with self._client(self.owner_token) as github:
            self._repository(github).get_pull(number).edit(state="closed")

    def _repository(self, github: Github) -> Repository:
        return github.get_repo(self.repository)

    def _issue_comments(self, github: Github, number: int) -> list[Any]:
        return list(self._repository(github).get_issue(number).get_comments())

    def _client(self, token: str) -> Github:
        return Github(
            auth=Auth.Token(token),
            base_url=self.url,
            retry=None,
            per_page=100,
            lazy=True,
            seconds_between_requests=None,
            seconds_between_writes=None,
        )


def install() -> Path:
    """The emulator's entry point, installed if it is not there yet."""
    return installed(HERE, "emulate") / "emulate" / "dist" / "index.js"


@contextmanager
def running(folder: Path) -> Iterator[Emulator]:
    """Start the emulator on a free port; its log is left in `folder`."""
    program = install()
    log = folder / "emulate.log"
    for _ in range(3):  # another program may take the free port first
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command: list[str | Path] = [NODE, program, "start", "--service", "github"]
        command += ["--port", str(port), "--base-url", url, "--seed", HERE / "seed.yaml"]
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                cwd=folder,
                start_new_session=True,
                # With tests that are killed.
                preexec_fn=partial(end_with_parent, signal.SIGKILL),  # noqa: PLW1509 - it takes no lock
            )
        try:
            if _answers(url, process):
                yield Emulator(url=url)
                return
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    raise RuntimeError(f"The emulator did not start:\n{log.read_text()[-2000:]}")


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < end:
        with suppress(requests.RequestException):
            if requests.get(f"{url}/repos/acme/engine", timeout=5).ok:
                return True
        time.sleep(0.05)
    return False
