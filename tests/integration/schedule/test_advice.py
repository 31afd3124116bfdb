"""The budget that a report advises holds the pairs that it was advised for."""

from __future__ import annotations

import random
import re

import pytest

from perf_smoke.compare import FEWEST_PAIRS
from perf_smoke.measure.schedule import Recording
from perf_smoke.measure.summary import summarise
from perf_smoke.parsers import seconds
from perf_smoke.report.markdown import Links, render
from perf_smoke.result import (
    WORKLOAD,
    Comparison,
    Cost,
    EngineIdentity,
    Measurement,
    Process,
    Result,
    Side,
    Tool,
    Workload,
)
from tests.integration.schedule.by_clock import ByClock, Clock
from tests.integration.schedule.recordings import SIDES, paired, plan

ADVISED = re.compile(r"It takes at least (\d+): set `budget: ([0-9]+ [sm])`")


def engine(
    clock: Clock, *, step_s: float, load_s: float, spread: float, process: Process, seed: str
) -> ByClock:
    """One whose steps differ by so much of their time."""
    dice = random.Random(seed)
    later = {n: step_s * max(0.3, dice.gauss(1, spread)) for n in range(1, 200)}
    return ByClock(clock=clock, step_s=step_s, load_s=load_s, later_steps_s=later, process=process)


def report(recording: Recording, warmup: int, process: Process) -> str:
    side = Side(engine=EngineIdentity(id="command"), process=process)
    measurements = {
        name: Measurement(samples=tuple(steps), summary=summarise(steps, {"wall_ms": "E"}))
        for name, steps in recording.samples.items()
    }
    result = Result(
        status="measured",
        started="2026-11-25T10:00:00+00:00",
        tool=Tool(version="1", runtime="cli"),
        settings={},
        cost=Cost(total_s=1, load_s=recording.load_s, steps_s=recording.steps_s),
        sides=dict.fromkeys(SIDES, side),
        workloads={WORKLOAD: Workload(metrics=("wall",), warmup=warmup, measurements=measurements)},
        comparisons=(
            Comparison(
                metric="wall",
                verdict="inconclusive",
                pairs=recording.pairs,
                stopped=recording.stopped,
            ),
        ),
    )
    return render(result, Links()).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("warmup", [0, 1, 3])
@pytest.mark.parametrize(
    ("process", "step_s", "load_s"),
    [
        ("step", 2.5, 0.0),
        ("step", 20.0, 0.0),
        ("start", 2.5, 0.0),
        ("start", 2.5, 0.5),
        ("start", 2.5, 9.0),
        ("start", 6.0, 60.0),
    ],
)
def test_with_the_budget_that_was_advised_there_are_enough_pairs(
    clock: Clock, process: Process, step_s: float, load_s: float, warmup: int, spread: float
) -> None:
    def measured(budget_s: float, seed: str) -> Recording:
        head, base = (
            engine(
                clock,
                step_s=step_s,
                load_s=load_s,
                spread=spread,
                process=process,
                seed=f"{seed} {side}",
            )
            for side in SIDES
        )
        return paired(head, base, plan(budget_s=budget_s, warmup=warmup))

    first = measured(30.0, "first")
    assert first.pairs < FEWEST_PAIRS
    text = report(first, warmup, process)
    match = ADVISED.search(text)
    assert match, text
    assert int(match[1]) == FEWEST_PAIRS
    again = [measured(seconds(1, 6000)(match[2]), f"again {n}").pairs for n in range(20)]
    assert min(again) >= FEWEST_PAIRS
    steps_s = 2 * step_s * (FEWEST_PAIRS + warmup)
    assert seconds(1, 6000)(match[2]) < 4 * (steps_s + 2 * load_s)  # and not anything at all
