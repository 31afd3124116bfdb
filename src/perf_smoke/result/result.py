"""The Result: everything that one run found, and the one answer that follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from perf_smoke.reasons import OF_A_PROGRAM
from perf_smoke.result.comparison import GRAVEST_FIRST, Comparison, Verdict
from perf_smoke.result.consequences import FailOn
from perf_smoke.result.failure import Failure
from perf_smoke.result.machine import Machine
from perf_smoke.result.measurement import Measurement
from perf_smoke.result.provenance import Cost, Leg, Model, Origin, Series, Tool
from perf_smoke.result.side import HEAD, Side
from perf_smoke.result.strict import Ours, Strict
from perf_smoke.result.workload import Workload

Status = Literal["measured", "failed", "skipped", "invalid", "cancelled"]

HEAD_CRASHES: Final = "head-crashes"
"""Graver than any verdict: head's program fails where that of a base answers."""


@dataclass(frozen=True, kw_only=True)
class Result(Strict):
    """Everything that one run found."""

    status: Status
    origin: Origin = "measured"
    started: Ours
    """ISO 8601, UTC."""
    tool: Tool
    settings: dict[str, str]
    """The inputs as given, secrets left out."""
    cost: Cost
    failure: Failure | None = None
    """Set for every status but `measured`; on `measured`, what cut the run short."""
    leg: Leg | None = None
    """None outside a workflow."""
    series: Series | None = None
    machine: Machine | None = None
    model: Model | None = None
    sides: dict[str, Side] = field(default_factory=dict)
    """Head, and the bases by name; without an entry, nothing is known of a side."""
    lost_bases: dict[str, Failure] = field(default_factory=dict)
    """Bases that were asked for, and could not be had or measured: why, by name."""
    workloads: dict[str, Workload] = field(default_factory=dict)
    comparisons: tuple[Comparison, ...] = ()
    """One for each workload, base and metric; none where nothing was compared."""
    notes: tuple[str, ...] = ()
    """Sentences that a reader of the numbers should know."""
    schema: Literal[1] = 1

    @property
    def reason(self) -> str:
        """The failure's slug, or nothing."""
        return self.failure.reason if self.failure else ""

    @property
    def head(self) -> Side | None:
        """The side that is judged."""
        return self.sides.get(HEAD)

    @property
    def gravest(self) -> Comparison | None:
        """The comparison that a reader must see first: of equal verdicts the larger change."""
        return min(self.comparisons, key=_gravity, default=None)

    @property
    def head_crashes(self) -> bool:
        """Whether head's program fails where that of a base answers."""
        return (
            self.status == "failed"
            and self.reason in OF_A_PROGRAM
            and any(measurement.counted for _, measurement in self._against_head())
        )

    @property
    def text_changed(self) -> bool | None:
        """Whether head gave none of the texts that a base gave; None where that is not known."""
        pairs = [
            (head.texts, base.texts)
            for head, base in self._against_head()
            if head.texts and base.texts
        ]
        return any(head.isdisjoint(base) for head, base in pairs) if pairs else None

    def fails_step(self, asked: Iterable[FailOn]) -> FailOn | None:
        """Which of these it is that the step is to fail on; None where it is none.

        A job that was cancelled does not ask.
        """
        slower = any(
            one.verdict == "slower" and (one.estimate or 0.0) > one.rule.margin
            for one in self.comparisons
        )
        applies = {"error": self.status not in ("measured", "cancelled"), "slower": slower}
        return next((one for one in asked if applies[one]), None)

    def _against_head(self) -> Iterator[tuple[Measurement, Measurement]]:
        """What head and a base that is not lost gave, for each workload and base."""
        for workload in self.workloads.values():
            for name, measurement in workload.measurements.items():
                if name not in (HEAD, *self.lost_bases):
                    yield workload.measurements.get(HEAD, Measurement()), measurement

    @property
    def outcome(self) -> Verdict | Literal["head-crashes"] | None:
        """The verdict, or what is graver than any."""
        return HEAD_CRASHES if self.head_crashes else self.verdict

    @property
    def verdict(self) -> Verdict | None:
        """The gravest one; None where the run did not come to its end."""
        if gravest := self.gravest:
            return gravest.verdict
        if self.status != "measured":
            return None
        lost = {failure.reason for failure in self.lost_bases.values()}
        return "not-comparable" if "other-checkout" in lost else "no-baseline"


def _gravity(comparison: Comparison) -> tuple[int, float]:
    return GRAVEST_FIRST.index(comparison.verdict), -abs(comparison.log_ratio or 0.0)
