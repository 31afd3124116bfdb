"""How is a number written? Three significant digits, a unit, a real minus sign, no locale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypedDict

StoredUnit = Literal["ms", "tps", "mib"]
"""Milliseconds, tokens per second, MiB: in what numbers are kept, and how their names end."""
MINUS = "\N{MINUS SIGN}"
_MOST_PERCENT = 1_000_000
MISSING = "–"
"""Stands where a table has a place for a value that was not measured."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit for writing, and how much of the stored unit it is."""

    name: str
    size: float


_DURATIONS = (
    Unit(name="ns", size=1e-6),
    Unit(name="µs", size=1e-3),
    Unit(name="ms", size=1.0),
    Unit(name="s", size=1e3),
    Unit(name="min", size=60e3),
    Unit(name="h", size=3600e3),
)
_MEMORY = (
    Unit(name="KiB", size=1 / 1024),
    Unit(name="MiB", size=1.0),
    Unit(name="GiB", size=1024.0),
    Unit(name="TiB", size=1024.0**2),
)
_RATE = Unit(name="tok/s", size=1.0)


class _Units(TypedDict):
    """In what each stored unit is written. One that is forgotten here is an error of types."""

    ms: tuple[Unit, ...]
    tps: tuple[Unit, ...]
    mib: tuple[Unit, ...]


_UNITS = _Units(ms=_DURATIONS, tps=(_RATE,), mib=_MEMORY)


def unit_for(stored: StoredUnit, *values: float | None) -> Unit:
    """The unit in which all the values of one row are written: that of the largest."""
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    units = _UNITS[stored]
    if largest == 0:
        return next(unit for unit in units if unit.size == 1)
    # A minute is 60 s, but 90 s reads better than 1.50 min: two of a unit before it is used.
    fitting = [
        unit
        for unit in units
        if _rounded(largest / unit.size) >= (2 if unit.name in ("min", "h") else 1)
    ]
    return max(fitting, key=lambda unit: unit.size, default=units[0])


def three(value: float) -> str:
    """Three significant digits: 54.9, 0.0512, 12,300; 0 stays 0."""
    rounded = _rounded(value)
    if rounded == 0 or not math.isfinite(rounded):
        return f"{rounded:.0f}".removeprefix("-")
    if not 1e-6 <= abs(rounded) < 1e12:
        return f"{rounded:.2e}".replace("-", MINUS)
    digits = max(0, 2 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:,.{digits}f}".replace("-", MINUS)


def quantity(value: float, unit: Unit) -> str:
    """The number with its unit."""
    return f"{three(value / unit.size)} {unit.name}"


def memory(mib: float) -> str:
    """165 MiB, 1.16 GiB."""
    return quantity(mib, unit_for("mib", mib))


def about(count: int) -> int:
    """A number that is only roughly known, rounded up to two digits: 1,200."""
    step = int(10 ** max(0, len(str(count)) - 2))
    return math.ceil(count / step) * step


def budget(value_s: float) -> str:
    """A time as the input `budget` takes it, rounded up: 25 s, 10 m."""
    if value_s <= 120:
        return f"{max(1, math.ceil(value_s / 5)) * 5} s"
    return f"{math.ceil(value_s / 60)} m"


def limit(value_s: float) -> str:
    """A bound as an input takes it: 2 h, 90 m, 45 s."""
    for unit_s, unit in ((3600, "h"), (60, "m")):
        if value_s >= unit_s and value_s % unit_s == 0:
            return f"{value_s / unit_s:g} {unit}"
    return f"{value_s:.3g} s" if value_s < 1000 else f"{value_s:.0f} s"


def percent(fraction: float) -> str:
    """The size of a change, without its sign: 6.8 %, 123 %."""
    return _signed(abs(fraction), plus="") + " %"


def change(fraction: float) -> str:
    """A change with its sign: +6.8 %, −0.9 %, 0.0 %."""
    return _signed(fraction) + " %"


def interval(low: float, high: float) -> str:
    """−0.9 … +1.2 %."""
    return f"{_signed(low)} … {_signed(high)} %"


def sizes(low: float, high: float) -> str:
    """An interval of one sign, when words give the direction: 3.9 … 9.6 %."""
    first, last = sorted((abs(low), abs(high)))
    return f"{_signed(first, plus='')} … {_signed(last, plus='')} %"


def share(fraction: float) -> str:
    """A number that somebody chose, such as a margin or a level: 5 %, 2.5 %, 99 %."""
    return f"{round(fraction * 100, 6):g} %"


def _signed(fraction: float, plus: str = "+") -> str:
    """In percent: one decimal, none from 100 on, and no number of more than seven digits; zero has
    no sign."""
    value = fraction * 100
    if value > _MOST_PERCENT:
        return f"more than {plus}{_MOST_PERCENT:,}"
    text = f"{abs(value):,.0f}" if round(abs(value), 1) >= 100 else f"{abs(value):.1f}"
    if text == "0.0":
        return text
    return (plus if value > 0 else MINUS) + text


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
