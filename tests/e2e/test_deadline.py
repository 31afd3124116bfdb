"""Whatever hangs, the action ends with its deadline: green, and with what was waited for."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.conftest import MakeJob
from tests.e2e.job import Job, Outcome
from tests.e2e.test_faults import shim

pytestmark = pytest.mark.usefixtures("warm")

DEADLINE_S = 12
QUICK = {"runtime": "host", "command": "true", "runs": "1", "warmup": "0", "budget": "1 s"}
HANGS = "sleep 600"


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(100)
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def ended(
    job: Job,
    inputs: Mapping[str, str],
    env: Mapping[str, str | None] | None = None,
    deadline_s: int = DEADLINE_S,
) -> Outcome:
    started_s = time.monotonic()
    outcome = job.run({**QUICK, "deadline": f"{deadline_s} s", **inputs}, env or {})
    assert time.monotonic() - started_s < deadline_s + 15, outcome.log
    assert outcome.code == 0
    return outcome


def plain(text: str) -> str:
    """Without marks of markdown."""
    return text.replace("\xa0", " ").replace("`", "").replace("\\", "")


def assert_told(outcome: Outcome, what: str) -> None:
    assert (outcome.status, outcome.reason) == ("failed", "deadline-passed"), outcome.log
    failure = outcome.result().failure
    assert failure
    assert what in failure.sentence
    assert plain(what) in plain(outcome.summary)


def test_a_build(job: Job) -> None:
    outcome = ended(job, {"build": f"echo building; {HANGS}", "baseline": "none"})
    assert_told(outcome, f"The deadline of {DEADLINE_S} s came while waiting for the build of head")
    assert "building" in outcome.summary, "its last lines"


def test_a_step(job: Job) -> None:
    outcome = ended(job, {"command": "sleep 600"})
    assert_told(outcome, "came while waiting for head's steps")


def test_many_steps_are_measured_until_the_deadline(job: Job) -> None:
    outcome = ended(job, {"command": "sleep 0.1", "runs": "100000"})
    assert outcome.status == "measured", outcome.log
    assert "Stopped when the deadline came near" in outcome.log
    assert len(outcome.result().workloads["default"].measurements["head"].samples) > 5


def test_a_model_that_does_not_come(job: Job, silent: str) -> None:
    inputs = {"model": f"{silent}/tiny.gguf", "command": "true {model}"}
    assert_told(ended(job, inputs), f"came while waiting for {silent}/tiny.gguf")


def test_an_endpoint_that_does_not_answer(job: Job, silent: str) -> None:
    inputs = {"command": "", "engine": "auto", "endpoint": silent}
    assert_told(ended(job, inputs), "came while waiting for what answers at `endpoint`")


def test_a_program_that_does_not_say_what_it_is(job: Job) -> None:
    program = job.workspace / "llama-bench"
    program.write_text(f"#!/bin/sh\n{HANGS}\n", "utf-8")
    program.chmod(0o755)
    (job.workspace / "tiny.gguf").write_bytes(b"GGUF")
    inputs = {"command": "", "binary": "./llama-bench", "model": "tiny.gguf"}
    assert_told(ended(job, inputs), "came while waiting for what head's program says of itself")


def test_an_install(make_job: MakeJob, tmp_path: Path) -> None:
    job = make_job(tool_cache=tmp_path / "tools")
    hanging = shim(tmp_path / "hanging", "uv", HANGS)
    outcome = ended(job, {}, {"PATH": hanging})
    assert (outcome.status, outcome.reason) == ("failed", "install-failed"), outcome.log
    assert f"before the deadline of {DEADLINE_S} s" in plain(outcome.summary)


def test_docker(job: Job, tmp_path: Path) -> None:
    hanging = shim(tmp_path / "hanging", "docker", HANGS)
    outcome = ended(job, {"runtime": "docker"}, {"PATH": hanging})
    assert (outcome.status, outcome.reason) == ("failed", "docker-unavailable"), outcome.log


def test_the_event_document(job: Job) -> None:
    os.mkfifo(job.temp / "event")
    env = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(job.temp / "event")}
    outcome = ended(job, {"comment": "never"}, env)
    assert outcome.status == "measured", outcome.log
    assert any("is no plain file" in warning for warning in outcome.warnings)


def test_github(job: Job, silent: str) -> None:
    outcome = ended(
        job, {"pr-number": "7", "github-token": "a-secret-token"}, {"GITHUB_API_URL": silent}
    )
    assert (outcome.status, outcome.outputs["comment-status"]) == ("measured", "failed")
    assert any(f"{silent} " in warning for warning in outcome.warnings)


def repository(job: Job) -> None:
    """With a commit to be the base, whose program is built from `speed`."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@x", "-c", "init.defaultBranch=main"]
    (job.workspace / "speed").write_text("base", "utf-8")
    for order in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "base"]):
        subprocess.run([*git, *order], cwd=job.workspace, check=True)
    (job.workspace / "speed").write_text("head", "utf-8")


OF_BASE = "grep -q base speed"


@pytest.mark.parametrize(
    ("build", "what"),
    [
        (f"if {OF_BASE}; then {HANGS}; fi; echo '#!/bin/sh' >b; chmod +x b", "the build of"),
        (
            f"echo '#!/bin/sh' >b; if {OF_BASE}; then echo {HANGS} >>b; fi; chmod +x b",
            "the steps of head and base",
        ),
    ],
    ids=["build", "step"],
)
def test_a_base_is_given_up_early_enough_for_head(job: Job, build: str, what: str) -> None:
    repository(job)
    inputs = {"command": "./b", "build": build, "base-ref": "HEAD", "budget": "6 s"}
    outcome = ended(job, inputs, deadline_s=40)
    assert (outcome.status, outcome.outputs["verdict"]) == ("measured", "no-baseline"), outcome.log
    assert float(outcome.outputs["wall-ms"]) > 0
    (lost,) = outcome.result().lost_bases.values()
    assert lost.reason == "deadline-passed"
    assert f"of which 6 s are kept for head alone, came while waiting for {what}" in lost.sentence
    assert what in plain(outcome.summary)


def test_git_that_is_asked_for_no_base_costs_seconds(job: Job, tmp_path: Path) -> None:
    hanging = shim(tmp_path / "hanging", "git", HANGS)
    started_s = time.monotonic()
    outcome = job.run(QUICK, {"PATH": f"{tmp_path / 'hanging'}:{job.path}"})
    assert hanging
    assert outcome.status == "measured", outcome.log
    assert time.monotonic() - started_s < 60
