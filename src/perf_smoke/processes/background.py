"""A program that stays alive between steps: started, watched and surely ended.

Used for workers and servers. Its output is drained by a thread and bounded, so that a flood
neither blocks it nor fills a disk.
"""

from __future__ import annotations

import contextlib
import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from io import BufferedReader
from pathlib import Path

import psutil

from perf_smoke.printable import decoded
from perf_smoke.processes import kinship, sweep
from perf_smoke.processes.foreground import REAPED_WITHIN_S, Bounded
from perf_smoke.processes.kinship import MARK

_starts = itertools.count(1)


class Background:
    """One running program in a process group of its own, without standard input.

    Raises (on making one):
        OSError: the program could not be started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        pass_fds: Sequence[int] = (),
    ) -> None:
        variables = dict(environment)
        if MARK in variables:  # one of its own: another program of the run may go on beside it
            variables[MARK] += f"{next(_starts)}/"
        self._mark = variables.get(MARK, "")
        self._child = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=variables,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, which takes no lock
        )
        sweep.begins(self._child.pid)
        self._killed = False
        self._output = Bounded()
        self._drainer = threading.Thread(
            target=self._drain, args=(self._child.stdout,), daemon=True
        )
        self._drainer.start()

    @property
    def pid(self) -> int:
        """Its process, which leads the group."""
        return self._child.pid

    def pids(self) -> tuple[int, ...]:
        """Its process, and those that it and its children have started and that run now."""
        children: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):  # it has ended
            children = psutil.Process(self.pid).children(recursive=True)
        return (self.pid, *(child.pid for child in children))

    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self.wait(0.0)

    def wait(self, timeout_s: float) -> int | None:
        """Its exit code, or None if it still runs after `timeout_s`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout_s)
            sweep.reaped(self.pid)
        return self._child.returncode

    def output(self) -> str:
        """What it has printed until now, decoded and without control characters."""
        return decoded(self._output.value())

    def kill(self) -> None:
        """End it with all that it has started. May be called twice."""
        if self._killed:  # by now its number may be another program's
            return
        sweep.kill_tree(self.pid, self._mark)
        self.wait(REAPED_WITHIN_S)
        self._drainer.join(timeout=1.0)  # a survivor may keep the pipe open: do not wait for it
        self._killed = True

    def _drain(self, pipe: BufferedReader) -> None:
        with pipe:
            while data := pipe.read1(65536):
                self._output.add(data)


def cpu_ms_of(pid: int) -> float | None:
    """CPU time of one process until now; None when it has ended."""
    if sys.platform == "darwin":  # pragma: no cover - the tests run on Linux
        try:
            times = psutil.Process(pid).cpu_times()
        except psutil.Error:
            return None
        return (times.user + times.system) * 1e3
    # Its CPU clock counts in ns, /proc in ticks of 10 ms: as long as a short step. The clock's
    # number is made as clock_getcpuclockid(3) makes it.
    with contextlib.suppress(OSError):
        return time.clock_gettime(~pid << 3 | 2) * 1e3
    return None


def peak_rss_kib_of(pid: int) -> int | None:
    """The largest resident set of one running process until now; None where the system does not
    tell."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        return int(status.split("VmHWM:")[1].split()[0])
    return None


def _die_with_parent() -> None:
    """Runs in the child before it becomes the program: this process may be killed, and cannot end
    it then."""
    kinship.end_with_parent(signal.SIGKILL)
