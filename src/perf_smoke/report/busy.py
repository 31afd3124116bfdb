"""Was the machine too busy for one side's numbers to be what the program can do?

Said on evidence alone. Time that the hypervisor took is evidence whatever the program does. Of a
machine that others kept busy, all of this must be so:

- No CPU was free: while it was measured, next to nothing of the CPU time was idle. So nothing is
  said on an idle machine, however long a program sleeps or waits for a disk.
- Others left fewer CPUs than the program has threads: by the CPU time that was not idle and not
  ours. Where the system does not tell that, more wanted to run than there are CPUs: the load,
  before or after, which follows with a delay of a minute.
- The program had less than its share of the CPUs: CPU time over wall time is well below the
  number of threads that it was told to use (one, where it was told none), or of CPUs if that is
  smaller. So a program that keeps all CPUs busy by itself is not said to be disturbed.

Where two sides are compared, the guards of the comparison name the same cause, by the same limits.
"""

from __future__ import annotations

import math
import statistics

from perf_smoke.compare import LEAST_CPU_SHARE, Circumstances, steal
from perf_smoke.report.parts import Sentence, quoted, sentence, strong
from perf_smoke.report.view import View, counting
from perf_smoke.result import Machine, Measurement


def warning(view: View) -> Sentence:
    """That the program can do better; empty where nothing shows it, or guards speak of it."""
    machine, lead = view.result.machine, view.lead
    if machine is None or not lead.head.summary or lead.bases:
        return ()
    known = Circumstances.of(machine, lead.workload.threads_passed)
    stolen = steal(known, "said")
    why = quoted(stolen.sentence) if stolen else _kept_waiting(lead.head, machine, known)
    return sentence(why, " The program can do better than these numbers.") if why else ()


def _kept_waiting(head: Measurement, machine: Machine, known: Circumstances) -> Sentence:
    clocks = [(step.cpu_ms, step.wall_ms) for step in head.counted]
    shares = [cpu_ms / wall_ms for cpu_ms, wall_ms in clocks if cpu_ms is not None and wall_ms]
    wanted, had = min(known.threads or 1, machine.cpus), statistics.median(shares or [math.inf])
    why = _crowd(machine, wanted)
    if not known.full or had >= LEAST_CPU_SHARE * wanted or not why:
        return ()
    return sentence(
        strong("The machine was busy"), f" ({why}, of which the program had {had:.1f})."
    )


def _crowd(machine: Machine, wanted: int) -> str:
    """Who else wanted the CPUs, where that left too few."""
    cpus = counting(machine.cpus, "CPU")
    if machine.others_fraction is not None:
        others = machine.others_fraction * machine.cpus
        return f"others took {others:.1f} of {cpus}" if others + wanted > machine.cpus else ""
    load = max(state.load_1min or 0.0 for state in (machine.before, machine.after))
    return f"load {load:.1f} on {cpus}" if load > machine.cpus else ""
