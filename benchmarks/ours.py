"""Our rule on a recorded job, with a change injected into head's times.

A factor on head's times moves every log-ratio by the same amount, so that the intervals of a job
are computed once and moved. `check` decides by the product's own front door instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.jobs import Job
from perf_smoke.compare import Circumstances, Schedule, looks, paired, plan, settled
from perf_smoke.compare.doubts import weigh
from perf_smoke.compare.evidence import Evidence, Interval, evidence_of
from perf_smoke.compare.rule import Finding, Rule, at_end, at_look

RULE = Rule()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What our rule makes of a job."""

    verdict: str
    estimate: float | None
    """The change, as a fraction."""
    interval: Interval | None
    """The one that decided; None where there were too few pairs."""
    level: float | None
    detectable: float | None
    """The limit that is printed, as a fraction."""
    pairs: int
    seconds: float
    guards: tuple[str, ...]


class Replay:
    """A job whose intervals are kept from one injected change to the next."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._looks = plan(job.planned)
        self._evidence: dict[int, _Movable] = {}

    def outcome(self, factor: float) -> Outcome:
        """The verdict when head takes `factor` times as long, and when it would have come."""
        for pairs in self._looks[:-1]:
            if pairs >= self._job.pairs:
                break
            tail = looks.tail_at_look(pairs, self._looks, RULE.alpha)
            finding = at_look(self._moved(pairs, factor), RULE, tail)
            if finding.said == "inconclusive":
                continue
            found = self._outcome(finding, pairs, factor)
            if found.verdict != "inconclusive":
                return found
        tail = looks.tail_at_end(self._job.pairs, self._looks, RULE.alpha)
        finding = at_end(self._moved(self._job.pairs, factor), RULE, tail)
        return self._outcome(finding, self._job.pairs, factor)

    def _moved(self, pairs: int, factor: float) -> _Movable:
        if pairs not in self._evidence:
            job = self._job
            head_first = [bool(first) for first in job.head_first[:pairs]]
            self._evidence[pairs] = _Movable(
                evidence_of(*_seconds(job, pairs), job.start[:pairs], head_first)
            )
        return self._evidence[pairs].move(math.log(factor))

    def _outcome(self, finding: Finding, pairs: int, factor: float) -> Outcome:
        job = self._job
        weighed = weigh(
            finding,
            RULE,
            self._moved(pairs, factor),
            circumstances(job, pairs, factor),
        )
        found = weighed.detectable
        return Outcome(
            verdict=weighed.verdict,
            estimate=None if finding.estimate is None else math.expm1(finding.estimate),
            interval=finding.interval,
            level=finding.level,
            detectable=None if found is None else math.expm1(found),
            pairs=pairs,
            seconds=job.elapsed_ms[pairs - 1] / 1e3,
            guards=tuple(guard.name for guard in weighed.guards),
        )


def _seconds(job: Job, pairs: int) -> tuple[list[float], list[float]]:
    base, head = job.base_us[:pairs], job.head_us[:pairs]
    return [time / 1e6 for time in base], [time / 1e6 for time in head]


def check(job: Job, factor: float) -> tuple[str, int]:
    """Verdict and pairs by settled() and paired() themselves."""
    base = [time / 1e6 for time in job.base_us]
    head = [time / 1e6 * factor for time in job.head_us]
    planned = plan(job.planned)

    def schedule(pairs: int, stopped: str) -> Schedule:
        return Schedule(looks=planned, stopped=stopped, starts=job.start[:pairs])

    for pairs in planned[:-1]:
        if pairs < job.pairs and settled(
            base[:pairs],
            head[:pairs],
            schedule=schedule(pairs, ""),
            circumstances=circumstances(job, pairs, factor),
        ):
            stopped = "decided"
            break
    else:
        pairs, stopped = job.pairs, "budget"
    found = paired(
        base[:pairs],
        head[:pairs],
        schedule=schedule(pairs, stopped),
        circumstances=circumstances(job, pairs, factor),
    )
    return found.verdict, pairs


def circumstances(job: Job, pairs: int, factor: float) -> Circumstances:
    """What the guards would have been told."""
    return Circumstances(
        head_first=[bool(first) for first in job.head_first[:pairs]],
        wall_s=(
            [time / 1e6 for time in job.base_us[:pairs]],
            [time / 1e6 * factor for time in job.head_us[:pairs]],
        ),
        cpu_s=(
            [time / 1e6 for time in job.base_cpu_us[:pairs]],
            [time / 1e6 * factor for time in job.head_cpu_us[:pairs]],
        ),
        steal=job.steal,
        threads=job.threads,
        cpus=job.cpus,
        load_before=job.load_before,
        idle=job.idle,
    )


class _Movable(Evidence):
    """Evidence that can be moved by a constant without being computed anew."""

    def __init__(self, still: Evidence) -> None:
        super().__init__(still.differences, still.starts, still.fixed)
        self._still = self.estimate
        self._shift = 0.0
        self._intervals: dict[float, Interval | None] = {}

    def move(self, shift: float) -> _Movable:
        """Move all differences to `shift` beyond where they were recorded."""
        self._shift = shift
        self.estimate = None if self._still is None else self._still + shift
        return self

    def interval(self, tail: float) -> Interval | None:
        if tail not in self._intervals:
            self._intervals[tail] = super().interval(tail)
        still = self._intervals[tail]
        if still is None:
            return None
        return Interval(low=still.low + self._shift, high=still.high + self._shift)
