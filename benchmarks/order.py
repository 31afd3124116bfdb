"""What the order of steps costs: to follow the other side, and to be the second of a pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmarks.jobs import Job
from benchmarks.peers import Array

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
    explained: float
    """Share of the variance of a pair that both together are; median over jobs."""


def order_costs(jobs: Sequence[Job]) -> OrderCosts | None:
    """None where fewer than two jobs hold enough pairs."""
    both = [costs for job in jobs if (costs := _of_job(job)) is not None]
    if len(both) < 2:
        return None
    after_other, second, explained = zip(*both, strict=True)
    return OrderCosts(
        after_other=_cost(after_other),
        second=_cost(second),
        explained=float(np.median(explained)),
    )


def _cost(of_jobs: Sequence[float]) -> Cost:
    error = float(np.std(of_jobs, ddof=1)) / math.sqrt(len(of_jobs))
    return Cost(mean=float(np.mean(of_jobs)), error=error)


def _of_job(job: Job) -> tuple[float, float, float] | None:
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
    followed_own = np.concatenate([[False], kept & (head_first[1:] != head_first[:-1])])
    explained = _explained(head - base, np.where(head_first, -1.0, 1.0), followed_own)
    return float(after_other), float(np.median(second - first)), explained


def _explained(log_ratios: Array, sign: Array, followed_own: Array) -> float:
    """How much of the variance of a pair its order is, by least squares without outliers.

    Args:
        log_ratios: of head to base.
        sign: −1 where head opened the pair, else 1.
        followed_own: whether the step that opened it came after one of its own side.
    """
    by = np.column_stack([np.ones(len(sign)), sign, sign * followed_own])
    near = np.abs(log_ratios - np.median(log_ratios)) < 3 * spread(log_ratios)
    costs = np.linalg.lstsq(by[near], log_ratios[near], rcond=None)[0]
    return 1 - (spread(log_ratios - by @ costs) / spread(log_ratios)) ** 2


def spread(values: Array) -> float:
    """The standard deviation, outliers left aside."""
    return float(stats.iqr(values)) / 1.349
