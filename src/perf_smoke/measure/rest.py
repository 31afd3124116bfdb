"""A rest before each step, until the programs of all sides sleep.

Threads of an engine go on spinning for some milliseconds after their step, to be ready for another.
They take the CPUs from the side whose step comes next, which then takes longer for nothing that it
did itself. So no step begins before everybody sleeps, the side itself included: whoever had the
step before, each begins in the same state.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from perf_smoke.engines.base import Resident, Session
from perf_smoke.processes.activity import asleep_within
from perf_smoke.result import Rest

LONGEST_REST_S = 0.05
"""Who still runs then is not waited for any longer, and the step is taken."""


class Rests:
    """The rests of one measuring, and what became of them."""

    def __init__(self) -> None:
        self._pids: dict[str, Sequence[int]] = {}
        self._slept: set[str] = set()
        self._given_up = False
        self._rests = 0
        self._vain = 0
        self._rested_s = 0.0

    @property
    def record(self) -> Rest | None:
        """What was rested; None where there was never anybody to wait for."""
        if not self._rests:
            return None
        return Rest(
            rests=self._rests,
            vain=self._vain,
            rested_s=self._rested_s,
            given_up=self._given_up,
        )

    def along_with(self, side: str, session: Session) -> None:
        """From now on this side's processes are waited for, if it keeps any."""
        if isinstance(session, Resident) and session.pids:
            self._pids[side] = session.pids

    def without(self, side: str) -> None:
        """This side has ended."""
        self._pids.pop(side, None)

    def before_step(self) -> None:
        """Wait until all sides sleep."""
        self._rest(*self._pids)

    def after_warm_up(self, side: str) -> None:
        """Where this side has not slept once until now, and does not sleep now either, it never
        will: there are no further rests."""
        if side in self._pids and side not in self._slept and not self._rest(side):
            self._given_up = True

    def _rest(self, *sides: str) -> bool:
        """Whether these sides slept in the end."""
        if not sides or self._given_up:
            return True
        started_s = time.monotonic()
        asleep = asleep_within([pid for side in sides for pid in self._pids[side]], LONGEST_REST_S)
        self._rested_s += time.monotonic() - started_s
        self._rests += 1
        if asleep:
            self._slept.update(sides)
        else:
            self._vain += 1
        return asleep
