"""What a Result of one workload, one base and one metric says, for the tests of what made it."""

from __future__ import annotations

from perf_smoke.result import (
    BASE,
    HEAD,
    WORKLOAD,
    Comparison,
    EngineIdentity,
    Failure,
    Measurement,
    Output,
    Result,
    Sample,
)


def of(result: Result, side: str = HEAD) -> Measurement:
    """What a side gave."""
    return result.workloads[WORKLOAD].measurements[side]


def steps(result: Result, side: str = HEAD) -> tuple[Sample, ...]:
    """All counted steps of a side, those that failed too."""
    return of(result, side).samples


def engine(result: Result, side: str = HEAD) -> EngineIdentity:
    """The program of a side."""
    identity = result.sides[side].engine
    assert identity is not None
    return identity


def output(result: Result, side: str = HEAD) -> Output:
    """The text of a side."""
    text = of(result, side).output
    assert text is not None
    return text


def comparison(result: Result) -> Comparison:
    """The one answer."""
    (answer,) = result.comparisons
    return answer


def failure(result: Result) -> Failure:
    """Why it was not measured."""
    assert result.failure is not None
    return result.failure


def lost_base(result: Result) -> Failure:
    """Why there is no base."""
    return result.lost_bases[BASE]
