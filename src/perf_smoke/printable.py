"""Text of unknown origin, made fit to be stored and shown."""

from __future__ import annotations

import re

from perf_smoke.redaction import public

_TERMINAL_ORDER = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
"""Colours and cursor movements (CSI), titles and links (OSC), as ECMA-48 writes them."""
_SEARCHED = 100_000
"""Characters. More of a text is not looked through for a few lines of it."""
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but for tab and line end
    r"\u202a-\u202e\u2066-\u2069"  # what turns the reading direction around
    r"\ud800-\udfff]"  # halves of surrogate pairs
)
_ERROR = re.compile(r"(?<![\w./-])errors?(?!\w|[./]\w)", re.IGNORECASE)
"""The word, not a part of a name: `-Werror`, `error.o`."""
_MOST_ERRORS = 10
_LINES_OF_BUILD = 20
"""Shown of its end where it fails."""


def printable(text: str) -> str:
    """Hostile text, safe to store and to show: without colours and control characters (tabs and
    line ends stay). What a progress bar writes over itself becomes lines."""
    lines = re.sub(r"\r\n?", "\n", _TERMINAL_ORDER.sub("", text))
    return _UNSAFE.sub("\ufffd", lines)


def decoded(output: bytes) -> str:
    """What a program printed, as text that is safe to store and to show."""
    return printable(output.decode("utf-8", "replace"))


def last_lines(text: str, lines: int = 12, characters: int = 2000) -> str:
    """The end of a program's output, as a reader wants to see it after a failure; without secrets,
    which would be known no more once they are cut."""
    end = "\n".join(public(text.rstrip()[-_SEARCHED:]).splitlines()[-lines:])
    return end if len(end) <= characters else "…" + end[-characters:]


def telling_lines(text: str) -> str:
    """The end of a failed build's output, after those lines before it that name an error."""
    printed = text.rstrip().splitlines()
    last = printed[-_LINES_OF_BUILD:]
    errors = [line for line in printed[:-_LINES_OF_BUILD] if _ERROR.search(line)]
    named = [line[:400] for line in dict.fromkeys(errors) if line not in last][:_MOST_ERRORS]
    end = last_lines(text, _LINES_OF_BUILD)
    return "\n".join([*named, "…", end]) if named else end


def one_line(text: str, most: int = 300) -> str:
    """Hostile text as a part of a sentence, between backticks perhaps; without secrets."""
    line = " ".join(public(printable(text[:_SEARCHED])).replace("`", "'").split())
    return line if len(line) <= most else line[: most - 1] + "…"
