"""How a cancelled job ends a run: the first signal stops the measuring, nothing else.

A runner sends SIGINT, SIGTERM 7.5 s later, and kills 2.5 s after that: time enough to write what
was measured. While the report is written, signals are ignored for the same reason. A terminal that
is closed sends SIGHUP, which nohup has ignored.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from perf_smoke.processes.guardian import DESERTED

AGAIN_S = 0.1
"""A cancel that came to nothing is raised again after this."""
_AGAIN = signal.SIGUSR2


class Cancelled(BaseException):
    """The job was cancelled while it measured."""


class Deserted(Cancelled):
    """Whoever started perf-smoke and waits for it was killed."""


class Signals:
    """What may end this process early. Made in the main thread, once per process."""

    def __init__(self) -> None:
        self._measuring = False
        self._cancelled: Cancelled | None = None
        self._numbers = [signal.SIGINT, signal.SIGTERM, DESERTED]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            self._numbers.append(signal.SIGHUP)
        for number in self._numbers:
            signal.signal(number, self._receive)
        signal.signal(_AGAIN, self._raise_again)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Inside, the first signal raises Cancelled, at once when it came before.

        Whatever is raised in the end, a run that was cancelled is cancelled.
        """
        self._measuring = True
        try:
            self._expect_none()
            yield
            self._expect_none()
        except Exception:  # whatever a cancel has brought about is no failure of the run's own
            self._expect_none()
            raise
        finally:
            self._measuring = False

    def _expect_none(self) -> None:
        if self._cancelled:
            raise self._cancelled

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        # Ignored, and not only received in vain: a storm of signals would have a slow system call
        # begin anew for ever.
        for each in self._numbers:
            signal.signal(each, signal.SIG_IGN)
        self._cancelled = Deserted() if number == DESERTED else Cancelled()
        if self._measuring:
            threading.Thread(target=self._remind, daemon=True).start()
            raise self._cancelled

    def _remind(self) -> None:
        """What is raised in a callback of somebody's library, or in a `__del__`, may be swallowed.

        A thread, for those who wait with an alarm have the process's only clock.
        """
        main = threading.main_thread().ident
        while self._measuring and main:
            time.sleep(AGAIN_S)
            signal.pthread_kill(main, _AGAIN)

    def _raise_again(self, _number: int, _frame: FrameType | None) -> None:
        """But nothing interrupts the clearing up that the cancel has brought about."""
        if self._measuring and not _is_handled(self._cancelled):
            self._expect_none()


def _is_handled(error: BaseException | None) -> bool:
    """Whether what runs now, an `except`, a `finally`, the end of a `with`, runs because of it."""
    handled = sys.exc_info()[1]
    while handled is not None and handled is not error:
        handled = handled.__context__
    return handled is error
