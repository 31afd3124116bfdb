"""One step of a workflow, started as a runner starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from perf_smoke import result_file
from perf_smoke.report_inputs import REPORT_INPUTS
from perf_smoke.result import Result
from perf_smoke.settings import INPUTS
from tests.runner_log import commands

ROOT = Path(__file__).resolve().parents[2]

TIMEOUT_S = 240

JOB_FOLDER = "a job, of Žofie 東京"
"""In which all that belongs to a job lies."""
WORKSPACE = "work/engine"
"""Below that folder."""

INNER_STEPS = """
export GITHUB_OUTPUT=${GITHUB_OUTPUT:-/dev/shm/outputs}
for step in place measure report; do
  : >$GITHUB_OUTPUT
  PERF_SMOKE_FOLDER=${folder-} bash /action/launch $step
  [ $step != place ] || folder=$(sed -n s/^folder=//p $GITHUB_OUTPUT)
done
cat $GITHUB_OUTPUT
"""
"""A script that uses the action, which lies under /action, and prints its outputs."""


_OF_THE_MACHINE = re.compile(
    r"PATH|HOME|LANG|PIP_.*|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|.*_PROXY|.*_proxy"
    r"|DOCKER_.*|UV_.*"
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a step left behind."""

    code: int
    log: str
    outputs: Mapping[str, str]
    summary: str
    folder: Path
    """The folder of result.json and report.md."""

    @property
    def status(self) -> str:
        return self.outputs.get("status", "")

    @property
    def reason(self) -> str:
        return self.outputs.get("reason", "")

    @property
    def warnings(self) -> list[str]:
        found = (re.match(r"::warning [^:]*::(.*)", line) for line in commands(self.log))
        return [match[1] for match in found if match]

    def result(self) -> Result:
        return result_file.read(self.folder / "result.json")


@dataclass(kw_only=True)
class Step:
    """A use of the action: `measure` runs, and `report` begins when it is waited for."""

    process: subprocess.Popen[bytes]
    job: Job
    folder: Path
    environment: Mapping[str, str]
    measured: int | None = None
    """The exit code of `measure`; a runner goes on whatever it is."""

    def signal(self, number: signal.Signals) -> None:
        """As a runner does it: to the process that it started, and to no other."""
        self.process.send_signal(number)

    def inner(self) -> psutil.Process:
        """runtime/step, once launch has started it."""
        found: list[psutil.Process] = []

        def look() -> bool:
            for child in psutil.Process(self.process.pid).children():
                with suppress(psutil.Error):  # it has ended
                    if any(word.endswith("runtime/step") for word in child.cmdline()):
                        found.append(child)
            return bool(found)

        wait_until(look)
        return found[0]

    def log(self) -> str:
        """What it printed so far."""
        return self.job.log.read_text("utf-8", "replace")

    def report(self) -> None:
        """Wait for the end of the measuring, and begin to report."""
        self.measured = self.process.wait(TIMEOUT_S)
        again = f"::{stop_token(self.log())}::"
        if again not in self.log().splitlines():  # killed; for a runner each step begins anew
            with self.job.log.open("a", encoding="utf-8") as log:
                log.write(f"\n{again}\n")
        orders = self.job.orders()
        self.process = self.job.begin("report", self.environment)
        assert orders == {}, "the measured program gave orders to the runner"

    def wait(self) -> Outcome:
        """Wait for its end."""
        if self.measured is None:
            self.report()
        code = self.process.wait(TIMEOUT_S)
        return Outcome(
            code=code,
            log=self.log(),
            outputs=_outputs(self.job.output),
            summary=self.job.summary.read_text("utf-8") if self.job.summary.exists() else "",
            folder=self.folder,
        )


class Job:
    """A job with a workspace and the runner's folders, whose steps use this action.

    Every path has a space, a comma and letters of others in it, for somebody's paths have.
    """

    def __init__(
        self, root: Path, *, action: Path, tool_cache: Path, user: int | None = None
    ) -> None:
        self.root = root / JOB_FOLDER
        self.action = action
        self.workspace = self.root / WORKSPACE
        self.temp = self.root / "_temp"
        self.commands = self.temp / "_runner_file_commands"
        self.output = self.commands / "set_output"
        self.summary = self.commands / "step_summary"
        self.exported = self.commands / "set_env"
        self.added_path = self.commands / "add_path"
        self.log = self.root / "log"
        self.tool_cache = tool_cache
        self.user = user
        self._processes: list[subprocess.Popen[bytes]] = []
        for folder in (self.workspace, self.commands):
            folder.mkdir(parents=True)
        (self.commands / "event.json").write_text("{}", "utf-8")
        # uv beside what the machine has, for speed; tests that go without say so.
        programs = self.root / "bin"
        programs.mkdir()
        (programs / "uv").symlink_to(Path(sys.executable).with_name("uv"))
        self.path = f"{programs}:{os.environ['PATH']}"

    def environment(self) -> dict[str, str]:
        """What a runner sets, beside what the machine has; no input is given."""
        machine = {k: v for k, v in os.environ.items() if _OF_THE_MACHINE.fullmatch(k)}
        runner = {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(self.action),
            "GITHUB_API_URL": "http://127.0.0.1:9",
            "GITHUB_ENV": str(self.exported),
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_EVENT_PATH": str(self.commands / "event.json"),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_PATH": str(self.added_path),
            "GITHUB_REPOSITORY": "acme/engine",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_RUN_ID": "7",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_TOOL_CACHE": str(self.tool_cache),
            "PERF_SMOKE_MATRIX": "null",
        }
        inputs = {_variable(row.name): row.default for row in INPUTS}
        return {**machine, "PATH": self.path, **runner, **inputs}

    def start(self, inputs: Mapping[str, str], env: Mapping[str, str | None]) -> Step:
        """Start a step.

        Args:
            inputs: by name (`fail-on`).
            env: variables to set, or with None to unset.
        """
        environment: dict[str, str] = self.environment()
        environment |= {_variable(name): text for name, text in inputs.items()}
        for name, value in env.items():
            environment.pop(name, None)
            if value is not None:
                environment[name] = value
        if self.user is not None:
            for path in (self.root, *self.root.rglob("*")):
                os.chown(path, self.user, self.user)
        self.log.write_bytes(b"")
        self.begin("place", environment).wait(TIMEOUT_S)
        folder = _outputs(self.output).get("folder", "")
        environment["PERF_SMOKE_FOLDER"] = folder
        process = self.begin("measure", environment)
        return Step(process=process, job=self, folder=Path(folder), environment=environment)

    def report_legs(self, inputs: Mapping[str, str]) -> Outcome:
        """Run the one step of report/action.yml to its end."""
        given = {_variable(name): text for name, text in inputs.items()}
        defaults = {_variable(row.name): row.default for row in REPORT_INPUTS}
        environment = {**self.environment(), **defaults, **given}
        environment |= {
            "GITHUB_ACTION_PATH": str(self.action / "report"),
            "GITHUB_EVENT_NAME": "schedule",
        }
        process = self.begin("report", environment, self.action / "report")
        code = process.wait(TIMEOUT_S)
        outputs = _outputs(self.output)
        return Outcome(
            code=code,
            log=self.log.read_text("utf-8", "replace"),
            outputs=outputs,
            summary=self.summary.read_text("utf-8"),
            folder=Path(outputs.get("report-md", ".")).parent,
        )

    def begin(
        self, name: str, environment: Mapping[str, str], action: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Begin one of the inner steps of the action, or of another one's."""
        for path in (self.output, self.summary, self.exported, self.added_path):
            with suppress(FileNotFoundError):
                path.unlink()
            path.write_bytes(b"")
            if self.user is not None:
                os.chown(path, self.user, self.user)
        step = _inner_steps(action or self.action)[name]
        script = self.root / f"{name}.sh"
        script.write_text(step["run"], "utf-8")
        wanted = {name for name in step.get("env", {}) if name.startswith("INPUT_")}
        seen = {
            name: text
            for name, text in environment.items()
            if name in wanted or not name.startswith("INPUT_")
        }
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                ["/bin/bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script],
                env=seen,
                cwd=self.workspace,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else _groups_of_docker(),
            )
        self._processes.append(process)
        return process

    def orders(self) -> dict[str, str]:
        """What the files say by which a step gives orders to the runner."""
        files = (self.output, self.summary, self.exported, self.added_path)
        texts = {path.name: path.read_text("utf-8", "replace") for path in files if path.is_file()}
        return {name: text for name, text in texts.items() if text}

    def run(
        self, inputs: Mapping[str, str] | None = None, env: Mapping[str, str | None] | None = None
    ) -> Outcome:
        """Run a step to its end."""
        return self.start(inputs or {}, env or {}).wait()

    def containers(self) -> list[str]:
        """Those that the action started for this job and that are still there."""
        shown = ("--all", "--no-trunc", "--format", "{{.Names}} {{.Mounts}}")
        listed = ["docker", "ps", "--filter", "name=perf-smoke-", *shown]
        lines = subprocess.run(listed, capture_output=True, text=True, check=True).stdout
        return [line for line in lines.splitlines() if str(self.root) in line]

    def close(self) -> None:
        """End what still runs."""
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def stop_token(log: str) -> str:
    """What starts workflow commands again, once perf-smoke has measured."""
    _, _, group = log.partition("::group::perf-smoke: measuring\n::stop-commands::")
    return group.partition("\n")[0]


def command_lines() -> list[str]:
    """Of every process on this machine, those in containers included."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                found.append(words.decode("utf-8", "replace"))
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def _groups_of_docker() -> list[int]:
    """Whoever may use the engine on a runner is in its group."""
    socket = Path("/var/run/docker.sock")
    return [socket.stat().st_gid] if socket.exists() else []


def _variable(name: str) -> str:
    return f"INPUT_{name.upper().replace('-', '_')}"


def _inner_steps(action: Path) -> dict[str, Any]:
    steps = yaml.safe_load((action / "action.yml").read_text("utf-8"))["runs"]["steps"]
    return {step["id"]: step for step in steps}


def _outputs(path: Path) -> dict[str, str]:
    """GITHUB_OUTPUT as a runner reads it: `name=value`, or `name<<END`, lines and END."""
    found: dict[str, str] = {}
    lines = iter(path.read_text("utf-8").splitlines() if path.exists() else [])
    for line in lines:
        name, equals, value = line.partition("=")
        if "<<" in name or not equals:
            name, _, end = line.partition("<<")
            assert end, f"a runner refuses this line of the outputs: {line!r}"
            value = "\n".join(iter(lambda: next(lines), end))
        found[name] = value
    return found
