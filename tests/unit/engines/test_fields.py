"""Values out of somebody else's JSON: of the type that is meant, or refused with a sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from perf_smoke.engines.fields import Fields
from perf_smoke.result import Unmeasured

GIVEN = Fields(
    {
        "ms": 1.5,
        "n": 4,
        "n_as_float": 4.0,
        "text": "so",
        "yes": True,
        "inner": {"n": 1},
        "list": [{"n": 1}, {"n": 2}],
        "null": None,
    },
    "The server",
)


def test_what_is_there_is_taken_by_its_type() -> None:
    assert GIVEN.duration_ms("ms") == 1.5
    assert GIVEN.duration_ms("n", units_per_ms=1000) == 0.004
    assert GIVEN.count("n") == 4
    assert GIVEN.count("n_as_float") == 4
    assert GIVEN.text("text") == "so"
    assert GIVEN.flag("yes")
    assert GIVEN.object("inner").count("n") == 1
    assert [each.count("n") for each in GIVEN.objects("list")] == [1, 2]


@pytest.mark.parametrize("name", ["missing", "null"])
def test_absent_and_null_are_both_not_given(name: str) -> None:
    assert GIVEN.duration_ms(name) is None
    assert GIVEN.count(name) is None
    assert GIVEN.text(name) == ""
    assert not GIVEN.flag(name)
    assert GIVEN.object(name).count("n") is None
    assert GIVEN.objects(name) == []


NO_AMOUNTS = [-1, -0.5, "4", "", True, [4], {}, math.nan, math.inf, 2**64 - 1, 10**400]


@pytest.mark.parametrize("value", [*NO_AMOUNTS, 3.5, 2**32 - 1], ids=repr)
def test_what_cannot_be_a_count_is_not_told(value: object) -> None:
    assert Fields({"n": value}, "The server").count("n") is None


@pytest.mark.parametrize("value", [*NO_AMOUNTS, 0, 0.0], ids=repr)
def test_what_cannot_be_a_duration_is_not_told(value: object) -> None:
    assert Fields({"ms": value}, "The server").duration_ms("ms") is None


@pytest.mark.parametrize(
    "value",
    [
        "so",
        ["s", "o"],
        [{"type": "text", "text": "s"}, {"type": "text", "text": "o"}],
        [{"type": "thinking", "thinking": [{"type": "text", "text": "s"}]}, "o"],
        [{"type": "image_url", "image_url": {}}, None, 7, {"type": "text", "text": "so"}],
    ],
    ids=repr,
)
def test_a_text_may_come_in_parts(value: object) -> None:
    assert Fields({"content": value}, "The server").spoken("content") == "so"


@pytest.mark.parametrize(
    ("take", "name", "wanted"),
    [
        (lambda: GIVEN.text("n"), "n", "a text"),
        (lambda: GIVEN.object("n"), "n", "an object"),
        (lambda: GIVEN.objects("text"), "text", "a list"),
        (lambda: Fields([1], "The server"), "answer", "an object"),
    ],
)
def test_another_type_is_refused_with_a_sentence(
    take: Callable[[], Any], name: str, wanted: str
) -> None:
    with pytest.raises(Unmeasured) as caught:
        take()
    assert caught.value.failure.reason == "engine-output"
    assert caught.value.failure.sentence == (
        f"The server gave `{name}` in a form that is not known: it should be {wanted}."
    )
    assert len(caught.value.failure.tail) <= 400
