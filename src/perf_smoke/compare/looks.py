"""When is the growing row of pairs looked at, and with what error each time?"""

from __future__ import annotations

import functools
import math

from perf_smoke.compare.boundary import limits, rank_information
from perf_smoke.result import Extension

FEWEST_PAIRS = 11
"""With fewer pairs there is no verdict."""
_PARTS = 8
"""Into how many equal parts the looks divide the pairs that are expected."""
_EXTENSION_PARTS = 4
"""The same for the pairs of an extension."""
_FIRST_LOOK = 12
"""No look is taken after fewer pairs than these."""
_SPENDING_POWER = 1.5
"""Up to the share t of the expected pairs, alpha · t^1.5 is spent (Kim & DeMets 1987)."""


def plan(pairs_expected: int) -> tuple[int, ...]:
    """The numbers of pairs at which to look; the last is the expected end. Empty where no pair is
    expected.

    The end itself may come earlier or later: what is left of alpha is spent where it comes.
    """
    if pairs_expected < 1:
        return ()
    ends = [math.ceil(pairs_expected * part / _PARTS) for part in range(1, _PARTS)]
    return (
        *sorted({pairs for pairs in ends if _FIRST_LOOK <= pairs < pairs_expected}),
        pairs_expected,
    )


def plan_extension(pairs: int, pairs_expected: int) -> tuple[int, ...]:
    """The looks of a run that goes on after so many pairs, up to the expected end; the first is
    where it goes on. Empty where no further pair is expected."""
    more = pairs_expected - pairs
    if more < 1:
        return ()
    parts = range(_EXTENSION_PARTS + 1)
    return tuple(sorted({pairs + math.ceil(more * part / _EXTENSION_PARTS) for part in parts}))


def look_planned(pairs: int, looks: tuple[int, ...], extension: Extension | None = None) -> bool:
    """Whether measuring may stop after so many pairs because something is decided."""
    return pairs in _before_the_end(looks, extension)


def next_look(after: int, looks: tuple[int, ...], extension: Extension | None = None) -> int | None:
    """The first planned look after more pairs than these, the end left aside."""
    return min((look for look in _before_the_end(looks, extension) if look > after), default=None)


def tail_at_look(
    pairs: int, looks: tuple[int, ...], alpha: float, extension: Extension | None = None
) -> float:
    """The error on each side that the look after so many pairs may make."""
    taken = [row for row in _spending(looks, alpha, extension) if row[0] <= pairs]
    return _tails(tuple(taken))[-1]


def tail_at_end(
    pairs: int, looks: tuple[int, ...], alpha: float, extension: Extension | None = None
) -> float:
    """The error on each side that the test may make after so many pairs where measuring ends there:
    all that the looks before have left of alpha. What is kept for an extension is left where the
    run does not go on: whether it does depends on the pairs."""
    taken = [row for row in _spending(looks, alpha, extension) if row[0] < pairs]
    extended = extension is None or extension.looks
    return _tails((*taken, (pairs, alpha if extended else _of_budget(alpha, extension))))[-1]


def _before_the_end(looks: tuple[int, ...], extension: Extension | None) -> tuple[int, ...]:
    """The looks before the expected end; where the run went on is none, as the budget ended it."""
    if extension is None or not extension.looks:
        return looks[:-1]
    turn, *later = extension.looks
    return (*(look for look in looks[:-1] if look < turn), *later[:-1])


def _spending(
    looks: tuple[int, ...], alpha: float, extension: Extension | None
) -> list[tuple[int, float]]:
    """The looks before the end, and what may be spent of alpha up to each."""
    in_budget = _of_budget(alpha, extension)
    rows = [(look, in_budget * _share(look, looks[-1])) for look in looks[:-1]]
    if extension is None or not extension.looks:
        return rows
    turn, *later, end = extension.looks
    return [
        *(row for row in rows if row[0] < turn),
        (turn, in_budget),
        *(
            (look, in_budget + (alpha - in_budget) * _share(look - turn, end - turn))
            for look in later
        ),
    ]


def _of_budget(alpha: float, extension: Extension | None) -> float:
    return alpha * (1 - extension.alpha_share) if extension else alpha


def _share(pairs: int, expected: int) -> float:
    return math.pow(pairs / expected, _SPENDING_POWER)


@functools.lru_cache(maxsize=64)
def _tails(rows: tuple[tuple[int, float], ...]) -> tuple[float, ...]:
    """`rows`: the looks, and what may be spent up to each."""
    limits_z = limits([rank_information(look) for look, _ in rows], [spent for _, spent in rows])
    return tuple(math.erfc(z / math.sqrt(2)) / 2 for z in limits_z)
