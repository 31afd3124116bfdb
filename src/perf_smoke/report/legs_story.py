"""In which order is the common report of several jobs told?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from perf_smoke.report import verdict
from perf_smoke.report.legs import (
    LONGEST_NAME,
    NOT_MEASURED,
    OUTCOMES,
    SHORT,
    Leg,
    Legs,
    Row,
)
from perf_smoke.report.parts import (
    Folded,
    Foot,
    Items,
    Part,
    Sentence,
    Table,
    Title,
    also,
    code,
    join,
    quoted,
    sentence,
    strong,
)
from perf_smoke.report.story import Links, story, where_to_go_on
from perf_smoke.report.untrusted import visible_line
from perf_smoke.report.view import View, counting
from perf_smoke.result import HEAD_CRASHES, FailOn

_TONES: dict[str, Literal["good", "bad"]] = {
    HEAD_CRASHES: "bad",
    NOT_MEASURED: "bad",
    "faster": "good",
    "no-change": "good",
}
_SHOWN_ROWS = 12
"""How many are seen at once; the others are folded."""
_MOST_ROWS = 400
_MOST_SENTENCES = 10


@dataclass(frozen=True, kw_only=True)
class LegsStory:
    """The order in which it is told. A writer that has not the room for all reports leaves out the
    last ones."""

    before: tuple[Part, ...]
    reports: tuple[Folded, ...]
    """Each leg's own, the gravest first."""
    after: tuple[Part, ...]


def legs_story(legs: Legs, links: Links, *, label: str, fail_on: Sequence[FailOn]) -> LegsStory:
    """The gravest first; what is missing; then each leg by itself."""
    return LegsStory(
        before=beginning(legs, label),
        reports=tuple(
            Folded(
                sentence(code(leg.name), f": {_became(leg, leg.view)}"),
                # Its own title and last line are said for all of them.
                tuple(
                    part for part in story(leg.view, links) if not isinstance(part, Title | Foot)
                ),
            )
            for leg in legs.legs
            if leg.view
        ),
        after=(Foot(_consequence(fail_on), where_to_go_on(links)),),
    )


def _became(leg: Leg, view: View) -> str:
    """What its own report would have as its title."""
    unmeasured = view.result.status != "measured"
    return leg.rows[0].said if unmeasured else verdict.outcome(view)


def beginning(legs: Legs, label: str) -> tuple[Part, ...]:
    """What is told of all of them."""
    rows = legs.rows
    shown, rest = rows[:_SHOWN_ROWS], rows[_SHOWN_ROWS:_MOST_ROWS]
    gravest = legs.legs[0].outcome if legs.legs else NOT_MEASURED
    title = Title(
        text=sentence("perf-smoke", *also(" ", label, LONGEST_NAME), f": {legs.headline}"),
        tone=_TONES.get(gravest, "doubt"),
    )
    reasons = [sentence(code(leg.name), ": ", *leg.reason) for leg in legs.legs if leg.reason]
    more = len(reasons) - _MOST_SENTENCES
    if more > 0:
        reasons[_MOST_SENTENCES:] = [sentence(f"{more} more, in the reports below.")]
    return (
        title,
        _how_many(legs),
        *([_table(shown, rows[0])] if shown else []),
        *([Folded(_summed_up(rows, rest), (_table(rest, rows[0]),))] if rest else []),
        *([Items(tuple(reasons))] if reasons else []),
        *(sentence("Note: ", *quoted(note, 500)) for note in legs.notes[:_MOST_SENTENCES]),
    )


def left_out(reports: int) -> Sentence:
    """Instead of the reports for which there is no room."""
    legs = counting(reports, "more leg")
    return sentence(
        f"No room here for the {'report' if reports == 1 else 'reports'} of {legs}: ",
        code("report.md"),
        " has all.",
    )


def _consequence(fail_on: Sequence[FailOn]) -> Sentence:
    if not fail_on:
        return sentence("Informational: this check never blocks a merge.")
    return sentence(
        code(f"fail-on: {','.join(fail_on)}"), ": this step fails where it applies to a leg."
    )


def _how_many(legs: Legs) -> Sentence:
    came, questions = len(legs.came), [one for view in legs.came for one in view.questions]
    results = counting(came, "result")
    said = (
        f"{results} came, {legs.expected} legs were expected."
        if legs.expected
        else f"{results} came."
    )
    wrong = sum(one.rule.alpha for one in questions)
    answers = counting(len(questions), "answer")
    if not questions:
        sure = ""
    elif wrong <= 0.5:
        sure = f"{answers}: together they are wrong in at most 1 run of {1 / wrong:,.0f}."
    else:
        sure = f"{answers}: with so many, up to {wrong:.1f} wrong ones are to be expected in a run."
    return join([sentence(said), sentence(sure)])


def _summed_up(rows: Sequence[Row], rest: Sequence[Row]) -> Sentence:
    counts = Counter(row.outcome for row in rest)
    said = [f"{counts[one]} {SHORT.get(one, one)}" for one in OUTCOMES if counts[one]]
    unseen = len(rows) - _SHOWN_ROWS - len(rest)
    also_unseen = f", and {counting(unseen, 'row')} for which there is no room" if unseen else ""
    return sentence(f"{counting(len(rest), 'more row')}: {', '.join(said)}{also_unseen}")


def _table(rows: Sequence[Row], gravest: Row) -> Table:
    def cells(row: Row) -> tuple[Sentence, ...]:
        name = visible_line(row.name, 2 * LONGEST_NAME)
        if row.order != gravest.order:
            return sentence(name), sentence(row.said), row.change
        change = tuple(
            replace(span, kind="strong") if number == 0 else span
            for number, span in enumerate(row.change)
        )
        return sentence(strong(name)), sentence(strong(row.said)), change

    return Table(columns=(sentence("verdict"), sentence("change")), rows=tuple(map(cells, rows)))
