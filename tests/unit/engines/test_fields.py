"""Values out of somebody else's JSON: of the type that is meant, or refused with a sentence."""

from __future__ import annotations

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
        "nan": float("nan"),
        "negative": -1,
        "huge": 10**400,
    },
    "The server",
)


def test_what_is_there_is_taken_by_its_type() -> None:
    assert GIVEN.number("ms") == 1.5
    assert GIVEN.number("n") == 4.0
    assert GIVEN.count("n") == 4
    assert GIVEN.count("n_as_float") == 4
    assert GIVEN.text("text") == "so"
    assert GIVEN.flag("yes")
    assert GIVEN.object("inner").count("n") == 1
    assert [each.count("n") for each in GIVEN.objects("list")] == [1, 2]


@pytest.mark.parametrize("name", ["missing", "null"])
def test_absent_and_null_are_both_not_given(name: str) -> None:
    assert GIVEN.number(name) is None
    assert GIVEN.count(name) is None
    assert GIVEN.text(name) == ""
    assert not GIVEN.flag(name)
    assert GIVEN.object(name).count("n") is None
    assert GIVEN.objects(name) == []


@pytest.mark.parametrize(
    ("take", "name", "wanted"),
    [
        (lambda: GIVEN.number("text"), "text", "a number"),
        (lambda: GIVEN.number("yes"), "yes", "a number"),
        (lambda: GIVEN.number("huge"), "huge", "a number"),
        (lambda: GIVEN.count("ms"), "ms", "a count"),
        (lambda: GIVEN.count("nan"), "nan", "a count"),
        (lambda: GIVEN.count("negative"), "negative", "a count"),
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
