"""Was the machine too busy for one side's numbers to be what the program can do?

Said on evidence alone. Time that the hypervisor took is evidence whatever the program does. Of a
machine that others kept busy, all of this must be so:

- No CPU was free: while it was measured, next to nothing of the CPU time was idle. So nothing is
  said on an idle machine, however long a program sleeps or waits for a disk.
- More wanted to run than there are CPUs: the load, before or after.
- The program had less than its share of the CPUs: CPU time over wall time is well below the
  number of threads that it was told to use (one, where it was told none), or of CPUs if that is
  smaller. So a program that keeps all CPUs busy by itself is not said to be disturbed.

Where two sides are compared, the guards of the comparison name the same cause, by the same limits.
"""

from __future__ import annotations

import statistics

from perf_smoke.report import numbers
from perf_smoke.report.reading import asked, counted, counting, paired
from perf_smoke.report.spans import Sentence, sentence, strong
from perf_smoke.result import Machine, Result, Side, told_to_engine

_MOST_STEAL = 0.10
"""Share of the run's CPU time that the hypervisor may give to others."""
_LEAST_IDLE = 0.10
"""Share of the CPU time up to which no CPU is said to have been free."""
_LEAST_CPU_SHARE = 0.8
"""A step whose threads got less of their CPUs than this was kept waiting."""


def warning(result: Result) -> Sentence:
    """That the program can do better; empty where nothing shows it, or guards speak of it."""
    machine, head = result.machine, result.head
    if machine is None or head is None or not head.summary or paired(result):
        return ()
    if not (why := _stolen(machine) or _kept_waiting(result, machine, head)):
        return ()
    better = "the program can do better than these numbers."
    return sentence(strong("The machine was busy"), f" ({why}): {better}")


def _stolen(machine: Machine) -> str:
    steal = machine.steal_fraction
    if steal is None or steal <= _MOST_STEAL:
        return ""
    return f"its hypervisor gave away {numbers.percent(steal)} of the CPU time, steal"


def _kept_waiting(result: Result, machine: Machine, head: Side) -> str:
    load = max(state.load_1min or 0.0 for state in (machine.before, machine.after))
    had = _cpus_had(head)
    idle = machine.idle_fraction
    if had is None or load <= machine.cpus or idle is None or idle > _LEAST_IDLE:
        return ""
    if had >= _LEAST_CPU_SHARE * min(_threads(result), machine.cpus):
        return ""
    cpus = counting(machine.cpus, "CPU")
    return f"load {load:.1f} on {cpus}, of which the program had {had:.1f}"


def _cpus_had(head: Side) -> float | None:
    """CPU time over wall time of a typical step."""
    shares = [
        step.cpu_ms / step.wall_ms
        for step in counted(head)
        if step.cpu_ms is not None and step.wall_ms
    ]
    return statistics.median(shares) if shares else None


def _threads(result: Result) -> int:
    told = asked(result, "threads") if told_to_engine(result.settings, "threads") else ""
    return max(1, int(told)) if told.isdecimal() else 1
