"""Do processes that stay alive sleep, or does a thread of theirs still run?"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from perf_smoke.processes.background import cpu_ms_of

_GLANCE_S = 0.001
"""Time between two looks at the CPU clocks."""


def asleep_within(pids: Sequence[int], limit_s: float) -> bool:
    """Wait until all of these processes sleep: no thread runs or wants to, and their CPU clocks
    stand still. A process that has ended sleeps.

    Both, because neither is enough: a thread that wakes up every now and then is seldom met
    running, and the kernel enters the time of a running one into the clock at its next tick only.

    Returns:
        Whether they slept before `limit_s` was over.
    """
    deadline_s = time.monotonic() + limit_s
    clocks = [cpu_ms_of(pid) for pid in pids]
    while time.monotonic() < deadline_s:
        time.sleep(_GLANCE_S)
        before, clocks = clocks, [cpu_ms_of(pid) for pid in pids]
        if clocks == before and not any(map(_runs, pids)):
            return True
    return False


def _runs(pid: int) -> bool:
    """Whether a thread of it has a CPU or queues for one; no, where the system does not tell."""
    with contextlib.suppress(OSError):
        return any(map(_thread_runs, Path(f"/proc/{pid}/task").iterdir()))
    return False


def _thread_runs(task: Path) -> bool:
    """By the state after the thread's name, which may hold anything but its last bracket."""
    with contextlib.suppress(OSError):
        return (task / "stat").read_bytes().rpartition(b") ")[2][:1] == b"R"
    return False  # it has ended
