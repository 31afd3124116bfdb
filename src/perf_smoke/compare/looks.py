"""When is the growing row of pairs looked at, and with what error each time?"""

from __future__ import annotations

import functools
import math

from perf_smoke.compare.boundary import limits, rank_information

FEWEST_PAIRS = 11
"""With fewer pairs there is no verdict."""
_PARTS = 8
"""Into how many equal parts the looks divide the pairs that are expected."""
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


def look_planned(pairs: int, looks: tuple[int, ...]) -> bool:
    """Whether measuring may stop after so many pairs because something is decided."""
    return pairs in looks[:-1]


def tail_at_look(pairs: int, looks: tuple[int, ...], alpha: float) -> float:
    """The error on each side that the look after so many pairs may make."""
    taken = [look for look in looks[:-1] if look <= pairs]
    return _tails(tuple(taken), tuple(_spent(look, looks, alpha) for look in taken))[-1]


def tail_at_end(pairs: int, looks: tuple[int, ...], alpha: float) -> float:
    """The error on each side that the test may make after so many pairs where measuring ends there:
    all that the looks before have left of alpha."""
    taken = [look for look in looks[:-1] if look < pairs]
    spending = [_spent(look, looks, alpha) for look in taken]
    return _tails((*taken, pairs), (*spending, alpha))[-1]


def _spent(pairs: int, looks: tuple[int, ...], alpha: float) -> float:
    return alpha * math.pow(pairs / looks[-1], _SPENDING_POWER)


@functools.lru_cache(maxsize=64)
def _tails(pairs: tuple[int, ...], spending: tuple[float, ...]) -> tuple[float, ...]:
    limits_z = limits([rank_information(look) for look in pairs], spending)
    return tuple(math.erfc(z / math.sqrt(2)) / 2 for z in limits_z)
