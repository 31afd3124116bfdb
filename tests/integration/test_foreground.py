"""Running one program: whatever it does, its end is seen, measured, and leaves nothing behind."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil
import pytest

from perf_smoke.processes import foreground
from perf_smoke.processes.foreground import KEPT_BYTES, Bounded, Finished, run_process

GENEROUS_S = 60.0


def run(
    argv: Sequence[str],
    *,
    timeout_s: float = GENEROUS_S,
    cwd: Path = Path("/"),
    environment: Mapping[str, str] | None = None,
) -> Finished:
    return run_process(
        argv,
        timeout_s=timeout_s,
        cwd=cwd,
        environment=os.environ if environment is None else environment,
    )


def python(code: str, *arguments: object, timeout_s: float = GENEROUS_S) -> Finished:
    """Run a few lines of Python."""
    argv = [sys.executable, "-S", "-c", code, *map(str, arguments)]
    return run(argv, timeout_s=timeout_s)


def has_ended(pid: int) -> bool:
    """Whether a process has ended, or does within a while."""
    deadline_s = time.monotonic() + GENEROUS_S
    while time.monotonic() < deadline_s:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True  # killed; whoever has to reap it is not ours
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """After each test: as many open files and threads as before, and no new child."""
    before = open_files(), threading.active_count()
    children = set(psutil.Process().children(recursive=True))
    yield
    deadline_s = time.monotonic() + GENEROUS_S
    while (open_files(), threading.active_count()) != before and time.monotonic() < deadline_s:
        time.sleep(0.01)  # the thread of a program that did not start ends by itself
    assert (open_files(), threading.active_count()) == before
    assert set(psutil.Process().children(recursive=True)) <= children


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_program_gives_its_code_and_both_its_streams() -> None:
    finished = run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (finished.exit_code, finished.timed_out, finished.failed) == (3, False, True)
    assert (finished.stdout, finished.stderr) == (b"out\n", b"err\n")


def test_ending_well_is_no_failure() -> None:
    finished = run(["true"])
    assert (finished.exit_code, finished.failed) == (0, False)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_signal_is_a_negative_code(number: signal.Signals) -> None:
    assert run(["sh", "-c", f"ulimit -c 0; kill -{number.value} $$"]).exit_code == -number


def test_wall_time_is_that_of_the_program() -> None:
    started_s = time.monotonic()
    finished = run(["sleep", "0.2"])
    outside_ms = (time.monotonic() - started_s) * 1e3
    assert 200.0 <= finished.wall_ms <= outside_ms


def test_cpu_time_is_that_of_the_program_and_of_its_children() -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    finished = run(["sh", "-c", '"$0" -S -c "$1" & wait; exit 0', sys.executable, burn])
    assert finished.cpu_ms is not None
    assert finished.cpu_ms >= 300.0
    idle = run(["sleep", "0.1"]).cpu_ms
    assert idle is not None
    assert 0.0 <= idle < 100.0


def test_the_peak_is_the_programs_own() -> None:
    size_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 + 64
    finished = python(f"data = b'x' * ({size_mib} << 20)")
    assert finished.peak_rss_kib is not None
    assert size_mib << 10 < finished.peak_rss_kib < (size_mib + 64) << 10


def test_a_peak_below_our_own_is_not_passed_off_as_the_programs() -> None:
    grown = []
    for _ in range(30):  # as this process grows, so does the number that the kernel starts at
        grown.append(bytearray(os.urandom(200_000)))
        assert run(["true"]).peak_rss_kib is None


def test_a_program_reads_no_input() -> None:
    ours = os.dup(0)
    reader, writer = os.pipe()
    os.write(writer, b"meant for us")
    os.dup2(reader, 0)
    try:
        assert run(["cat"], timeout_s=10.0).stdout == b""
    finally:
        os.dup2(ours, 0)
        for descriptor in (ours, reader, writer):
            os.close(descriptor)


def test_a_program_sees_only_the_environment_that_it_is_given() -> None:
    finished = run(["/usr/bin/env"], environment={"ONLY": "this", "SIZE": "x" * 100_000})
    assert finished.stdout == b"ONLY=this\nSIZE=" + b"x" * 100_000 + b"\n"


def test_a_program_runs_where_it_is_told(tmp_path: Path) -> None:
    assert run(["pwd", "-P"], cwd=tmp_path).stdout.decode().strip() == str(tmp_path.resolve())


def test_any_bytes_may_be_printed() -> None:
    everything = bytes(range(256))
    assert python("import os; os.write(1, bytes(range(256)))").stdout == everything


@pytest.mark.parametrize(
    "start",
    [
        lambda folder: run([str(folder / "missing")]),
        lambda folder: run([str(folder)]),
        lambda folder: run(["true"], cwd=folder / "missing"),
        lambda folder: run(["true"], environment={"HUGE": "x" * 3_000_000}),
        lambda folder: run(["true", *["x" * 100_000] * 100]),
    ],
    ids=["missing", "folder", "cwd", "environment", "arguments"],
)
def test_what_cannot_be_started_is_an_os_error(
    start: Callable[[Path], Finished], tmp_path: Path
) -> None:
    with pytest.raises(OSError, match=r"No such file|Permission denied|Argument list too long"):
        start(tmp_path)


def test_a_program_that_closes_its_output_is_waited_for() -> None:
    finished = run(["sh", "-c", "exec >&- 2>&-; sleep 0.2; exit 4"])
    assert finished.exit_code == 4
    assert finished.wall_ms >= 200.0


def test_a_flood_is_kept_at_both_ends_and_does_not_block() -> None:
    size = 1 << 30
    finished = python(
        "import os\nos.write(1, b'first')\nblock = b'x' * 65536\n"
        f"for _ in range({size >> 16}): os.write(1, block)\nos.write(1, b'last')"
    )
    assert finished.exit_code == 0
    assert finished.stdout.startswith(b"firstx")
    assert finished.stdout.endswith(b"xlast")
    assert b"[... %d bytes left out ...]" % (size + 9 - 2 * KEPT_BYTES) in finished.stdout
    assert len(finished.stdout) < 2 * KEPT_BYTES + 100


def test_output_of_the_last_moment_is_not_lost() -> None:
    for size in (1, 4096, 60_000):
        finished = python(f"import os; os.write(1, b'y' * {size}); os._exit(0)")
        assert len(finished.stdout) == size


def test_a_program_that_ignores_signals_is_killed_at_its_timeout() -> None:
    finished = run(["sh", "-c", "trap '' INT TERM HUP; echo on; sleep 600"], timeout_s=1.0)
    assert (finished.exit_code, finished.timed_out, finished.failed) == (-9, True, True)
    assert finished.stdout == b"on\n"
    assert 1000.0 <= finished.wall_ms < GENEROUS_S * 1e3


def test_the_shortest_timeout_kills_too() -> None:
    assert run(["sleep", "600"], timeout_s=0.1).timed_out


def test_a_flood_without_end_is_killed_at_its_timeout() -> None:
    assert run(["yes"], timeout_s=0.5).timed_out


def test_what_a_program_leaves_running_ends_with_it() -> None:
    finished = run(["sh", "-c", "sleep 600 & echo $!"])
    assert not finished.failed
    assert has_ended(int(finished.stdout))


def test_children_in_sessions_of_their_own_are_killed_at_the_timeout() -> None:
    finished = run(
        ["sh", "-c", "setsid sh -c 'echo $$; exec sleep 600' & wait"],
        timeout_s=5.0,
    )
    assert finished.timed_out
    assert has_ended(int(finished.stdout))


def test_a_daemon_that_keeps_the_output_open_is_not_waited_for(tmp_path: Path) -> None:
    # Its parent has ended well, so that it cannot be found any more; the pipe must not hold us.
    told = tmp_path / "pid"
    daemon = f"echo $$ >{told}.part; mv {told}.part {told}; exec sleep 600"
    finished = run(
        ["sh", "-c", f"setsid sh -c '{daemon}' & until [ -e {told} ]; do sleep 0.01; done"]
    )
    running = psutil.Process(int(told.read_text()))
    assert running.is_running()
    running.kill()
    assert not finished.failed


def test_an_exception_that_passes_through_kills_everything(tmp_path: Path) -> None:
    class Passing(BaseException):
        pass

    def interrupt(_number: int, _frame: object) -> None:
        raise Passing

    told = tmp_path / "pids"
    script = f"sleep 600 & setsid sleep 600 & echo $$ $! > {told}.part; mv {told}.part {told}; wait"
    before = signal.signal(signal.SIGUSR1, interrupt)
    watcher = threading.Thread(target=interrupt_when_there, args=(told,))
    watcher.start()
    try:
        with pytest.raises(Passing):
            run(["sh", "-c", script])
    finally:
        signal.signal(signal.SIGUSR1, before)
        watcher.join()
    assert all(has_ended(int(pid)) for pid in told.read_text().split())


def interrupt_when_there(path: Path) -> None:
    while not path.exists():
        time.sleep(0.01)
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGUSR1)


def test_hundreds_of_runs_leak_nothing() -> None:
    for _ in range(200):
        assert not run(["true"]).failed


def test_a_program_that_cannot_be_killed_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    # As root nothing refuses to be killed, so the killing is taken away.
    children: list[int] = []
    monkeypatch.setattr(foreground, "kill_tree", children.append)
    monkeypatch.setattr(foreground, "REAPED_WITHIN_S", 0.1)
    finished = run(["sleep", "600"], timeout_s=0.2)
    os.kill(children[0], signal.SIGKILL)  # the waiting thread reaps it
    assert (finished.timed_out, finished.exit_code) == (True, -signal.SIGKILL)
    assert (finished.cpu_ms, finished.peak_rss_kib) == (None, None)
    assert finished.wall_ms >= 200.0


def test_a_program_that_ended_in_time_has_not_timed_out_however_late_we_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drain = foreground._drain

    def late(*args: object, deadline_ns: int) -> bool:
        time.sleep(1.5)
        return drain(*args, deadline_ns=deadline_ns)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(foreground, "_drain", late)
    finished = run(["echo", "here"], timeout_s=1.0)
    assert not finished.failed
    assert finished.stdout == b"here\n"


def test_short_output_is_kept_whole() -> None:
    kept = Bounded()
    for piece in (b"a" * KEPT_BYTES, b"", b"b" * KEPT_BYTES):
        kept.add(piece)
    assert kept.value() == b"a" * KEPT_BYTES + b"b" * KEPT_BYTES


@pytest.mark.parametrize("piece", [997, 65536, KEPT_BYTES + 1, 5 * KEPT_BYTES])
def test_long_output_loses_its_middle_in_whatever_pieces_it_comes(piece: int) -> None:
    text = bytes(index % 251 for index in range(5 * KEPT_BYTES))
    kept = Bounded()
    for start in range(0, len(text), piece):
        kept.add(text[start : start + piece])
    gap = b"\n[... %d bytes left out ...]\n" % (3 * KEPT_BYTES)
    assert kept.value() == text[:KEPT_BYTES] + gap + text[-KEPT_BYTES:]
