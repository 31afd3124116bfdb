"""What belongs to a run: found wherever it went, and ended.

A program may leave its group, its session and its parent. It is found all the same: its orphans are
this process's children by then (`kinship.adopt`), and all that a run starts has a mark in its
environment. Nothing else is ever touched.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator

import psutil

from perf_smoke.processes import kinship

GRACE_S = 0.5
"""From SIGTERM, at which a program may remove its locks, to SIGKILL."""
KILLED_WITHIN_S = 5.0
"""A killed program ends within this, or never: it belongs to another user (sudo), or waits for a
device that does not answer."""
_LONGEST_PAUSE_S = 0.05

_waited_for: set[int] = set()
"""Children whose end somebody here waits for. Nobody else may reap them."""


def begins(child: int) -> None:
    """Somebody waits for this child from now on."""
    _waited_for.add(child)


def reaped(child: int) -> None:
    """Nobody does any more: its number may be another program's."""
    _waited_for.discard(child)


def kill_tree(leader: int, mark: str = "") -> None:
    """End a program with all that it has started, wherever it is by now.

    Args:
        mark: what MARK says in its environment and in no other program's.
    """
    _end(lambda: _found(leader, mark))


def end_left_over(leader: int) -> tuple[str, ...]:
    """End what a program that has ended left running; the names, sorted, each once for each
    process. Where nothing is left, as after nearly every step, this takes microseconds."""
    if not kinship.has_children() and not _group_exists(leader):
        return ()
    return _end(lambda: _found(leader))


def end_everything(mark: str) -> tuple[str, ...]:
    """End what a run has left, whoever's child it is by now; the names, as above.

    Args:
        mark: what MARK says in the environment of all that the run has started; empty where only
            what descends from this process is meant.
    """
    return _end(lambda: _found(None, mark))


def _end(find: Callable[[], list[psutil.Process]]) -> tuple[str, ...]:
    """SIGTERM, and after a while SIGKILL, until nothing is found any more."""
    names = []
    for process in (alive := find()):
        with contextlib.suppress(psutil.Error):  # it has ended by itself
            names.append(process.name())
        _send(process, signal.SIGTERM)
    started_s, pause_s = time.monotonic(), 0.002
    while alive and (elapsed_s := time.monotonic() - started_s) < GRACE_S + KILLED_WITHIN_S:
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        alive = find()
        if elapsed_s > GRACE_S:
            for process in alive:
                _send(process, signal.SIGKILL)
    return tuple(sorted(names))


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.Error):  # it has ended; or is another user's
        process.send_signal(number)


def _found(leader: int | None, mark: str = "") -> list[psutil.Process]:
    """What still runs of one program, or of the whole run; what has ended is reaped on the way."""
    me = os.getpid()
    processes = {process.pid: process for process in psutil.process_iter()}
    parents = dict(_parents(processes.values()))
    children: dict[int, set[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, set()).add(pid)
    others = set() if leader is None else _waited_for - {leader}
    roots = {pid for pid, process in processes.items() if mark and _has_mark(process, mark)}
    if leader in _waited_for or leader not in processes:  # else its number is another program's now
        roots |= {pid for pid in processes if _group_of(pid) == leader}
    if kinship.is_adopting() and not others:
        # With another program of ours still running, an orphan may be that one's: it waits.
        roots |= children.get(me, set())
    spared = {me, *_ancestors(me, parents), *others}
    pids: set[int] = set()
    while roots := roots - spared - pids:
        pids |= roots
        roots = {child for pid in roots for child in children.get(pid, ())}
    return [
        processes[pid] for pid in pids if not _has_ended(processes[pid], parents.get(pid) == me)
    ]


def _parents(processes: Iterable[psutil.Process]) -> Iterator[tuple[int, int]]:
    for process in processes:
        with contextlib.suppress(psutil.Error):  # it has ended
            yield process.pid, process.ppid()


def _ancestors(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while pid := parents.get(pid, 0):
        yield pid


def _has_ended(process: psutil.Process, is_our_child: bool) -> bool:
    try:
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            return False
    except psutil.Error:
        return True
    if is_our_child and process.pid not in _waited_for:
        with contextlib.suppress(ChildProcessError):  # somebody has reaped it
            os.waitpid(process.pid, os.WNOHANG)
    return True


def _has_mark(process: psutil.Process, mark: str) -> bool:
    with contextlib.suppress(psutil.Error):  # it has ended, or is another user's: none of ours
        return process.environ().get(kinship.MARK, "").startswith(mark)
    return False


def _group_of(pid: int) -> int | None:
    with contextlib.suppress(OSError):  # it has ended
        return os.getpgid(pid)
    return -1


def _group_exists(group: int) -> bool:
    try:
        with contextlib.suppress(PermissionError):  # there is one, of another user
            os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
