"""Run one program to its end: exact wall time, CPU time, peak RSS, bounded output, no survivors.

The clock is read right before the program is started and right after the kernel says that it
ended; in between, nothing of ours runs but what drains its output.
"""

from __future__ import annotations

import contextlib
import os
import queue
import resource
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from perf_smoke.processes import sweep
from perf_smoke.processes.ending import how_it_ended, overran
from perf_smoke.processes.sweep import end_left_over, kill_tree

KEPT_BYTES = 256 * 1024
"""Kept of each stream's beginning and of its end; the middle of a flood is dropped."""
REAPED_WITHIN_S = 10.0
"""So long the end of a program is waited for that `sweep` has killed or given up."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How a program ended. `exit_code` is negative for a signal, as in subprocess."""

    exit_code: int
    timed_out: bool
    wall_ms: float
    cpu_ms: float | None
    """Of it and of those of its children that it waited for."""
    peak_rss_kib: int | None
    """None when it is no more than this process's own peak, where the kernel starts to count."""
    stdout: bytes
    stderr: bytes
    left_running: tuple[str, ...] = ()
    """The names of what it had left running when it ended by itself, which was ended then."""
    timeout_s: float
    """How long it was given."""

    @property
    def failed(self) -> bool:
        """Whether it did not end well by itself."""
        return self.timed_out or self.exit_code != 0

    @property
    def how(self) -> str:
        """How it ended: `exited with code 3`."""
        return overran(self.timeout_s) if self.timed_out else how_it_ended(self.exit_code)


class Bounded:
    """The beginning and the end of a stream of any length."""

    def __init__(self, on_data: Callable[[bytes], None] = lambda _data: None) -> None:
        self._on_data = on_data
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    def add(self, data: bytes) -> None:
        """Take the next piece."""
        self._on_data(data)
        room = KEPT_BYTES - len(self._head)
        self._head += data[:room]
        self._tail += data[room:] if room < len(data) else b""
        if len(self._tail) > 2 * KEPT_BYTES:
            cut = len(self._tail) - KEPT_BYTES
            self._dropped += cut
            del self._tail[:cut]

    def value(self) -> bytes:
        """Both ends, with a line that says how much was left out."""
        cut = max(0, len(self._tail) - KEPT_BYTES)
        dropped = self._dropped + cut
        gap = b"\n[... %d bytes left out ...]\n" % dropped if dropped else b""
        return bytes(self._head) + gap + bytes(self._tail[cut:])


def run_process(
    argv: Sequence[str],
    *,
    timeout_s: float,
    cwd: Path,
    environment: Mapping[str, str],
    on_stdout: Callable[[bytes], None] = lambda _data: None,
    on_stderr: Callable[[bytes], None] = lambda _data: None,
) -> Finished:
    """Run `argv` in a process group of its own, with no standard input.

    At the timeout, and when an exception (a cancelled job) passes through, it is ended with
    everything it started, and so is at its end what it has left running: SIGTERM, then SIGKILL.

    Args:
        on_stdout: gets each piece of its standard output as it comes.
        on_stderr: the same of its standard error.

    Raises:
        OSError: the program could not be started.
    """
    command, variables = list(argv), dict(environment)
    stdout_ends, stderr_ends = Bounded(on_stdout), Bounded(on_stderr)
    with contextlib.ExitStack() as cleanup:
        # All that can be made before the clock starts is: it takes as long as a small program.
        ended_reader, ended_writer = _pipe(cleanup)
        stdout_reader, stdout = _pipe(cleanup)
        stderr_reader, stderr = _pipe(cleanup)
        selector = cleanup.enter_context(selectors.DefaultSelector())
        selector.register(ended_reader, selectors.EVENT_READ, None)
        selector.register(stdout_reader, selectors.EVENT_READ, stdout_ends)
        selector.register(stderr_reader, selectors.EVENT_READ, stderr_ends)
        waiter = _Waiter(ended_writer)
        cleanup.callback(waiter.watch, None)
        waiter.start()
        started_ns = time.perf_counter_ns()
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=cwd,
            env=variables,
            start_new_session=True,
        )
        ended = False
        left_running: tuple[str, ...] = ()
        sweep.begins(child.pid)
        try:
            waiter.watch(child.pid)
            stdout.close()
            stderr.close()
            floor_kib = peak_rss_kib(resource.getrusage(resource.RUSAGE_SELF))
            deadline_ns = started_ns + int(timeout_s * 1e9)
            ended = _drain(selector, deadline_ns=deadline_ns)
        finally:
            if ended:
                sweep.reaped(child.pid)
                left_running = end_left_over(child.pid)
            else:
                kill_tree(child.pid)
            waiter.join(REAPED_WITHIN_S)
            if waiter.ended_ns:
                sweep.reaped(child.pid)
            child.returncode = waiter.exit_code  # the waiter reaps it: Popen must not wait again
            _drain_rest(selector)
    ended_ns = waiter.ended_ns or time.perf_counter_ns()
    return Finished(
        exit_code=waiter.exit_code,
        timed_out=ended_ns > deadline_ns,
        wall_ms=(ended_ns - started_ns) / 1e6,
        cpu_ms=_cpu_ms(waiter.usage),
        peak_rss_kib=_own_peak_kib(waiter.usage, floor_kib),
        stdout=stdout_ends.value(),
        stderr=stderr_ends.value(),
        left_running=left_running,
        timeout_s=timeout_s,
    )


