"""The Result document as a file: written whole, validated when read, with its JSON Schema."""

from __future__ import annotations

import functools
import json
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perf_smoke.result import Result

if TYPE_CHECKING:
    from pydantic import TypeAdapter


LARGEST_MIB = 64
"""Of a file. Some hundred thousand steps."""
_LARGEST_INTEGER = 2**64
"""What no run ever counts to; larger ones do not become a float."""
_SHAPES = bytes(
    ord("0" if chr(byte).isdecimal() else " " if chr(byte) in " \n\r\t,:[-" else "x")
    for byte in range(128)
).ljust(256, b"x")
"""Every digit as 0, and what may stand before a number of JSON as a space."""
_LONG_INTEGER = b" " + 20 * b"0"
"""A larger one has so many digits. Fractions and hashes have them too, but not behind a space; and
to look for it so takes a tenth of a regular expression's time."""


class UnreadableResult(Exception):
    """A document that is no Result of schema 1. Its text says where and why."""


def write(result: Result, path: Path) -> None:
    """Write the document as JSON (UTF-8, indented), whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    tree = _adapter().dump_python(result, mode="json")
    text = json.dumps(tree, indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(path, text)


def write_whole(path: Path, text: str) -> None:
    """Replace a file at once, so that nobody ever reads half of it or what two runs wrote.

    Raises:
        OSError: it cannot be written; the old file is left as it was.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        # Half a surrogate pair, as an engine may print it, must not cost the whole document.
        draft.write_bytes(text.encode("utf-8", "replace"))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read(path: Path) -> Result:
    """Read and validate a document.

    Raises:
        UnreadableResult: the file is missing or is no Result; says where.
    """
    return parse(content(path), str(path))


def parse(text: bytes, name: str) -> Result:
    """Validate the text of a document.

    Args:
        name: of the file, for the sentence.

    Raises:
        UnreadableResult: it is no Result; says where.
    """
    from pydantic import ValidationError

    try:
        result = _adapter().validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "json_invalid":
            raise UnreadableResult(
                f"{name} is no perf-smoke result: it is not JSON ({first['ctx']['error']}). "
                "For a CSV of pairs: perf-smoke compare --pairs FILE."
            ) from error
        place = "/".join(str(part) for part in first["loc"]) or "the document"
        raise UnreadableResult(
            f"{name} is no perf-smoke result: {place}: {first['msg']}"
        ) from error
    # To walk through a whole document takes as long as to read it.
    if _LONG_INTEGER in text.translate(_SHAPES) and any(
        abs(number) > _LARGEST_INTEGER for number in _integers(_adapter().dump_python(result))
    ):
        raise UnreadableResult(f"{name} is no perf-smoke result: a number in it is too large.")
    return result


def content(path: Path) -> bytes:
    """What a file holds that a user names.

    Raises:
        UnreadableResult: it is missing, no plain file, or too large; says which.
    """
    try:
        # A pipe would be waited for.
        with open(path, "rb", opener=lambda name, how: os.open(name, how | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableResult(f"{path} cannot be read: it is no plain file.")
            text = file.read(LARGEST_MIB * 1024**2 + 1)
    except OSError as error:
        raise UnreadableResult(f"{path} cannot be read: {error.strerror}.") from error
    if len(text) > LARGEST_MIB * 1024**2:
        raise UnreadableResult(f"{path} is too large to be a result: more than {LARGEST_MIB} MiB.")
    return text


def _integers(tree: object) -> Iterator[int]:
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, (list, tuple)):
        for part in tree:
            yield from _integers(part)
    elif isinstance(tree, int):
        yield tree


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the document, as published in docs/result.schema.json."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **_adapter().json_schema()}


@functools.cache
def _adapter() -> TypeAdapter[Result]:
    # Imported here: a measured child's peak RSS starts at its parent's, so the parent stays small.
    from pydantic import TypeAdapter

    return TypeAdapter(Result)
