"""Which guards fire, and what do they leave of what the pairs say?

Guards that void a verdict: the pairs themselves are not what they should be. Guards of noise: a
random order keeps the pairs fair however noisy the machine is, so that an interval that lies beyond
a higher floor stands; anything finer is not to be told on such a machine. The others are said
beside the verdict, some of them because the interval is wider for what they say.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from perf_smoke.compare import crossover
from perf_smoke.compare.circumstances import (
    Circumstances,
    cpu_model_changed,
    oversubscribed,
    steal,
)
from perf_smoke.compare.clock import Tick
from perf_smoke.compare.evidence import Evidence
from perf_smoke.compare.finding import Bounds, Finding, direction
from perf_smoke.compare.pairs import Pairs
from perf_smoke.numbers import percent
from perf_smoke.result import Guard, GuardEffect, Rule, Verdict, fraction, usual_tokens

_NOISY_FLOORS = 3
"""By how many floors a change must be surely there on a machine that is too noisy for less; never
by more than the margin."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the guards leave of a finding."""

    verdict: Verdict
    guards: tuple[Guard, ...]
    """Those that fired."""
    detectable: float | None
    """The log-ratio that would have been called with a probability of 90 %; None where there are
    too few pairs, and where none would have been."""
    pairs_needed: int | None
    """As in the finding, where it is for want of pairs that there is no verdict."""
    pairs_may_help: bool
    """Whether no guard but those of noise forbids a verdict."""
    bounds: Bounds
    """What the guards of noise leave for more pairs to show."""


def judge(
    evidence: Evidence, finding: Finding, rule: Rule, circumstances: Circumstances
) -> Judgement:
    """The verdict that remains, and why."""
    pairs = evidence.pairs
    noisy_floor = math.log1p(min(rule.margin, _NOISY_FLOORS * rule.floor))
    clear = finding.interval is None or finding.interval.beyond(noisy_floor)
    effect: GuardEffect = "said" if clear else "no-verdict"
    other_work = _tokens_differ(pairs)
    voiding = (
        _metric_missing(pairs),
        cpu_model_changed(circumstances),
        _wall_against_cpu(pairs, finding, rule),
    )
    noise = (steal(circumstances, effect), oversubscribed(pairs, circumstances, effect))
    beside = (
        _period_effect(crossover.period_effect(pairs.log_ratios, pairs.head_first), rule),
        _carry_over(evidence.carry_over, rule),
        _starts_disagree(evidence.disagreement),
        _coarse_clock(evidence.tick),
        _texts_differ(pairs),
    )
    guards = tuple(guard for guard in (other_work, *voiding, *noise, *beside) if guard)
    voided = any(guard.effect == "no-verdict" for guard in guards)
    verdict: Verdict = "inconclusive" if voided else finding.verdict
    bounds = Bounds(floor=rule.log_floor, margin=rule.log_margin)
    if any(noise):
        bounds = Bounds(floor=noisy_floor, margin=0.0)
    detectable = None
    if finding.reach is not None and not other_work and not any(voiding):
        detectable = finding.reach + bounds.floor
    return Judgement(
        verdict="not-comparable" if other_work else verdict,
        guards=guards,
        detectable=detectable,
        pairs_needed=None if voided and finding.interval else finding.pairs_needed,
        pairs_may_help=not other_work and not any(voiding),
        bounds=bounds,
    )


def _metric_missing(pairs: Pairs) -> Guard | None:
    """Not one pair of steps that both give the metric."""
    if pairs:
        return None
    return Guard(
        name="metric-missing",
        effect="no-verdict",
        sentence=f"No pair of steps gave `{pairs.metric}` on both sides: choose another `metric`.",
    )


def _tokens_differ(pairs: Pairs) -> Guard | None:
    """Sides that did not do the same work."""
    base, head = usual_tokens(pairs.base.tokens), usual_tokens(pairs.head.tokens)
    if base is None or head is None or base == head:
        return None
    return Guard(
        name="tokens-differ",
        effect="no-verdict",
        sentence=f"Head produced {head} output tokens per step, base {base}: that is not the same "
        "work.",
    )


def _wall_against_cpu(pairs: Pairs, finding: Finding, rule: Rule) -> Guard | None:
    """Two clocks that are both sure which way head went, and contradict each other."""
    if finding.verdict not in ("slower", "faster") or pairs.on_wall_and_cpu is None:
        return None
    wall, cpu = (
        direction(Evidence(clock).interval(rule.alpha / 2), rule) for clock in pairs.on_wall_and_cpu
    )
    if {wall, cpu} != {"slower", "faster"}:
        return None
    less, more = ("wall", "CPU") if wall == "faster" else ("CPU", "wall")
    return Guard(
        name="wall-against-cpu",
        effect="no-verdict",
        sentence=f"Head took less {less} time but more {more} time than base. Either the two "
        "sides do not use the same number of threads, or one was kept waiting: compare with the "
        "same number of threads.",
    )


def _period_effect(cost: float, rule: Rule) -> Guard | None:
    """Steps that take longer second than first (crossover.period_effect). Either side may be the
    second one, so that it favours none of them."""
    if abs(cost) <= rule.log_margin:
        return None
    more = "longer" if cost > 0 else "less time"
    return Guard(
        name="period-effect",
        effect="said",
        sentence=f"A step took {percent(fraction(cost))} {more} when it was the second of its "
        "pair: the steps of a pair disturb each other. A coin decides which side is second.",
    )


def _carry_over(cost: float, rule: Rule) -> Guard | None:
    """One side that suffers more than the other from being second (crossover.carry_over)."""
    if abs(cost) / 2 <= rule.log_floor:
        return None
    suffers, other = ("head", "base") if cost > 0 else ("base", "head")
    more, looks_like = (percent(fraction(abs(cost) / share)) for share in (1, 2))
    return Guard(
        name="carry-over",
        effect="wider",
        sentence=f"To be the second of a pair cost {suffers} {more} more time than it cost "
        f"{other}, which alone looks like a change of {looks_like}: the interval is wider for it.",
    )


def _starts_disagree(disagreement: float) -> Guard | None:
    """Starts that differ by more than their pairs explain (starts.StartError)."""
    if disagreement == 0:
        return None
    return Guard(
        name="starts-disagree",
        effect="wider",
        sentence=f"From one start of the programs to the next the change varied by "
        f"{percent(disagreement)}, more than the pairs explain. The interval is wider for it.",
    )


def _coarse_clock(tick: Tick | None) -> Guard | None:
    """A clock whose ticks are wider than the noise (clock.coarse_tick)."""
    if tick is None:
        return None
    return Guard(
        name="coarse-clock",
        effect="wider",
        sentence=f"All times are multiples of {tick.seconds * 1e3:g} ms, "
        f"{percent(fraction(tick.error))} of a step: the interval is wider for it. More "
        "`tokens` make a longer step.",
    )


def _texts_differ(pairs: Pairs) -> Guard | None:
    """Greedy outputs of which the two sides have none in common."""
    base, head = set(pairs.base.texts) - {""}, set(pairs.head.texts) - {""}
    if not base or not head or base & head:
        return None
    return Guard(
        name="texts-differ",
        effect="said",
        sentence="The greedy output of head differs from that of base. Expected after a change of "
        "kernels or quantisation; otherwise look there first.",
    )
