"""How often each rule is right on the recorded jobs of one stratum."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmarks.jobs import Job
from benchmarks.order import OrderCosts, order_costs, spread
from benchmarks.ours import extended_outcome, outcome, seconds
from benchmarks.peers import PEERS, Array, Peer, as_taken
from perf_smoke.compare import FEWEST_PAIRS
from perf_smoke.result import Comparison

CHANGES = (-0.2, -0.1, -0.07, -0.05, -0.03, -0.02, -0.01, 0.0)
CHANGES += tuple(-change for change in reversed(CHANGES[:-1]))
PEERS_CHANGES = (0.0, 0.03, 0.05, 0.1, -0.05)


@dataclass(frozen=True, kw_only=True)
class Share:
    """So many of so many, with its 95 % Wilson interval."""

    count: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds of the true share."""
        bounds = stats.binomtest(self.count, self.of).proportion_ci(0.95, method="wilson")
        return float(bounds.low), float(bounds.high)


@dataclass(frozen=True, kw_only=True)
class OurRow:
    """Our rule under one injected change."""

    change: float
    verdicts: Counter[str]
    wrong_sign: int
    pairs: float
    """Median."""
    seconds: float
    """Median."""
    estimate: float | None
    """Median where it was called slower or faster: a run that stops early does so because its
    pairs looked like more than they are."""
    covered: dict[float, Share]
    """By level: how often the printed interval held the injected change."""


@dataclass(frozen=True, kw_only=True)
class PeerRow:
    """Another rule: alarms by injected change, with the tool's limit and with one at which it
    raises no more false alarms than we."""

    peer: Peer
    jobs: int
    alarms: dict[float, int]
    wrong_sign: int
    """Alarms of the wrong direction, at any of the changes."""
    at_our_rate: dict[float, int]


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What the jobs themselves are like."""

    pairs: float
    """Median."""
    step_ms: float
    spread: float | None
    """Median standard deviation of the log-ratios within a job, outliers left aside. None where
    no job has pairs enough."""
    starts: float
    """Median number of starts of each side in a job."""
    estimate: float
    """Mean of the jobs' estimates, a log-ratio: it should be none."""
    estimate_error: float
    """Its standard error."""
    cpu_estimate: float
    """The same of CPU time."""
    cpu_estimate_error: float
    start_variance: float | None
    """Variance between starts of a job, the noise of their pairs taken out; negative where starts
    differ less than that noise would have them. None where no job has starts enough."""
    start_variance_upto: float | None
    """Its 95 % upper bound, by a bootstrap over jobs."""
    longest_s: float
    """Of a job, pairs and loads."""
    order: OrderCosts | None
    others: float | None
    """Median share of the machine's CPU time that other programs took; None where it was not
    recorded."""


@dataclass(frozen=True, kw_only=True)
class StratumScore:
    """All that is said of a stratum."""

    jobs: int
    noise: Noise
    ours: list[OurRow]
    peers: list[PeerRow]
    at_own_limit: Share
    """Changes of the size of a job's own detection limit that were called, where it printed one."""


def score(jobs: Sequence[Job], tick: Callable[[], None]) -> StratumScore:
    """Replay all jobs under every rule and change. `tick` is called after each job."""
    ours: dict[float, list[Comparison]] = {change: [] for change in CHANGES}
    peers: dict[Peer, dict[float, list[tuple[float, bool]]]] = {
        peer: {change: [] for change in PEERS_CHANGES} for peer in PEERS
    }
    at_limit: list[bool] = []
    earlier: list[float] = []
    for job in jobs:
        for change in CHANGES:
            ours[change].append(outcome(job, 1 + change))
        if (limit := ours[0.0][-1].detectable) is not None:
            at_limit.append(outcome(job, 1 + limit).verdict == "slower")
        for peer, scores in peers.items() if job.pairs >= FEWEST_PAIRS else ():
            for change, taken in scores.items():
                taken.append(peer.score(as_taken(job, peer.design, 1 + change, earlier)))
        earlier.append(statistics.fmean(job.base_us))
        tick()
    false = sum(_called(comparison) != 0 for comparison in ours[0.0])
    return StratumScore(
        jobs=len(jobs),
        noise=_noise(jobs),
        ours=[_our_row(change, jobs, comparisons) for change, comparisons in ours.items()],
        peers=[_peer_row(peer, scores, false) for peer, scores in peers.items()],
        at_own_limit=Share(count=sum(at_limit), of=len(at_limit)),
    )


EXTENDED_CHANGES = (0.0, 0.03, -0.03, 0.05, 0.1)


@dataclass(frozen=True, kw_only=True)
class Extended:
    """What a budget that may become as long as that of the jobs does under one change."""

    change: float
    jobs: int
    called: int
    """At no change: slower or faster; else in its direction."""
    no_change: int
    decided: int
    """That got any verdict."""
    went_on: int
    seconds: float
    """Mean."""


