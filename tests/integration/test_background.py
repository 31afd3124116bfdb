"""A program that stays alive between steps: watched while it lives, and surely ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from perf_smoke.processes.activity import asleep_within
from perf_smoke.processes.background import Background, cpu_ms_of, peak_rss_kib_of

GENEROUS_S = 60.0


@contextmanager
def background(*argv: str, **options: object) -> Iterator[Background]:
    """A program that is killed at the end of the test."""
    environment = {"PATH": os.environ["PATH"]}
    running = Background(argv, cwd=Path("/"), environment=environment, **options)  # type: ignore[arg-type] # pass_fds
    try:
        yield running
    finally:
        running.kill()


def until(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    deadline_s = time.monotonic() + GENEROUS_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_both_streams_are_kept_as_printable_text() -> None:
    with background("sh", "-c", r"printf 'out\n'; printf '\033[31mred\377\n' >&2") as running:
        assert running.wait(GENEROUS_S) == 0
        until(lambda: "red" in running.output())
        assert running.output() == "out\nred\ufffd\n"


def test_it_tells_whether_it_still_runs() -> None:
    with background("sh", "-c", "read line; exit 3") as running:  # there is nothing to read
        assert running.wait(GENEROUS_S) == 3
    with background("sleep", "600") as running:
        assert running.exit_code() is None
        assert running.wait(0.05) is None
        os.kill(running.pid, signal.SIGTERM)
        assert running.wait(GENEROUS_S) == -signal.SIGTERM
        assert running.exit_code() == -signal.SIGTERM


def test_killing_ends_its_children_too_and_may_be_done_twice() -> None:
    script = "trap '' INT TERM; sleep 600 & setsid sleep 600 & echo $! ready; wait"
    with background("sh", "-c", script) as running:
        until(lambda: "ready" in running.output())
        until(lambda: len(psutil.Process(running.pid).children(recursive=True)) == 2)
        family = psutil.Process(running.pid).children(recursive=True)
        running.kill()
        running.kill()
        for member in family:
            until(lambda pid=member.pid: is_gone(pid))  # type: ignore[misc] # bound at once
        assert running.exit_code() == -signal.SIGKILL


def test_children_of_a_program_that_has_ended_are_killed() -> None:
    with background("sh", "-c", "sleep 600 & echo $!") as running:
        assert running.wait(GENEROUS_S) == 0
        until(running.output)
        child = int(running.output())
        assert not is_gone(child)
    until(lambda: is_gone(child))


def test_the_last_words_before_a_kill_are_kept() -> None:
    with background("sh", "-c", "echo early; exec sleep 600") as running:
        until(running.output)
        running.kill()
        assert running.output() == "early\n"


def test_a_flood_neither_blocks_it_nor_fills_the_memory() -> None:
    code = "import os\nfor _ in range(4096): os.write(1, b'x' * 65536)\nos.write(1, b'end')"
    with background(sys.executable, "-S", "-c", code) as running:
        assert running.wait(GENEROUS_S) == 0
        until(lambda: running.output().endswith("end"))
        assert "bytes left out" in running.output()
        assert len(running.output()) < 1 << 20


def test_a_daemon_that_keeps_the_output_open_does_not_hold_us() -> None:
    with background("sh", "-c", "setsid sh -c 'echo $$; exec sleep 600' & exit 0") as running:
        assert running.wait(GENEROUS_S) == 0
        until(running.output)
        daemon = int(running.output())
        running.kill()
        os.kill(daemon, signal.SIGKILL)


def test_what_cannot_be_started_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"), background(str(tmp_path / "missing")):
        pass


def test_a_descriptor_can_be_handed_over() -> None:
    reader, writer = os.pipe()
    code = "import os, sys; os.write(int(sys.argv[1]), b'through')"
    argv = (sys.executable, "-S", "-c", code, str(writer))
    with background(*argv, pass_fds=(writer,)) as running:
        os.close(writer)
        assert os.read(reader, 100) == b"through"
        assert running.wait(GENEROUS_S) == 0
    os.close(reader)


def test_cpu_time_of_a_running_program_grows_by_what_it_uses() -> None:
    burn = (
        "import time\nwhile time.process_time() < 0.2: pass\nprint('done', flush=True)\n"
        "time.sleep(600)"
    )
    with background(sys.executable, "-S", "-c", burn) as running:
        until(lambda: "done" in running.output())
        spent_ms = cpu_ms_of(running.pid)
        assert spent_ms is not None
        assert spent_ms >= 200.0


def test_its_processes_are_those_that_it_has_started_too() -> None:
    with background("sh", "-c", "sleep 600 & sleep 600 & wait") as running:
        names = ["sh", "sleep", "sleep"]  # each begins as a copy of the shell
        until(lambda: [psutil.Process(pid).name() for pid in running.pids()] == names)
        assert running.pids()[0] == running.pid


@pytest.mark.parametrize(
    ("code", "sleeps"),
    [
        ("time.sleep(600)", True),
        ("threading.Thread(target=time.sleep, args=(600,)).start()\nwhile True: pass", False),
        ("threading.Thread(target=spin).start()\ntime.sleep(600)", False),
        ("while True: time.sleep(0.0005)", False),  # never met running, hardly ever
    ],
)
def test_a_program_sleeps_when_no_thread_runs_and_its_clock_stands_still(
    code: str, sleeps: bool
) -> None:
    spin = "import threading, time\ndef spin():\n    while True: pass\nprint('up', flush=True)\n"
    with background(sys.executable, "-S", "-c", spin + code) as running:
        until(lambda: "up" in running.output())
        # A busy machine may hold back for a millisecond whoever wakes up all the time.
        until(lambda: asleep_within(running.pids(), GENEROUS_S if sleeps else 0.1) == sleeps)


def test_a_program_that_never_sleeps_is_waited_for_as_long_as_was_said() -> None:
    with background(sys.executable, "-S", "-c", "while True: pass") as running:
        started_s = time.monotonic()
        assert not asleep_within(running.pids(), 0.1)
        assert time.monotonic() - started_s >= 0.1


def test_a_program_that_has_ended_sleeps() -> None:
    with background("true") as running:
        assert running.wait(GENEROUS_S) == 0
        assert asleep_within([running.pid], GENEROUS_S)


def test_the_peak_of_a_running_program_is_its_own() -> None:
    code = (
        "import time\ndata = b'x' * (64 << 20)\ndel data\nprint('done', flush=True)\n"
        "time.sleep(600)"
    )
    with background(sys.executable, "-S", "-c", code) as running:
        until(lambda: "done" in running.output())
        peak_kib = peak_rss_kib_of(running.pid)
        assert peak_kib is not None
        assert 64 << 10 < peak_kib < 128 << 10


def test_nothing_is_told_of_a_program_that_has_ended() -> None:
    with background("true") as running:
        assert running.wait(GENEROUS_S) == 0
        assert cpu_ms_of(running.pid) is None
        assert peak_rss_kib_of(running.pid) is None


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux can tell a child of its parent's end"
)
def test_it_does_not_outlive_a_parent_that_is_killed() -> None:
    parent = (
        "import os, sys, time\nfrom pathlib import Path\n"
        "from perf_smoke.processes.background import Background\n"
        "running = Background(['sleep', '600'], cwd=Path('/'), environment=dict(os.environ))\n"
        "print(running.pid, flush=True)\ntime.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as us:
        assert us.stdout is not None
        pid = int(us.stdout.readline())
        us.kill()
    until(lambda: is_gone(pid))
