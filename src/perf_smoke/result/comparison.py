"""The answer to one question: the verdict, the rule that it follows, the guards beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from perf_smoke.result.machine import MachineState
from perf_smoke.result.side import BASE
from perf_smoke.result.strict import Ours, Strict
from perf_smoke.result.workload import WORKLOAD, Stopped

Verdict = Literal["slower", "faster", "no-change", "inconclusive", "not-comparable", "no-baseline"]
GRAVEST_FIRST: tuple[Verdict, ...] = (
    "slower",
    "not-comparable",
    "inconclusive",
    "no-baseline",
    "faster",
    "no-change",
)
"""Which of several verdicts a reader must see first."""

GuardName = Literal[
    "tokens-differ",
    "cpu-model-changed",
    "wall-against-cpu",
    "steal",
    "oversubscribed",
    "period-effect",
    "carry-over",
    "starts-disagree",
    "coarse-clock",
    "texts-differ",
    "metric-missing",
]
GuardEffect = Literal["no-verdict", "wider", "said"]
"""What a guard did to the verdict beside which it stands: there is none because of it, or the
interval is wider for it, or it is only said."""


@dataclass(frozen=True, kw_only=True)
class Guard(Strict):
    """A check that forbids a verdict, or must be said beside it."""

    name: GuardName
    effect: GuardEffect
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Rule(Strict):
    """What counts as a change, as fractions of time, and how often the verdict may be wrong.

    Raises:
        ValueError: one of them is out of range.
    """

    alpha: float = 0.01
    """The chance of a wrong slower or faster when nothing differs, over all looks."""
    margin: float = 0.05
    """A change within it is practically none."""
    floor: float = 0.005
    """A change within it is not called even when it is sure."""

    def __post_init__(self) -> None:
        if not (
            0 < self.alpha <= 0.5 and 0 < self.margin < math.inf and 0 <= self.floor < math.inf
        ):
            raise ValueError(f"alpha, margin or floor is out of range: {self}")

    @property
    def log_margin(self) -> float:
        """The margin as a log-ratio."""
        return math.log1p(self.margin)

    @property
    def log_floor(self) -> float:
        """The floor as a log-ratio."""
        return math.log1p(self.floor)


@dataclass(frozen=True, kw_only=True)
class Extension(Strict):
    """What a run had set aside to go on after its budget, if that left the question open.

    Raises:
        ValueError: the looks do not rise, or the share is none.
    """

    alpha_share: float
    """The part of alpha that is kept for it."""
    looks: tuple[int, ...] = ()
    """The number of pairs after which the run went on, those at which it was planned to look from
    then on, and the expected end; empty where it did not go on."""

    def __post_init__(self) -> None:
        if not 0 < self.alpha_share < 1:
            raise ValueError(f"alpha_share is out of range: {self}")
        if len(self.looks) == 1 or list(self.looks) != sorted({0, *self.looks})[1:]:
            raise ValueError(f"planned looks rise, and these do not: {self.looks}")


@dataclass(frozen=True, kw_only=True)
class Comparison(Strict):
    """The answer to one question, and what it rests on. Changes are of time: + is slower."""

    workload: Ours = WORKLOAD
    base: Ours = BASE
    metric: Ours
    """By name: `e2e`, `decode`, …"""
    verdict: Verdict
    rule: Rule = field(default_factory=Rule)
    log_ratio: float | None = None
    """Estimate of ln(head / base); None where there is no pair."""
    standard_error: float | None = None
    """Of log_ratio, with what starts differ by; None where there are too few pairs."""
    low: float | None = None
    """Lower end of the interval that decided, as a fraction."""
    high: float | None = None
    level: float | None = None
    """Confidence level of low … high."""
    detectable: float | None = None
    """The change that this run would have called with 90 % probability, as a fraction."""
    pairs: int = 0
    """How many were judged: the first so many of those that could be used."""
    pairs_needed: int | None = None
    """About how many pairs would have shown a change of the margin; set when inconclusive."""
    looks: tuple[int, ...] = ()
    """The numbers of pairs at which it was planned to look, the expected end last; empty: only
    the end."""
    extension: Extension | None = None
    """None where the run could not be longer than its budget."""
    stopped: Stopped = ""
    """`decided`: by the look after `pairs` pairs."""
    guards: tuple[Guard, ...] = ()
    machine_then: MachineState | None = None
    """What the guards knew of the machine at the moment of decision."""

    @property
    def estimate(self) -> float | None:
        """The change as a fraction."""
        return None if self.log_ratio is None else fraction(self.log_ratio)


_LARGEST_LOG_RATIO = 700.0
"""e^700 is about the largest number that a float holds."""


def fraction(log_ratio: float) -> float:
    """The change of time that a log-ratio is: 0.05 for 5 % slower."""
    return math.expm1(min(log_ratio, _LARGEST_LOG_RATIO))
