"""Whether a document says what its own steps say.

A document is a file, which may have been changed or made up on its way: what it claims is shown
only where it follows from what it holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from perf_smoke.compare import decide_again
from perf_smoke.measure.summary import summarise
from perf_smoke.result import Result

_TOLERANCE = 1e-6
"""Relative. Another machine's mathematics differ by less."""
_NUMBERS = ("log_ratio", "standard_error", "low", "high", "level", "detectable", "pairs_needed")


def expect_sums(result: Result) -> None:
    """Every part that is spoken of is there, and every median is the one of its steps.

    Raises:
        ValueError: says what contradicts what.
    """
    if problem := next(_problems(result), ""):
        raise ValueError(problem)


def expect_verdicts(result: Result) -> None:
    """The same, and every verdict with its numbers is the one that the steps give.

    Raises:
        ValueError: says what contradicts what.
    """
    expect_sums(result)
    for said, found in zip(result.comparisons, decide_again(result).comparisons, strict=True):
        if said.verdict != found.verdict:
            raise ValueError(
                f"its verdict is `{said.verdict}`, and its steps say `{found.verdict}`"
            )
        if not _is_same(said, found, _NUMBERS):
            raise ValueError(f"the change that it states of {said.metric} is not that of its steps")
        if said.guards != found.guards:
            raise ValueError(f"what it says beside its verdict `{said.verdict}` is not so")


def _problems(result: Result) -> Iterator[str]:
    if result.status != "measured" and result.failure is None:
        yield f"its status is `{result.status}`, and no failure says why"
    for name, workload in result.workloads.items():
        for side, measurement in workload.measurements.items():
            if side not in result.sides:
                yield f"workload `{name}` was measured on `{side}`, which is no side of it"
            found = summarise(measurement.samples)
            if found.keys() != measurement.summary.keys():
                yield f"what is summed up of `{side}` is not what its steps give"
            for key, said in measurement.summary.items():
                if not _is_same(said, found[key], ("median", "low", "high", "n")):
                    yield f"`{key}` of `{side}` is not that of its steps"
    asked = [(one.workload, one.base, one.metric) for one in result.comparisons]
    if len(set(asked)) < len(asked):
        yield "it answers one question twice"


def _is_same(said: object, found: object, names: tuple[str, ...]) -> bool:
    return all(_is_close(getattr(said, name), getattr(found, name)) for name in names)


def _is_close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=1e-12)
