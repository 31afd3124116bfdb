"""How a run of pairs gets on with its time: when the sides are restarted, how many pairs fit, when
it has ended. Pure: the clock is the caller's."""

from __future__ import annotations

import statistics

from perf_smoke.measure.plan import Plan
from perf_smoke.result import Stopped

BLOCKS = 8
"""A paired run is cut into blocks; both sides are restarted before each, because two identical
processes can differ for their whole life (memory layout), now and then by several percent. Where
each step starts a process of its own, there is nothing to restart and one block."""
LONGEST_BLOCK_S = 4.0
"""A budget of longer blocks is cut into more: pairs of one start do not average out what that start
does."""
LONGEST_BLOCK_PAIRS = 30
"""No block of a run of many pairs (`runs`) has more."""
STARTS_SHARE = 0.4
"""Starts take no more than this share of the budget: fewer blocks where loading is slow."""


class Pace:
    """The blocks and pairs of one run until now, against its budget or its number of pairs.

    Args:
        started_s: when the run began, its first starts included.
        start_s: how long these starts and their warm-up took, of both sides.
        one_shot: whether each step starts a process of its own.
    """

    def __init__(self, plan: Plan, *, started_s: float, start_s: float, one_shot: bool) -> None:
        self._plan = plan
        self._started_s = started_s
        self._start_s = start_s
        self._blocks_in_budget = self._blocks = 1 if one_shot else _blocks(plan, start_s)
        self._block = 1
        self._pair_times_s: list[float] = []
        self.budget_s = plan.budget_s
        """Of the whole run; more than the plan's once it is lengthened."""

    @property
    def pairs(self) -> int:
        """Those that were taken."""
        return len(self._pair_times_s)

    def pair_taken(self, took_s: float) -> None:
        """Another pair is there."""
        self._pair_times_s.append(took_s)

    def block_is_over(self, now_s: float) -> bool:
        """Whether both sides are to be restarted before the next pair."""
        plan, elapsed_s = self._plan, now_s - self._started_s
        done = self.pairs / plan.runs if plan.runs else elapsed_s / plan.budget_s
        return self._block < self._blocks and done >= self._block / self._blocks_in_budget

    def block_started(self) -> None:
        """Both sides were restarted."""
        self._block += 1

    def pairs_that_fit(self, now_s: float) -> int:
        """The pairs that were taken, and those for which the budget still has time."""
        starts_s = (self._blocks - self._block) * self._start_s
        left_s = self.budget_s - (now_s - self._started_s) - starts_s
        return self.pairs + max(0, int(left_s / statistics.median(self._pair_times_s)))

    def stopped(self, now_s: float) -> Stopped:
        """Why there is no further pair, if there is none."""
        plan = self._plan
        if plan.runs and self.pairs >= plan.runs:
            return "runs"
        next_end_s = now_s + statistics.median(self._pair_times_s)
        if next_end_s > plan.end_s:
            return "deadline"
        late = next_end_s - self._started_s > self.budget_s
        return "budget" if late and not plan.runs else ""

    def lengthen(self) -> bool:
        """Let the longest budget count from now on. Whether that is more than there was."""
        plan = self._plan
        longest_s = plan.longest_budget_s or plan.budget_s
        if longest_s <= self.budget_s:
            return False
        self.budget_s = longest_s
        self._blocks = int(self._blocks_in_budget * longest_s / plan.budget_s)
        return True


def _blocks(plan: Plan, start_s: float) -> int:
    """Into how many blocks the run is cut, when one start of both sides takes `start_s`."""
    parts = plan.runs / LONGEST_BLOCK_PAIRS if plan.runs else plan.budget_s / LONGEST_BLOCK_S
    wanted = max(BLOCKS, int(parts))
    affordable = int(STARTS_SHARE * plan.budget_s / start_s) if start_s > 0 else wanted
    return max(1, min(wanted, affordable, plan.runs or wanted))
