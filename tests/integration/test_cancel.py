"""A run that is told to stop: a real process with real engines, at every moment of a run.

How a runner and its containers stop a whole step is tried in tests/e2e/test_cancel.py.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from perf_smoke import result_file
from perf_smoke.cancel import Cancelled, Signals
from perf_smoke.result import BASE, HEAD, Result
from tests import results
from tests.integration.models.server import FileServer, Handler, running

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LONG_S = 120
"""For what takes a moment, also when the machine is busy."""
STALL = """
trap '' INT TERM HUP
sleep 600 &
setsid sleep 600 &
: >"$STARTED"
wait
sleep 600
"""
"""Goes on for ever, hears no signal, and has children, one of them in a group of its own."""


class Run:
    """`perf-smoke run` in a folder, and everything that it started."""

    def __init__(self, folder: Path, *inputs: str, **variables: str) -> None:
        self.folder = folder
        self.started = folder / "started"
        self.temp = folder / "temp"
        self.temp.mkdir()
        self.log = folder / "log"
        self.seen: list[psutil.Process] = []
        environment = {
            name: value for name, value in os.environ.items() if name != "GITHUB_ACTIONS"
        }
        environment |= {
            "RUNNER_TEMP": str(self.temp),
            "TMPDIR": str(self.temp),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "STARTED": str(self.started),
            **variables,
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "perf_smoke", "run", *inputs],
                cwd=folder / "work",
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until(self, reached: Callable[[], bool]) -> list[psutil.Process]:
        """Wait for a moment of the run; all processes that it has started and that live then."""
        deadline_s = time.monotonic() + LONG_S
        while not reached():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline_s, self.log.read_text()
            time.sleep(0.01)
        self.seen = psutil.Process(self.process.pid).children(recursive=True)
        return self.seen

    def wait_until_it_stalls(self) -> list[psutil.Process]:
        return self.wait_until(self.started.exists)

    def stop(self, *numbers: signal.Signals) -> Result:
        """Send the signals at once, as to a terminal's whole group; what it left behind."""
        for number in numbers:
            os.killpg(self.process.pid, number)
        self.process.wait(LONG_S)
        return self.result()

    def result(self) -> Result:
        return result_file.read(self.folder / "work" / "perf-smoke-out" / "result.json")

    def end(self) -> None:
        """Leave nothing, also where the test has failed."""
        with self.process:
            self.process.kill()
        for one in self.seen:
            with suppress(psutil.NoSuchProcess):
                one.kill()


