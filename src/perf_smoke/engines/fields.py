"""How a value is taken out of a JSON object that somebody else wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeGuard

from perf_smoke.printable import one_line
from perf_smoke.result import Unmeasured

MOST_TOKENS = 10**9
LONGEST_MS = 1e9
"""Eleven days. What is more is -1 in a number without a sign, or of another unit."""
_DEEPEST = 8
"""How deep the parts of a text are looked for."""


class Fields:
    """A JSON object whose members are taken by type. Absent and null are the same: not given.

    A count or duration that cannot be one is not given either. For a text, object or list of
    another type Unmeasured (`engine-output`) is raised.
    """

    def __init__(self, content: Any, owner: str, name: str = "answer") -> None:
        """Args:
        owner: who wrote it, as a sentence starts.
        """
        self._content = {} if content is None else content
        self._owner = owner
        if not isinstance(self._content, dict):
            raise self._wrong(name, content, "an object")

    def count(self, name: str) -> int | None:
        """A number of tokens. What cannot be one (-1, a text, NaN) is how somebody says that he
        does not know."""
        value = self._content.get(name)
        if not _is_number(value) or not 0 <= value <= MOST_TOKENS or value != int(value):
            return None
        return int(value)

    def duration_ms(self, name: str, *, units_per_ms: float = 1.0) -> float | None:
        """A time that was taken: zero stands for none, or for a clock that was off."""
        value = self._content.get(name)
        if not _is_number(value) or not 0 < value <= LONGEST_MS * units_per_ms:
            return None
        return value / units_per_ms

    def text(self, name: str) -> str:
        """A text; empty when it is not given."""
        value = self._content.get(name)
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, value, "a text")
        return value or ""

    def spoken(self, name: str) -> str:
        """A text that may come in parts: a list of texts, or of objects that hold one each."""
        return "".join(_spoken(self._content.get(name)))

    def flag(self, name: str) -> bool:
        """Whether it is true."""
        return self._content.get(name) is True

    def object(self, name: str) -> Fields:
        """An object inside it; an empty one when it is not given."""
        return Fields(self._content.get(name), self._owner, name)

    def objects(self, name: str) -> list[Fields]:
        """A list of objects; empty when it is not given."""
        value = self._content.get(name)
        if value is not None and not isinstance(value, list):
            raise self._wrong(name, value, "a list")
        return [Fields(each, self._owner, name) for each in value or ()]

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty when it is not given."""
        value = self._content.get(name)
        if value is not None and not (
            isinstance(value, list) and all(isinstance(each, str) for each in value)
        ):
            raise self._wrong(name, value, "a list of texts")
        return tuple(value or ())

    def names(self, name: str) -> tuple[str, ...]:
        """The names of the members of an object inside it; none when it is not given."""
        self.object(name)
        return tuple(self._content.get(name) or ())

    def _wrong(self, name: str, value: Any, wanted: str) -> Unmeasured:
        return Unmeasured(
            "engine-output",
            f"{self._owner} gave `{name}` in a form that is not known: it should be {wanted}.",
            one_line(json.dumps(value), 400),
        )


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _spoken(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and depth < _DEEPEST:
        for part in value:
            yield from _spoken(part, depth + 1)
    elif isinstance(value, dict) and depth < _DEEPEST:
        for name in ("thinking", "text"):
            yield from _spoken(value.get(name), depth + 1)