def peak_rss_kib(usage: resource.struct_rusage) -> int:
    """`ru_maxrss` in KiB: Linux counts in KiB, macOS in bytes."""
    return usage.ru_maxrss // 1024 if sys.platform == "darwin" else usage.ru_maxrss


def _own_peak_kib(usage: resource.struct_rusage | None, floor_kib: int) -> int | None:
    """The program's own peak: the kernel starts counting at the peak of the process that started
    it, and takes a moment to count that one's latest pages."""
    if usage is None or peak_rss_kib(usage) <= floor_kib + 1024:
        return None
    return peak_rss_kib(usage)


def _cpu_ms(usage: resource.struct_rusage | None) -> float | None:
    return None if usage is None else (usage.ru_utime + usage.ru_stime) * 1e3


class _Waiter(threading.Thread):
    """Waits for one process, so that its end is noticed at once while its output is drained."""

    def __init__(self, ended_writer: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._pids: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._ended_writer = ended_writer
        self.exit_code = -signal.SIGKILL
        """Of one that never ended: what it was sent."""
        self.ended_ns = 0
        self.usage: resource.struct_rusage | None = None

    def watch(self, pid: int | None) -> None:
        """Wait for this process, or for none. Only the first call counts."""
        self._pids.put(pid)

    def run(self) -> None:
        pid = self._pids.get()
        if pid is not None:
            _, status, self.usage = os.wait4(pid, 0)
            self.ended_ns = time.perf_counter_ns()
            self.exit_code = os.waitstatus_to_exitcode(status)
        self._ended_writer.close()


def _drain(selector: selectors.BaseSelector, *, deadline_ns: int) -> bool:
    """Read all output until the program has ended (True) or the deadline has passed (False)."""
    while (left_ns := deadline_ns - time.perf_counter_ns()) > 0:
        for key, _ in selector.select(left_ns / 1e9):
            if key.data is None:
                return True
            _read(selector, key)
    return False


def _drain_rest(selector: selectors.BaseSelector) -> None:
    """Read what the pipes still hold; a survivor that keeps one open is not waited for."""
    for key in list(selector.get_map().values()):
        for _ in range(32):  # more than a pipe holds
            if key.data is None or not _read(selector, key):
                break


def _read(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> bool:
    try:
        data = os.read(key.fd, 65536)
    except BlockingIOError:
        return False
    if not data:
        selector.unregister(key.fileobj)
        return False
    key.data.add(data)
    return True


def _pipe(cleanup: contextlib.ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    """A pipe whose reading end never blocks. Both ends are closed at the end, or before it."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    return (
        cleanup.enter_context(os.fdopen(reader, "rb", buffering=0)),
        cleanup.enter_context(os.fdopen(writer, "wb", buffering=0)),
    )
