"""What makes the pairs unfit for a verdict, or must be said beside it?

Each guard is one function of plain numbers or names: None, or a Guard with a sentence for the
reader. What becomes of the verdict is decided in doubts.py.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Literal

from perf_smoke.compare.clock import Tick
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

Direction = Literal["slower", "faster", ""]


def order_in_pair(cost: float, margin: float) -> Guard | None:
    """`cost`: of being the second of a pair to either side, as a log-ratio (places.cost_to_either).
    Of no matter within `margin`, a fraction."""
    if abs(cost) <= math.log1p(margin):
        return None
    more = "longer" if cost > 0 else "less time"
    return Guard(
        name="order-in-pair",
        sentence=f"A step took {_percent(math.expm1(cost))} {more} when it was the second of its "
        "pair: the steps of a pair disturb each other. A coin decides which side is second.",
    )


def places_unequal(more_to_head: float, floor: float) -> Guard | None:
    """`more_to_head`: what the second place costs head more than base, as a log-ratio
    (places.cost_to_head_alone). Of no matter where the estimate is off by no more than `floor`."""
    if abs(more_to_head) / 2 <= math.log1p(floor):
        return None
    suffers, other = ("head", "base") if more_to_head > 0 else ("base", "head")
    cost, looks_like = (_percent(math.expm1(abs(more_to_head) / share)) for share in (1, 2))
    return Guard(
        name="places-unequal",
        sentence=f"To be the second of a pair cost {suffers} {cost} more time than it cost "
        f"{other}, which alone looks like a change of {looks_like}: the interval is wider for it.",
    )


def coarse_clock(tick: Tick | None) -> Guard | None:
    """`tick`: see clock.coarse_tick."""
    if tick is None:
        return None
    return Guard(
        name="coarse-clock",
        sentence=f"All times are multiples of {tick.seconds * 1e3:g} ms, "
        f"{_percent(math.expm1(tick.error))} of a step: the interval is wider for it. More "
        "`tokens` make a longer step.",
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


def cpu_model_changed(before: str, after: str) -> Guard | None:
    """The CPU as the machine named it when measuring began and when it ended."""
    if not (before and after) or before == after:
        return None
    return Guard(
        name="cpu-model-changed",
        sentence=f"The machine became another one while it was measured: {before} before, {after} "
        "after.",
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

    An engine that was not told its threads may fill the machine by itself: of such a one it is said
    where it had less than the CPUs, or where its CPU time is unknown and the pairs vary widely.

    Args:
        spread: standard deviation of the log-ratios, outliers left aside; None where there are
            too few pairs to know it.
        threads: how many the engine was told to use; None where it was not told.
        cpu_share: CPU time of a step over its wall time: how many CPUs it really got.
        cpus: how many it may use.
        load_before: the machine's load when the run began.
        idle: share of the run in which a CPU had nothing to do.
    """
    full = is_full(idle)
    least = SUSPECT_SPREAD if full else WIDE_SPREAD
    suspect = full if spread is None else spread > least
    if not suspect:
        return None
    varied = f", and the change varied by {_percent(spread)} from pair to pair" if spread else ""
    if threads is None:
        wide = spread is None or spread > WIDE_SPREAD
        kept_waiting = (
            wide if cpu_share is None or cpus is None else cpu_share < LEAST_CPU_SHARE * cpus
        )
        return _no_cpu_left(varied) if full and kept_waiting else None
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


def is_full(idle: float | None) -> bool:
    """Whether the machine had no CPU left, by the share of the time in which one was idle."""
    return idle is not None and idle <= 1 - MOST_BUSY


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


def _percent(fraction: float) -> str:
    size = abs(fraction) * 100
    return f"{size:.0f} %" if size >= 10 else f"{size:.1f} %"
