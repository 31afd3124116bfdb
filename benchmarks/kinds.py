"""The kinds of jobs that are recorded: in which state of the machine, for how long, which sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from benchmarks.jobs import Job
from benchmarks.strata import STRATA

Sides = Literal["same", "built", "work-3", "work-5", "work-10"]
SIDES: tuple[Sides, ...] = get_args(Sides)
"""Twice the embedded engine; or twice the small engine, built separately, of which one does so many
percent more work."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of job."""

    stratum: str
    budget_s: float = 30.0
    sides: Sides = "same"

    @property
    def name(self) -> str:
        """That of its file. Files without `rested` are of the time before steps had a rest."""
        sides = "" if self.sides == "same" else f"-{self.sides}"
        return f"rested-{self.stratum}-{self.budget_s:g}{sides}"

    @property
    def more_work(self) -> float:
        """What one side does more than the other, as a fraction."""
        return int(self.sides.partition("-")[2] or 0) / 100


def heading(job: Job) -> str:
    """What a job is one of."""
    parts = [
        STRATA[job.stratum].summary,
        "two programs built separately from one source" if job.built else "",
        f"{job.budget_s:g} s",
        "" if job.rests else "no rest between steps",
    ]
    return "; ".join(filter(None, parts))


def what_differs(job: Job) -> str:
    """What one side of a job does that the other does not."""
    if job.threads != job.head_threads:
        return f"{job.head_threads} threads instead of {job.threads}"
    return f"{max(job.head_work, 1 / job.head_work) - 1:.0%} more work"
