"""What the input `metrics` says, once it is understood: which values are read from where."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from perf_smoke.engines.metrics_text import last_match, number_cut
from perf_smoke.engines.one_shot import Reading, Unreadable, strict_json
from perf_smoke.engines.printed_json import objects
from perf_smoke.printable import decoded, one_line
from perf_smoke.processes.foreground import Finished
from perf_smoke.result import Tier

_FIELDS = tuple(each.name for each in fields(Reading))
DURATIONS = tuple(name.removesuffix("_ms") for name in _FIELDS if name.endswith("_ms"))
COUNTS = tuple(name for name in _FIELDS if name.startswith("n_"))
TEXT = "text"
UNITS_MS = {"ms": 1.0, "s": 1e3, "us": 1e-3, "ns": 1e-6}
"""How the name of a duration may end, and how many milliseconds one of it is."""
STREAMS = ("stdout", "stderr")


def is_known(name: str) -> bool:
    """Whether a recipe may use this name."""
    base, _, unit = name.rpartition("_")
    return name in (*COUNTS, TEXT) or (base in DURATIONS and unit in UNITS_MS)


def known_names() -> str:
    """All names, for a sentence."""
    durations = ", ".join(f"{name}_ms" for name in DURATIONS)
    return f"{durations} (or _s, _us, _ns), {', '.join(COUNTS)}, {TEXT}"


def meaning(name: str) -> tuple[str, float | None]:
    """The field of Reading, and the factor that makes milliseconds of it (None: no duration)."""
    if name in (*COUNTS, TEXT):
        return name, None
    base, _, unit = name.rpartition("_")
    return f"{base}_ms", UNITS_MS[unit]


@dataclass(frozen=True, kw_only=True)
class JsonSource:
    """A document, and what is taken out of it."""

    place: str
    """`stdout`, `stderr`, or the file's path as given."""
    pointers: tuple[tuple[str, str], ...]
    """Names and JSON pointers."""

    def values(self, finished: Finished, result: bytes) -> Iterator[tuple[str, Any]]:
        """Each name with what stands there."""
        if self.place in STREAMS:
            document = _printed_json(_stream(finished, self.place), self.place)
        else:
            document = strict_json(result, self.place)
        for name, pointer in self.pointers:
            yield name, _at(document, pointer, self.place)


@dataclass(frozen=True, kw_only=True)
class TextSource:
    """A stream, and what is found in it."""

    place: str
    patterns: tuple[re.Pattern[str], ...]

    def values(self, finished: Finished, _result: bytes) -> Iterator[tuple[str, Any]]:
        """Each group's name with its text in the last match."""
        text = _stream(finished, self.place)
        for pattern in self.patterns:
            match = _searched(pattern, text, self.place)
            if match is None:
                raise Unreadable(
                    f"`metrics` looks for `{pattern.pattern}`, which is not in {self.place}"
                )
            for name, value in match.groupdict().items():
                if value is not None and name != TEXT and (whole := number_cut(match, name)):
                    raise Unreadable(
                        f"`metrics` takes only a part of the number `{whole}` in {self.place} as "
                        f"{name}"
                    )
                yield name, value


@dataclass(frozen=True, kw_only=True)
class FailureSign:
    """What a program prints that fails and yet exits with 0."""

    place: str
    pattern: re.Pattern[str]

    def refuse(self, finished: Finished) -> None:
        """Nothing, where the stream does not hold it.

        Raises:
            Unreadable: with the line that holds it.
        """
        text = _stream(finished, self.place)
        if match := _searched(self.pattern, text, self.place):
            line = text[text.rfind("\n", 0, match.start()) + 1 :].partition("\n")[0]
            raise Unreadable(
                f"it printed `{one_line(line)}` to {self.place}, which `metrics` calls a failure"
            )


@dataclass(frozen=True, kw_only=True)
class MetricsRecipe:
    """All that is read after a step; an empty one reads nothing."""

    sources: tuple[JsonSource | TextSource, ...] = ()
    failures: tuple[FailureSign, ...] = ()

    @property
    def file(self) -> str:
        """The result file's path as given; empty where there is none."""
        return next((each.place for each in self.sources if each.place not in STREAMS), "")

    def read(self, finished: Finished, result: bytes) -> Reading:
        """Everything that the recipe names.

        Raises:
            Unreadable: the program says that it failed; something is not there, or is no number.
        """
        for sign in self.failures:
            sign.refuse(finished)
        values: dict[str, Any] = {}
        tiers: dict[str, Tier] = {}
        for source in self.sources:
            for name, value in source.values(finished, result):
                if value is None:
                    continue
                field, factor = meaning(name)
                values[field] = _converted(name, value, factor)
                if factor is not None:
                    tiers[field] = "A" if isinstance(source, JsonSource) else "D"
        return Reading(**values, tiers=tiers)


def _converted(name: str, value: Any, factor: float | None) -> float | int | str:
    if name == TEXT:
        if not isinstance(value, str):
            raise Unreadable(f"its {TEXT} is {_shown(value)}, not a text")
        return value
    number = _number(value)
    if number is None:
        raise Unreadable(f"its {name} is {_shown(value)}, not a number")
    if factor is not None:
        return number * factor
    if number < 0 or not number.is_integer():
        raise Unreadable(f"its {name} is {_shown(value)}, not a count")
    return int(number)


def _number(value: Any) -> float | None:
    """A finite number of JSON, or the text of one that an expression found."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _shown(value: Any) -> str:
    return f"`{one_line(json.dumps(value, ensure_ascii=True), 61)}`"


def _stream(finished: Finished, name: str) -> str:
    return decoded(finished.stdout if name == "stdout" else finished.stderr)


def _searched(pattern: re.Pattern[str], text: str, place: str) -> re.Match[str] | None:
    try:
        return last_match(pattern, text)
    except TimeoutError as error:
        raise Unreadable(
            f"`metrics` searches {place} for longer than {error}: make its expressions simpler, "
            "one repetition inside another takes for ever"
        ) from None


def _printed_json(text: str, place: str) -> Any:
    """All that was printed, or else its last line, or the last object that begins a line: logs
    often stand around the result."""
    stripped = text.strip()
    try:
        return strict_json(stripped, place)
    except Unreadable:
        documents = deque(objects(stripped), maxlen=1)
    try:
        return strict_json(stripped.rpartition("\n")[2], f"the last line of {place}")
    except Unreadable:
        if not documents:
            raise
        return documents[0]


def _at(document: Any, pointer: str, place: str) -> Any:
    """What a JSON pointer (RFC 6901) points to."""
    value = document
    for part in itertools.islice(pointer.split("/"), 1, None):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and re.fullmatch(r"0|[1-9][0-9]{0,9}", key):
            if int(key) >= len(value):
                raise Unreadable(f"{place} holds nothing at {pointer}")
            value = value[int(key)]
        else:
            raise Unreadable(f"{place} holds nothing at {pointer}")
    return value
