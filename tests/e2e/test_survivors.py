"""Whoever is killed, at whatever stage: nothing of the step goes on, and it is told."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests import results
from tests.e2e import fault_table
from tests.e2e.conftest import MakeJob
from tests.e2e.fault_table import Row
from tests.e2e.job import Job, Outcome, Step, command_lines, wait_until

ENDED_WITHIN_S = 15.0
TOKEN = "ghs_0123456789abcdefghijklmnopqrstuvwxyz"
KILL, ABRT, QUIT = signal.SIGKILL, signal.SIGABRT, signal.SIGQUIT
WHO = ("launch", "runtime/step", "guardian", "perf-smoke")
NUMBERS = "text stdout:\n(?P<e2e_ms>[0-9.]+)"


@dataclass
class Place:
    """A job whose programs stall at one stage, with children that go where none is looked for."""

    job: Job
    name: str = field(default_factory=lambda: f"survivor-{uuid.uuid4().hex}")

    @property
    def begun(self) -> Path:
        return self.job.workspace / "begun"

    def stall(self) -> str:
        """Hears no signal, and leaves a child in its group, one in a session, a daemon of its own
        without an environment, and a wrapper's grandchild."""
        sleep = f"bash -c 'exec -a {self.name} sleep 600'"
        return f"""
trap '' INT TERM HUP
{sleep} & setsid {sleep} &
(setsid env -i PATH=/usr/bin:/bin {sleep} &)
env bash -c "{sleep}; :" &
: >'{self.begun}'
while :; do sleep 600; done
"""

    def program(self, name: str, script: str) -> Path:
        path = self.job.workspace / name
        path.write_text(f"#!/bin/bash\n{script}\n", "utf-8")
        path.chmod(0o755)
        return path

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        command = ["git", "-C", str(self.job.workspace), *who, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def commits(self, base_build: str) -> None:
        """A base whose `build` is this, and a head whose `build` is what lies there now."""
        head_build = (self.job.workspace / "build").read_text("utf-8")
        self.git("init", "--quiet")
        self.program("build", base_build)
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", "base")
        (self.job.workspace / "build").write_text(head_build, "utf-8")
        self.git("commit", "--quiet", "--all", "--allow-empty", "-m", "head")

    def left(self) -> list[str]:
        """The command lines of all that still runs and belongs to it."""
        return [line for line in command_lines() if self.name in line] + [
            " ".join(process.info["cmdline"])
            for process in psutil.process_iter(["cmdline", "environ", "status"])
            if process.info["status"] != psutil.STATUS_ZOMBIE
            and str(self.job.root) in (process.info["environ"] or {}).get("PERF_SMOKE_MARK", "")
        ]

    def nothing_is_left(self) -> bool:
        deadline_s = time.monotonic() + ENDED_WITHIN_S
        while left := self.left():
            assert time.monotonic() < deadline_s, left
            time.sleep(0.05)
        return True


Stage = Callable[[Place], dict[str, str]]
"""Prepares a place to stall at this stage; the inputs."""


def download(place: Place) -> dict[str, str]:
    model = f"http://{slow_model(place)}/model.gguf"
    return {"command": "true {model}", "model": model, "model-sha256": "0" * 64}


def checkout(place: Place) -> dict[str, str]:
    place.program("build", "")
    place.commits("")
    git = place.job.root / "bin" / "git"
    git.write_text(
        f"#!/bin/bash\n[[ $* != *' worktree add '* ]] || {{ {place.stall()} }}\n"
        f'exec {shutil.which("git")} "$@"\n'
    )
    git.chmod(0o755)
    return {"build": "./build", "base-ref": "HEAD~1", "command": "true"}


def head_build(place: Place) -> dict[str, str]:
    place.program("build", place.stall())
    return {"build": "./build", "command": "true"}


def base_build(place: Place) -> dict[str, str]:
    place.program("build", "")
    place.commits(place.stall())
    return {"build": "./build", "base-ref": "HEAD~1", "command": "true"}


def load(place: Place) -> dict[str, str]:
    script = f'case "$1" in --help|--version) exit 0; esac\n{place.stall()}'
    (place.job.workspace / "model.gguf").write_bytes(b"GGUF")
    place.program("llama-server", script)
    return {"binary": "./llama-server", "model": "model.gguf"}


def step(place: Place) -> dict[str, str]:
    script = (
        f"sleep 0.02; echo >>steps; echo 5; [ $(wc -l <steps) -lt 3 ] && exit 0\n{place.stall()}"
    )
    place.program("engine", script)
    return {"command": "./engine", "metrics": NUMBERS, "warmup": "0"}


def slow_model(place: Place) -> str:
    """The address of a server that begins to give a file and never ends."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with server, suppress(OSError):
            client, _ = server.accept()
            client.recv(65536)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + bytes(100_000))
            place.begun.touch()
            client.recv(1)  # until it has gone away
            client.close()

    threading.Thread(target=serve, daemon=True).start()
    return f"127.0.0.1:{server.getsockname()[1]}"


def ours(step: Step) -> dict[str, psutil.Process]:
    """The processes of ours that measure, by name. Those in a container are the machine's too."""
    found = {}
    for process in psutil.process_iter(["cmdline", "environ", "ppid"]):
        environ = process.info["environ"] or {}
        if "perf_smoke" in (process.info["cmdline"] or []) and (
            environ.get("PERF_SMOKE_FOLDER") == str(step.folder)
        ):
            found[process.pid] = process
    guardian = next(one for one in found.values() if one.info["ppid"] not in found)
    perf_smoke = next(one for one in found.values() if one.info["ppid"] in found)
    launch = psutil.Process(step.process.pid)
    shell = {"launch": launch, "runtime/step": step.inner()}
    return shell | {"guardian": guardian, "perf-smoke": perf_smoke}


def killed(place: Place, inputs: dict[str, str], runtime: str, who: str, how: int) -> Outcome:
    """The outcome of a step in which one process was killed when it stalled."""
    use = place.job.start({**inputs, "runtime": runtime}, {})
    wait_until(lambda: place.begun.exists() or use.process.poll() is not None)
    assert use.process.poll() is None, use.log()
    ours(use)[who].send_signal(how)
    outcome = use.wait()
    assert place.nothing_is_left()
    if runtime == "docker":
        assert place.job.containers() == []
    return outcome


def rows() -> Iterator[object]:
    for stage in (download, checkout, head_build, base_build, load, step):
        for who in WHO:
            yield pytest.param(stage, "host", who, KILL)
    yield pytest.param(step, "host", "launch", ABRT)
    for how in (ABRT, QUIT):
        yield pytest.param(step, "host", "guardian", how)
        yield pytest.param(step, "host", "perf-smoke", how)
    for stage in (load, step):
        for who in WHO:
            yield pytest.param(stage, "docker", who, KILL, marks=pytest.mark.docker)


@pytest.mark.parametrize(("stage", "runtime", "who", "how"), list(rows()))
def test_whoever_is_killed_nothing_is_left(
    job: Job,
    request: pytest.FixtureRequest,
    stage: Stage,
    runtime: str,
    who: str,
    how: signal.Signals,
) -> None:
    request.getfixturevalue("image" if runtime == "docker" else "warm")
    place = Place(job)

    outcome = killed(place, stage(place), runtime, who, how)

    assert (outcome.code, outcome.status, outcome.reason) == (0, "failed", "perf-smoke-crashed"), (
        outcome.log
    )
    assert outcome.summary.startswith("### perf-smoke: not measured")
    if stage is step and runtime == "host" and who != "perf-smoke" and how != QUIT:
        assert [sample.ok for sample in results.steps(outcome.result())] == [True, True]
        assert float(outcome.outputs["e2e-ms"]) == 5
    name = f"{who} ended by {how.name} ({stage.__name__.replace('_', ' ')}, {runtime})"
    fault_table.expect(Row.of(name, outcome))


def test_a_killed_base_build_leaves_no_worktree_behind_at_the_next_run(
    job: Job, warm: None
) -> None:
    place = Place(job)
    inputs = base_build(place)
    killed(place, inputs, "host", "perf-smoke", KILL)
    assert place.git("worktree", "list").count("\n") == 2

    place.job.run({**inputs, "build": "true", "runs": "1"})

    assert place.git("worktree", "list").count("\n") == 1
    assert list(job.temp.rglob("base-checkout")) == []


def test_launch_killed_while_it_installs(make_job: MakeJob, tmp_path: Path) -> None:
    job = make_job(tool_cache=tmp_path / "tools")
    place = Place(job)
    # Nobody above it adopts what leaves it: what has the mark is found.
    deaf = f"trap '' INT TERM HUP; exec -a {place.name} sleep 600"
    place.program("uv", f'(setsid bash -c "{deaf}" &)\n: >"{place.begun}"\n{deaf}')
    use = job.start(
        {"runtime": "host", "command": "true"}, {"PATH": f"{job.workspace}:{os.environ['PATH']}"}
    )
    wait_until(place.begun.exists)
    use.signal(KILL)
    use.process.wait()
    assert place.nothing_is_left()
    (job.workspace / "uv").unlink()
    outcome = use.wait()
    assert (outcome.code, outcome.status, outcome.reason) == (0, "failed", "perf-smoke-crashed")
    fault_table.expect(Row.of("launch ended by SIGKILL (installing, host)", outcome))
