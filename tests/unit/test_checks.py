"""Whether a step counts."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import pytest

from perf_smoke.engines.base import Reply
from perf_smoke.measure.checks import checked, mark_short, notes_on_tokens, text_sha256
from perf_smoke.result import Failure, Sample


def reply(text: str = "11, so", **fields: Any) -> Reply:
    return Reply(sample=Sample(ok=True, **{"n_out": 4, "e2e_ms": 50.0, **fields}), text=text)


def taken(*counts: int | None) -> list[Sample]:
    return [Sample(ok=True, n_out=count) for count in counts]


def marked(samples: list[Sample], requested: int = 4) -> tuple[list[bool], list[str]]:
    steps = mark_short(samples, requested)
    assert len(steps) == len(samples)
    assert all(sample.ok or sample.error for sample in steps)
    return [sample.ok for sample in steps], notes_on_tokens(steps, requested)


def test_a_good_step_gets_the_hash_of_its_text() -> None:
    found = checked(reply())
    assert found.failure is None
    assert found.sample.text_sha256 == hashlib.sha256(b"11, so").hexdigest()
    assert found.sample.ok


def test_a_failed_step_stays_as_it_is() -> None:
    failure = Failure(reason="engine-crashed", sentence="It did.")
    failed = Reply(sample=Sample(ok=False, error="engine-crashed"), failure=failure)
    assert checked(failed) is failed


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, -1.0, 1e-320, 1e300])
@pytest.mark.parametrize("name", ["load_ms", "prompt_ms", "ttft_ms", "decode_ms", "e2e_ms"])
def test_a_duration_that_cannot_be_is_left_out_with_its_step(name: str, value: float) -> None:
    fields: dict[str, Any] = {name: value}
    found = checked(reply(**fields))
    assert found.failure is not None
    assert found.failure.reason == "bad-durations"
    assert f"{name} = {value!r}" in found.failure.sentence
    assert (found.sample.ok, found.sample.error) == (False, "bad-durations")
    assert getattr(found.sample, name) is None
    assert found.sample.n_out == 4
    assert found.text == "11, so"


def test_all_impossible_durations_are_named() -> None:
    found = checked(reply(wall_ms=math.nan, cpu_ms=-1.0))
    assert found.failure is not None
    assert "wall_ms = nan, cpu_ms = -1.0" in found.failure.sentence
    assert found.sample.e2e_ms == 50.0


@pytest.mark.parametrize("name", ["load_ms", "prompt_ms", "ttft_ms", "decode_ms", "e2e_ms"])
def test_no_part_of_a_step_takes_longer_than_the_step(name: str) -> None:
    # Such as seconds that a recipe takes for milliseconds, or the numbers of an earlier run.
    fields: dict[str, Any] = {"e2e_ms": None, "wall_ms": 6.25, name: 1000.0}
    found = checked(reply(**fields))
    assert found.failure is not None
    assert found.failure.reason == "bad-durations"
    assert f"{name} = 1000.0 in a step of 6.25 ms" in found.failure.sentence
    assert getattr(found.sample, name) is None


def test_a_clock_of_whole_milliseconds_may_say_one_more() -> None:
    assert checked(reply(e2e_ms=7.0, wall_ms=6.25)).sample.ok


@pytest.mark.parametrize("name", ["n_prompt", "n_prompt_cached", "n_out"])
def test_a_count_that_no_machine_reaches_is_no_count(name: str) -> None:
    fields: dict[str, Any] = {name: 10**20}
    found = checked(reply(**fields))
    assert found.failure is not None
    assert f"{name} = 100000000000000000000" in found.failure.sentence
    assert getattr(found.sample, name) is None
    assert found.sample.e2e_ms == 50.0


def test_no_cpu_time_at_all_is_possible() -> None:
    assert checked(reply(cpu_ms=0.0)).sample.ok


@pytest.mark.parametrize("count", [0, -1])
def test_a_step_without_any_token_does_not_count(count: int) -> None:
    found = checked(reply(text="", n_out=count))
    assert found.failure is not None
    assert found.failure.reason == found.sample.error == "no-tokens"
    assert not found.sample.ok


def test_an_engine_that_does_not_count_is_believed() -> None:
    assert checked(reply(n_out=None)).sample.ok


def test_any_text_can_be_hashed() -> None:
    assert text_sha256("") == hashlib.sha256(b"").hexdigest()
    assert text_sha256("\ud83d") != text_sha256("\ud83e")


def test_steps_of_the_requested_length_all_count() -> None:
    assert marked(taken(4, 4, 4)) == ([True] * 3, [])
    assert marked([]) == ([], [])


def test_a_short_step_does_not_count() -> None:
    oks, notes = marked(taken(4, 3, 4))
    assert oks == [True, False, True]
    assert notes == ["1 of 3 steps gave another number of tokens than 4: left out."]


def test_a_side_that_ends_early_every_time_is_measured_as_what_it_gave() -> None:
    oks, notes = marked(taken(2, 2, 2, 3))
    assert oks == [True, True, True, False]
    assert notes == [
        "2 of 4 tokens were produced: the engine ends early.",
        "1 of 4 steps gave another number of tokens than 2: left out.",
    ]


def test_an_engine_that_says_more_than_it_was_asked_for_is_told() -> None:
    oks, notes = marked(taken(5, 5))
    assert oks == [True, True]
    assert notes == ["5 tokens were produced, though 4 were asked for."]


def test_the_requested_number_wins_over_a_commoner_one() -> None:
    assert marked(taken(3, 3, 4))[0] == [False, False, True]


def test_steps_without_a_count_are_left_alone() -> None:
    assert marked(taken(None, None)) == ([True, True], [])
    assert marked(taken(None, 4, 3))[0] == [True, True, False]


def test_a_failed_step_has_no_say_in_the_number() -> None:
    samples = [*taken(3, 3), Sample(ok=False, error="engine-crashed", n_out=4)]
    steps = mark_short(samples, 4)
    assert [sample.error for sample in steps] == ["", "", "engine-crashed"]
    assert notes_on_tokens(steps, 4) == ["3 of 4 tokens were produced: the engine ends early."]
