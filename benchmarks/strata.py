"""The states of the machine under which jobs are recorded."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_PERIOD_US = 100_000
_HOG_BYTES = 64 * 1024**2
"""Larger than any cache of the CPUs that runners have."""


@dataclass(frozen=True, kw_only=True)
class Stratum:
    """One state of the machine."""

    summary: str
    spare_cpus: int
    """CPUs that the engine's threads leave free."""
    neighbour: Callable[[], None] | None = None
    """What another process does all the while."""
    quota_share: float | None = None
    """Share of the CPUs' time that a cgroup allows; the product sees it and counts fewer CPUs."""

    def threads(self, cpus: int) -> int:
        """How many threads the engine gets on a machine of so many CPUs."""
        return max(1, cpus - self.spare_cpus)


def spin() -> None:
    """Keep one CPU busy without memory."""
    while True:
        pass


def hog_memory() -> None:
    """Keep the memory bus busy."""
    source, target = bytearray(_HOG_BYTES), bytearray(_HOG_BYTES)
    while True:
        target[:] = source


STRATA = {
    "idle": Stratum(summary="all CPUs, nothing else runs", spare_cpus=0),
    "idle-spare": Stratum(summary="one CPU left free, nothing else runs", spare_cpus=1),
    "neighbour": Stratum(summary="one CPU left to a busy neighbour", spare_cpus=1, neighbour=spin),
    "oversubscribed": Stratum(
        summary="all CPUs, and a busy neighbour", spare_cpus=0, neighbour=spin
    ),
    "memory-hog": Stratum(
        summary="one CPU left to a neighbour that copies memory", spare_cpus=1, neighbour=hog_memory
    ),
    "quota": Stratum(
        summary="half of the CPUs' time by a cgroup's quota", spare_cpus=0, quota_share=0.5
    ),
    "twins": Stratum(
        summary="one CPU left to another such job: recorded by two commands at a time", spare_cpus=1
    ),
    "shared": Stratum(
        summary="one CPU left to other people's builds and tests, which come and go", spare_cpus=1
    ),
}

ARRANGED = tuple(name for name in STRATA if name not in ("twins", "shared"))
"""Those that one command makes by itself."""


class NotOnThisMachine(Exception):
    """It cannot be put into that state. The text says why."""


@contextmanager
def machine_in(stratum: Stratum) -> Iterator[None]:
    """Put this machine into that state, and back.

    Raises:
        NotOnThisMachine: it cannot be.
    """
    with _quota(stratum.quota_share), _neighbour(stratum.neighbour):
        yield


@contextmanager
def _neighbour(work: Callable[[], None] | None) -> Iterator[None]:
    if work is None:
        yield
        return
    process = multiprocessing.get_context("spawn").Process(target=work, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


@contextmanager
def _quota(share: float | None) -> Iterator[None]:
    """A control group of our own for this process and its children."""
    if share is None:
        yield
        return
    unified = (_CGROUPS / "cgroup.controllers").exists()
    parent = _CGROUPS if unified else _CGROUPS / "cpu"
    home = _group_of_this_process(parent, "" if unified else "cpu")
    group = parent / f"perf-smoke-bench-{os.getpid()}"
    try:
        group.mkdir()
        _limit(group, round(share * (os.cpu_count() or 1) * _PERIOD_US), unified=unified)
        (group / "cgroup.procs").write_text(str(os.getpid()))
    except OSError as error:
        with suppress(OSError):
            group.rmdir()
        raise NotOnThisMachine(
            f"a quota of CPU time needs root and cgroups that can be written ({error.strerror})"
        ) from error
    try:
        yield
    finally:
        (home / "cgroup.procs").write_text(str(os.getpid()))
        group.rmdir()


def _limit(group: Path, quota_us: int, *, unified: bool) -> None:
    if unified:
        (group / "cpu.max").write_text(f"{quota_us} {_PERIOD_US}")
    else:
        (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(quota_us))


def _group_of_this_process(parent: Path, controller: str) -> Path:
    """Where it is now; the root where its group is not to be seen from here."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        home = parent / path.lstrip("/")
        if controller in controllers.split(",") and home.is_dir():
            return home
    return parent
