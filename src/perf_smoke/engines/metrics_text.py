"""How an expression finds a number in what a program printed: in time, and the whole of it."""

from __future__ import annotations

import re
import signal
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

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)*(?:[eE][+-]?[0-9]+)?")
_LONGEST = 40
_DECIMALS = re.compile(r",[0-9]+")


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

    `[0-9.]+` stops at the comma of `12,5` and at the exponent of `1e-05`; `.*` before it leaves
    nothing but the last digit.
    """
    start, end = match.span(group)
    nearby = _NUMBER.finditer(match.string, max(0, start - _LONGEST), end + _LONGEST)
    for number in nearby:
        overlaps = number.start() < end and start < number.end()
        if overlaps and (number.start() < start or end < number.end()):
            return number[0]
    # A comma inside the match stands between two values: the expression knows of it.
    decimals = _DECIMALS.match(match.string, end) if end == match.end() else None
    return match[group] + decimals[0] if decimals and "." not in match[group] else ""


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Inside, a TimeoutError is raised after so long: `re` looks for signals while it searches."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"{seconds:g} s")

    handler = signal.signal(signal.SIGALRM, late)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)
