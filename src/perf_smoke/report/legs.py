"""What do the results of several jobs say together? A row for each leg, and for each question of
one; the gravest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from perf_smoke import numbers
from perf_smoke.report import failure, verdict
from perf_smoke.report.canary import differing
from perf_smoke.report.parts import (
    Sentence,
    join,
    quoted,
    sentence,
)
from perf_smoke.report.untrusted import visible_line
from perf_smoke.report.view import View
from perf_smoke.result import GRAVEST_FIRST, HEAD_CRASHES, Comparison, Result

NOT_MEASURED = "not-measured"
OUTCOMES: tuple[str, ...] = (
    HEAD_CRASHES,
    *GRAVEST_FIRST[:2],  # slower, not-comparable
    NOT_MEASURED,
    *GRAVEST_FIRST[2:],
)
"""What may become of a leg, the gravest first."""

SHORT = {
    HEAD_CRASHES: "crashing",
    "not-comparable": "not comparable",
    NOT_MEASURED: "not measured",
    "no-baseline": "not compared",
    "no-change": "unchanged",
}
"""In a headline, with the number of legs before it."""
LONGEST_NAME = 60


@dataclass(frozen=True, kw_only=True)
class Absent:
    """A leg of which there is no result that can be shown."""

    name: str
    """Hostile text."""
    why: str
    """In a table's cell: `no result came`."""
    sentence: str = ""
    """The whole reason, where there is more to tell. Hostile text."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    outcome: str
    """One of OUTCOMES."""
    size: float
    """Of the change, without its sign."""
    name: str
    said: str
    change: Sentence

    @property
    def order(self) -> tuple[int, float, str]:
        """Least is first."""
        return OUTCOMES.index(self.outcome), -self.size, self.name


@dataclass(frozen=True, kw_only=True)
class Leg:
    """What became of one job."""

    name: str
    rows: tuple[Row, ...]
    """The gravest first; at least one."""
    view: View | None
    """None where there is no result."""
    reason: Sentence
    """Why it was not measured."""

    @property
    def outcome(self) -> str:
        """The gravest of its rows."""
        return self.rows[0].outcome


@dataclass(frozen=True, kw_only=True)
class Legs:
    """The results of several jobs, as their common report sees them."""

    legs: tuple[Leg, ...]
    """The gravest first."""
    expected: int
    """How many legs were expected by name; 0: that is not known."""
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        results: Sequence[Result],
        *,
        absent: Sequence[Absent] = (),
        expected: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> Legs:
        """Everything, computed once. The order of the results makes no difference.

        Args:
            absent: of which something came that cannot be shown.
            expected: the names of all legs; empty where they are not known.
        """
        views = sorted(map(View.of, results), key=_content)
        names = _told_apart(views)
        known = {name for view in views for name in _names(view)}
        known |= {*names, *(one.name for one in absent)}
        wanted = dict.fromkeys(map(verdict.values_of, expected))
        missing = [Absent(name=name, why="no result came") for name in wanted if name not in known]
        legs = (
            *(_measured(view, name) for view, name in zip(views, names, strict=True)),
            *map(_absent, (*missing, *absent)),
        )
        return cls(
            legs=tuple(sorted(legs, key=lambda leg: leg.rows[0].order)),
            expected=len(wanted),
            notes=tuple(notes),
        )

    @property
    def rows(self) -> list[Row]:
        """Of all legs, the gravest first."""
        return sorted((row for leg in self.legs for row in leg.rows), key=lambda row: row.order)

    @property
    def counts(self) -> dict[str, int]:
        """How many legs came out how, the gravest first."""
        counts = Counter(leg.outcome for leg in self.legs)
        return {outcome: counts[outcome] for outcome in OUTCOMES if counts[outcome]}

    @property
    def headline(self) -> str:
        """`1 of 6 slower`."""
        if not self.legs:
            return "no result came"
        gravest, number = next(iter(self.counts.items()))
        return f"{number} of {len(self.legs)} {SHORT.get(gravest, gravest)}"

    @property
    def came(self) -> list[View]:
        """The results themselves."""
        return [leg.view for leg in self.legs if leg.view]

    @property
    def missing(self) -> list[str]:
        """The names of the legs of which there is no result that can be shown."""
        return [leg.name for leg in self.legs if leg.view is None]


def annotation(legs: Legs, label: str) -> tuple[str, str]:
    """Title and message, each a plain line: the headline, and the gravest leg."""
    title = " ".join(filter(None, ("perf-smoke", visible_line(label, LONGEST_NAME))))
    first = next(iter(legs.rows), None)
    if first is None:
        return title, legs.headline
    change = "".join(span.text for span in first.change)
    size = f", {change}" if change not in ("", numbers.MISSING) else ""
    name = visible_line(first.name, 2 * LONGEST_NAME)
    return title, f"{legs.headline}: {name}: {first.said}{size}"


def _measured(view: View, name: str) -> Leg:
    result = view.result
    crashes = failure.head_crashes(view)
    said = verdict.outcome(view)
    if result.status != "measured":
        row = Row(
            outcome=HEAD_CRASHES if crashes else NOT_MEASURED,
            size=0.0,
            name=name,
            said="head crashes" if crashes and not said.startswith("head") else said,
            change=sentence(numbers.MISSING),
        )
        reason = quoted(result.failure.sentence, 300) if result.failure else ()
        return Leg(name=name, rows=(row,), view=view, reason=reason)
    rows = [_answer(view, one, name) for one in view.questions]
    alone = Row(
        outcome="no-baseline",
        size=0.0,
        name=name,
        said=said,
        change=sentence(numbers.MISSING),
    )
    reason = join(
        quoted(lost.sentence, 300) for lost in (() if rows else result.lost_bases.values())
    )
    in_order = sorted(rows or [alone], key=lambda row: row.order)
    return Leg(name=name, rows=tuple(in_order), view=view, reason=reason)


def _answer(view: View, comparison: Comparison, name: str) -> Row:
    workload = next(one for one in view.workloads if one.name == comparison.workload)
    base = workload.base_of(comparison)
    since = "".join(span.text for span in base.called) if len(workload.bases) > 1 else ""
    subject = [view.subject(comparison)] if view.several else []
    word = verdict.word(comparison)
    return Row(
        outcome=comparison.verdict,
        size=abs(comparison.log_ratio or 0.0),
        name=": ".join([name, *subject]) + (f", since {since}" if since else ""),
        said=f"{word}, other output" if differing(workload) else word,
        change=_change(comparison),
    )


def _change(comparison: Comparison) -> Sentence:
    low, high, size = comparison.low, comparison.high, comparison.estimate
    if comparison.verdict == "not-comparable" or size is None:
        return sentence(numbers.MISSING)
    if low is None or high is None:
        return sentence(numbers.change(size))
    interval = numbers.interval(low, high).removesuffix(" %")
    return sentence(numbers.change(size), f" ({interval})")


def _absent(absent: Absent) -> Leg:
    row = Row(
        outcome=NOT_MEASURED,
        size=0.0,
        name=absent.name,
        said=f"not measured: {absent.why}",
        change=sentence(numbers.MISSING),
    )
    return Leg(name=absent.name, rows=(row,), view=None, reason=quoted(absent.sentence, 300))


def _content(view: View) -> str:
    """An order of results that is theirs alone."""
    result = view.result
    return repr((result.leg, result.settings, result.started, result.comparisons, result.failure))


def _told_apart(views: Sequence[View]) -> list[str]:
    """A name for each leg: the shortest one that no other leg has."""
    ladders = [list(_names(view)) for view in views]
    names = [ladder[0] for ladder in ladders]
    counts = Counter(names)
    names = [
        name if counts[name] == 1 else ladder[-1]
        for name, ladder in zip(names, ladders, strict=True)
    ]
    return list(_numbered(names))


def _numbered(names: Iterable[str]) -> Iterator[str]:
    """What is still the same gets a number."""
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})"


def _names(view: View) -> tuple[str, ...]:
    """By which a leg may be known, the shortest first: its label, its place in the matrix, its job;
    and all of it together."""
    leg, label = view.result.leg, view.result.settings.get("label", "")
    job = " / ".join(filter(None, (leg.workflow, leg.job))) if leg else ""
    place = verdict.place_of(leg)
    parts = dict.fromkeys(filter(None, (label, place, job)))
    whole = ", ".join(parts)
    alone = (leg.job,) if leg and leg.job and not leg.matrix else ()
    return (*parts, *alone, whole) if parts else ("a leg without a name",)
