"""What a job shows of others' text: no secret, and nothing that acts."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.conftest import MakeJob
from tests.e2e.job import Job, Outcome
from tests.e2e.test_faults import NO_INDEX, shim
from tests.runner_log import commands

QUICK = {"runtime": "host", "runs": "1", "warmup": "0"}
JOB_TOKEN = "t0ken-of-this-job"
BY_VALUE = "v4lue-of-the-environment"
BY_NAME = "n4med-by-an-option"


def everywhere(outcome: Outcome) -> str:
    """All that a job shows, but for the order by which its token is masked."""
    files = [path.read_text("utf-8") for path in outcome.folder.glob("*.*")]
    log = outcome.log.replace(f"::add-mask::{JOB_TOKEN}\n", "")
    return "\n".join((log, outcome.summary, *outcome.outputs.values(), *files))


def test_neither_the_token_nor_other_secrets_that_an_engine_prints(job: Job) -> None:
    engine = job.workspace / "engine.sh"
    engine.write_text(
        f"#!/bin/sh\necho 'said {JOB_TOKEN} {BY_VALUE} --api-key {BY_NAME} ghp_abc' >&2\nexit 3\n"
    )
    engine.chmod(0o755)
    outcome = job.run(
        {**QUICK, "command": "./engine.sh", "github-token": JOB_TOKEN, "label": f"a {JOB_TOKEN}"},
        {"HUB_TOKEN": BY_VALUE},
    )
    assert outcome.reason == "engine-crashed", outcome.log
    shown = everywhere(outcome)
    assert "said *** *** --api-key *** ***" in shown
    for secret in (JOB_TOKEN, BY_VALUE, BY_NAME, "ghp_abc"):
        assert secret not in shown


def test_no_password_of_a_package_index_that_an_installer_prints(
    make_job: MakeJob, tmp_path: Path
) -> None:
    index = f"http://me:{BY_NAME}@127.0.0.1:9/simple?token={BY_VALUE}"
    job = make_job(tool_cache=tmp_path / "tools")
    outcome = job.run(
        {**QUICK, "command": "true"},
        {**NO_INDEX, "PIP_INDEX_URL": index, "UV_DEFAULT_INDEX": index},
    )
    assert outcome.reason == "install-failed", outcome.log
    assert "127.0.0.1:9" in outcome.summary
    shown = everywhere(outcome)
    assert BY_NAME not in shown
    assert BY_VALUE not in shown


def test_without_a_python_to_ask_the_gate_nothing_of_others_is_shown(
    make_job: MakeJob, action_copy: Path, tmp_path: Path
) -> None:
    with (action_copy / "runtime" / "host.bash").open("a") as script:
        script.write("find_python() { return 1; }\n")
    path = shim(tmp_path / "shims", "docker", f"echo 'err --api-key {BY_NAME}' >&2; exit 1")
    job = make_job(action=action_copy, tool_cache=tmp_path / "tools")
    outcome = job.run({"runtime": "docker", "command": "true"}, {"PATH": path})
    assert outcome.reason == "docker-unavailable", outcome.log
    assert "no Docker engine answers" in outcome.summary
    assert "err" not in outcome.summary
    assert BY_NAME not in everywhere(outcome)


def test_no_name_of_an_image_acts_in_the_log(job: Job) -> None:
    image = "x\n::error::a\r::error::b\n##[error]c"
    outcome = job.run({**QUICK, "runtime": "docker", "image": image, "command": "true"})
    assert outcome.status == "failed"
    acting = {line.split("::")[1].split()[0] for line in commands(outcome.log)}
    assert acting <= {"warning", "group", "endgroup", "add-mask"}
    assert not [line for line in outcome.summary.splitlines() if line.startswith("::")]
