"""How long the whole step may take: one bound, and every wait gets what is left of it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType

from perf_smoke import numbers
from perf_smoke.result import Unmeasured

_GRACE_S = 1.0
"""A wait that knows its own limit gets this long to end at it, and to say more than we can."""


class _Passed(BaseException):
    """The deadline came while something waited that knows no limit of its own."""


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """When everything that is waited for must have come."""

    end_s: float
    """On the clock of time.monotonic."""
    given_s: float
    """The bound as its reader knows it: the input `deadline`."""
    kept_s: float = 0.0
    """How much of it is kept back, for what comes after."""

    @classmethod
    def within(cls, left_s: float, given_s: float | None = None) -> Deadline:
        """It comes in `left_s` seconds, which may be all of it."""
        return cls(end_s=time.monotonic() + left_s, given_s=left_s if given_s is None else given_s)

    @property
    def left_s(self) -> float:
        """Seconds until then; 0 afterwards."""
        return max(0.0, self.end_s - time.monotonic())

    def keeping(self, kept_s: float) -> Deadline:
        """An earlier one, for what must leave so much time to something else."""
        return replace(self, end_s=self.end_s - kept_s, kept_s=kept_s)

    @contextmanager
    def waiting_for(self, what: str) -> Iterator[None]:
        """What is done inside ends at the deadline, wherever it waits: a step of ours that knows
        no limit is interrupted.

        Args:
            what: is waited for, for a sentence: `the build of 1dbec34`.

        Raises:
            Unmeasured: `deadline-passed`; what else is raised before it passes through.
        """
        try:
            with self._alarm():
                yield
        except _Passed:
            raise self.passed(what) from None
        except Unmeasured as error:
            if self.left_s:
                raise
            raise self.passed(what, error.failure.tail) from error

    def passed(self, what: str, tail: str = "") -> Unmeasured:
        """The failure of what has not come in time."""
        kept = ""
        if self.kept_s:
            kept = f", of which {numbers.limit(self.kept_s)} are kept for head alone,"
        return Unmeasured(
            "deadline-passed",
            f"The deadline of {numbers.limit(self.given_s)}{kept} came while waiting for {what}; "
            "raise `deadline` if it may take longer.",
            tail,
        )

    @contextmanager
    def _alarm(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # nobody else can be interrupted
            return
        before = signal.signal(signal.SIGALRM, _ring)
        signal.setitimer(signal.ITIMER_REAL, self.left_s + _GRACE_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise _Passed
