"""What is measured can reach neither the token nor what is published, and what is killed loses
nothing that was measured."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.e2e.job import Job, Step, wait_until
from tests.runner_log import commands

QUICK = {"runtime": "host", "runs": "2", "warmup": "0"}
TOKEN = "ghs_0123456789abcdefghijklmnopqrstuvwxyz"


def program(job: Job, script: str) -> str:
    """An engine of bash."""
    path = job.workspace / "engine"
    path.write_text(f"#!/bin/bash\n{script}\n", "utf-8")
    path.chmod(0o755)
    return "./engine"


@pytest.mark.parametrize(
    "order",
    [
        "printf 'status=faster\\nverdict=faster\\n' >>\"$1\"",
        "printf 'status<<END\\nnever ended' >>\"$1\"",
        "printf '\\xff\\xfe no line' >\"$1\"",
        'rm -f "$1"; mkfifo "$1"',
        'rm -f "$1"; mkdir -p "$1/folder"',
        'rm -f "$1"; ln -s /dev/zero "$1"',
        'rm -f "$1"',
    ],
)
def test_orders_to_the_runner_are_forgotten(job: Job, order: str) -> None:
    script = f'give() {{ {order}; }}\nfor file in "{job.commands}"/*_*; do give "$file"; done'
    outcome = job.run({**QUICK, "command": program(job, script)})
    assert (outcome.code, outcome.status) == (0, "measured"), outcome.log
    assert outcome.outputs["verdict"] == "no-baseline"
    assert outcome.summary.startswith("### perf-smoke: ")
    assert outcome.summary.count("never blocks a merge") == 1


def test_a_workspace_that_is_removed_is_there_for_the_steps_that_follow(job: Job) -> None:
    outcome = job.run({**QUICK, "command": program(job, 'cd / && rm -rf "$GITHUB_WORKSPACE"')})
    assert (outcome.code, outcome.status) == (0, "failed"), outcome.log
    assert outcome.reason == "engine-missing"


def test_a_folder_in_the_place_of_the_document_gives_way(job: Job) -> None:
    script = 'mkdir -p "$RUNNER_TEMP/perf-smoke/result.json/x"'
    outcome = job.run({**QUICK, "command": program(job, script)})
    assert (outcome.code, outcome.status) == (0, "measured"), outcome.log


def test_nothing_that_measures_holds_the_token(job: Job) -> None:
    seen = job.workspace / "seen"
    script = f'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline >>"{seen}" 2>/dev/null; true'
    outcome = job.run({**QUICK, "command": program(job, script), "github-token": TOKEN})
    assert outcome.status == "measured", outcome.log
    assert b"PERF_SMOKE_FOLDER" in seen.read_bytes(), "it did see those above it"
    assert TOKEN.encode() not in seen.read_bytes()
    shown = [path.read_bytes() for path in outcome.folder.iterdir()]
    assert not [text for text in shown if TOKEN.encode() in text]


def test_the_log_takes_no_orders_from_what_is_measured(job: Job) -> None:
    script = "echo '::error::not ours' >>/proc/$PPID/fd/1"
    outcome = job.run({**QUICK, "command": program(job, script)})
    assert "::error::not ours" in outcome.log, "it did reach the log"
    assert not [line for line in commands(outcome.log) if "not ours" in line]


def test_a_start_script_that_is_killed_after_the_measuring_loses_nothing(job: Job) -> None:
    step = job.start({**QUICK, "command": "true"}, {})
    wait_until((step.folder / "result.json").exists)
    step.signal(signal.SIGKILL)
    outcome = step.wait()
    assert step.measured in (-signal.SIGKILL, 0)
    assert (outcome.code, outcome.status) == (0, "measured"), outcome.log


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_a_start_script_that_is_killed_while_it_measures_is_told(
    job: Job, number: signal.Signals
) -> None:
    begun = job.workspace / "begun"
    step = job.start({**QUICK, "command": program(job, f': >"{begun}"; sleep 600')}, {})
    wait_until(begun.exists)
    step.signal(number)
    outcome = step.wait()
    assert (outcome.code, outcome.status) == (0, "failed"), outcome.log
    assert outcome.reason in ("perf-smoke-crashed", "launch-failed")


def test_a_document_that_is_none_is_told_in_one_sentence(job: Job) -> None:
    for content in (b"{}", b"[" * 100_000, b'{"status": ' + b"9" * 5000 + b"}", b"\xff"):
        step = job.start({**QUICK, "command": "true"}, {})
        step.process.wait(60)
        (step.folder / "result.json").write_bytes(content)
        outcome = step.wait()
        assert (outcome.code, outcome.status) == (0, "failed"), outcome.log
        assert outcome.reason == "perf-smoke-crashed"
        assert len(outcome.warnings) == 1
        assert "Traceback" not in outcome.log
        assert (step.folder / "result-refused.json").read_bytes() == content


def test_a_verdict_that_the_steps_do_not_give_is_not_published_and_not_lost(job: Job) -> None:
    step = job.start({**QUICK, "command": "true", "base-command": "true"}, {})
    step.process.wait(60)
    path = step.folder / "result.json"
    document = json.loads(path.read_bytes())
    document["comparisons"][0]["verdict"] = "faster"
    path.write_text(json.dumps(document))
    outcome = step.wait()
    assert (outcome.code, outcome.status) == (0, "failed"), outcome.log
    assert "its verdict is 'faster', and its steps say 'inconclusive'" in outcome.warnings[0]
    assert json.loads((step.folder / "result-refused.json").read_bytes()) == document


@pytest.fixture
def deaf_api() -> Iterator[str]:
    """An API that takes every request and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def on_a_pull_request(job: Job, api: str) -> dict[str, str | None]:
    sha = "ab" * 20
    head = {"sha": sha, "repo": {"full_name": "acme/engine"}}
    pull = {"number": 5, "head": head, "base": {"sha": sha, "ref": "main"}}
    event = job.commands / "event.json"
    event.write_text(json.dumps({"number": 5, "pull_request": pull}), "utf-8")
    return {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_API_URL": api}


def writing_the_comment(job: Job, api: str) -> Step:
    """A step that has reported everything else."""
    inputs = {**QUICK, "command": "true", "github-token": TOKEN}
    step = job.start(inputs, on_a_pull_request(job, api))
    step.report()
    wait_until(lambda: "perf-smoke: " in step.log().partition("::endgroup::")[2])
    wait_until(lambda: b"cost-seconds" in job.output.read_bytes())
    return step


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_whoever_ends_the_report_while_the_comment_is_written_loses_nothing_else(
    job: Job, deaf_api: str, number: signal.Signals
) -> None:
    step = writing_the_comment(job, deaf_api)
    launch = psutil.Process(step.process.pid)
    for process in (*launch.children(recursive=True), launch):
        for deadly in (number, signal.SIGKILL):
            with suppress(psutil.NoSuchProcess):  # with its parent, or by the first of the two
                process.send_signal(deadly)
    outcome = step.wait()
    assert outcome.status == "measured", outcome.log
    assert float(outcome.outputs["wall-ms"]) > 0
    assert Path(outcome.outputs["result-json"]).exists()
    assert outcome.summary.count("### perf-smoke") == 1
    assert "not measured" not in outcome.log


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_report_whose_step_is_ended_is_green_and_told(job: Job, number: signal.Signals) -> None:
    inputs = {**QUICK, "command": "true", "comment": "never"}
    step = job.start(inputs, {})
    step.process.wait(60)
    # No perf-smoke gets as far as to report.
    (step.folder / "result.json").unlink()
    os.mkfifo(step.folder / "result.json")
    step.report()
    inner = step.inner()
    wait_until(lambda: bool(inner.children()))
    inner.send_signal(number)
    outcome = step.wait()
    assert (outcome.code, outcome.status, outcome.reason) == (0, "failed", "launch-failed"), (
        outcome.log
    )
    assert outcome.summary.count("### perf-smoke") == 1
    assert outcome.warnings[0].startswith("not measured: the action's start script ended early")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_report_whose_step_is_ended_at_last_keeps_what_it_said(
    job: Job, deaf_api: str, number: signal.Signals
) -> None:
    step = writing_the_comment(job, deaf_api)
    step.inner().send_signal(number)
    outcome = step.wait()
    assert (outcome.code, outcome.status) == (0, "measured"), outcome.log
    assert outcome.summary.count("### perf-smoke") == 1


def test_what_is_no_file_in_the_place_of_orders_is_the_callers_and_stays(
    job: Job, tmp_path: Path
) -> None:
    (tmp_path / "folder" / "of the caller").mkdir(parents=True)
    (tmp_path / "elsewhere").write_text("of the caller", "utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    try:
        os.mknod(tmp_path / "device", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("making a device needs root")
    for name in ("folder", "link", "device"):
        variables = {
            name: str(tmp_path / name) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_ENV")
        } | {"GITHUB_STATE": str(tmp_path / name)}
        outcome = job.run({**QUICK, "command": "true"}, variables)
        assert (outcome.code, outcome.status) == (0, "measured"), outcome.log
    assert (tmp_path / "folder" / "of the caller").is_dir()
    assert (tmp_path / "link").is_symlink()
    assert stat.S_ISCHR((tmp_path / "device").stat().st_mode)
