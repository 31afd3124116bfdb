"""Which guards fire, and what do they leave of what the pairs say?

Guards that void a verdict: the pairs themselves are not what they should be. Guards of noise: a
random order keeps the pairs fair however noisy the machine is, so that an interval that lies
beyond the margin stands; anything finer is not to be told on such a machine. The others are said
beside the verdict.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from perf_smoke.compare import guards
from perf_smoke.compare.evidence import Evidence, evidence_of
from perf_smoke.compare.guards import Direction
from perf_smoke.compare.looks import FEWEST_PAIRS
from perf_smoke.compare.places import cost_to_either
from perf_smoke.compare.rule import Finding, Rule, direction
from perf_smoke.compare.spread import robust_spread
from perf_smoke.result import Guard, Verdict

Sides = tuple[Sequence[float], Sequence[float]]
"""Seconds of base's and of head's steps, in pair order."""


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What else is known of the run; None or empty: it is not known."""

    head_first: Sequence[bool] | None = None
    """For each pair, whether head's step came before base's."""
    wall_s: Sides | None = None
    cpu_s: Sides | None = None
    steal: float | None = None
    """Share of the CPU time that the hypervisor gave to others."""
    cpu_models: tuple[str, str] = ("", "")
    """The CPU when measuring began and when it ended."""
    threads: int | None = None
    cpus: int | None = None
    load_before: float | None = None
    idle: float | None = None
    """Share of the CPU time in which there was nothing to run."""
    tokens: tuple[int | None, int | None] = (None, None)
    """Output tokens per step, base and head."""
    texts: tuple[Collection[str], Collection[str]] = ((), ())
    """Hashes of the greedy outputs, base and head."""


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """What the guards leave of a finding."""

    verdict: Verdict
    guards: tuple[Guard, ...]
    """Those that fired."""
    detectable: float | None
    """The log-ratio that would have been called with a probability of 90 %; None where there are
    too few pairs, and where none would have been."""
    pairs_would_help: bool
    """Whether it is for want of pairs that there is no verdict."""


def weigh(
    finding: Finding, rule: Rule, evidence: Evidence, circumstances: Circumstances
) -> Weighed:
    """The verdict that remains, and why."""
    known = circumstances
    other_work = guards.tokens_differ(*known.tokens)
    voiding = [
        guards.cpu_model_changed(*known.cpu_models),
        _wall_against_cpu(finding, rule, evidence, known),
    ]
    noisy = [guards.steal(known.steal), _oversubscribed(evidence, known)]
    beside = [
        # Either side may be the second one: what that costs both alike favours none of them.
        guards.order_in_pair(cost_to_either(evidence.differences, known.head_first), rule.margin),
        guards.places_unequal(evidence.fixed.second_place, rule.floor),
        guards.starts_disagree(evidence.disagreement),
        guards.coarse_clock(evidence.fixed.tick),
        guards.texts_differ(*known.texts),
    ]
    fired = tuple(guard for guard in (other_work, *voiding, *noisy, *beside) if guard)
    verdict: Verdict = finding.said
    must_clear: float | None = rule.log_floor
    if other_work:
        verdict, must_clear = "not-comparable", None
    elif any(voiding):
        verdict, must_clear = "inconclusive", None
    elif any(noisy):
        must_clear = rule.log_margin
        if not _clears(finding, must_clear):
            verdict = "inconclusive"
    pairs = verdict == "inconclusive" and (not any(voiding + noisy) or finding.interval is None)
    detectable = None
    if must_clear is not None and finding.reach is not None:
        detectable = must_clear + finding.reach
    return Weighed(verdict=verdict, guards=fired, detectable=detectable, pairs_would_help=pairs)


def _clears(finding: Finding, bound: float) -> bool:
    found = finding.interval
    return found is not None and (found.low > bound or found.high < -bound)


def _wall_against_cpu(
    finding: Finding, rule: Rule, evidence: Evidence, known: Circumstances
) -> Guard | None:
    if finding.said not in ("slower", "faster") or known.wall_s is None or known.cpu_s is None:
        return None
    ways: list[Direction] = []
    for sides in (known.wall_s, known.cpu_s):
        interval = evidence_of(*sides, evidence.starts).interval(rule.alpha / 2)
        said = direction(interval, rule) if interval else "inconclusive"
        ways.append(said if said in ("slower", "faster") else "")
    return guards.wall_against_cpu(*ways)


def _oversubscribed(evidence: Evidence, known: Circumstances) -> Guard | None:
    if evidence.one_shot and not guards.is_full(known.idle):
        return None  # a program that loads on one thread has less than its CPUs on any machine
    cpu_share = None
    if known.wall_s and known.cpu_s:
        cpu_share = statistics.median(
            cpu / wall
            for walls, cpus in zip(known.wall_s, known.cpu_s, strict=True)
            for wall, cpu in zip(walls, cpus, strict=True)
        )
    enough = evidence.pairs >= FEWEST_PAIRS
    return guards.oversubscribed(
        robust_spread(evidence.differences) if enough else None,
        threads=known.threads,
        cpu_share=cpu_share,
        cpus=known.cpus,
        load_before=known.load_before,
        idle=known.idle,
    )
