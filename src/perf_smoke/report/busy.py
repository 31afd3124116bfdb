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

from perf_smoke.compare.guards import LEAST_CPU_SHARE, MOST_STEAL, is_full
from perf_smoke.report import numbers
from perf_smoke.report.spans import Sentence, sentence, strong
from perf_smoke.report.view import View, WorkloadView, counting
from perf_smoke.result import Machine, Measurement


def warning(view: View) -> Sentence:
    """That the program can do better; empty where nothing shows it, or guards speak of it."""
    machine, lead = view.result.machine, view.lead
    if machine is None or not lead.head.summary or lead.bases:
        return ()
    if not (why := _stolen(machine) or _kept_waiting(lead, machine)):
        return ()
    better = "the program can do better than these numbers."
    return sentence(strong("The machine was busy"), f" ({why}): {better}")


def _stolen(machine: Machine) -> str:
    steal = machine.steal_fraction
    if steal is None or steal <= MOST_STEAL:
        return ""
    return f"its hypervisor gave away {numbers.portion(steal)} of the CPU time, steal"


def _kept_waiting(workload: WorkloadView, machine: Machine) -> str:
    load = max(state.load_1min or 0.0 for state in (machine.before, machine.after))
    had = _cpus_had(workload.head)
    if had is None or load <= machine.cpus or not is_full(machine.idle_fraction):
        return ""
    wanted = min(workload.workload.asked.threads_told() or 1, machine.cpus)
    if had >= LEAST_CPU_SHARE * wanted:
        return ""
    cpus = counting(machine.cpus, "CPU")
    return f"load {load:.1f} on {cpus}, of which the program had {had:.1f}"


def _cpus_had(head: Measurement) -> float | None:
    """CPU time over wall time of a typical step."""
    shares = [
        step.cpu_ms / step.wall_ms
        for step in head.counted
        if step.cpu_ms is not None and step.wall_ms
    ]
    return statistics.median(shares) if shares else None
