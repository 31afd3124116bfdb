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
from perf_smoke.compare.evidence import Evidence, log_ratios
from perf_smoke.compare.guards import Direction
from perf_smoke.compare.looks import FEWEST_PAIRS
from perf_smoke.compare.rule import Finding, Rule, direction
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
    """The CPU of base and of head."""
    threads: int | None = None
    cpus: int | None = None
    load_before: float | None = None
    idle: float | None = None
    """Share of the CPU time in which there was nothing to run."""
    tokens: tuple[int | None, int | None] = (None, None)
    """Output tokens per step, base and head."""
    texts: tuple[Collection[str], Collection[str]] = ((), ())
    """Hashes of the greedy outputs, base and head."""


def weigh(
    finding: Finding,
    rule: Rule,
    evidence: Evidence,
    base_s: Sequence[float],
    circumstances: Circumstances,
) -> tuple[Verdict, tuple[Guard, ...]]:
    """The verdict that remains, and the guards that fired."""
    known = circumstances
    other_work = guards.tokens_differ(*known.tokens)
    voiding = [
        guards.cpu_model_changed(*known.cpu_models),
        _wall_against_cpu(finding, rule, evidence, known),
    ]
    noisy = [guards.steal(known.steal), _oversubscribed(evidence, known)]
    # The coin gives each side either place as often: what the place costs favours none of them.
    beside = [
        guards.order_in_pair(base_s, known.head_first, rule.margin) if known.head_first else None,
        guards.starts_disagree(evidence.disagreement),
        guards.texts_differ(*known.texts),
    ]
    fired = tuple(guard for guard in (other_work, *voiding, *noisy, *beside) if guard)
    if other_work:
        return "not-comparable", fired
    if any(voiding) or (any(noisy) and not _beyond_margin(finding, rule)):
        return "inconclusive", fired
    return finding.said, fired


def _beyond_margin(finding: Finding, rule: Rule) -> bool:
    found = finding.interval
    return found is not None and (found.low > rule.log_margin or found.high < -rule.log_margin)


def _wall_against_cpu(
    finding: Finding, rule: Rule, evidence: Evidence, known: Circumstances
) -> Guard | None:
    if finding.said not in ("slower", "faster") or known.wall_s is None or known.cpu_s is None:
        return None
    ways: list[Direction] = []
    for sides in (known.wall_s, known.cpu_s):
        interval = Evidence(log_ratios(*sides), evidence.starts).interval(rule.alpha / 2)
        said = direction(interval, rule) if interval else "inconclusive"
        ways.append(said if said in ("slower", "faster") else "")
    return guards.wall_against_cpu(*ways)


def _oversubscribed(evidence: Evidence, known: Circumstances) -> Guard | None:
    cpu_share = None
    if known.wall_s and known.cpu_s:
        cpu_share = statistics.median(
            cpu / wall
            for walls, cpus in zip(known.wall_s, known.cpu_s, strict=True)
            for wall, cpu in zip(walls, cpus, strict=True)
        )
    enough = evidence.pairs >= FEWEST_PAIRS
    return guards.oversubscribed(
        guards.robust_spread(evidence.differences) if enough else None,
        threads=known.threads,
        cpu_share=cpu_share,
        cpus=known.cpus,
        load_before=known.load_before,
        idle=known.idle,
    )
