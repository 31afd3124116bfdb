"""From the steps of two sides to the verdict: which steps count, and of which metric."""

import dataclasses
import random
from typing import Any

import pytest
from perf_smoke.compare.rule import Rule
from perf_smoke.compare.samples import deciding_metric, pairs_of, seconds

from perf_smoke.compare import again, from_sides, no_baseline, plan, settled_by
from perf_smoke.result import (
    Cost,
    EngineIdentity,
    Machine,
    MachineState,
    Result,
    Sample,
    Series,
    Side,
    Tool,
)


def step(e2e_ms: float | None, **known: Any) -> Sample:
    given: dict[str, Any] = {"n_out": 4, "text_sha256": "a", **known}
    return Sample(ok=given.pop("ok", True), e2e_ms=e2e_ms, **given)


def sides(pairs: int, change: float, **of_head: Any) -> tuple[Side, Side]:
    """Base and head as a paired run leaves them."""
    rng = random.Random(11)
    steps: dict[str, list[Sample]] = {"base": [], "head": []}
    order = 0
    for pair in range(pairs):
        for name in rng.sample(["base", "head"], k=2):
            e2e_ms = 50 * rng.lognormvariate(0, 0.02) * (1 + change * (name == "head"))
            known = of_head if name == "head" else {}
            taken = step(
                e2e_ms,
                wall_ms=e2e_ms + 1,
                cpu_ms=e2e_ms * 1.9,
                pair=pair,
                order=order,
                restart=pair * 4 // pairs,
            )
            steps[name].append(dataclasses.replace(taken, **known))
            order += 1
    engine = EngineIdentity(id="embedded")
    return (
        Side(ref="base", engine=engine, samples=tuple(steps["base"])),
        Side(ref="head", engine=engine, samples=tuple(steps["head"])),
    )


def machine(steal_ticks: int = 0) -> Machine:
    return Machine(
        cpu_model="EPYC",
        flags_hash="",
        cpus=2,
        memory_mib=8000,
        os="",
        kernel="",
        arch="x86_64",
        before=MachineState(load_1min=0.1, cpu_ticks=0, steal_ticks=0),
        after=MachineState(load_1min=2.0, cpu_ticks=1000, steal_ticks=steal_ticks),
    )


def test_a_slower_head_is_called_slower() -> None:
    base, head = sides(60, 0.1)
    found = from_sides(base, head, metric="auto", rule=Rule(), threads=2, machine=machine())
    assert (found.verdict, found.metric, found.pairs) == ("slower", "e2e", 60)
    assert found.guards == ()


def test_every_way_to_have_no_base_is_no_baseline() -> None:
    base, head = sides(20, 0.0)
    empty = dataclasses.replace(base, samples=())
    for one, other in ((None, head), (empty, head), (base, None), (None, None)):
        found = from_sides(one, other, metric="auto", rule=Rule())
        assert (found.kind, found.verdict, found.metric) == ("none", "no-baseline", "e2e")
    assert no_baseline("auto", Rule()).metric == "e2e"
    assert no_baseline("ttft", Rule()).metric == "ttft"


def test_measuring_settles_and_the_saved_result_gives_the_same_verdict() -> None:
    base, head = sides(120, 0.3)
    looks = plan(120)
    taken = next(
        pairs
        for pairs in range(121)
        if settled_by(
            base.samples[:pairs], head.samples[:pairs], metric="auto", rule=Rule(), looks=looks
        )
    )
    assert taken == 15
    base = dataclasses.replace(base, samples=base.samples[:taken])
    head = dataclasses.replace(head, samples=head.samples[:taken])
    found = from_sides(
        base,
        head,
        metric="auto",
        rule=Rule(alpha=0.02),
        looks=looks,
        stopped="decided",
        threads=2,
        machine=machine(steal_ticks=200),
    )
    assert found.verdict == "slower"
    result = Result(
        status="measured",
        started="2026-11-23T09:00:00+00:00",
        tool=Tool(version="1", runtime="cli"),
        settings={},
        cost=Cost(total_s=1.0),
        series=Series(key="k", parts={"threads": "2"}),
        machine=machine(steal_ticks=200),
        base=base,
        head=head,
        comparison=found,
    )
    assert again(result) == found
    other_threads = dataclasses.replace(result, series=None)
    assert again(other_threads) == found


