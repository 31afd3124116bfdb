"""Is a file what a server says in place of a model: a page, or an error?"""

from __future__ import annotations

import json
import re
from pathlib import Path

from perf_smoke.printable import one_line

_LONGEST = 64 * 1024
"""No message of an error is longer. Of a page so much is read."""
_LONGEST_TEXT = 4096
_MARKUP = re.compile(rb"<(?:!doctype|html|\?xml|head|body|script|error)\b|<!--", re.IGNORECASE)
_MARKUP_NAMES = (".html", ".htm", ".xml", ".svg")
_STATED = frozenset({"error", "errors", "message", "detail"})
_BESIDE = frozenset(
    {
        *("code", "documentation_url", "error_description", "path", "request_id", "requestId"),
        *("status", "statusCode", "success", "timestamp", "title", "type", "url"),
    }
)
"""What stands beside the error in the JSON of a server."""
_WORDS = re.compile(
    r"invalid (?:username|credentials|token)|access (?:denied|to )|unauthori[sz]ed|forbidden"
    r"|(?:http(?:/[0-9.]+)? )?[45][0-9]{2}\b|bad request|bad gateway|gateway time-?out"
    r"|(?:(?:entry|repository|revision|file|page|model|object|resource) )?not found\b"
    r"|too many requests|service unavailable|internal server error|please (?:log|sign) in"
    r"|error\b|you (?:are not|must|need)|authentication",
    re.IGNORECASE,
)


def said_instead(path: Path) -> str:
    """How the page or message begins, on one line; empty where the file is neither."""
    with path.open("rb") as file:
        start = file.read(_LONGEST + 1)
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    is_page = _MARKUP.match(text) and path.suffix.lower() not in _MARKUP_NAMES
    is_whole = len(start) <= _LONGEST
    if is_page or (is_whole and (_states_an_error(text) or _is_worded_as_one(text))):
        return one_line(text[:200].decode("utf-8", "replace"), 80)
    return ""


def _states_an_error(text: bytes) -> bool:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return False
    is_object = isinstance(content, dict)
    return is_object and bool(_STATED & content.keys()) and content.keys() <= _STATED | _BESIDE


def _is_worded_as_one(text: bytes) -> bool:
    if len(text) > _LONGEST_TEXT:
        return False
    try:
        words = text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return words.replace("\n", "").replace("\r", "").isprintable() and bool(_WORDS.match(words))
