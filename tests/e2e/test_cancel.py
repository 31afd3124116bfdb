"""A cancelled job: engine and container die, and a Result says what was measured until then."""

from __future__ import annotations

import signal
import time
import uuid
from pathlib import Path

import pytest

from tests import results
from tests.e2e.conftest import MakeJob
from tests.e2e.job import Job, Step, command_lines, wait_until

RUNTIMES = ["host", pytest.param("docker", marks=pytest.mark.docker)]


class Engine:
    """A program that takes for ever, with a child; found again by a name of its own."""

    def __init__(self, job: Job, *, deaf: bool = False, quick_steps: int = 0) -> None:
        self.name = f"engine-{uuid.uuid4().hex}"
        self.started = job.workspace / "started"
        counter = job.workspace / "steps"
        script = job.workspace / self.name
        script.write_text(
            "#!/bin/bash\n"
            + ("trap '' INT TERM HUP\n" if deaf else "")
            + f'echo >>"{counter}"\n'
            + f'[ "$(wc -l <"{counter}")" -gt {quick_steps} ] || exit 0\n'
            # The name goes along as an argument, so that the child is found by it too.
            + f'bash -c "sleep 600; :" {self.name} &\n'
            + f': >"{self.started}"\nwait; sleep 600\n',
            "utf-8",
        )
        script.chmod(0o755)
        self.inputs = {"command": f"./{self.name}", "warmup": "0", "runs": "5"}

    def processes(self) -> list[str]:
        return [line for line in command_lines() if self.name in line and "perf_smoke" not in line]


