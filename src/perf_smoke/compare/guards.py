"""What makes the pairs unfit for a verdict, or must be said beside it?

Each guard is one function of plain numbers or names: None, or a Guard with a sentence for the
reader. What becomes of the verdict is decided in paired.py.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Sequence
from typing import Literal

from perf_smoke.result import Guard

MOST_STEAL = 0.10
"""Share of the run's CPU time that the hypervisor may give to others."""
WIDE_SPREAD = 0.25
"""Standard deviation of the log-ratios from which threads are suspected to queue for CPUs …"""
SUSPECT_SPREAD = 0.1
"""… and from which they are, when the machine had no CPU left."""
MOST_BUSY = 0.9
"""Share of the time from which a machine is said to have had no CPU left."""
LEAST_CPU_SHARE = 0.8
"""A step whose threads got less of their CPUs than this was kept waiting."""
FEWEST_PER_PLACE = 8
"""Steps of base that must have run first, and second, before the two are compared."""
_Z_ORDER = 3.29
"""One false alarm in a thousand jobs."""

Direction = Literal["slower", "faster", ""]


def order_in_pair(
    base_s: Sequence[float], head_first: Sequence[bool], margin: float
) -> Guard | None:
    """Base against itself: its steps that ran first in their pair against those that ran second.

    The order is a coin's, so that the rank-sum test (Wilcoxon 1945) holds whatever else goes on.
    """
    first = [second for second, after in zip(base_s, head_first, strict=True) if not after]
    second = [second for second, after in zip(base_s, head_first, strict=True) if after]
    if min(len(first), len(second)) < FEWEST_PER_PLACE:
        return None
    shift = statistics.median(map(math.log, second)) - statistics.median(map(math.log, first))
    if abs(shift) <= math.log1p(margin) or abs(_rank_sum_z(first, second)) <= _Z_ORDER:
        return None
    more = "longer" if shift > 0 else "less time"
    return Guard(
        name="order-in-pair",
        sentence=f"Base took {_percent(math.expm1(shift))} {more} when it ran second in a pair "
        "than when it ran first: the steps of a pair disturb each other. Each side had either "
        "place as often.",
    )


def starts_disagree(disagreement: float) -> Guard | None:
    """`disagreement`: see starts.StartError."""
    if disagreement == 0:
        return None
    return Guard(
        name="restarts-disagree",
        sentence=f"From one start of the programs to the next the change varied by "
        f"{_percent(disagreement)}, more than the pairs explain. The interval is wider for it.",
    )


def steal(fraction: float | None) -> Guard | None:
    """`fraction`: of the run's CPU time, as the kernel counts it; None where it does not."""
    if fraction is None or fraction <= MOST_STEAL:
        return None
    return Guard(
        name="steal",
        sentence=f"The machine was busy with others: its hypervisor gave away "
        f"{_percent(fraction)} of the CPU time (steal).",
    )


def cpu_model_changed(base_model: str, head_model: str) -> Guard | None:
    """The CPU that each side ran on, as it names itself."""
    if not (base_model and head_model) or base_model == head_model:
        return None
    return Guard(
        name="cpu-model-changed",
        sentence=f"The two sides ran on different CPUs: base on {base_model}, head on "
        f"{head_model}.",
    )


def wall_against_cpu(wall: Direction, cpu: Direction) -> Guard | None:
    """Which way each of the two clocks says that head went, where it is sure."""
    if {wall, cpu} != {"slower", "faster"}:
        return None
    less, more = ("wall", "CPU") if wall == "faster" else ("CPU", "wall")
    return Guard(
        name="wall-against-cpu",
        sentence=f"Head took less {less} time but more {more} time than base. Either the two "
        "sides do not use the same number of threads, or one was kept waiting: compare with the "
        "same number of threads.",
    )


def oversubscribed(
    spread: float | None,
    *,
    threads: int | None,
    cpu_share: float | None,
    cpus: int | None,
    load_before: float | None,
    idle: float | None,
) -> Guard | None:
    """More threads than free CPUs: those that wait for each other make a step's time a lottery.

    Args:
        spread: standard deviation of the log-ratios, outliers left aside; None where there are
            too few pairs to know it.
        threads: how many the engine was told to use; None where it was not told.
        cpu_share: CPU time of a step over its wall time: how many CPUs it really got.
        cpus: how many it may use.
        load_before: the machine's load when the run began.
        idle: share of the run in which a CPU had nothing to do.
    """
    full = idle is not None and idle <= 1 - MOST_BUSY
    least = SUSPECT_SPREAD if full else WIDE_SPREAD
    suspect = full if spread is None else spread > least
    if not suspect:
        return None
    varied = f", and the change varied by {_percent(spread)} from pair to pair" if spread else ""
    if threads is None:
        return _no_cpu_left(varied) if full else None
    if cpu_share is not None:
        queueing = cpu_share < LEAST_CPU_SHARE * threads
        had = f"had {cpu_share:.1f} CPUs on average"
    else:
        free = (cpus or threads) - (load_before or 0.0)
        queueing = threads > free + 0.5
        had = f"had about {max(0.0, free):.1f} free CPUs"
    if not queueing:
        return None
    threads_had = f"{threads} thread{'' if threads == 1 else 's'} {had}"
    remedy = f"Use fewer threads than {threads}, or free a core" if threads > 1 else "Free a core"
    return Guard(
        name="oversubscribed",
        sentence=f"Too few free CPUs: {threads_had}{varied}. {remedy}.",
    )


def _no_cpu_left(varied: str) -> Guard:
    return Guard(
        name="oversubscribed",
        sentence=f"The machine had no CPU left{varied}. Give the program fewer threads, or free a "
        "core.",
    )


def tokens_differ(base: int | None, head: int | None) -> Guard | None:
    """Output tokens per step of each side; None where the engine does not count them."""
    if base is None or head is None or base == head:
        return None
    return Guard(
        name="tokens-differ",
        sentence=f"Head produced {head} output tokens per step, base {base}: that is not the same "
        "work.",
    )


def texts_differ(base: Collection[str], head: Collection[str]) -> Guard | None:
    """The hashes of the greedy outputs of each side; empty where there are none."""
    if not base or not head or set(base) & set(head):
        return None
    return Guard(
        name="texts-differ",
        sentence="The greedy output of head differs from that of base. Expected after a change of "
        "kernels or quantisation; otherwise look there first.",
    )


def robust_spread(differences: Sequence[float]) -> float:
    """The standard deviation that the quartiles would have in a normal distribution."""
    low, _, high = statistics.quantiles(differences, n=4, method="inclusive")
    return (high - low) / 1.349


def _rank_sum_z(first: Sequence[float], second: Sequence[float]) -> float:
    """Wilcoxon's rank sum of `second`, standardised; ties get their mean rank."""
    ordered = sorted([*first, *second])
    ranks: dict[float, float] = {}
    ties = 0
    start = 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end] == ordered[start]:
            end += 1
        ranks[ordered[start]] = (start + end + 1) / 2
        ties += (end - start) ** 3 - (end - start)
        start = end
    total = len(ordered)
    expected = len(second) * (total + 1) / 2
    variance = len(first) * len(second) / 12 * (total + 1 - ties / (total * (total - 1)))
    return (
        (sum(ranks[value] for value in second) - expected) / math.sqrt(variance)
        if variance > 0
        else 0.0
    )


def _percent(fraction: float) -> str:
    size = abs(fraction) * 100
    return f"{size:.0f} %" if size >= 10 else f"{size:.1f} %"
