"""Plans, and what the recordings made by them say."""

from __future__ import annotations

from typing import Any

from perf_smoke.engines.base import Engine, Request
from perf_smoke.measure.schedule import Plan, Progress, Recording, measure_alone, measure_pairs
from perf_smoke.result import Sample

REQUEST = Request(prompt="2+2=", tokens=4, seed=42, threads=1)
SIDES: tuple[str, str] = ("head", "base")


def plan(**changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "request": REQUEST,
        "warmup": 1,
        "runs": 0,
        "budget_s": 30.0,
        "timeout_s": 60.0,
        "order_seed": 42,
    }
    return Plan(**{**fields, **changes})


def undecided(_recording: Recording) -> bool:
    return False


def unseen(_progress: Progress) -> None:
    pass


def alone(engine: Engine, how: Plan) -> Recording:
    recording = Recording()
    measure_alone(engine, how, recording, unseen)
    return recording


def paired(head: Engine, base: Engine, how: Plan) -> Recording:
    recording = Recording()
    measure_pairs(head, base, how, recording, undecided, unseen)
    return recording


def taken(recording: Recording) -> list[tuple[str, Sample]]:
    """All counted steps in the order in which they say that they were taken."""
    steps = [(name, sample) for name in SIDES for sample in recording.samples[name]]
    assert sorted(sample.order for _, sample in steps) == list(range(len(steps)))
    return sorted(steps, key=lambda step: step[1].order)


def order(recording: Recording) -> list[str]:
    return [name for name, _ in taken(recording)]


def starts(recording: Recording, name: str) -> list[int]:
    return [sample.start for sample in recording.samples[name]]
