"""Which processes are a run's: what the kernel knows of it, and is asked to do.

Linux tells a child of its parent's end, and hands the orphans of a run to perf-smoke; macOS does
neither.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

MARK = "PERF_SMOKE_MARK"
"""The variable that all processes of a run have, also those that have left their parents. What one
run's says is not how another's begins."""

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_adopting = False


def adopt() -> None:
    """From now on all children of this process, also those that it has not started itself but
    inherited from a child that ended, are the run's: nobody else has a use for them."""
    global _adopting  # noqa: PLW0603 - as the kernel has it: a property of the process
    _adopting = True
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def is_adopting() -> bool:
    """Whether each child of this process is the run's."""
    return _adopting


def has_children() -> bool:
    """Whether there is any, ended ones that nobody has reaped included. Takes a microsecond."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def end_with_parent(number: signal.Signals) -> None:
    """Have the kernel send this process a signal at its parent's end, also once it has become
    another program (Linux; elsewhere nothing is done)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, number)
