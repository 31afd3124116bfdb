"""When a machine is said to have been too busy for its numbers to be the program's best."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from perf_smoke.report import words
from perf_smoke.report.busy import warning
from perf_smoke.report.spans import flat
from perf_smoke.result import Cost, EngineIdentity, MachineState, Result
from tests.unit.report import builders

SAID = (
    "The machine was busy (load 3.3 on 2 CPUs, of which the program had 0.5): the program can do "
    "better than these numbers."
)


def run(
    *,
    idle: int | None = 200,
    steal: int = 0,
    load: tuple[float | None, float | None] = (3.3, 2.9),
    cpu_share: float | None = 0.475,
    **changes: Any,
) -> Result:
    """One side on two CPUs, for 10,000 ticks of the machine's time."""
    wall_ms = 1260.0
    cpu_ms = None if cpu_share is None else wall_ms * cpu_share
    steps = builders.samples(count=8, restarts=8, wall_ms=wall_ms, cpu_ms=cpu_ms)
    machine = builders.machine(
        cpus=2,
        before=MachineState(load_1min=load[0], cpu_ticks=0, steal_ticks=0, idle_ticks=0),
        after=MachineState(load_1min=load[1], cpu_ticks=10_000, steal_ticks=steal, idle_ticks=idle),
    )
    engine = EngineIdentity(id="command", binary="/usr/bin/bench")
    values: dict[str, Any] = {
        "settings": {"command": "bench"},
        "machine": machine,
        "head": builders.side(steps, engine=engine),
        "cost": Cost(total_s=50, steps_s=40),
    }
    return builders.result(**{**values, **changes})


def test_a_program_that_was_kept_waiting_is_said_to_be_able_to_do_better() -> None:
    assert flat(warning(run())) == SAID
    assert warning(run())[0].kind == "strong"


def test_it_is_said_before_the_numbers() -> None:
    shown = [flat(paragraph) for paragraph in words.lead(run())]
    assert shown[0] == SAID


@pytest.mark.parametrize("cpu_share", [0.0, 0.01, 0.475])
def test_who_sleeps_or_waits_for_a_disk_on_an_idle_machine_is_not_kept_waiting(
    cpu_share: float,
) -> None:
    assert warning(run(idle=7000, cpu_share=cpu_share)) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"load": (1.1, 1.9)},
        {"load": (None, None)},
        {"idle": None},
        {"idle": 1200},
        {"cpu_share": None},
        {"cpu_share": 0.97},
        {"machine": None},
        {"head": None},
    ],
    ids=str,
)
def test_without_all_the_evidence_nothing_is_claimed(changes: dict[str, Any]) -> None:
    assert warning(run(**changes)) == ()


def test_all_cpus_for_the_program_itself_is_no_busy_machine() -> None:
    told = {"command": "bench -t {threads}", "threads": "2"}
    assert warning(run(cpu_share=1.9, settings=told)) == ()
    assert flat(warning(run(cpu_share=1.2, settings=told))).startswith("The machine was busy")


def test_more_threads_than_cpus_are_not_expected_to_have_more_than_the_cpus() -> None:
    told = {"command": "bench -t {threads}", "threads": "16"}
    assert warning(run(cpu_share=1.9, settings=told)) == ()


def test_threads_that_nobody_told_the_program_are_not_expected_of_it() -> None:
    assert warning(run(cpu_share=0.97, settings={"command": "bench", "threads": "2"})) == ()


def test_a_build_that_filled_the_machine_says_nothing_of_the_steps() -> None:
    built = _machine(run(idle=900))
    since_then = MachineState(load_1min=3.3, cpu_ticks=8000, steal_ticks=0, idle_ticks=100)
    machine = dataclasses.replace(built, measuring=since_then)
    assert flat(warning(run(idle=900))) == SAID
    assert warning(run(machine=machine)) == ()


def test_time_that_the_hypervisor_took_is_said_whatever_the_program_did() -> None:
    assert flat(warning(run(idle=7000, steal=1400, cpu_share=None))) == (
        "The machine was busy (its hypervisor gave away 14.0 % of the CPU time, steal): the "
        "program can do better than these numbers."
    )
    assert warning(run(idle=7000, steal=1000)) == ()


def test_where_two_sides_are_compared_the_guards_speak() -> None:
    pairs = builders.two_sides()
    assert warning(dataclasses.replace(pairs, machine=run().machine)) == ()
    alone = dataclasses.replace(builders.base_died(), machine=run().machine)
    assert warning(alone) == ()  # it had the CPUs that it wanted


def test_one_cpu_is_one_cpu() -> None:
    machine = dataclasses.replace(_machine(run()), cpus=1)
    assert "(load 3.3 on 1 CPU, of which" in flat(warning(run(machine=machine)))


def _machine(found: Result) -> Any:
    assert found.machine
    return found.machine
