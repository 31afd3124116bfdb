"""Which machine this is, how many CPUs may be used, and how busy it is."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perf_smoke.measure.gpus import gpus
from perf_smoke.printable import decoded
from perf_smoke.processes.foreground import run_process
from perf_smoke.result import Machine, MachineState

_TIMEOUT_S = 10.0


@dataclass(frozen=True, kw_only=True)
class System:
    """Where the system tells about itself; another root is for tests."""

    root: Path = Path("/")

    def text(self, path: str) -> str:
        """The file's text, or nothing where there is no such file."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""


def state(system: System) -> MachineState:
    """Load, the CPU time counters and the CPU's name now."""
    ticks = re.match(r"cpu +([0-9 ]+)", system.text("proc/stat"))
    numbers = [int(number) for number in ticks[1].split()] if ticks else []
    return MachineState(
        cpu_model=_cpu_model(system.text("proc/cpuinfo")),
        load_1min=_load_1min(),
        # guest time (the 9th and 10th) is part of user time already
        cpu_ticks=sum(numbers[:8]) if numbers else None,
        steal_ticks=numbers[7] if len(numbers) > 7 else None,
        # waiting for a disk counts as idle: no program wanted the CPU
        idle_ticks=sum(numbers[3:5]) if len(numbers) > 4 else None,
        own_ticks=_own_ticks() if numbers else None,
    )


def describe(
    system: System,
    environment: Mapping[str, str],
    *,
    before: MachineState,
    measuring: MachineState | None,
    after: MachineState,
) -> Machine:
    """Everything about this machine that a reader needs to judge the numbers."""
    cpuinfo = system.text("proc/cpuinfo")
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    return Machine(
        cpu_model=after.cpu_model,
        flags_hash=_short_hash(flags[1].split()) if flags else "",
        cpus=available_cpus(system),
        memory_mib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2,
        os=_os_name(system),
        kernel=platform.release(),
        arch=platform.machine(),
        gpus=gpus(system.root, environment),
        image=" ".join(filter(None, (environment.get("ImageOS"), environment.get("ImageVersion")))),
        before=before,
        measuring=measuring,
        after=after,
    )


def available_cpus(system: System) -> int:
    """CPUs that this process may use: its affinity, or less by a cgroup quota (rounded down:
    spinning threads on a CPU that is not there slow an engine many times over)."""
    affinity = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    quota = _cgroup_quota(system)
    return affinity if quota is None else max(1, min(affinity, int(quota)))


def _own_ticks() -> int:
    """CPU time of this process and of its children that have ended."""
    user_s, system_s, children_user_s, children_system_s, _ = os.times()
    own_s = user_s + system_s + children_user_s + children_system_s
    return round(own_s * os.sysconf("SC_CLK_TCK"))


def _load_1min() -> float | None:
    try:
        return os.getloadavg()[0]
    except OSError:  # not every sandbox has one
        return None


def _cgroup_quota(system: System) -> float | None:
    """CPUs that the cgroup allows, or None for no limit. Version 2: cpu.max; version 1: cfs."""
    limits = []
    for folder in _cgroup_folders(system):
        both = system.text(f"{folder}/cpu.max").split()
        if len(both) != 2:
            both = [
                system.text(f"{folder}/cpu.cfs_quota_us").strip(),
                system.text(f"{folder}/cpu.cfs_period_us").strip(),
            ]
        if all(re.fullmatch(r"[0-9]+", number) for number in both) and int(both[1]) > 0:
            limits.append(int(both[0]) / int(both[1]))
    return min(limits, default=None)


def _cgroup_folders(system: System) -> list[str]:
    """The folders whose limits hold for this process: its own cgroup's and all above it."""
    folders = []
    for line in system.text("proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        mount = "sys/fs/cgroup" + ("/cpu" if controllers else "")
        parts = [part for part in path.split("/") if part not in ("", "..")]
        folders += ["/".join((mount, *parts[:depth])) for depth in range(len(parts) + 1)]
    return folders or ["sys/fs/cgroup", "sys/fs/cgroup/cpu"]


def _short_hash(words: list[str]) -> str:
    return hashlib.sha256(" ".join(sorted(words)).encode()).hexdigest()[:12]


def _cpu_model(cpuinfo: str) -> str:
    named = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    if named:
        return " ".join(named[1].split())
    if platform.system() == "Darwin":
        return (
            _output_of("/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
        )
    # On arm64 the kernel tells numbers only: who designed the core, and which one it is.
    numbers = [
        f"{name} {number[1]}"
        for name in ("implementer", "part")
        if (number := re.search(rf"^CPU {name}\s*:\s*(\S+)$", cpuinfo, re.MULTILINE))
    ]
    return " ".join([platform.machine(), *numbers])


def _output_of(*command: str) -> str:
    """What a program of the system prints, or nothing where there is no such program."""
    with contextlib.suppress(OSError):
        finished = run_process(command, timeout_s=_TIMEOUT_S, cwd=Path("/"), environment={})
        return decoded(finished.stdout).strip()
    return ""


def _os_name(system: System) -> str:
    named = re.search(
        r"""^PRETTY_NAME=["']?([^"'\n]+)""", system.text("etc/os-release"), re.MULTILINE
    )
    return named[1] if named else f"{platform.system()} {platform.release()}"
