"""How a value is taken out of a JSON object that somebody else wrote."""

from __future__ import annotations

import json
from typing import Any

from perf_smoke.printable import one_line
from perf_smoke.result import Unmeasured


class Fields:
    """A JSON object whose members are taken by type. Absent and null are the same: not given.

    Every method raises Unmeasured (`engine-output`) for a value of another type.
    """

    def __init__(self, content: Any, owner: str, name: str = "answer") -> None:
        """Args:
        owner: who wrote it, as a sentence starts.
        """
        self._content = {} if content is None else content
        self._owner = owner
        if not isinstance(self._content, dict):
            raise self._wrong(name, content, "an object")

    def number(self, name: str) -> float | None:
        """A number, whatever its value: measure/checks.py judges that."""
        value = self._content.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise self._wrong(name, value, "a number")
        try:
            return None if value is None else float(value)
        except OverflowError:
            raise self._wrong(name, value, "a number") from None

    def count(self, name: str) -> int | None:
        """A whole number, not negative."""
        value = self.number(name)
        if value is not None and not (value >= 0 and value.is_integer()):
            raise self._wrong(name, value, "a count")
        return None if value is None else int(value)

    def text(self, name: str) -> str:
        """A text; empty when it is not given."""
        value = self._content.get(name)
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, value, "a text")
        return value or ""

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
