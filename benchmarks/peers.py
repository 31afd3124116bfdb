"""The rules of other tools, on the same steps as ours.

Each rule turns a job into a signed score, + for slower, and raises an alarm beyond its own limit.
The score allows another limit, at which all rules give equally many false alarms. What a rule is,
is taken from the tool's documentation or source at the place named; where its own procedure is
longer (criterion's bootstrap of t), the nearest short one is used and said so.

Designs: `pairs` as they were recorded, in random order; `blocks` as the tools measure: the same
steps in the order of time, the first half taken for base and the second for head; `history`
against the bases of the earlier jobs of the stratum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from benchmarks.jobs import Job

Array = np.ndarray
Design = Literal["pairs", "blocks", "history"]


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What a rule may look at."""

    base: Array
    head: Array
    """Microseconds, as the design took them."""
    earlier: Sequence[float]
    """The means of base in the earlier jobs of the stratum."""


Score = Callable[[Steps], tuple[float, bool]]
"""The score (NaN: the rule cannot say yet), and whether the tool itself would raise an alarm."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One rule under one design."""

    name: str
    design: Design
    score: Score


def as_taken(job: Job, design: Design, factor: float, earlier: Sequence[float]) -> Steps:
    """The job as this design sees it, where head takes `factor` times as long."""
    base, head = np.array(job.base_us, dtype=float), np.array(job.head_us, dtype=float)
    if design != "blocks":
        return Steps(base=base, head=head * factor, earlier=earlier)
    head_first = np.array(job.head_first, dtype=bool)
    in_time = np.empty(2 * job.pairs)
    in_time[0::2] = np.where(head_first, head, base)
    in_time[1::2] = np.where(head_first, base, head)
    return Steps(base=in_time[: job.pairs], head=in_time[job.pairs :] * factor, earlier=earlier)


def percent_of_before(limit: float) -> Score:
    """github-action-benchmark, `alert-threshold`: the value over the previous one."""

    def score(steps: Steps) -> tuple[float, bool]:
        before = steps.earlier[-1] if steps.earlier else math.nan
        ratio = float(np.mean(steps.head)) / before
        return math.log(ratio) if ratio > 0 else math.nan, ratio > limit

    return score


def percent_of_base(limit: float) -> Score:
    """The same against the base of the same job."""

    def score(steps: Steps) -> tuple[float, bool]:
        ratio = float(np.mean(steps.head) / np.mean(steps.base))
        return math.log(ratio), ratio > limit

    return score


def hyperfine(steps: Steps) -> tuple[float, bool]:
    """hyperfine's `1.05 ± 0.12 times`: a reader sees a change where 1 is outside."""
    ratio = float(np.mean(steps.head) / np.mean(steps.base))
    error = ratio * math.hypot(
        float(np.std(steps.base, ddof=1) / np.mean(steps.base)),
        float(np.std(steps.head, ddof=1) / np.mean(steps.head)),
    )
    return (ratio - 1) / error, abs(ratio - 1) > error


def welch(steps: Steps) -> tuple[float, bool]:
    """pyperf's `is_significant` and many scripts: Student's t on the means, two-sided 5 %."""
    test = stats.ttest_ind(steps.head, steps.base, equal_var=False)
    return float(test.statistic), bool(test.pvalue < 0.05)


def benchstat(steps: Steps) -> tuple[float, bool]:
    """golang.org/x/perf/cmd/benchstat: Mann-Whitney, two-sided 5 %."""
    z, p_value = _mann_whitney(steps)
    return z, p_value < 0.05


def asv(steps: Steps) -> tuple[float, bool]:
    """asv continuous: Mann-Whitney below 0.002 and the medians a factor of 1.1 apart."""
    z, p_value = _mann_whitney(steps)
    ratio = float(np.median(steps.head) / np.median(steps.base))
    apart = not 1 / 1.1 <= ratio <= 1.1
    return z if apart else 0.0, p_value < 0.002 and apart


def criterion(steps: Steps) -> tuple[float, bool]:
    """criterion.rs: p < 0.05 and the 95 % bootstrap interval of the ratio of means beyond ±1 %.

    The p-value is Welch's instead of that of a bootstrapped t; 1,000 resamples instead of 100,000.
    """
    rng = np.random.default_rng(17)
    means = [
        rng.choice(side, size=(1000, len(side))).mean(axis=1) for side in (steps.base, steps.head)
    ]
    low, high = np.quantile(means[1] / means[0] - 1, [0.025, 0.975])
    p_value = float(stats.ttest_ind(steps.head, steps.base, equal_var=False).pvalue)
    ratio = float(np.mean(steps.head) / np.mean(steps.base))
    spread = float(np.std(means[1] / means[0]))
    return (ratio - 1) / spread, p_value < 0.05 and bool(low > 0.01 or high < -0.01)


def bencher(steps: Steps) -> tuple[float, bool]:
    """bencher.dev's t-test threshold: above the 99 % boundary of at most 64 earlier values."""
    history = np.array(steps.earlier[-64:])
    if len(history) < 2:
        return math.nan, False
    score = float((np.mean(steps.head) - history.mean()) / history.std(ddof=1))
    return score, score > stats.t.ppf(0.99, len(history) - 1)


def _mann_whitney(steps: Steps) -> tuple[float, float]:
    test = stats.mannwhitneyu(steps.head, steps.base, method="asymptotic")
    z = float(stats.norm.isf(test.pvalue / 2))
    return math.copysign(z, test.statistic - len(steps.base) * len(steps.head) / 2), float(
        test.pvalue
    )


PEERS = (
    Peer(name="github-action-benchmark 200 %", design="history", score=percent_of_before(2.0)),
    Peer(name="github-action-benchmark 110 %", design="history", score=percent_of_before(1.1)),
    Peer(name="110 % of base, same job", design="blocks", score=percent_of_base(1.1)),
    Peer(name="hyperfine ± σ", design="blocks", score=hyperfine),
    Peer(name="Welch (pyperf)", design="blocks", score=welch),
    Peer(name="Welch (pyperf)", design="pairs", score=welch),
    Peer(name="Mann-Whitney (benchstat)", design="blocks", score=benchstat),
    Peer(name="Mann-Whitney (benchstat)", design="pairs", score=benchstat),
    Peer(name="Mann-Whitney and 1.1 (asv)", design="blocks", score=asv),
    Peer(name="Mann-Whitney and 1.1 (asv)", design="pairs", score=asv),
    Peer(name="criterion", design="blocks", score=criterion),
    Peer(name="t-test .99/64 (Bencher)", design="history", score=bencher),
)
