"""The kinds of jobs that are recorded to validate the rule: in which state of the machine, for how
long, which two sides, and how many of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchmarks.strata import STRATA

Sides = Literal["same", "built", "work-3", "work-5", "work-10"]
"""Twice the embedded engine; or twice the small engine, built separately, of which one does so many
percent more work."""
MORE_WORK: dict[Sides, float] = {"work-3": 0.03, "work-5": 0.05, "work-10": 0.1}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of job."""

    stratum: str
    budget_s: float
    sides: Sides = "same"
    wanted: int

    @property
    def summary(self) -> str:
        """What it is, for a heading."""
        sides = {
            "same": "one program against itself",
            "built": "two programs built separately from the same source",
        }
        what = sides.get(self.sides, f"built separately, {self.more_work:.0%} more work in one")
        return f"{STRATA[self.stratum].summary}; {what}; {self.budget_s:g} s"

    @property
    def more_work(self) -> float:
        """What one side does more than the other."""
        return MORE_WORK.get(self.sides, 0.0)


KINDS = {
    "rested-idle-60": Kind(stratum="idle", budget_s=60, wanted=60),
    "rested-shared-60": Kind(stratum="shared", budget_s=60, wanted=90),
    "rested-neighbour-30": Kind(stratum="neighbour", budget_s=30, wanted=40),
    "rested-twins-30": Kind(stratum="twins", budget_s=30, wanted=40),
    "rested-built-30": Kind(stratum="shared", budget_s=30, sides="built", wanted=30),
    "rested-work-3-30": Kind(stratum="shared", budget_s=30, sides="work-3", wanted=10),
    "rested-work-5-30": Kind(stratum="shared", budget_s=30, sides="work-5", wanted=10),
    "rested-work-10-30": Kind(stratum="shared", budget_s=30, sides="work-10", wanted=10),
}
"""By the name of their files. Those without `rested-` were recorded before steps had a rest."""
