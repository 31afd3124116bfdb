"""Which steps of two sides are a pair, and of which metric."""

import dataclasses
import math
from typing import Any

import pytest

from perf_smoke.compare import Pairs, deciding_metric
from perf_smoke.result import Sample, usual_tokens
from tests.unit.compare.rows import pairs_of, samples


def step(e2e_ms: float | None, **known: Any) -> Sample:
    return Sample(ok=known.pop("ok", True), e2e_ms=e2e_ms, **known)


def test_only_rounds_of_which_both_steps_count_are_pairs_in_their_order() -> None:
    base = [step(1.0, round=2), step(2.0, round=0), step(3.0, round=1, ok=False), step(9.0)]
    head = [step(4.0, round=0), step(5.0, round=1), step(6.0, round=2), step(None, round=3)]
    pairs = Pairs.of([*base, step(8.0, round=3)], head, "e2e")
    assert (pairs.base.time_s, pairs.head.time_s) == ((0.002, 0.001), (0.004, 0.006))
    assert pairs.log_ratios == pytest.approx([math.log(2), math.log(6)])


def test_times_are_in_seconds_and_those_of_a_rate_are_per_token() -> None:
    sample = step(50.0, wall_ms=60.0, cpu_ms=90.0, decode_ms=30.0, n_out=4, round=0)
    pairs = Pairs.of([sample], [sample], "decode")
    assert (pairs.metric, pairs.base.time_s) == ("decode", (0.01,))
    assert (pairs.base.wall_s, pairs.head.cpu_s) == ((0.06,), (0.09,))


def test_a_step_that_takes_no_time_gives_none() -> None:
    nothing = step(0.0, wall_ms=1e-323, cpu_ms=1.0, round=0)
    assert len(Pairs.of([nothing], [nothing], "e2e")) == 0
    assert len(Pairs.of([nothing], [nothing], "wall")) == 0
    assert Pairs.of([nothing], [nothing], "cpu").base.wall_s == (None,)


def test_the_first_pairs_are_those_of_a_run_that_stopped_there() -> None:
    base, head = samples([0.05, 0.06, 0.07, 0.05], [0.06, 0.07, 0.05, 0.06], n_out=2)
    whole = Pairs.of(base, head, "e2e")
    assert whole.first(3) == Pairs.of(base[:3], head[:3], "e2e")
    assert whole.first(3).log_ratios == whole.log_ratios[:3]
    assert [len(whole.first(count)) for count in (0, 2, 9)] == [0, 2, 4]


def test_the_commonest_number_of_tokens_is_that_of_a_side() -> None:
    counts = [4, 2, 2, None]
    base = [step(1.0, n_out=number, round=at) for at, number in enumerate(counts)]
    pairs = Pairs.of(base, [dataclasses.replace(one, n_out=None) for one in base], "e2e")
    assert (usual_tokens(pairs.base.tokens), usual_tokens(pairs.head.tokens)) == (2, None)


def test_the_spread_leaves_outliers_aside() -> None:
    ratios = [0.1 * k for k in range(-50, 51)]
    plain = Pairs.of_times([1.0] * 101, [math.exp(ratio) for ratio in ratios])
    assert plain.spread == pytest.approx(5 / 1.349)
    odd = Pairs.of_times([1.0] * 103, [math.exp(ratio) for ratio in [*ratios, 50.0, -50.0]])
    assert odd.spread == pytest.approx(plain.spread, rel=0.03)


def test_the_automatic_metric_is_the_first_that_every_step_of_all_sides_gives() -> None:
    wall, e2e = step(None, wall_ms=5.0), step(5.0, wall_ms=5.0)
    decode = step(None, decode_ms=3.0, n_out=4)
    assert deciding_metric("auto", [e2e], [e2e, step(None, ok=False)]) == "e2e"
    assert deciding_metric("auto", [e2e], [e2e], [wall]) == "wall"
    assert deciding_metric("auto", [decode], [dataclasses.replace(decode, e2e_ms=1.0)]) == "decode"
    assert deciding_metric("auto", [step(None)]) == "wall"
    assert deciding_metric("ttft", [e2e], [e2e]) == "ttft"


@pytest.mark.parametrize("time", [0.0, -1.0, math.inf, math.nan])
def test_times_that_cannot_be_are_an_error(time: float) -> None:
    for rows in ([1.0], [time]), ([time], [1.0]):
        with pytest.raises(ValueError, match="a step cannot take"):
            Pairs.of_times(*rows)


def test_columns_of_different_length_are_an_error() -> None:
    with pytest.raises(ValueError, match="2 times of base, but 1 of head"):
        Pairs.of_times([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="2 pairs, but 1 starts"):
        Pairs.of_times([1.0, 2.0], [1.0, 2.0], starts=[0])


def test_a_start_of_either_side_is_another_start() -> None:
    base, head = samples([0.05] * 4, [0.05] * 4, starts=1)
    head[2:] = [dataclasses.replace(one, start=1) for one in head[2:]]
    assert len(set(Pairs.of(base, head, "e2e").starts)) == 2
    assert pairs_of([0.05] * 4, [0.05] * 4, starts=None).one_shot
