"""Recorded jobs: what is kept of each, and the compressed files that they are in.

One line of JSON per job, columns instead of rows and whole microseconds, so that hundreds of jobs
are small enough to commit. A file is written anew whole at each job: 30 seconds apart, that costs
nothing, and an interruption leaves the last whole file.
"""

from __future__ import annotations

import bisect
import dataclasses
import fcntl
import gzip
import json
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parent / "data"
_FULL = 0.8
"""Share of all CPU time that others take on a full machine: hardly a CPU of two is left."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One paired run of a real engine, never stopped early.

    Every list has one entry per pair, in the order in which they were taken.
    """

    stratum: str
    started: str
    cpu_model: str
    threads: int
    head_threads: int
    tokens: int
    budget_s: float
    planned: int
    """The pairs that were expected after the first few."""
    load_before: float | None
    steal: float | None
    idle: float | None
    cpus: int
    start: list[int]
    """Which start of both workers the pair belongs to."""
    head_first: list[int]
    base_us: list[int]
    head_us: list[int]
    """End-to-end time of the step."""
    base_cpu_us: list[int]
    head_cpu_us: list[int]
    elapsed_ms: list[int]
    """Since the run began, loads and restarts included, at the end of the pair."""
    swapped: bool = False
    """Whether the side that is called head is the one that is called base in the other jobs."""
    head_work: float = 1.0
    """How many times base's work head does."""
    built: bool = False
    """Whether the sides are two programs."""
    rests: int = 0
    """0: recorded before there were any, or none was made."""
    vain_rests: int = 0
    rested_s: float = 0.0
    others: float | None = None
    """Share of the CPU time that other programs took."""

    @property
    def pairs(self) -> int:
        """How many there are."""
        return len(self.base_us)

    def first(self, budget_s: float) -> Job:
        """The job as it was when so much of its time had passed."""
        pairs = bisect.bisect_right(self.elapsed_ms, budget_s * 1e3)
        columns = {
            field.name: getattr(self, field.name)[:pairs]
            for field in dataclasses.fields(self)
            if isinstance(getattr(self, field.name), list)
        }
        planned = round(self.planned * budget_s / self.budget_s)
        return dataclasses.replace(self, budget_s=budget_s, planned=planned, **columns)

    @property
    def full(self) -> bool:
        """Whether others left hardly any CPU time."""
        return self.others is not None and self.others >= _FULL

    @property
    def same(self) -> bool:
        """Whether both sides did the same, so that any verdict is a false one."""
        return self.threads == self.head_threads and self.head_work == 1


def path_of(stratum: str, folder: Path = DATA) -> Path:
    """The file of a stratum."""
    return folder / f"{stratum}.jsonl.gz"


def read(path: Path) -> list[Job]:
    """All jobs of a file, in the order they were recorded; none where there is no file."""
    if not path.exists():
        return []
    lines = gzip.decompress(path.read_bytes()).splitlines()
    return [Job(**json.loads(line)) for line in lines]


def append(job: Job, path: Path) -> None:
    """Add one job; others may do so at the same time."""
    line = json.dumps(dataclasses.asdict(job), separators=(",", ":")).encode() + b"\n"
    draft = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        earlier = gzip.decompress(path.read_bytes()) if path.exists() else b""
        draft.write_bytes(gzip.compress(earlier + line, mtime=0))
        draft.replace(path)
