"""Jobs of known truth: how much starts may differ before the verdict errs, and what it costs."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from benchmarks.jobs import Job
from benchmarks.ours import outcome
from perf_smoke.compare import Pairs, Rule, decide, plan

PAIRS = 170
STEP_US = 50_000
CHANGES = (0.0, 0.03, 0.05, 0.1)
NOISES = (0.11, 0.015)
"""Standard deviation of a pair's log-ratio: a 4-token step, and a quiet long one."""


@dataclass(frozen=True, kw_only=True)
class Starts:
    """How much the starts of a program differ."""

    spread: float
    """Standard deviation of their log-ratio."""
    bad: float = 0.0
    """Share of a side's starts that are slower by BAD besides, for their whole life."""

    def offsets(self, rng: np.random.Generator, count: int) -> FloatArray:
        """Of each start of both sides: the log-ratio that its pairs have in common."""
        head, base = (rng.random(count) < self.bad for _ in range(2))
        return rng.normal(0, self.spread, size=count) + BAD * (1.0 * head - base)

    def __str__(self) -> str:
        bad = f"; {self.bad:.0%} of them {BAD:.0%} slower" if self.bad else ""
        return f"{self.spread:.1%}{bad}"


FloatArray: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.float64]]"
BAD = 0.08
KINDS = (
    Starts(spread=0.0),
    Starts(spread=0.005),
    Starts(spread=0.01),
    Starts(spread=0.02),
    Starts(spread=0.005, bad=0.03),
)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What became of the jobs of one kind."""

    noise: float
    kind: Starts
    starts: int
    widened: bool
    """Whether the rule was told which pairs share a start."""
    called: dict[float, int]
    """Slower, or at no change: slower or faster."""
    no_change: int
    """At no change."""
    jobs: int


def cells(count: int, starts: Sequence[int], tick: Callable[[], None]) -> Iterator[Cell]:
    """Simulate `count` jobs of each kind, with and without a word on starts."""
    for noise in NOISES:
        for kind in KINDS:
            for number in starts:
                made = [job(noise, kind, number, seed) for seed in range(count)]
                for widened in (True, False):
                    yield _cell(made, noise, kind, number, widened)
                    tick()


def job(noise: float, kind: Starts, starts: int, seed: int) -> Job:
    """One job of two equal sides; its noise has the tails of a t distribution of 4 degrees."""
    rng = np.random.default_rng([seed, starts, round(1e4 * noise), round(1e4 * kind.spread)])
    start = np.arange(PAIRS) * starts // PAIRS
    pairs = rng.standard_t(4, size=PAIRS) * noise / 2**0.5
    offsets = kind.offsets(rng, starts)[start]
    # Both sides of a pair share the machine's drift: a slow walk of a few percent.
    drift = np.cumsum(np.random.default_rng(seed).normal(0, 0.003, size=PAIRS))
    base = np.rint(STEP_US * np.exp(drift)).astype(int)
    head = np.rint(base * np.exp(pairs + offsets)).astype(int)
    return Job(
        stratum="simulated",
        started=str(seed),
        cpu_model="",
        threads=1,
        head_threads=1,
        tokens=4,
        budget_s=30.0,
        planned=PAIRS,
        load_before=None,
        steal=None,
        idle=None,
        cpus=1,
        start=start.tolist(),
        head_first=rng.integers(0, 2, size=PAIRS).tolist(),
        base_us=base.tolist(),
        head_us=head.tolist(),
        base_cpu_us=base.tolist(),
        head_cpu_us=head.tolist(),
        elapsed_ms=list(range(PAIRS)),
    )


def starts_unknown(job: Job) -> Job:
    """The job as if each pair had a start of its own."""
    return dataclasses.replace(job, start=list(range(job.pairs)))


def _cell(made: Sequence[Job], noise: float, kind: Starts, starts: int, widened: bool) -> Cell:
    if not widened:
        made = [starts_unknown(one) for one in made]
    called = dict.fromkeys(CHANGES, 0)
    no_change = 0
    for one in made:
        for change in CHANGES:
            verdict = outcome(one, 1 + change).verdict
            called[change] += verdict == "slower" or (change == 0 and verdict == "faster")
            no_change += change == 0 and verdict == "no-change"
    return Cell(
        noise=noise,
        kind=kind,
        starts=starts,
        widened=widened,
        called=called,
        no_change=no_change,
        jobs=len(made),
    )


def decision_ms(pairs: int) -> float:
    """The slowest of seven decisions on so many pairs, the boundary computed anew each time."""
    one = job(0.1, Starts(spread=0.0), 8, pairs)
    base = [STEP_US / 1e6] * pairs
    head = [one.head_us[k % PAIRS] * (1 + k / 1e6) / 1e6 for k in range(pairs)]
    slowest = 0.0
    for repeat in range(7):
        # Another end each time, so that nothing that was computed before helps.
        upto = pairs - repeat
        starts = [k * 8 // pairs for k in range(upto)]
        started = time.perf_counter()
        decide(
            Pairs.of_times(base[:upto], head[:upto], starts=starts), Rule(), looks=plan(upto + 3)
        )
        slowest = max(slowest, time.perf_counter() - started)
    return slowest * 1e3
