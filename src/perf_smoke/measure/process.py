"""Run one program to its end: exact wall time, CPU time, peak RSS, bounded output, no survivors.

The clock is read right before the program is started and right after the kernel says that it
ended; nothing of ours is imported, opened or written in between but what drains its output.
"""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

KEPT_BYTES = 256 * 1024
"""Kept of the beginning and of the end of each stream; the middle of a flood is dropped."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How a program ended. `exit_code` is negative for a signal, as in subprocess."""

    exit_code: int
    timed_out: bool
    wall_ms: float
    cpu_ms: float
    peak_rss_kib: int | None
    """None when it is no more than this process's own peak, where the kernel starts to count."""
    stdout: bytes
    stderr: bytes

    @property
    def failed(self) -> bool:
        """Whether it did not end well by itself."""
        return self.timed_out or self.exit_code != 0


class Bounded:
    """The beginning and the end of a stream of any length."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    def add(self, data: bytes) -> None:
        """Take the next piece."""
        room = KEPT_BYTES - len(self._head)
        self._head += data[:room]
        self._tail += data[room:] if room < len(data) else b""
        if len(self._tail) > 2 * KEPT_BYTES:
            cut = len(self._tail) - KEPT_BYTES
            self._dropped += cut
            del self._tail[:cut]

    def value(self) -> bytes:
        """What was kept, with a line that says how much was left out."""
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
) -> Finished:
    """Run `argv` in a process group of its own, with no standard input.

    At the timeout, and when an exception (a cancelled job) passes through, the whole group is
    killed. What it left running is killed at its end too.

    Raises:
        OSError: the program could not be started.
    """
    own_peak_kib = peak_rss_kib(resource.getrusage(resource.RUSAGE_SELF))
    ended_reader, ended_writer = os.pipe()
    streams = {"stdout": Bounded(), "stderr": Bounded()}
    with selectors.DefaultSelector() as selector, _closing(ended_reader):
        started_ns = time.perf_counter_ns()
        try:
            child = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=dict(environment),
                start_new_session=True,
            )
        except BaseException:
            os.close(ended_writer)
            raise
        waiter = _Waiter(child.pid, ended_writer)
        try:
            waiter.start()
            selector.register(ended_reader, selectors.EVENT_READ, None)
            for pipe, kept in zip((child.stdout, child.stderr), streams.values(), strict=True):
                os.set_blocking(_fileno(pipe), False)
                selector.register(_fileno(pipe), selectors.EVENT_READ, kept)
            timed_out = not _drain(selector, deadline_ns=started_ns + int(timeout_s * 1e9))
        finally:
            kill_group(child.pid)
            waiter.join()
            child.returncode = waiter.exit_code  # reaped by the waiter: Popen must not wait again
            _drain_rest(selector)
            for pipe in (child.stdout, child.stderr):
                if pipe:
                    pipe.close()
    peak = peak_rss_kib(waiter.usage)
    return Finished(
        exit_code=waiter.exit_code,
        timed_out=timed_out,
        wall_ms=(waiter.ended_ns - started_ns) / 1e6,
        cpu_ms=(waiter.usage.ru_utime + waiter.usage.ru_stime) * 1e3,
        peak_rss_kib=peak if peak > own_peak_kib else None,
        stdout=streams["stdout"].value(),
        stderr=streams["stderr"].value(),
    )


def kill_group(group: int) -> None:
    """Kill every process of the group; none left is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def peak_rss_kib(usage: resource.struct_rusage) -> int:
    """`ru_maxrss` in KiB: Linux counts in KiB, macOS in bytes."""
    return usage.ru_maxrss // 1024 if sys.platform == "darwin" else usage.ru_maxrss


class _Waiter(threading.Thread):
    """Waits for one child, so that its end is noticed at once while its output is drained."""

    def __init__(self, pid: int, ended_writer: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._ended_writer = ended_writer
        self.exit_code = 0
        self.ended_ns = 0
        self.usage = resource.getrusage(resource.RUSAGE_CHILDREN)

    def run(self) -> None:
        _, status, self.usage = os.wait4(self._pid, 0)
        self.ended_ns = time.perf_counter_ns()
        self.exit_code = os.waitstatus_to_exitcode(status)
        os.close(self._ended_writer)


def _drain(selector: selectors.BaseSelector, *, deadline_ns: int) -> bool:
    """Read all output until the child has ended (True) or the deadline has passed (False)."""
    while True:
        left_s = (deadline_ns - time.perf_counter_ns()) / 1e9
        if left_s <= 0:
            return False
        for key, _ in selector.select(left_s):
            if key.data is None:
                return True
            _read(selector, key)


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
        selector.unregister(key.fd)
        return False
    key.data.add(data)
    return True


def _fileno(pipe: IO[bytes] | None) -> int:
    if pipe is None:  # pragma: no cover - Popen makes each pipe that was asked for
        raise ValueError("no pipe")
    return pipe.fileno()


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)
