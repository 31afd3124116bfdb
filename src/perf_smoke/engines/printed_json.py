"""Which JSON documents stand among the lines that a program printed?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_BEGIN = re.compile(r"^[\[,\s]*(?=\{)", re.MULTILINE)
"""Where an object may begin: at the start of a line, or behind the bracket or comma of a list."""
_NEXT = re.compile(r"[,\s]*(?=\{)")


def objects(text: str) -> Iterator[dict[str, Any]]:
    """The objects that begin a line, whole lists of them included; what stands between them, such
    as a log, is passed over."""
    decoder = json.JSONDecoder()
    position = 0
    while begin := _BEGIN.search(text, position):
        position = begin.end()
        while True:
            try:
                content, end = decoder.raw_decode(text, position)
            except (ValueError, RecursionError):
                position += 1
                break
            yield content
            position = end
            follows = _NEXT.match(text, position)
            if follows is None:
                break
            position = follows.end()


def in_the_way(text: str) -> str:
    """The first line that looks like no part of a document; empty where there is none."""
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and line[0] not in '[]{},"'), "")
