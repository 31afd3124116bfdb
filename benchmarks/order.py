"""What the order of steps costs: to follow the other side, and to be the second of a pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.jobs import Job

_FEWEST = 8
"""Pairs of each kind that a job must hold."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """A mean over jobs of a log-ratio, with its standard error."""

    mean: float
    error: float


@dataclass(frozen=True, kw_only=True)
class OrderCosts:
    """What became longer by the order, as log-ratios."""

    after_other: Cost
    """A step after one of the other side, beside one after a step of its own."""
    second: Cost
    """The second step of a pair, beside the first."""


def order_costs(jobs: Sequence[Job]) -> OrderCosts | None:
    """None where fewer than two jobs hold enough pairs."""
    both = [costs for job in jobs if (costs := _of_job(job)) is not None]
    if len(both) < 2:
        return None
    after_other, second = (
        Cost(mean=float(np.mean(part)), error=float(np.std(part, ddof=1)) / math.sqrt(len(part)))
        for part in zip(*both, strict=True)
    )
    return OrderCosts(after_other=after_other, second=second)


def _of_job(job: Job) -> tuple[float, float] | None:
    head_first = np.array(job.head_first, dtype=bool)
    base, head = np.log(job.base_us), np.log(job.head_us)
    first, second = np.where(head_first, head, base), np.where(head_first, base, head)
    # The step that opens a pair, where the pair before it was of the same start: beside the mean of
    # the three steps around it, which both kinds have alike.
    level = (first[:-1] + second[:-1] + second[1:]) / 3
    start = np.array(job.start)
    kept = start[1:] == start[:-1]
    opening = (first[1:] - level)[kept]
    # Who opens a pair followed its own step if it did not open the one before.
    own = (head_first[1:] != head_first[:-1])[kept]
    if min(own.sum(), (~own).sum()) < _FEWEST:
        return None
    after_other = np.median(opening[~own]) - np.median(opening[own])
    return float(after_other), float(np.median(second - first))