@dataclass
class Workplace:
    """Makes runs, each at most once per test, and holds what the engines are."""

    folder: Path
    runs: list[Run] = field(default_factory=list)

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def program(self, name: str, script: str) -> Path:
        path = self.work / name
        path.write_text(f"#!/bin/bash\n{script}")
        path.chmod(0o755)
        return path

    def run(self, *inputs: str, **variables: str) -> Run:
        self.runs.append(Run(self.folder, *inputs, **variables))
        return self.runs[-1]

    def git(self, *arguments: str) -> str:
        who = {
            f"GIT_{who}_{what}": "a@b"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        done = subprocess.run(
            ["git", "-C", str(self.work), *arguments],
            env={**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    (tmp_path / "work").mkdir()
    made = Workplace(tmp_path)
    yield made
    for run in made.runs:
        run.end()


@pytest.fixture
def slow_server() -> Iterator[FileServer]:
    """Gives half of a file, and the rest never."""
    over = threading.Event()

    def half(handler: Handler) -> None:
        content = handler.server.files[handler.path]
        handler.begin(200, {"ETag": '"one"', "Content-Length": str(len(content))})
        handler.wfile.write(content[: len(content) // 2])
        over.wait(LONG_S)
        handler.close_connection = True

    with running(FileServer()) as server:
        server.files["/model.gguf"] = os.urandom(2_000_000)
        server.faults.append(half)
        yield server
        over.set()


def assert_nothing_is_left(run: Run, started: list[psutil.Process]) -> None:
    """Neither a process nor a file of the run's own, but for its folder."""
    assert [one for one in started if is_alive(one)] == []
    assert list(run.temp.iterdir()) == []
    written = {path.name for path in (run.folder / "work" / "perf-smoke-out").iterdir()}
    logs = {"build-head.log", "build-base.log"}
    assert written - {".gitignore", "report.md"} - logs == {"result.json"}


def is_alive(process: psutil.Process) -> bool:
    """A killed one needs a moment, and is nobody's problem while init has not reaped it."""
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        try:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return False
        except psutil.NoSuchProcess:
            return False
        time.sleep(0.01)
    return True


def assert_cancelled(found: Result, run: Run, *codes: int) -> None:
    """The Result and the report say so, and the exit code: 130, or one of those given."""
    assert run.process.returncode in (130, *codes), run.log.read_text()
    assert (found.status, found.reason) == ("cancelled", "cancelled")
    assert found.failure is not None
    assert found.failure.sentence == "The run was cancelled before it had finished."
    assert found.comparisons == ()
    assert found.machine is not None
    report = (run.folder / "work" / "perf-smoke-out" / "report.md").read_text("utf-8")
    assert "cancelled" in report


HOW = pytest.mark.parametrize(
    "numbers",
    [(signal.SIGINT, signal.SIGTERM), (signal.SIGTERM,)],
    ids=["as a runner does it", "by SIGTERM alone"],
)


@HOW
def test_while_the_model_comes(
    place: Workplace, slow_server: FileServer, numbers: tuple[signal.Signals, ...]
) -> None:
    sha256 = hashlib.sha256(slow_server.files["/model.gguf"]).hexdigest()
    model = ("--model", slow_server.url("/model.gguf"), "--model-sha256", sha256)
    run = place.run("--command", "true {model}", *model)
    cache = place.folder / "cache"
    started = run.wait_until(lambda: any(part.stat().st_size for part in cache.rglob("*.part")))

    found = run.stop(*numbers)

    assert_cancelled(found, run)
    assert_nothing_is_left(run, started)
    assert (found.model, found.head) == (None, None)
    assert [path.name for path in cache.rglob("*.gguf")] == []


@HOW
def test_while_an_engine_loads(place: Workplace, numbers: tuple[signal.Signals, ...]) -> None:
    place.program("llama-server", f'case "$1" in --help|--version) exit 0; esac\n{STALL}')
    (place.work / "model.gguf").write_bytes(b"GGUF")
    run = place.run("--binary", "./llama-server", "--model", "model.gguf")
    started = run.wait_until_it_stalls()
    assert len(started) == 4  # perf-smoke below its guardian, the engine and two children

    found = run.stop(*numbers)

    assert_cancelled(found, run)
    assert_nothing_is_left(run, started)
    assert found.model is not None
    assert found.model.bytes == 4
    assert (results.engine(found).id, results.steps(found)) == ("llama-server", ())
    assert found.cost.load_s > 0


@HOW
def test_while_it_warms_up(place: Workplace, numbers: tuple[signal.Signals, ...]) -> None:
    place.program("engine", STALL)
    run = place.run("--command", "./engine")
    started = run.wait_until_it_stalls()
    assert len(started) == 4  # perf-smoke below its guardian, the engine and two children

    found = run.stop(*numbers)

    assert_cancelled(found, run)
    assert_nothing_is_left(run, started)
    assert (results.of(found).samples, results.of(found).summary) == ((), {})
    assert found.cost.steps_s > 0


STALLS_LATER = f"""
echo >>steps
[ "$(wc -l <steps)" -gt 4 ] || {{ echo "a text"; exit 0; }}
{STALL}
"""
TEXT = "text stdout:\n(?P<text>.+)"


@HOW
def test_while_it_measures(place: Workplace, numbers: tuple[signal.Signals, ...]) -> None:
    place.program("engine", STALLS_LATER)
    run = place.run("--command", "./engine", "--metrics", TEXT, "--warmup", "0")
    started = run.wait_until_it_stalls()

    found = run.stop(*numbers)

    assert_cancelled(found, run)
    assert_nothing_is_left(run, started)
    assert [sample.ok for sample in results.steps(found)] == [True] * 4
    assert results.of(found).summary["wall_ms"].n == 4
    assert (results.output(found).text, results.output(found).stable) == ("a text", True)
    assert found.series is not None


@HOW
def test_while_it_measures_pairs(place: Workplace, numbers: tuple[signal.Signals, ...]) -> None:
    place.program("engine", STALLS_LATER)
    sides = ("--command", "./engine head", "--base-command", "./engine base")
    run = place.run(*sides, "--warmup", "0", "--runs", "100")
    started = run.wait_until_it_stalls()

    found = run.stop(*numbers)

    assert_cancelled(found, run)
    assert_nothing_is_left(run, started)
    assert [sample.round for sample in results.steps(found)] == [0, 1]
    assert [sample.round for sample in results.steps(found, BASE)] == [0, 1]


@HOW
def test_while_the_base_is_built(place: Workplace, numbers: tuple[signal.Signals, ...]) -> None:
    place.git("init", "--quiet")
    place.program("build", STALL)
    place.git("add", ".")
    place.git("commit", "--quiet", "-m", "base")
    place.program("build", "")
    place.git("commit", "--quiet", "--all", "-m", "head")
    run = place.run("--build", "./build", "--base-ref", "HEAD~1", "--command", "true")
    started = run.wait_until_it_stalls()
    assert "base-checkout" in place.git("worktree", "list")

    found = run.stop(*numbers)

    assert_cancelled(found, run)
    assert_nothing_is_left(run, started)
    assert place.git("worktree", "list", "--porcelain").count("worktree ") == 1
    head = place.git("rev-parse", "HEAD")
    assert {name: side.commit for name, side in found.sides.items()} == {HEAD: head}
    assert found.cost.build_s > 0


def test_a_closed_terminal_ends_it_too(place: Workplace) -> None:
    place.program("engine", STALL)
    run = place.run("--command", "./engine")
    started = run.wait_until_it_stalls()

    found = run.stop(signal.SIGHUP)

    assert_cancelled(found, run)
    assert_nothing_is_left(run, started)


def test_further_signals_cost_nothing_of_what_was_measured(place: Workplace) -> None:
    place.program("engine", STALLS_LATER)
    run = place.run("--command", "./engine", "--warmup", "0")
    started = run.wait_until_it_stalls()

    pause_s = 0.005
    while run.process.poll() is None:  # also while it kills, sums up, writes and shows
        for number in NUMBERS:
            run.process.send_signal(number)
        time.sleep(pause_s)
        # A system call that a signal makes begin anew (a write of the coverage data, on some file
        # systems) ends only if the signals leave it the time.
        pause_s *= 1.05

    found = run.result()
    # With its last breath an interpreter puts the system's own handlers back.
    assert_cancelled(found, run, *(-number for number in NUMBERS))
    assert_nothing_is_left(run, started)
    assert len(results.steps(found)) == 4
    assert "cancelled" in run.log.read_text(), "it was not shown"


def test_in_a_workflow_a_cancelled_run_leaves_its_document_and_is_never_red(
    place: Workplace,
) -> None:
    place.program("engine", STALLS_LATER)
    folder = place.work / "perf-smoke-out"
    folder.mkdir()
    run = place.run(
        *("--command", "./engine", "--warmup", "0", "--fail-on", "error"),
        PERF_SMOKE_RUNTIME="host",
        PERF_SMOKE_FOLDER=str(folder),
    )
    started = run.wait_until_it_stalls()

    found = run.stop(signal.SIGINT, signal.SIGTERM)

    assert run.process.returncode == 0, run.log.read_text()
    assert_nothing_is_left(run, started)
    assert (found.status, found.reason) == ("cancelled", "cancelled")
    assert len(results.steps(found)) == 4


@pytest.fixture
def signals() -> Iterator[Signals]:
    """Those of this very process, as they were afterwards."""
    before = {number: signal.getsignal(number) for number in NUMBERS}
    yield Signals()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_first_signal_raises_once(signals: Signals, number: signal.Signals) -> None:
    after = []

    def measure() -> None:
        with signals.interruptible():
            try:
                signal.raise_signal(number)
            finally:
                signal.raise_signal(number)
                after.append("cleaned up")

    with pytest.raises(Cancelled):
        measure()
    assert after == ["cleaned up"]


def test_a_signal_before_the_measuring_ends_it_at_its_start(signals: Signals) -> None:
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Cancelled), signals.interruptible():
        raise AssertionError("it began all the same")


def test_after_the_measuring_signals_change_nothing(signals: Signals) -> None:
    with signals.interruptible():
        pass
    for number in NUMBERS:
        signal.raise_signal(number)


def test_a_cancelled_run_ignores_what_comes_while_it_reports(signals: Signals) -> None:
    with pytest.raises(Cancelled), signals.interruptible():
        signal.raise_signal(signal.SIGINT)
    for number in NUMBERS:
        signal.raise_signal(number)


def test_nohup_stays_in_force() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    others = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Signals().interruptible():
            signal.raise_signal(signal.SIGHUP)
    finally:
        for number, handler in {**others, signal.SIGHUP: before}.items():
            signal.signal(number, handler)
