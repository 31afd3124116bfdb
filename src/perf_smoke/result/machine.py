"""Which machine it was, and how busy."""

from __future__ import annotations

from dataclasses import dataclass

from perf_smoke.result.strict import Ours, Strict


@dataclass(frozen=True, kw_only=True)
class MachineState(Strict):
    """How busy the machine was at one moment."""

    load_1min: float | None
    cpu_ticks: int | None
    """All CPU time since boot, in ticks of /proc/stat."""
    steal_ticks: int | None
    """The part of it that the hypervisor gave to others."""
    idle_ticks: int | None = None
    """The part of it in which there was nothing to run."""
    own_ticks: int | None = None
    """CPU time, in such ticks, of perf-smoke and of what it had run to its end."""
    cpu_model: str = ""
    """As the machine names it at that moment."""


@dataclass(frozen=True, kw_only=True)
class Gpu(Strict):
    """A GPU of the machine, whether or not anything ran on it."""

    name: str
    driver: str = ""
    """Its version; for a driver of the kernel its name too."""
    memory_mib: int | None = None


@dataclass(frozen=True, kw_only=True)
class Machine(Strict):
    """Which machine it was, and its state before and after. The shares of its time are those of the
    measuring: a build fills a machine, and a download leaves it idle."""

    cpu_model: str
    flags_hash: Ours
    cpus: int
    """CPUs that this process may use: affinity and cgroup quota respected."""
    memory_mib: int
    os: str
    kernel: str
    arch: str
    image: str = ""
    """The runner's image, where it says so (ImageOS and ImageVersion)."""
    gpus: tuple[Gpu, ...] = ()
    """Those that could be seen."""
    before: MachineState
    """When the run began."""
    measuring: MachineState | None = None
    """When measuring began: model, programs and sides were there."""
    after: MachineState
    """When measuring ended."""

    @property
    def key(self) -> tuple[str, ...]:
        """What two machines have in common whose results may stand in one line over time."""
        of_gpus = (f"{gpu.name} {gpu.memory_mib} MiB, driver {gpu.driver}" for gpu in self.gpus)
        what_runs = self.image or self.os
        return (self.cpu_model, self.flags_hash, str(self.cpus), what_runs, *sorted(of_gpus))

    @property
    def steal_fraction(self) -> float | None:
        """Share of the CPU time that the hypervisor gave to others."""
        return self._share(self._begin.steal_ticks, self.after.steal_ticks)

    @property
    def idle_fraction(self) -> float | None:
        """Share of the CPU time in which a CPU had nothing to run."""
        return self._share(self._begin.idle_ticks, self.after.idle_ticks)

    @property
    def others_fraction(self) -> float | None:
        """Share of the CPU time that other programs of this machine took."""
        own = self._share(self._begin.own_ticks, self.after.own_ticks)
        steal, idle = self.steal_fraction, self.idle_fraction
        if own is None or steal is None or idle is None:
            return None
        return max(0.0, 1.0 - idle - steal - own)

    @property
    def cpu_models(self) -> tuple[str, str]:
        """What the machine named its CPU when measuring began and when it ended."""
        return self._begin.cpu_model, self.after.cpu_model

    @property
    def _begin(self) -> MachineState:
        return self.measuring or self.before

    def _share(self, first: int | None, last: int | None) -> float | None:
        started, ended = self._begin.cpu_ticks, self.after.cpu_ticks
        if first is None or last is None or started is None or ended is None:
            return None
        spent, part = ended - started, last - first
        return part / spent if spent > 0 and part >= 0 else None
