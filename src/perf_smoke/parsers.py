"""How the text of an input becomes its value.

A parser raises ValueError with the end of a sentence that begins with the input's name:
"must be …".
"""

from __future__ import annotations

import difflib
import math
import re
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")


def storable(value: str) -> str:
    """The text itself, if a program can take it and a document hold it."""
    if re.search(r"[\0\ud800-\udfff]", value):
        raise ValueError("must be text in UTF-8 without NUL characters")
    return value


def text(value: str) -> str:
    """Without the spaces around it."""
    return value.strip()


def whole(low: int, high: int) -> Callable[[str], int]:
    """Decimal ASCII digits, with a sign perhaps."""

    def parse(value: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", value.strip()) or not low <= int(value) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return parse


def optional(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """None for an empty text."""
    return lambda value: parse(value) if value.strip() else None


def choice(*choices: str) -> Callable[[str], str]:
    """One of these words."""

    def parse(value: str) -> str:
        if value.strip() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}{nearest(value, choices)}")
        return value.strip()

    return parse


def several(nothing: str, *words: str) -> Callable[[str], tuple[str, ...]]:
    """Some of these words, between commas or spaces; none of them for `nothing`, which stands
    alone."""

    def parse(value: str) -> tuple[str, ...]:
        given = re.split(r"[\s,]+", value.strip(" \t\r\n,"))
        for word in given:
            choice(nothing, *words)(word)
        if nothing in given and len(set(given)) > 1:
            raise ValueError(f"cannot be {nothing} and something else")
        return tuple(word for word in words if word in given)

    return parse


def nearest(value: str, choices: Iterable[str]) -> str:
    """The end of a sentence that names the choice which was perhaps misspelt; or nothing."""
    word = value.strip().lower()[:80]  # nobody misspells at such length, and difflib is slow
    close = difflib.get_close_matches(word, choices, n=1)
    return f"; perhaps `{close[0]}` is meant" if close else ""


_TIME = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ms|s|m|min|h|)"
_UNITS_S = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def seconds(low: float, high: float) -> Callable[[str], float]:
    """A time in s, ms, minutes or hours; a bare number is in s."""

    def parse(value: str) -> float:
        match = re.fullmatch(_TIME, value.strip())
        seconds = float(match[1]) * _UNITS_S[match[2]] if match else math.nan
        if not low <= seconds <= high:
            raise ValueError(
                f"must be a time from {low:g} s to {high:g} s, such as `30 s` or `2 m`"
            )
        return seconds

    return parse


def time_span(low: float, high: float) -> Callable[[str], tuple[float, float]]:
    """A time as above twice over, or two of them, `30-60 s`, the longer one last. Both are in s;
    where the first has no unit, it has the other's."""

    def parse(value: str) -> tuple[float, float]:
        first, dash, last = value.replace("–", "-").strip().partition("-")
        unit = re.sub(r"[0-9.\s]", "", last)
        bare = re.fullmatch(r"[0-9.\s]*", first)
        try:
            shortest = seconds(low, high)(first + unit if dash and bare else first)
            longest = seconds(low, high)(last) if dash else shortest
        except ValueError as error:
            raise ValueError(f"{error}; or from one to another, such as `30-60 s`") from None
        if longest < shortest:
            raise ValueError("must name the shorter time first, such as `30-60 s`")
        return shortest, longest

    return parse


def fraction(low: float, high: float) -> Callable[[str], float]:
    """A share, in percent or as a number."""

    def parse(value: str) -> float:
        match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(%?)", value.strip())
        fraction = float(match[1]) / (100.0 if match[2] else 1.0) if match else math.nan
        if not low <= fraction <= high:
            raise ValueError(
                f"must be from {low * 100:g} % to {high * 100:g} %, such as `5%` or `0.05`"
            )
        return fraction

    return parse


def words(value: str) -> tuple[str, ...]:
    """A command line as a shell would split it; nothing is expanded."""
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise ValueError(
            f"cannot be split into words ({error}): quote it as a shell would"
        ) from None


def items(value: str) -> tuple[str, ...]:
    """Names between commas or line ends."""
    return tuple(part.strip() for part in value.replace("\n", ",").split(",") if part.strip())


def sha256(value: str) -> str:
    """64 hexadecimal digits in lower case, or nothing."""
    digest = value.strip().lower().removeprefix("sha256:")
    if digest and not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise ValueError("must be 64 hexadecimal digits")
    return digest


def endpoint(value: str) -> str:
    """An http or https address without a slash at its end, or nothing."""
    address = value.strip().rstrip("/")
    try:
        urlsplit(address).port  # noqa: B018 - it is read to be checked
    except ValueError:
        well_formed = False  # a bracket of IPv6 without its other one, or a port that is none
    else:
        well_formed = bool(re.fullmatch(r"https?://[^\s/]+(/\S*)?", address))
    if address and not well_formed:
        raise ValueError("must be an address such as http://127.0.0.1:8080")
    return address


def path(value: str) -> Path:
    """A path, relative to where perf-smoke runs."""
    return Path(value.strip())


def folder(value: str) -> Path:
    """The path of a folder that exists, relative to where perf-smoke runs."""
    try:
        exists = path(value).is_dir()
    except OSError:  # too long a name, or a folder on the way that may not be entered
        exists = False
    if not exists:
        raise ValueError("must be a folder that exists")
    return path(value)