def score_extended(jobs: Sequence[Job], budget_s: float) -> list[Extended]:
    """Replay jobs as runs that may go on from this budget to theirs."""
    rows = []
    for change in EXTENDED_CHANGES:
        found = [extended_outcome(job, 1 + change, budget_s) for job in jobs]
        rows.append(
            Extended(
                change=change,
                jobs=len(jobs),
                called=sum(_called(one) * (change or _called(one)) > 0 for one in found),
                no_change=sum(one.verdict == "no-change" for one in found),
                decided=sum(one.verdict != "inconclusive" for one in found),
                went_on=sum(bool(one.extension and one.extension.looks) for one in found),
                seconds=statistics.fmean(map(seconds, jobs, found)),
            )
        )
    return rows


def _called(comparison: Comparison) -> int:
    return {"slower": 1, "faster": -1}.get(comparison.verdict, 0)


def _our_row(change: float, jobs: Sequence[Job], comparisons: Sequence[Comparison]) -> OurRow:
    estimates = [one.estimate for one in comparisons if _called(one) and one.estimate is not None]
    held: dict[float, list[bool]] = {}
    for one in comparisons:
        if one.low is not None and one.high is not None and one.level:
            held.setdefault(round(one.level, 6), []).append(one.low <= change <= one.high)
    return OurRow(
        change=change,
        verdicts=Counter(one.verdict for one in comparisons),
        wrong_sign=sum(_called(one) * change < 0 for one in comparisons),
        pairs=statistics.median(one.pairs for one in comparisons),
        seconds=statistics.median(map(seconds, jobs, comparisons)),
        estimate=statistics.median(estimates) if estimates else None,
        covered={level: Share(count=sum(row), of=len(row)) for level, row in held.items()},
    )


def _peer_row(peer: Peer, scores: dict[float, list[tuple[float, bool]]], our_false: int) -> PeerRow:
    known = {
        change: [(size, alarm) for size, alarm in taken if not math.isnan(size)]
        for change, taken in scores.items()
    }
    # The smallest limit beyond which no more A/A jobs lie than we called.
    sizes = sorted((abs(size) for size, _ in known[0.0]), reverse=True)
    limit = sizes[our_false] if our_false < len(sizes) else math.inf
    return PeerRow(
        peer=peer,
        jobs=len(sizes),
        alarms={change: sum(alarm for _, alarm in taken) for change, taken in known.items()},
        wrong_sign=sum(
            alarm and size * change < 0 for change, taken in known.items() for size, alarm in taken
        ),
        at_our_rate={
            change: sum(size * math.copysign(1, change) > limit for size, _ in taken)
            for change, taken in known.items()
        },
    )


def _noise(jobs: Sequence[Job]) -> Noise:
    log_ratios = [np.log(job.head_us) - np.log(job.base_us) for job in jobs]
    components = [
        part
        for job, row in zip(jobs, log_ratios, strict=True)
        if (part := _between_starts(row, np.array(job.start))) is not None
    ]
    estimates = [_centre(row) for row in log_ratios]
    cpu_estimates = [_centre(np.log(job.head_cpu_us) - np.log(job.base_cpu_us)) for job in jobs]
    known = [job.others for job in jobs if job.others is not None]
    spreads = [spread(row) for row in log_ratios if len(row) >= FEWEST_PAIRS]
    return Noise(
        pairs=statistics.median(job.pairs for job in jobs),
        step_ms=statistics.median(statistics.median(job.base_us) / 1e3 for job in jobs),
        spread=statistics.median(spreads) if spreads else None,
        estimate=statistics.fmean(estimates),
        estimate_error=float(np.std(estimates)) / math.sqrt(len(estimates)),
        cpu_estimate=statistics.fmean(cpu_estimates),
        cpu_estimate_error=float(np.std(cpu_estimates)) / math.sqrt(len(cpu_estimates)),
        starts=statistics.median(len(set(job.start)) for job in jobs),
        start_variance=statistics.fmean(components) if components else None,
        start_variance_upto=_upper_bound(components) if components else None,
        longest_s=max(job.elapsed_ms[-1] / 1e3 for job in jobs),
        order=order_costs(jobs),
        others=statistics.median(known) if known else None,
    )


def _upper_bound(of_jobs: Sequence[float]) -> float:
    """The 95 % upper bound of their mean, by a bootstrap."""
    means = np.random.default_rng(5).choice(of_jobs, size=(2000, len(of_jobs))).mean(axis=1)
    return float(np.quantile(means, 0.95))


def _between_starts(log_ratios: Array, starts: Array) -> float | None:
    """An unbiased estimate of the variance between starts from one job; may be negative.

    The noise of a start's estimate is taken from its two halves (even and odd pairs).
    """
    blocks = [log_ratios[starts == start] for start in np.unique(starts)]
    whole = [block for block in blocks if len(block) >= 8]
    if len(whole) < 2:
        return None
    halves = [(_centre(block[::2]) - _centre(block[1::2])) ** 2 / 4 for block in whole]
    return statistics.variance(map(_centre, whole)) - statistics.fmean(halves)


def _centre(values: Array) -> float:
    """The Hodges-Lehmann estimate: the median of the averages of all pairs of values."""
    first, second = np.triu_indices(len(values))
    return float(np.median((values[first] + values[second]) / 2))
