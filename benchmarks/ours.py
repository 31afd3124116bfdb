"""Our rule on a recorded job, through the product's door, with a change put into head's times."""

from __future__ import annotations

from benchmarks.jobs import Job
from perf_smoke.compare import (
    Circumstances,
    Pairs,
    Rule,
    decide,
    may_go_on,
    may_stop,
    next_look,
    plan,
    plan_extension,
)
from perf_smoke.result import Comparison, Extension, Sample
from perf_smoke.run import EXTENSION_SHARE, REBUILT_FLOOR, SAME_PROGRAM_FLOOR


def outcome(job: Job, factor: float) -> Comparison:
    """The verdict when head takes `factor` times as long, from the pairs after which it would have
    come."""
    return _decided(job, _pairs(job, factor), plan(job.planned), None)


def extended_outcome(job: Job, factor: float, budget_s: float) -> Comparison:
    """The same of a run that may go on from this budget to that of the job."""
    pairs = _pairs(job, factor)
    first = job.first(budget_s)
    looks, extension = plan(first.planned), Extension(alpha_share=EXTENSION_SHARE)
    comparison = _decided(first, pairs.first(first.pairs), looks, extension)
    if comparison.stopped == "decided" or not may_go_on(
        pairs.first(first.pairs),
        comparison.rule,
        looks,
        _circumstances(first),
        extension,
        pairs_at_most=job.planned,
    ):
        return comparison
    later = plan_extension(first.pairs, max(job.planned, first.pairs + 1))
    return _decided(job, pairs, looks, Extension(alpha_share=EXTENSION_SHARE, looks=later))


def _decided(
    job: Job, pairs: Pairs, looks: tuple[int, ...], extension: Extension | None
) -> Comparison:
    rule = Rule(floor=REBUILT_FLOOR if job.built else SAME_PROGRAM_FLOOR)
    known = _circumstances(job)
    look = extension.looks[0] if extension and extension.looks else 0
    while (look := next_look(look, looks, extension) or job.pairs) < job.pairs:
        if may_stop(pairs.first(look), rule, looks, known, extension):
            return decide(
                pairs.first(look),
                rule,
                looks=looks,
                extension=extension,
                stopped="decided",
                circumstances=known,
            )
    return decide(
        pairs, rule, looks=looks, extension=extension, stopped="budget", circumstances=known
    )


def _circumstances(job: Job) -> Circumstances:
    return Circumstances(
        threads=job.threads,
        cpus=job.cpus,
        steal=job.steal,
        idle=job.idle,
        load_before=job.load_before,
    )


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
