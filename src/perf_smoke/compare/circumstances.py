"""Was the machine fit to be measured on, and was there a CPU for every thread?"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from perf_smoke.compare.looks import FEWEST_PAIRS
from perf_smoke.compare.pairs import Pairs
from perf_smoke.numbers import percent
from perf_smoke.result import Guard, GuardEffect, Machine, MachineState

_MOST_STEAL = 0.10
"""Share of the run's CPU time that the hypervisor may give to others."""
_LEAST_IDLE = 0.10
"""A machine that was idle for no larger share of the time had no CPU left."""
_WIDE_SPREAD = 0.25
"""Standard deviation of the log-ratios beyond which threads are suspected to queue for CPUs."""
_WIDE_SPREAD_WHEN_FULL = 0.10
"""Standard deviation of the log-ratios beyond which they are, on a machine that had no CPU left."""
LEAST_CPU_SHARE = 0.8
"""A step whose threads got less of their CPUs than this was kept waiting."""


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What is known of the run beside its pairs; None or empty: it is not known."""

    threads: int | None = None
    """How many the engine was told to use."""
    cpus: int | None = None
    """How many it may use."""
    cpu_models: tuple[str, str] = ("", "")
    """The CPU when measuring began and when it ended."""
    steal: float | None = None
    """Share of the CPU time that the hypervisor gave to others."""
    idle: float | None = None
    """Share of the CPU time in which there was nothing to run."""
    load_before: float | None = None
    """The machine's load when the run began."""
    machine_then: MachineState | None = None
    """The last state of the machine that all this rests on."""

    @classmethod
    def of(cls, machine: Machine | None, threads: int | None) -> Circumstances:
        """What the machine's states tell, and how many threads the engine was told to use."""
        if machine is None:
            return cls(threads=threads)
        return cls(
            threads=threads,
            cpus=machine.cpus,
            cpu_models=machine.cpu_models,
            steal=machine.steal_fraction,
            idle=machine.idle_fraction,
            load_before=machine.before.load_1min,
            machine_then=machine.after,
        )

    @property
    def full(self) -> bool:
        """Whether the machine is known to have had no CPU left."""
        return self.idle is not None and self.idle <= _LEAST_IDLE


def cpu_model_changed(circumstances: Circumstances) -> Guard | None:
    """Another CPU after measuring than before."""
    before, after = circumstances.cpu_models
    if not (before and after) or before == after:
        return None
    return Guard(
        name="cpu-model-changed",
        effect="no-verdict",
        sentence=f"The machine became another one while it was measured: {before} before, {after} "
        "after.",
    )


def steal(circumstances: Circumstances, effect: GuardEffect) -> Guard | None:
    """A hypervisor that had others to serve."""
    share = circumstances.steal
    if share is None or share <= _MOST_STEAL:
        return None
    return Guard(
        name="steal",
        effect=effect,
        sentence=f"The machine was busy with others: its hypervisor gave away "
        f"{percent(share)} of the CPU time (steal).",
    )


def oversubscribed(pairs: Pairs, circumstances: Circumstances, effect: GuardEffect) -> Guard | None:
    """More threads than free CPUs: those that wait for each other make a step's time a lottery."""
    full = circumstances.full
    if pairs.one_shot and not full:
        return None  # a program that loads on one thread has less than its CPUs on any machine
    spread = pairs.spread if len(pairs) >= FEWEST_PAIRS else None
    least = _WIDE_SPREAD_WHEN_FULL if full else _WIDE_SPREAD
    suspect = full if spread is None else spread > least
    sentence = _who_waits(pairs, circumstances, spread) if suspect else ""
    return Guard(name="oversubscribed", effect=effect, sentence=sentence) if sentence else None


def _who_waits(pairs: Pairs, circumstances: Circumstances, spread: float | None) -> str:
    """Which threads had too few CPUs, and the remedy; empty where none had.

    An engine that was not told its threads may fill the machine by itself: of such a one it is said
    where it had less than the CPUs, or where its CPU time is unknown and the pairs vary widely.
    """
    threads, cpus = circumstances.threads, circumstances.cpus
    cpu_share = _cpu_share(pairs)
    varied = f", and the change varied by {percent(spread)} from pair to pair" if spread else ""
    if threads is None:
        if cpu_share is None or cpus is None:
            waits = spread is None or spread > _WIDE_SPREAD
        else:
            waits = cpu_share < LEAST_CPU_SHARE * cpus
        if not (circumstances.full and waits):
            return ""
        return (
            f"The machine had no CPU left{varied}. Give the program fewer threads, or free a core."
        )
    if cpu_share is not None:
        waits = cpu_share < LEAST_CPU_SHARE * threads
        had = f"had {cpu_share:.1f} CPUs on average"
    else:
        free = (cpus or threads) - (circumstances.load_before or 0.0)
        waits = threads > free + 0.5
        had = f"had about {max(0.0, free):.1f} free CPUs"
    if not waits:
        return ""
    plural = "" if threads == 1 else "s"
    remedy = f"Use fewer threads than {threads}, or free a core" if threads > 1 else "Free a core"
    return f"Too few free CPUs: {threads} thread{plural} {had}{varied}. {remedy}."


def _cpu_share(pairs: Pairs) -> float | None:
    """CPU time of a step over its wall time: how many CPUs it really had."""
    if pairs.on_wall_and_cpu is None:
        return None
    wall, cpu = pairs.on_wall_and_cpu
    return statistics.median(
        cpu_s / wall_s
        for cpus_s, walls_s in ((cpu.base, wall.base), (cpu.head, wall.head))
        for cpu_s, wall_s in zip(cpus_s.time_s, walls_s.time_s, strict=True)
    )
