"""The order of steps, with real programs and the real embedded engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from perf_smoke import compare
from perf_smoke.context import Context
from perf_smoke.deadline import Deadline
from perf_smoke.engines import command, embedded
from perf_smoke.engines.base import Engine
from perf_smoke.measure.schedule import (
    BaseFailed,
    Progress,
    Recording,
    measure_alone,
    measure_pairs,
)
from perf_smoke.result import Unmeasured
from perf_smoke.run import run
from perf_smoke.settings import parse
from tests import results
from tests.integration.engines.setups import blank_setup, demonstration_model
from tests.integration.schedule.recordings import (
    REQUEST,
    SIDES,
    alone,
    order,
    paired,
    plan,
    starts,
    taken,
    undecided,
    unseen,
)


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Engine]:
    """Makes an engine of a shell script; `$shared` is a folder that both sides see."""

    def prepare(script: str, name: str = "head") -> Engine:
        (tmp_path / name).mkdir()
        script = f"shared='{tmp_path}'; name={name}; {script}"
        return command.prepare(blank_setup(tmp_path / name, command=("sh", "-c", script)))

    return prepare


def lines(path: Path) -> list[str]:
    return path.read_text().split()


def test_warm_up_steps_run_and_are_not_counted(
    program: Callable[..., Engine], tmp_path: Path
) -> None:
    script = "echo ran >> $shared/log; sleep 0.02"  # too long to be repeated in one step
    recording = alone(program(script), plan(warmup=2, runs=3))

    assert len(lines(tmp_path / "log")) == 2 + 3
    assert len(recording.samples["head"]) == 3
    assert (recording.stopped, recording.warmup_counted) == ("runs", False)


def test_without_a_warm_up_one_run_is_one_step(
    program: Callable[..., Engine], tmp_path: Path
) -> None:
    recording = alone(program("echo ran >> $shared/log"), plan(warmup=0, runs=1))

    assert lines(tmp_path / "log") == ["ran"]
    (sample,) = recording.samples["head"]
    assert sample.ok
    assert (sample.start, sample.repeats, sample.order, sample.round) == (0, 1, 0, None)
    assert recording.stopped == "runs"


def test_one_side_runs_at_a_time_in_the_order_that_is_recorded(
    program: Callable[..., Engine], tmp_path: Path
) -> None:
    script = (
        "mkdir $shared/lock || exit 9; echo $name >> $shared/log; sleep 0.01; rmdir $shared/lock"
    )
    recording = paired(program(script), program(script, "base"), plan(runs=8))

    warm_up, counted = lines(tmp_path / "log")[:2], lines(tmp_path / "log")[2:]
    assert sorted(warm_up) == ["base", "head"]
    assert order(recording) == counted
    assert (recording.pairs, recording.stopped) == (8, "runs")


def test_each_process_gets_another_amount_of_padding(
    program: Callable[..., Engine], tmp_path: Path
) -> None:
    script = "echo ${#PERF_SMOKE_PADDING} >> $shared/$name.log"
    paired(program(script), program(script, "base"), plan(runs=5))

    for name in SIDES:
        sizes = {int(line) for line in lines(tmp_path / f"{name}.log")}
        assert len(sizes) > 3
        assert max(sizes) < 4096


def test_a_step_that_hangs_ends_at_its_timeout_and_is_recorded_as_that(
    program: Callable[..., Engine],
) -> None:
    recording = Recording()
    with pytest.raises(Unmeasured) as caught:
        measure_alone(program("sleep 60"), plan(warmup=0, timeout_s=0.2), recording, unseen)

    assert caught.value.failure.reason == "engine-timeout"
    (sample,) = recording.samples["head"]
    assert (sample.ok, sample.error) == (False, "engine-timeout")
    assert recording.texts == {}


@pytest.mark.parametrize("failing", SIDES)
@pytest.mark.parametrize("at", [1, 3])
def test_what_was_measured_before_a_side_failed_is_kept(
    program: Callable[..., Engine], failing: str, at: int
) -> None:
    good, bad = "echo fine", f"echo ran >> log; test $(wc -l < log) -lt {at} || exit 3"
    engines = {name: program(bad if name == failing else good, name) for name in SIDES}
    recording = Recording()
    with pytest.raises(Unmeasured) as caught:
        measure_pairs(
            engines["head"],
            engines["base"],
            plan(warmup=0, runs=9),
            recording,
            undecided,
            unseen,
        )

    assert isinstance(caught.value, BaseFailed) == (failing == "base")
    assert caught.value.failure.reason == "engine-crashed"
    assert "exited with code 3" in caught.value.failure.sentence
    steps = taken(recording)
    assert steps[-1][0] == failing
    assert [sample.ok for _, sample in steps] == [True] * (len(steps) - 1) + [False]
    assert len(recording.samples[failing]) == at
    assert recording.pairs == at - 1
    pairs = Counter(sample.round for _, sample in steps[: 2 * (at - 1)])
    assert pairs == dict.fromkeys(range(at - 1), 2)


def test_a_worker_is_restarted_in_the_middle_and_tells_its_load_once(tmp_path: Path) -> None:
    setup = blank_setup(tmp_path, model=demonstration_model(), request=REQUEST)
    before = set(psutil.Process().children(recursive=True))
    engine = embedded.prepare(setup)
    recording = paired(engine, engine, plan(runs=2, budget_s=600.0))

    assert starts(recording, "head") == starts(recording, "base") == [0, 1]
    for name in SIDES:
        assert all(sample.load_ms and sample.ok for sample in recording.samples[name])
        assert recording.texts[name] == "11, so"
    loads_ms = sum(sample.load_ms or 0 for _, sample in taken(recording))
    assert recording.load_s * 1e3 >= loads_ms
    assert set(psutil.Process().children(recursive=True)) <= before


@dataclass
class Silent:
    """A watcher of a run that says nothing."""

    def phase(self, _sentence: str, /) -> None:
        pass

    def download(self, _done_bytes: int, _total_bytes: int | None, /) -> None:
        pass

    def step(self, _progress: Progress, /) -> None:
        pass


def test_a_run_asks_at_planned_looks_alone_and_stops_where_one_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    may_stop = compare.may_stop

    def note(pairs: compare.Pairs, *known: Any) -> bool:
        asked.append(len(pairs))
        return may_stop(pairs, *known)

    monkeypatch.setattr(compare, "may_stop", note)
    given = {"command": "sleep 0.1", "base-command": "sleep 0.01", "runs": "80"}
    context = Context(
        deadline=Deadline.within(600),
        environment=blank_setup(tmp_path).environment,
        cache=tmp_path,
        scratch=tmp_path,
        runtime="cli",
        leg=None,
        merge_target="",
        watcher=Silent(),
        interruptible=nullcontext,
    )
    found = run(parse({**given, "working-directory": str(tmp_path)}), context)

    looks = compare.plan(80)
    comparison = results.comparison(found)
    assert comparison.looks == looks
    assert (comparison.verdict, comparison.stopped) == ("slower", "decided")
    assert asked == list(looks[: len(asked)])
    assert comparison.pairs == asked[-1] < 80
