"""How a cancelled job ends a run: the first signal stops the measuring, nothing else.

A runner sends SIGINT, SIGTERM 7.5 s later, and kills 2.5 s after that: time enough to write what
was measured. While the report is written, signals are ignored for the same reason. A terminal that
is closed sends SIGHUP, which nohup has ignored.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Cancelled(BaseException):
    """The job was cancelled while it measured."""


class Signals:
    """What may end this process early. Made in the main thread, once per process."""

    def __init__(self) -> None:
        self._measuring = False
        self._cancelled = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._receive)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._receive)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Inside, the first signal raises Cancelled, at once when it came before."""
        self._measuring = True
        try:
            if self._cancelled:
                raise Cancelled
            yield
        finally:
            self._measuring = False

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        first, self._cancelled = not self._cancelled, True
        if first and self._measuring:
            raise Cancelled
