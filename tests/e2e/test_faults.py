"""Whatever goes wrong before perf-smoke can report: a warning, a status, a reason, no red."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import MakeJob
from tests.e2e.job import INNER_STEPS, Job, Outcome
from tests.runner_log import commands

QUICK = {"runtime": "host", "command": "true", "runs": "1", "warmup": "0"}

NO_INDEX = {
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
    "PIP_RETRIES": "1",
    "UV_HTTP_RETRIES": "0",
    "UV_NO_CACHE": "1",
}


def assert_reported(outcome: Outcome, reason: str, *, status: str = "failed") -> None:
    """The ways in which the reader hears of it."""
    assert (outcome.status, outcome.reason) == (status, reason), outcome.log
    assert len(outcome.warnings) == 1
    assert re.match("### perf-smoke: (not measured|skipped)", outcome.summary)
    if (outcome.folder / "result.json").exists():
        assert (outcome.result().status, outcome.result().reason) == (status, reason)


def shim(folder: Path, name: str, body: str) -> str:
    """A program that takes the place of another; the PATH on which it does."""
    folder.mkdir()
    (folder / name).write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    (folder / name).chmod(0o755)
    return f"{folder}:/usr/local/bin:/usr/bin:/bin"


def test_a_package_index_that_is_not_reached(make_job: MakeJob, tmp_path: Path) -> None:
    outcome = make_job(tool_cache=tmp_path / "tools").run(QUICK, NO_INDEX)
    assert outcome.code == 0
    assert_reported(outcome, "install-failed")
    assert "refused" in outcome.summary
    assert not list(tmp_path.glob("tools/*/*"))


def test_no_package_index_at_all(make_job: MakeJob, tmp_path: Path) -> None:
    job = make_job(tool_cache=tmp_path / "tools")
    outcome = job.run(QUICK, {"PIP_NO_INDEX": "1", "UV_NO_CACHE": "1"})
    assert outcome.code == 0
    assert_reported(outcome, "install-failed")


def test_a_package_that_is_not_the_locked_one(
    make_job: MakeJob, action_copy: Path, tmp_path: Path
) -> None:
    lock = action_copy / "requirements" / "runtime.txt"
    lock.write_text(f"click==8.1.7 --hash=sha256:{'0' * 64}\n", "utf-8")
    outcome = make_job(action=action_copy, tool_cache=tmp_path / "tools").run(QUICK)
    assert outcome.code == 0
    assert_reported(outcome, "install-failed")


def test_a_machine_that_is_not_supported_is_skipped(job: Job, tmp_path: Path) -> None:
    path = shim(tmp_path / "shims", "uname", 'test "$1" = -s && echo Haiku || echo riscv64')
    outcome = job.run(QUICK, {"PATH": path})
    assert outcome.code == 0
    assert_reported(outcome, "unsupported-platform", status="skipped")
    assert "Haiku on riscv64" in outcome.summary


def test_a_temporary_folder_that_cannot_be_written(job: Job) -> None:
    outcome = job.run(QUICK, {"RUNNER_TEMP": "/proc/nowhere"})
    assert outcome.code == 0
    assert_reported(outcome, "no-folder")


def test_perf_smoke_killed_in_the_middle(job: Job) -> None:
    outcome = job.run({**QUICK, "command": "bash -c 'kill -KILL $PPID'"})
    assert outcome.code == 0
    assert_reported(outcome, "perf-smoke-crashed")
    assert "code 137 (it was killed, perhaps for lack of memory)" in outcome.summary


def test_half_a_line_of_outputs_is_no_broken_step(job: Job) -> None:
    half = f"printf 'reason<<END\\nhalf a' >'{job.output}'; kill -KILL $PPID"
    outcome = job.run({**QUICK, "command": f'bash -c "{half}"'})
    assert outcome.code == 0
    assert_reported(outcome, "perf-smoke-crashed")


def test_an_error_of_our_own_in_python(make_job: MakeJob, action_copy: Path) -> None:
    (action_copy / "src" / "perf_smoke" / "cli.py").write_text("raise ZeroDivisionError", "utf-8")
    outcome = make_job(action=action_copy).run(QUICK)
    assert outcome.code == 0
    assert_reported(outcome, "perf-smoke-crashed")
    assert "    ZeroDivisionError" in outcome.summary


def test_an_error_of_our_own_in_the_start_script(make_job: MakeJob, action_copy: Path) -> None:
    (action_copy / "runtime" / "host.bash").write_text("", "utf-8")
    outcome = make_job(action=action_copy).run(QUICK)
    assert outcome.code == 0
    assert_reported(outcome, "launch-failed")


def test_what_it_prints_when_it_crashes_gives_no_orders(
    make_job: MakeJob, action_copy: Path
) -> None:
    program = "import sys; sys.exit('::error::red\\n##[error]red\\n```\\n</details>\\n@someone')"
    (action_copy / "src" / "perf_smoke" / "cli.py").write_text(program, "utf-8")
    outcome = make_job(action=action_copy).run(QUICK)
    assert_reported(outcome, "perf-smoke-crashed")
    assert "::error::red" in outcome.log
    assert not [line for line in commands(outcome.log) if "red" in line.split()[-1]]
    assert "##[" not in outcome.log
    assert "\n    ```\n    </details>\n    @someone\n" in outcome.summary


@pytest.mark.parametrize(
    ("fail_on", "code"),
    [
        ("never", 0),
        ("slower", 0),
        ("error", 1),
        (" error\n", 1),
        ("?", 0),
        ("slower,error", 1),
        ("slower\nerror", 1),
        ("slower, errors", 0),
    ],
)
def test_only_fail_on_error_makes_it_red(job: Job, fail_on: str, code: int) -> None:
    outcome = job.run({**QUICK, "fail-on": fail_on}, {"RUNNER_TEMP": "/proc/nowhere"})
    assert outcome.code == code
    assert_reported(outcome, "no-folder")
    assert ("never blocks a merge" in outcome.summary) is (code == 0)


@pytest.mark.parametrize(
    ("inputs", "code", "status"),
    [
        ({}, 0, "measured"),
        ({"fail-on": "error"}, 0, "measured"),
        ({"fail-on": "slower"}, 0, "measured"),
        ({"command": "false"}, 0, "failed"),
        ({"command": "false", "fail-on": "error"}, 1, "failed"),
        ({"command": "false", "fail-on": "slower"}, 0, "failed"),
        ({"command": "false", "fail-on": "slower,error"}, 1, "failed"),
        ({"tokens": "many"}, 0, "invalid"),
        ({"tokens": "many", "fail-on": "error"}, 1, "invalid"),
        ({"runtime": "moon"}, 0, "invalid"),
        ({"fail-on": "moon"}, 0, "invalid"),
    ],
)
def test_what_perf_smoke_decides_is_taken_over(
    job: Job, inputs: dict[str, str], code: int, status: str
) -> None:
    outcome = job.run({**QUICK, **inputs})
    assert (outcome.code, outcome.status) == (code, status), outcome.log


def test_spaces_around_an_explicit_choice_do_not_replace_it(job: Job) -> None:
    outcome = job.run({**QUICK, "runtime": " docker\n"}, {"DOCKER_HOST": "unix:///nowhere.sock"})
    assert_reported(outcome, "docker-unavailable")


@pytest.mark.parametrize("missing", ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"])
@pytest.mark.parametrize("value", [None, "/proc/nowhere/file", "/dev/full"])
def test_a_report_that_cannot_be_written_is_no_red(
    job: Job, missing: str, value: str | None
) -> None:
    outcome = job.run(QUICK, {missing: value})
    assert outcome.code == 0, outcome.log
    assert "not measured" not in outcome.log
    outcome = job.run(QUICK, {missing: value, "RUNNER_TEMP": "/proc/nowhere"})
    assert outcome.code == 0
    assert len(outcome.warnings) == 1


@pytest.fixture
def small_disk(job: Job) -> Iterator[Path]:
    """64 KiB, for what the job says to the runner."""
    event = (job.commands / "event.json").read_bytes()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(job.commands)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root and the right to mount")
    (job.commands / "event.json").write_bytes(event)
    yield job.commands
    subprocess.run(["umount", str(job.commands)], check=True)


@pytest.mark.parametrize(
    ("free_pages", "reported"), [(0, ("", "")), (1, ("failed", "outputs-not-written"))]
)
def test_outputs_that_find_no_room_are_no_crash(
    job: Job, small_disk: Path, tmp_path: Path, free_pages: int, reported: tuple[str, str]
) -> None:
    fill = job.workspace / "fill"
    left = free_pages * os.sysconf("SC_PAGE_SIZE")
    fill.write_text(
        f"#!/bin/bash\nexec >'{small_disk}/full'\n"
        f"cat /dev/zero 2>/dev/null\ntruncate --size=-{left} '{small_disk}/full'\n",
        "utf-8",
    )
    fill.chmod(0o755)
    # Named in two outputs, it takes them past one page.
    deep = tmp_path.joinpath(*["deep" * 50] * 8)
    outcome = job.run(
        {**QUICK, "command": "./fill", "output-dir": str(deep)},
        {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary")},
    )
    assert outcome.code == 0
    assert (outcome.status, outcome.reason) == reported, outcome.log
    assert "The outputs could not be written: " in outcome.warnings[0]
    assert outcome.warnings[1].startswith("the outputs could not be written: only 0 MiB are free")
    assert "not measured" not in outcome.log
    assert "not measured" not in (tmp_path / "summary").read_text("utf-8")


def test_a_step_that_is_to_fail_for_what_it_found_does_so_without_outputs_too(
    job: Job, small_disk: Path, tmp_path: Path
) -> None:
    fill = job.workspace / "fill"
    fill.write_text(
        f"#!/bin/bash\nsleep 0.05\ncat /dev/zero >'{small_disk}/full'\nexit 0\n", "utf-8"
    )
    fill.chmod(0o755)
    inputs = {"command": "./fill", "base-command": "true", "runs": "100", "output-dir": "out"}
    report = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    for fail_on, code in (("slower", 1), ("never", 0)):
        outcome = job.run({**inputs, "fail-on": fail_on}, report)
        assert outcome.code == code, outcome.log
        assert "slower by" in (tmp_path / "summary").read_text("utf-8")
        assert "the outputs could not be written" in outcome.warnings[-1]
        assert "before it could report" not in outcome.log


def test_what_an_earlier_step_left_does_not_pass_as_this_ones(job: Job, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    inputs = {**QUICK, "output-dir": str(folder)}
    assert job.run(inputs).status == "measured"
    outcome = job.run(inputs, {"PATH": shim(tmp_path / "shims", "uname", "echo Haiku")})
    assert_reported(outcome, "unsupported-platform", status="skipped")
    assert list(folder.iterdir()) == []


@pytest.mark.docker
class TestOnAMachineThat:
    """Machines that lack something, as containers."""

    def run(self, docker: str, action: Path, image: str, script: str, *options: str | Path) -> str:
        """Run a script there, the action lying under /action; what it printed."""
        command: list[str | Path] = [
            docker,
            "run",
            "--rm",
            "--user",
            "0",
            "--entrypoint",
            "/bin/bash",
        ]
        command += ["--mount", f'type=bind,"source={action}",target=/action,readonly']
        done = subprocess.run(
            [*command, *options, image, "-c", script + INNER_STEPS],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def test_has_no_python(self, docker: str, action: Path) -> None:
        log = self.run(docker, action, "debian:trixie-slim", "")
        assert "perf-smoke: on the host, for no Docker engine answers" in log
        assert "status=failed\nreason=python-missing\n" in log

    def test_has_a_python_without_pip(self, docker: str, action: Path, image: str) -> None:
        # As Debian's is when nobody asked for python3-venv or python3-pip.
        log = self.run(docker, action, image, "")
        assert "status=failed\nreason=install-failed\n" in log
        assert "ensurepip" in log

    def test_has_a_full_disk(self, docker: str, action: Path, image: str) -> None:
        script = 'export RUNNER_TEMP=/small PATH="/opt/perf-smoke/bin:$PATH"\n'
        log = self.run(docker, action, image, script, "--tmpfs", "/small:size=12m")
        assert "status=failed\nreason=install-failed\n" in log
        assert "MiB are free in /small/perf-smoke-python-0." in log

    def test_has_no_room_for_a_single_file(self, docker: str, action: Path, image: str) -> None:
        script = "export RUNNER_TEMP=/small; cat /dev/zero >/small/full 2>/dev/null\n"
        options = ("--tmpfs", "/small:size=64k,nr_inodes=2")
        log = self.run(docker, action, image, script, *options)
        assert "status=failed\nreason=no-folder\n" in log
