"""Which steps of two sides are a pair, and what is known of each pair?"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from perf_smoke.compare.walsh import WalshAverages
from perf_smoke.metrics import AUTOMATIC, time_s
from perf_smoke.result import Sample


class Steps(NamedTuple):
    """The steps of one side as columns, with one entry for each pair."""

    time_s: tuple[float, ...]
    """What is judged; of a rate, the time per token."""
    wall_s: tuple[float | None, ...]
    cpu_s: tuple[float | None, ...]
    tokens: tuple[int | None, ...]
    """Output tokens."""
    texts: tuple[str, ...]
    """Hashes of the greedy outputs; empty where there is none."""

    @classmethod
    def of(cls, samples: Collection[Sample], metric: str) -> Steps:
        """The columns of steps that all give the metric."""
        return cls(
            time_s=tuple(time for sample in samples if (time := time_s(sample, metric))),
            wall_s=tuple(time_s(sample, "wall") or None for sample in samples),
            cpu_s=tuple(time_s(sample, "cpu") or None for sample in samples),
            tokens=tuple(sample.n_out for sample in samples),
            texts=tuple(sample.text_sha256 for sample in samples),
        )

    def first(self, count: int) -> Steps:
        """Those of the first so many pairs."""
        return Steps._make(column[:count] for column in self)


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Steps of base and of head that were taken next to each other, in the order of the rounds.

    Raises:
        ValueError: the columns differ in length, or a time is not positive and finite.
    """

    metric: str
    """What is judged, by name."""
    base: Steps
    head: Steps
    starts: tuple[Hashable, ...]
    """For each pair, which start of the two programs it belongs to."""
    head_first: tuple[bool, ...]
    """For each pair, whether head's step came before base's."""

    def __post_init__(self) -> None:
        base, head = len(self.base.time_s), len(self.head.time_s)
        if base != head:
            raise ValueError(f"{base} times of base, but {head} of head")
        if not base == len(self.starts) == len(self.head_first):
            raise ValueError(f"{base} pairs, but {len(self.starts)} starts")
        for time in (*self.base.time_s, *self.head.time_s):
            if not (math.isfinite(time) and time > 0):
                raise ValueError(f"a step cannot take {time!r} seconds")

    @classmethod
    def of(cls, base: Sequence[Sample], head: Sequence[Sample], metric: str) -> Pairs:
        """The rounds of which both steps count and give the metric."""

        def by_round(samples: Sequence[Sample]) -> dict[int, Sample]:
            return {
                sample.round: sample
                for sample in samples
                if sample.ok and sample.round is not None and time_s(sample, metric)
            }

        bases, heads = by_round(base), by_round(head)
        rounds = sorted(bases.keys() & heads.keys())
        return cls(
            metric=metric,
            base=Steps.of([bases[at] for at in rounds], metric),
            head=Steps.of([heads[at] for at in rounds], metric),
            starts=tuple((bases[at].start, heads[at].start) for at in rounds),
            head_first=tuple(heads[at].order < bases[at].order for at in rounds),
        )

    @classmethod
    def of_times(
        cls,
        base_s: Sequence[float],
        head_s: Sequence[float],
        *,
        metric: str = "wall",
        starts: Sequence[Hashable] | None = None,
    ) -> Pairs:
        """Plain numbers, of which no more is known than this.

        Args:
            base_s: seconds of base's step in each pair.
            head_s: seconds of head's step in each pair, in the same order.
            metric: what they are times of.
            starts: for each pair, which start of the two programs it belongs to; None: each has
                one of its own.
        """
        sides = [
            Steps(
                time_s=tuple(times),
                wall_s=(None,) * len(times),
                cpu_s=(None,) * len(times),
                tokens=(None,) * len(times),
                texts=("",) * len(times),
            )
            for times in (base_s, head_s)
        ]
        return cls(
            metric=metric,
            base=sides[0],
            head=sides[1],
            starts=tuple(range(len(base_s)) if starts is None else starts),
            head_first=(False,) * len(base_s),
        )

    def __len__(self) -> int:
        return len(self.starts)

    def first(self, count: int) -> Pairs:
        """The first so many pairs."""
        return replace(
            self,
            base=self.base.first(count),
            head=self.head.first(count),
            starts=self.starts[:count],
            head_first=self.head_first[:count],
        )

    @functools.cached_property
    def log_ratios(self) -> tuple[float, ...]:
        """ln(head / base) of each pair."""
        return tuple(
            math.log(head) - math.log(base)
            for base, head in zip(self.base.time_s, self.head.time_s, strict=True)
        )

    @functools.cached_property
    def averages(self) -> WalshAverages:
        """The averages of all pairs of log-ratios; their median is the estimate by Hodges and
        Lehmann."""
        return WalshAverages(self.log_ratios)

    @functools.cached_property
    def spread(self) -> float:
        """The standard deviation that the quartiles of the log-ratios would have in a normal
        distribution, whatever a few of them do. Two pairs or more."""
        low, _, high = statistics.quantiles(self.log_ratios, n=4, method="inclusive")
        return (high - low) / 1.349

    @property
    def one_shot(self) -> bool:
        """Whether each pair started its own programs, so that loading is part of the step."""
        return len(set(self.starts)) == len(self)

    @functools.cached_property
    def on_wall_and_cpu(self) -> tuple[Pairs, Pairs] | None:
        """The same pairs as the wall clock and as CPU time have them, and nothing else that is
        known of them; None where a step gives one of the two not."""
        base_wall, head_wall = _complete(self.base.wall_s), _complete(self.head.wall_s)
        base_cpu, head_cpu = _complete(self.base.cpu_s), _complete(self.head.cpu_s)
        if not (base_wall and head_wall and base_cpu and head_cpu):
            return None
        return (
            Pairs.of_times(base_wall, head_wall, starts=self.starts),
            Pairs.of_times(base_cpu, head_cpu, metric="cpu", starts=self.starts),
        )


def _complete(column: Sequence[float | None]) -> list[float]:
    """The column, if every pair has a value."""
    values = [value for value in column if value is not None]
    return values if len(values) == len(column) else []


def deciding_metric(metric: str, *samples: Sequence[Sample]) -> str:
    """The metric that decides, by the input `metric`: `auto` is the first of metrics.AUTOMATIC that
    every counted step of all sides gives."""
    if metric != "auto":
        return metric
    counted = [sample for side in samples for sample in side if sample.ok]
    everywhere = (name for name in AUTOMATIC if all(time_s(sample, name) for sample in counted))
    return next(everywhere, AUTOMATIC[-1])
