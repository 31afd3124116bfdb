"""Jobs of two equal sides under noise that is made to mislead: what does the verdict do?

The sides take equally long at the median of every kind; where one kind makes them differ in another
way, `why` says in which.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.jobs import Job
from benchmarks.ours import outcome
from benchmarks.scores import Share
from benchmarks.simulated import FloatArray, Starts

Generator = np.random.Generator
Noise = Callable[[Generator, int], FloatArray]
"""Log-ratios of so many steps in the order in which they are taken."""

STEP_US = 50_000
MOST_FALSE = 0.01
"""Share of the jobs that may be called."""


def heavy(deviation: float) -> Noise:
    """The tails of a t distribution of 4 degrees; `deviation` is that of a pair's log-ratio."""
    return lambda rng, count: rng.standard_t(4, size=count) * deviation / 2


def normal(deviation: float) -> Noise:
    """Normal noise of a step."""
    return lambda rng, count: rng.normal(0, deviation, size=count)


def spikes(share: float) -> Noise:
    """Normal noise of 4 %, and a share of the steps takes half as long again."""
    return lambda rng, count: rng.normal(0, 0.04, count) + 0.4 * (rng.random(count) < share)


def skewed(rng: Generator, count: int) -> FloatArray:
    """A tail to one side, of median 0."""
    return (rng.exponential(size=count) - math.log(2)) * 0.05


def growing(rng: Generator, count: int) -> FloatArray:
    """Noise of 1.4 % at the beginning and of 14 % at the end."""
    return rng.normal(size=count) * np.linspace(0.014, 0.14, count)


def steady(_: Generator, count: int) -> FloatArray:
    """A machine whose speed does not change."""
    return np.zeros(count)


def autocorrelated(correlation: float) -> Noise:
    """A speed with a deviation of 10 % that changes little from step to step."""

    def level(rng: Generator, count: int) -> FloatArray:
        steps = rng.normal(0, 0.1 * math.sqrt(1 - correlation**2), count)
        values = [rng.normal(0, 0.1)]
        for step in steps[1:]:
            values.append(correlation * values[-1] + step)
        return np.array(values)

    return level


def periodic(period: float) -> Noise:
    """A speed that goes up and down by 10 % with a period of so many steps."""

    def level(rng: Generator, count: int) -> FloatArray:
        return 0.1 * np.sin(2 * math.pi * (np.arange(count) / period + rng.random()))

    return level


