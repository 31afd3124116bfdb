"""How steps are to be taken: as many as asked for, or as the time holds."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from perf_smoke.engines.base import Request


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to measure."""

    request: Request
    warmup: int
    runs: int
    """Steps per side, or pairs; 0: as many as the budget holds."""
    budget_s: float
    longest_budget_s: float | None = None
    """Of pairs that are worth it (see `GoOn` of schedule.py); None: no longer than `budget_s`."""
    timeout_s: float
    order_seed: int
    """Of the order within the pairs, and of the layouts."""
    end_s: float = math.inf
    """When everything must have ended, on the clock of time.monotonic."""
    pairs_end_s: float = math.inf
    """When the pairs must have: head alone can still be measured after them."""

    def for_pairs(self, now_s: float) -> Plan:
        """The same, cut to end when the pairs must have."""
        left_s = self.pairs_end_s - now_s
        budget_s = max(0.001, min(self.budget_s, left_s))
        return dataclasses.replace(
            self,
            budget_s=budget_s,
            longest_budget_s=min(self.longest_budget_s or budget_s, left_s),
            end_s=self.pairs_end_s,
        )