@pytest.mark.parametrize("kind", ["none", None])
def test_what_was_not_compared_in_the_run_is_not_compared_afterwards(kind: str | None) -> None:
    base, head = sides(60, 0.3)
    said = no_baseline("e2e", Rule()) if kind else None
    result = Result(
        status="measured" if kind else "cancelled",
        started="2026-11-23T09:00:00+00:00",
        tool=Tool(version="1", runtime="cli"),
        settings={},
        cost=Cost(total_s=1.0),
        base=base,
        head=head,
        comparison=said,
    )
    assert again(result) == said


def test_only_pairs_whose_both_steps_count_are_compared_in_their_order() -> None:
    base = [step(1.0, pair=2), step(2.0, pair=0), step(3.0, pair=1, ok=False), step(9.0)]
    head = [step(4.0, pair=0), step(5.0, pair=1), step(6.0, pair=2), step(None, pair=3)]
    found = pairs_of(base, head, "e2e")
    assert [(pair.base.e2e_ms, pair.head.e2e_ms) for pair in found] == [(2.0, 4.0), (1.0, 6.0)]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("e2e", 0.05), ("ttft", 0.02), ("wall", 0.06), ("cpu", 0.09), ("decode", 0.01)],
)
def test_each_metric_is_in_seconds_and_decode_is_per_token(metric: str, expected: float) -> None:
    sample = step(50.0, ttft_ms=20.0, wall_ms=60.0, cpu_ms=90.0, decode_ms=30.0)
    assert seconds(sample, metric) == pytest.approx(expected)


def test_what_a_step_does_not_give_is_missing() -> None:
    assert seconds(step(50.0), "decode") is None
    assert seconds(step(50.0, decode_ms=0.0, n_out=1), "decode") is None
    assert seconds(step(50.0), "ttft") is None
    assert seconds(step(50.0, cpu_ms=0.0), "cpu") is None


def test_auto_is_the_wall_where_the_engine_gives_nothing_else() -> None:
    assert deciding_metric("auto", [step(None, wall_ms=5.0)], [step(None, wall_ms=5.0)]) == "wall"
    assert deciding_metric("auto", [step(5.0)], [step(5.0), step(None, ok=False)]) == "e2e"
    assert deciding_metric("ttft", [step(5.0)], [step(5.0)]) == "ttft"


def test_a_metric_that_no_step_gives_is_said() -> None:
    base, head = sides(20, 0.0)
    found = from_sides(base, head, metric="ttft", rule=Rule())
    assert (found.verdict, found.pairs, found.estimate) == ("inconclusive", 0, None)
    assert [guard.name for guard in found.guards] == ["metric-missing"]
    assert not settled_by(base.samples, head.samples, metric="ttft", rule=Rule(), looks=plan(20))


@pytest.mark.parametrize(
    ("of_head", "verdict", "guard"),
    [
        ({"n_out": 2}, "not-comparable", "tokens-differ"),
        ({"text_sha256": "b"}, "slower", "texts-differ"),
        ({"cpu_ms": 20.0}, "inconclusive", "wall-against-cpu"),
    ],
)
def test_what_the_steps_say_beside_their_times_reaches_the_guards(
    of_head: dict[str, Any], verdict: str, guard: str
) -> None:
    base, head = sides(60, 0.2, **of_head)
    found = from_sides(base, head, metric="auto", rule=Rule(), threads=2)
    assert (found.verdict, [fired.name for fired in found.guards]) == (verdict, [guard])


def test_a_base_that_suffers_from_running_second_is_seen_by_the_order_of_the_steps() -> None:
    base, head = sides(80, 0.2)
    first = {sample.pair for sample in head.samples if sample.order % 2 == 0}
    slowed = [
        dataclasses.replace(sample, e2e_ms=(sample.e2e_ms or 0) * 1.3)
        if sample.pair in first
        else sample
        for sample in base.samples
    ]
    base = dataclasses.replace(base, samples=tuple(slowed))
    found = from_sides(base, head, metric="e2e", rule=Rule())
    assert [fired.name for fired in found.guards] == ["order-in-pair", "places-unequal"]
    assert "cost base 30 % more time than it cost head" in found.guards[1].sentence


def test_steps_without_counts_hashes_or_cpu_times_are_compared_all_the_same() -> None:
    base, head = sides(60, 0.2, n_out=None, text_sha256="", cpu_ms=None)
    found = from_sides(base, head, metric="auto", rule=Rule())
    assert (found.verdict, found.guards) == ("slower", ())