def turbo(dwell: float) -> Noise:
    """A clock of two frequencies, 1.3 to 1, each kept for so many steps on average."""

    def level(rng: Generator, count: int) -> FloatArray:
        quick = np.cumsum(rng.random(count) < 1 / dwell) % 2 == 1
        return np.where(quick, -math.log(1.3), 0.0)

    return level


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One kind of job of two equal sides."""

    name: str
    noise: Noise = field(default_factory=lambda: heavy(0.11))
    """Of each step of both sides."""
    head_noise: Noise | None = None
    """Of head's steps, where it is another."""
    level: Noise = steady
    """The machine's, whichever side runs."""
    kind: Starts = field(default_factory=lambda: Starts(spread=0.005))
    starts: int = 8
    pairs: int = 170
    after_other: tuple[float, float] = (0.0, 0.0)
    """What it costs base, and head, to follow a step of the other side."""
    second: tuple[float, float] = (0.0, 0.0)
    """What it costs base, and head, to be the second of a pair."""
    tick_us: int = 1
    step_us: int = STEP_US
    why: str = ""
    """Why more than one job in a hundred may be called, where that is so."""
    quick: bool = False
    """Whether the test suite takes it too."""

    def job(self, seed: int) -> Job:
        """One such job."""
        rng = np.random.default_rng([seed, *self.name.encode()])
        count = 2 * self.pairs
        head_first = rng.random(self.pairs) < 0.5
        is_head = np.column_stack([head_first, ~head_first]).ravel()
        start = np.repeat(np.arange(self.pairs) * self.starts // self.pairs, 2)
        switched = np.append(True, (is_head[1:] != is_head[:-1]) | (start[1:] != start[:-1]))
        place = np.arange(count) % 2 == 1
        steps = self.level(rng, count) + self.noise(rng, count)
        if self.head_noise is not None:
            steps = np.where(is_head, self.head_noise(rng, count), steps)
        steps = steps + np.where(is_head, self.kind.offsets(rng, self.starts)[start], 0.0)
        steps = steps + switched * np.where(is_head, *reversed(self.after_other))
        steps = steps + place * np.where(is_head, *reversed(self.second))
        ticks = np.maximum(1, np.rint(self.step_us * np.exp(steps) / self.tick_us))
        times_us = (ticks * self.tick_us).astype(int)
        base, head = times_us[~is_head].tolist(), times_us[is_head].tolist()
        return Job(
            stratum="attack",
            started=str(seed),
            cpu_model="",
            threads=1,
            head_threads=1,
            tokens=4,
            budget_s=30.0,
            planned=self.pairs,
            load_before=None,
            steal=None,
            idle=None,
            cpus=1,
            start=start[::2].tolist(),
            head_first=head_first.astype(int).tolist(),
            base_us=base,
            head_us=head,
            base_cpu_us=base,
            head_cpu_us=head,
            elapsed_ms=list(range(self.pairs)),
        )


_QUIET = heavy(0.015)
_T3: Noise = lambda rng, count: rng.standard_t(3, size=count) * 0.03  # noqa: E731 - a table follows
_ALTERNATING = (
    "a real difference while the sides alternate: what one costs when it follows the other. A rest "
    "between the steps takes away what causes it"
)
_SHAPE = "the medians are equal, but the pairs' typical difference is not: head's noise has a tail"

ATTACKS = (
    Attack(name="heavy tails, 11 %", quick=True),
    Attack(name="level autocorrelated .9", level=autocorrelated(0.9), quick=True),
    Attack(name="level autocorrelated .5", level=autocorrelated(0.5), noise=normal(0.03)),
    Attack(name="level with a period of 2 steps", level=periodic(2.0), quick=True),
    Attack(name="level with a period of 2.02 steps", level=periodic(2.02)),
    Attack(name="level with a period of 3 steps, quiet", level=periodic(3.0), noise=_QUIET),
    Attack(name="level with a period of 4 steps, quiet", level=periodic(4.0), noise=_QUIET),
    Attack(name="turbo, 1.5 steps", level=turbo(1.5), noise=_QUIET),
    Attack(name="turbo, 5 steps", level=turbo(5.0), noise=_QUIET, quick=True),
    Attack(name="turbo, 60 steps", level=turbo(60.0), noise=_QUIET),
    Attack(name="noise that grows from 2 to 20 %", noise=growing, quick=True),
    Attack(name="ticks of 1 ms in 5 ms, quiet", noise=_QUIET, tick_us=1000, step_us=5200),
    Attack(name="ticks of 1 ms in 50 ms, quiet", noise=_QUIET, tick_us=1000),
    Attack(name="ticks of 10 ms in 50 ms", tick_us=10_000, step_us=53_500, quick=True),
    Attack(name="ticks of 10 ms in 50 ms, 6 %", noise=heavy(0.06), tick_us=10_000, step_us=53_500),
    Attack(name="head's noise twice base's", head_noise=heavy(0.22), quick=True),
    Attack(name="spikes of both, 10 %", noise=spikes(0.1)),
    Attack(name="spikes of head alone, 5 %", noise=spikes(0.0), head_noise=spikes(0.05)),
    Attack(
        name="spikes of head alone, 10 %", noise=spikes(0.0), head_noise=spikes(0.1), why=_SHAPE
    ),
    Attack(name="head skewed", noise=normal(0.05), head_noise=skewed, why=_SHAPE),
    Attack(name="after the other +12 %", after_other=(0.12, 0.12), noise=_T3),
    Attack(name="second +12 %", second=(0.12, 0.12), noise=_T3),
    Attack(
        name="after the other +12 %, second -12 %",
        after_other=(0.12, 0.12),
        second=(-0.12, -0.12),
        noise=_T3,
        quick=True,
    ),
    Attack(
        name="after the other +20 %, second -20 %",
        after_other=(0.2, 0.2),
        second=(-0.2, -0.2),
        noise=_T3,
        why="opposing costs make a pair's difference depend on the pair before, and the test takes "
        "each pair's coin for its own. A rest takes away what causes it",
    ),
    Attack(
        name="after the other: base +6 %, head +12 %",
        after_other=(0.06, 0.12),
        noise=_T3,
        why=_ALTERNATING,
    ),
    Attack(name="second: base 0, head +2 %", second=(0.0, 0.02), noise=_T3, why=_ALTERNATING),
    Attack(name="starts 1 %, quiet", noise=_QUIET, kind=Starts(spread=0.01), quick=True),
    Attack(name="starts 2 %, quiet", noise=_QUIET, kind=Starts(spread=0.02)),
    Attack(
        name="starts 0.5 %, 3 % of them +8 %, quiet",
        noise=_QUIET,
        kind=Starts(spread=0.005, bad=0.03),
        quick=True,
    ),
    Attack(
        name="three starts, 3 % of them +8 %, quiet",
        noise=_QUIET,
        kind=Starts(spread=0.005, bad=0.03),
        starts=3,
    ),
    Attack(name="two starts of 1 %, quiet", noise=_QUIET, kind=Starts(spread=0.01), starts=2),
    Attack(name="one start of 1 %, quiet", noise=_QUIET, kind=Starts(spread=0.01), starts=1),
    Attack(name="40 pairs, starts 1 %", noise=heavy(0.05), kind=Starts(spread=0.01), pairs=40),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the jobs of one attack."""

    attack: Attack
    jobs: int
    false: int
    no_change: int
    estimate: float
    """Mean log-ratio at the moment of decision."""

    @property
    def surprising(self) -> bool:
        """Whether surely more jobs are called than should be, and the kind does not say why."""
        least = Share(count=self.false, of=self.jobs).interval[0]
        return not self.attack.why and least > MOST_FALSE


def outcomes(count: int, tick: Callable[[], None], attacks: Sequence[Attack]) -> Iterator[Outcome]:
    """Decide `count` jobs of each."""
    for attack in attacks:
        comparisons = [outcome(attack.job(seed), 1.0) for seed in range(count)]
        yield Outcome(
            attack=attack,
            jobs=count,
            false=sum(one.verdict in ("slower", "faster") for one in comparisons),
            no_change=sum(one.verdict == "no-change" for one in comparisons),
            estimate=math.fsum(one.log_ratio or 0.0 for one in comparisons) / count,
        )
        tick()
