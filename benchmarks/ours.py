"""Our rule on a recorded job, through the product's door, with a change put into head's times."""

from __future__ import annotations

from benchmarks.jobs import Job
from perf_smoke.compare import Circumstances, Pairs, Rule, decide, may_stop, plan
from perf_smoke.result import Comparison, Sample

_RULE = Rule()


def outcome(job: Job, factor: float) -> Comparison:
    """The verdict when head takes `factor` times as long, from the pairs after which it would have
    come."""
    pairs = _pairs(job, factor)
    looks = plan(job.planned)
    circumstances = Circumstances(
        threads=job.threads,
        cpus=job.cpus,
        steal=job.steal,
        idle=job.idle,
        load_before=job.load_before,
    )
    for look in looks[:-1]:
        if look >= job.pairs:
            break
        if may_stop(pairs.first(look), _RULE, looks, circumstances):
            return decide(
                pairs.first(look),
                _RULE,
                looks=looks,
                stopped="decided",
                circumstances=circumstances,
            )
    return decide(pairs, _RULE, looks=looks, stopped="budget", circumstances=circumstances)


def seconds(job: Job, comparison: Comparison) -> float:
    """When the verdict would have come."""
    return job.elapsed_ms[comparison.pairs - 1] / 1e3


def _pairs(job: Job, factor: float) -> Pairs:
    """As a run would have them whose head takes `factor` times as long."""

    def samples(
        times_us: list[int], cpu_us: list[int], second: list[int], by: float
    ) -> list[Sample]:
        return [
            Sample(
                ok=True,
                e2e_ms=time / 1e3 * by,
                wall_ms=time / 1e3 * by,
                cpu_ms=cpu / 1e3 * by,
                start=start,
                round=number,
                order=2 * number + later,
            )
            for number, (time, cpu, start, later) in enumerate(
                zip(times_us, cpu_us, job.start, second, strict=True)
            )
        ]

    head_second = [1 - first for first in job.head_first]
    return Pairs.of(
        samples(job.base_us, job.base_cpu_us, job.head_first, 1.0),
        samples(job.head_us, job.head_cpu_us, head_second, factor),
        "e2e",
    )
