"""The gate for text that leaves: for the log, the report, the document, a terminal.

A secret is known by its value (what the environment holds under a secret's name), by what stands
before it, or by its looks. Nobody knows every form, so that the documentation asks for `env:`. Only
text of others goes through: numbers, hashes and names of ours hold none.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import json
import operator
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

from perf_smoke.secret_names import standing
from perf_smoke.secret_places import without_named
from perf_smoke.secret_shapes import (
    HIDDEN,
    MOST_LINES_OF_KEY,
    last_key_mark,
    without_shapes,
)

SHORTEST = 8
"""Characters of a value that is looked for: shorter ones stand in many words by chance."""

Tree = TypeVar("Tree")

_known: tuple[str, ...] = ()
"""The values that no text may hold, the longest first."""


def public(text: str) -> str:
    """What may leave of a text of others."""
    return _without_forms(without_values(text))


def without_values(text: str) -> str:
    """The text without the values that this process knows: for a long one that was public before
    another process wrote it down."""
    return _any_of(_known).sub(HIDDEN, text) if _known else text


def published(tree: Tree) -> Tree:
    """A part of the document, or all of it, with each text in it made public."""

    @functools.cache  # of thousands of steps most say the same
    def shown(text: str, ours: bool) -> str:
        return _without_forms(text) if ours else public(text)

    whole: Tree = _published(tree, type(tree), shown)
    return whole


class PublicLines:
    """The gate for a text that comes a line at a time; a private key is many of them."""

    def __init__(self) -> None:
        self._left_of_key = 0

    def public(self, line: str) -> str:
        """What may leave of the next line."""
        mark = last_key_mark(line)
        within = self._left_of_key > 0
        self._left_of_key = {"BEGIN": MOST_LINES_OF_KEY, "END": 0}.get(mark, self._left_of_key - 1)
        return HIDDEN if within else public(line)


@contextmanager
def knowing(environ: Mapping[str, str]) -> Iterator[None]:
    """Inside, the secrets of the environment are known by their values, wherever they stand."""
    global _known  # noqa: PLW0603 - what must not be told is the same for the whole process
    before = _known
    _known = tuple(sorted({*before, *_secrets_of(environ)}, key=len, reverse=True))
    try:
        yield
    finally:
        _known = before


def _without_forms(text: str) -> str:
    return without_named(without_shapes(text))


def _published(value: Any, kind: Any, shown: Callable[[str, bool], str]) -> Any:
    """The same object where nothing in it is hidden: thousands of steps need not be made anew."""
    match value:
        case str():
            text = shown(value, kind is not str)
            return value if text == value else text
        case dict():
            kinds = dict.fromkeys(value, typing.get_args(kind)[1])
            changed = _changed(value.get, kinds, shown)
            return {**value, **changed} if changed else value
        case tuple():
            parts = tuple(_published(each, typing.get_args(kind)[0], shown) for each in value)
            return value if all(map(operator.is_, parts, value)) else parts
    if value is None:
        return None
    changed = _changed(functools.partial(getattr, value), _texts(value.__class__), shown)
    return dataclasses.replace(value, **changed) if changed else value


def _changed(
    part: Callable[[str], Any], kinds: Mapping[str, Any], shown: Callable[[str, bool], str]
) -> dict[str, Any]:
    """By its name, each part in which something is hidden, as it may leave."""
    after = {name: _published(part(name), kind, shown) for name, kind in kinds.items()}
    return {name: value for name, value in after.items() if value is not part(name)}


@functools.cache
def _texts(part: Any) -> dict[str, Any]:
    """The fields of a part of the document that may hold text, with their types."""
    kinds = typing.get_type_hints(part, include_extras=True)
    return {
        each.name: kinds[each.name]
        for each in dataclasses.fields(part)
        if _may_hold_text(kinds[each.name])
    }


def _may_hold_text(kind: Any) -> bool:
    if hasattr(kind, "__dataclass_fields__"):
        return bool(_texts(kind))
    return kind is str or any(map(_may_hold_text, typing.get_args(kind)))


def _secrets_of(environ: Mapping[str, str]) -> set[str]:
    """The values of variables that are called secrets, and the passwords in addresses; in the forms
    in which programs print them."""
    values = [value for name, value in environ.items() if standing(name)]
    for value in environ.values():
        values += re.findall(r"://[^/\s:@]*:([^/\s@]+)@", value)
    lines = {line.strip() for value in values for line in value.splitlines()}
    # A name may be that of a folder (PWD), or of a file that holds the secret.
    return {
        form
        for line in lines
        if len(line) >= SHORTEST and not line.startswith(("/", "~/", "./", "../"))
        for form in _forms(line)
    }


def _forms(value: str) -> Iterator[str]:
    yield from (value, json.dumps(value)[1:-1], quote(value, safe=""), quote_plus(value))
    content = value.encode("utf-8", "surrogateescape")
    for shift, changed in enumerate((0, 2, 3)):  # in base64 what stands before it shifts its digits
        digits = base64.b64encode(b"\0" * shift + content).decode()
        whole = digits[changed : (shift + len(content)) // 3 * 4]
        yield from (whole, whole.translate({ord("+"): "-", ord("/"): "_"}))


@functools.lru_cache(maxsize=4)
def _any_of(values: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, values)))