@pytest.fixture(params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    """Each runtime."""
    name: str = request.param
    # A runner gives 10 s for all of it: none of them is for what only a first use takes.
    request.getfixturevalue("image" if name == "docker" else "warm")
    return name


def start(job: Job, engine: Engine, runtime: str) -> Step:
    step = job.start({**engine.inputs, "runtime": runtime}, {})
    wait_until(lambda: engine.started.exists() or step.process.poll() is not None)
    return step


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_leaves_a_result_and_no_engine(
    job: Job, runtime: str, number: signal.Signals
) -> None:
    engine = Engine(job)
    step = start(job, engine, runtime)
    assert engine.processes()
    step.signal(number)
    outcome = step.wait()
    assert (outcome.code, outcome.status, outcome.reason) == (0, "cancelled", "cancelled"), (
        outcome.log
    )
    assert outcome.result().status == "cancelled"
    assert engine.processes() == []
    if runtime == "docker":
        assert job.containers() == []


def test_who_ends_the_step_itself_cancels(job: Job, runtime: str) -> None:
    engine = Engine(job, quick_steps=2)
    step = start(job, engine, runtime)
    step.inner().terminate()
    outcome = step.wait()
    assert (step.measured, outcome.code, outcome.status) == (0, 0, "cancelled"), outcome.log
    assert engine.processes() == []
    if runtime == "docker":
        assert job.containers() == []


def test_what_is_measured_has_no_say_in_it(job: Job, runtime: str) -> None:
    engine = Engine(job)
    script = job.workspace / engine.name
    mine = job.workspace / "mine"
    mine.write_text("mine", "utf-8")
    meddling = """
for folder in "${RUNNER_TEMP%/perf-smoke.*}"/perf-smoke.*; do
  rm -rf "$folder"/*
  ln -s "$PWD/mine" "$folder/cancelled"; ln -s "$PWD/mine" "$folder/code"
done
"""
    script.write_text(script.read_text("utf-8").replace("\n", meddling, 1), "utf-8")
    step = start(job, engine, runtime)
    time.sleep(0.5)
    assert step.process.poll() is None
    step.signal(signal.SIGINT)
    outcome = step.wait()
    assert (step.measured, outcome.code, outcome.status) == (0, 0, "cancelled"), outcome.log
    assert engine.processes() == []
    assert mine.read_text("utf-8") == "mine"


def test_what_was_measured_before_it_is_kept(job: Job, runtime: str) -> None:
    engine = Engine(job, quick_steps=2)
    step = start(job, engine, runtime)
    step.signal(signal.SIGINT)
    outcome = step.wait()
    assert outcome.status == "cancelled", outcome.log
    assert [sample.ok for sample in results.steps(outcome.result())] == [True, True]
    assert float(outcome.outputs["wall-ms"]) > 0


def test_an_engine_that_hears_no_signal_dies_too(job: Job, runtime: str) -> None:
    engine = Engine(job, deaf=True)
    step = start(job, engine, runtime)
    step.signal(signal.SIGINT)
    outcome = step.wait()
    assert (outcome.code, outcome.status) == (0, "cancelled"), outcome.log
    assert engine.processes() == []


def test_a_perf_smoke_that_hangs_is_ended_by_the_second_signal(
    make_job: MakeJob, runtime: str, action_copy: Path
) -> None:
    name = f"hangs-{uuid.uuid4().hex}"
    (action_copy / "src" / "perf_smoke" / "cli.py").write_text(
        "import signal, subprocess, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"child = subprocess.Popen(['bash', '-c', 'sleep 600; :', '{name}'])\n"
        "open('started', 'w').close()\n"
        "time.sleep(600)\n",
        "utf-8",
    )
    job = make_job(action=action_copy)
    step = job.start({"runtime": runtime}, {})
    wait_until(lambda: (job.workspace / "started").exists() or step.process.poll() is not None)
    step.signal(signal.SIGINT)
    step.signal(signal.SIGTERM)
    outcome = step.wait()
    assert (outcome.code, outcome.status) == (0, "cancelled"), outcome.log
    assert [line for line in command_lines() if name in line] == []
    if runtime == "docker":
        assert job.containers() == []


def test_the_reader_is_told_of_a_second_signal_that_ended_it_while_it_measured(
    job: Job, runtime: str
) -> None:
    # A process that is stopped hears no signal but SIGKILL.
    stop = job.workspace / "stop"
    stop.write_text("#!/bin/bash\nkill -STOP $PPID; : >stopped\n", "utf-8")
    stop.chmod(0o755)
    step = job.start({"runtime": runtime, "command": "./stop"}, {})
    wait_until(lambda: (job.workspace / "stopped").exists() or step.process.poll() is not None)
    step.signal(signal.SIGINT)
    step.signal(signal.SIGTERM)
    outcome = step.wait()
    assert (outcome.code, outcome.status) == (0, "cancelled"), outcome.log
    assert outcome.warnings == [
        "not measured: the job was cancelled before perf-smoke could report."
    ], outcome.log


@pytest.mark.parametrize("fail_on", ["never", "error"])
def test_a_signal_while_installing_says_cancelled_and_is_no_red(
    make_job: MakeJob, tmp_path: Path, fail_on: str
) -> None:
    uv = tmp_path / "slow" / "uv"
    uv.parent.mkdir()
    uv.write_text(f"#!/bin/bash\n: >'{tmp_path}/installing'; sleep 600\n", "utf-8")
    uv.chmod(0o755)
    job = make_job(tool_cache=tmp_path / "tools")
    path = f"{uv.parent}:{job.path}"
    step = job.start({"runtime": "host", "command": "true", "fail-on": fail_on}, {"PATH": path})
    wait_until((tmp_path / "installing").exists)
    step.signal(signal.SIGINT)
    outcome = step.wait()
    assert (outcome.code, outcome.status, outcome.reason) == (0, "cancelled", "cancelled"), (
        outcome.log
    )
    assert list(tmp_path.glob("tools/*/*")) == []
    assert not [line for line in command_lines() if str(uv) in line]


@pytest.mark.parametrize("after_ms", [0, 15, 50, 100, 150, 250])
def test_however_early_a_job_is_cancelled_it_ends_and_says_so(
    job: Job, runtime: str, after_ms: int
) -> None:
    engine = Engine(job)
    step = job.start({**engine.inputs, "runtime": runtime}, {})
    time.sleep(after_ms / 1e3)
    step.signal(signal.SIGINT)
    outcome = step.wait()
    assert (outcome.code, outcome.status) == (0, "cancelled"), outcome.log
    assert engine.processes() == []


def test_a_storm_of_signals_is_one_cancelled_job(job: Job, runtime: str) -> None:
    engine = Engine(job)
    step = start(job, engine, runtime)
    for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT] * 8:
        step.signal(number)
        time.sleep(0.003)
    outcome = step.wait()
    assert (step.measured, outcome.code, outcome.status) == (0, 0, "cancelled"), outcome.log
    assert engine.processes() == []
    if runtime == "docker":
        assert job.containers() == []
