"""A small process above perf-smoke, which outlives it and leaves nothing of it running.

It waits for perf-smoke, passes signals on, and ends with its exit code. When perf-smoke is killed,
all that it had started becomes the guardian's, which ends it. When the guardian is killed, or
whoever holds the other end of its standard input, perf-smoke is sent DESERTED: it stops measuring,
ends what it started by itself, and writes down what it has.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time

from perf_smoke.processes import kinship

DESERTED = signal.SIGUSR1
"""What perf-smoke is sent when nobody waits for it any more."""
ENDS_WITHIN_S = 8.0
"""How long it may take then to write down what it has."""
INTERRUPTED = 130

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""SIGQUIT ends perf-smoke at once, and with it what it started."""
_STDIN, _STDERR = 0, 2


def guarded(*, has_lifeline: bool) -> None:
    """Go on as a child of this process, which becomes its guardian and never returns.

    Until somebody installs handlers of its own, a signal ends the child with one line.

    Args:
        has_lifeline: whether a line on standard input cancels, and its end tells that nobody waits
            any more.
    """
    numbers = {*_PASSED_ON, DESERTED, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # by nohup
        numbers.remove(signal.SIGHUP)
    kinship.adopt()
    guardian = os.getpid()
    if child := os.fork():
        code = 1
        try:
            code = _Guardian(child, numbers, has_lifeline=has_lifeline).watch()
        finally:
            os._exit(code)
    kinship.adopt()
    kinship.end_with_parent(DESERTED)
    for number in numbers:
        signal.signal(number, _end_with_a_line)
    for number in (signal.SIGCHLD, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
    if os.getppid() != guardian:  # it was killed before the kernel knew what to do then
        os.kill(os.getpid(), DESERTED)


def _end_with_a_line(_number: int, _frame: object) -> None:
    with contextlib.suppress(OSError):  # nobody reads any more
        os.write(_STDERR, b"perf-smoke: interrupted.\n")
    os._exit(INTERRUPTED)


class _Guardian:
    """What it does while perf-smoke runs."""

    def __init__(self, child: int, numbers: set[signal.Signals], *, has_lifeline: bool) -> None:
        self._child = child
        self._watched = [_STDIN] if has_lifeline else []
        self._awake, writer = os.pipe()
        for end in (self._awake, writer):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in numbers - {DESERTED}:
            signal.signal(number, lambda _number, _frame: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)

    def watch(self) -> int:
        """Wait for the end of perf-smoke, and leave nothing of it; its exit code, as of a shell."""
        deadline_s: float | None = None
        while (status := self._ended()) is None:
            left_s = None if deadline_s is None else max(0.0, deadline_s - time.monotonic())
            if left_s == 0.0:
                os.kill(self._child, signal.SIGKILL)
                left_s = None
            ready, _, _ = select.select([self._awake, *self._watched], [], [], left_s)
            if self._awake in ready:
                self._pass_on()
            elif ready and os.read(_STDIN, 4096):  # a line: the job is cancelled
                os.kill(self._child, signal.SIGINT)
            elif ready:
                self._watched = []
                deadline_s = time.monotonic() + ENDS_WITHIN_S
                os.kill(self._child, DESERTED)
        if kinship.has_children():
            # Imported here: it is seldom needed, and the guardian of each run stays small.
            from perf_smoke.processes import sweep

            sweep.end_everything(mark="")
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code

    def _pass_on(self) -> None:
        for number in set(os.read(self._awake, 4096)) & set(_PASSED_ON):
            os.kill(self._child, number)

    def _ended(self) -> int | None:
        pid, status = os.waitpid(self._child, os.WNOHANG)
        return status if pid else None
