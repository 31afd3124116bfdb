"""How an expression finds a number in what a program printed: in time, and the whole of it."""

from __future__ import annotations

import re
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SEARCHED_CHARACTERS = 65_536
"""So much of a text's end is searched: an unlucky expression takes time that grows faster than its
text."""
SEARCHED_S = 10.0
"""So long is searched at most: the unluckiest expression never comes to an end, and would hold the
job until its runner is stopped."""

_RUN = re.compile(r"[0-9]+(?:[.,][0-9]+)*(?:[eE][+-]?[0-9]+)?")
_ONE_NUMBER = re.compile(
    r"[0-9]+(?:\.[0-9]+)*(?:[eE][+-]?[0-9]+)?"
    r"|[0-9]+,[0-9]+(?:[eE][+-]?[0-9]+)?"  # with a decimal comma
    r"|[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+"  # thousands
)
_CELL_BEFORE = re.compile(r"\S,\Z|^,\Z", re.MULTILINE)
_CELL_BEHIND = re.compile(r",(?=[^\s])")
_LONGEST = 40
_AT_ONCE_S = 1e-3


def last_match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The last place where it matches something. To be called in the main thread.

    Raises:
        TimeoutError: it took longer than SEARCHED_S, which its text is.
    """
    with _at_most(SEARCHED_S):
        # `.*` also matches the nothing behind everything: that is not meant.
        matches = (match for match in pattern.finditer(text[-SEARCHED_CHARACTERS:]) if match[0])
        last = deque(matches, maxlen=1)
    return last[0] if last else None


def number_cut(match: re.Match[str], group: str) -> str:
    """The number of which this group took only a part; empty where it took all of it.

    `[0-9.]+` stops at the comma of `12,5` and at the exponent of `1e-05`, and finds the `5 ms` of
    `12,5 ms`; `.*` before it leaves nothing but the last digit.
    """
    start, end = match.span(group)
    for run in _RUN.finditer(match.string, max(0, start - _LONGEST), end + _LONGEST):
        for first, last in _numbers(run, match):
            overlaps = first < end and start < last
            if overlaps and (first < start or end < last):
                return match.string[first:last]
    return ""


def _numbers(run: re.Match[str], match: re.Match[str]) -> list[tuple[int, int]]:
    """Where the numbers of this run of digits begin and end. A comma parts two of them where the
    run is too long for one or goes on as a list, and where the expression itself names it."""
    text, (first, last) = run.string, run.span()
    in_a_list = _CELL_BEFORE.search(text, max(0, first - 2), first) or _CELL_BEHIND.match(
        text, last
    )
    parted = in_a_list or not _ONE_NUMBER.fullmatch(run[0])
    named = (match.start(), match.end())
    commas = [
        at for at in range(first, last) if text[at] == "," and (parted or named[0] <= at < named[1])
    ]
    return list(zip([first, *(at + 1 for at in commas)], [*commas, last], strict=True))


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Inside, a TimeoutError is raised after so long: `re` looks for signals while it searches.

    The process has one alarm clock. Whoever has set it already (deadline.py) loses no time by the
    search, and ends it where its own time comes first.
    """

    def late(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"{seconds:g} s")

    outer_s, _ = signal.getitimer(signal.ITIMER_REAL)
    if 0 < outer_s <= seconds:
        yield
        return
    began_s = time.monotonic()
    handler = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        left_s = max(_AT_ONCE_S, outer_s - (time.monotonic() - began_s)) if outer_s else 0.0
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, left_s)
