"""One report of what several jobs left: read, put together, written.

Of a single result it is that result's own report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from perf_smoke import documents
from perf_smoke.redaction import public, published
from perf_smoke.report import legs as legs_view
from perf_smoke.report import markdown, verdict
from perf_smoke.report.legs import Absent, Legs
from perf_smoke.report.legs_story import beginning, legs_story
from perf_smoke.report.parts import Part
from perf_smoke.report.story import Links, story
from perf_smoke.report.view import View
from perf_smoke.result import FailOn, Result

NO_LIMIT = 2**62
"""Bytes: where nothing need be left out."""


@dataclass(frozen=True, kw_only=True)
class Combined:
    """What several jobs found, and how it is told."""

    legs: Legs
    label: str = ""
    fail_on: tuple[FailOn, ...] = ()
    is_of_other_runs: bool = False
    """Whether all that came is of other runs than this report is about."""
    refused: tuple[str, ...] = ()
    """Why some documents are not shown, as sentences."""

    @property
    def results(self) -> list[Result]:
        """Those that are shown, the gravest first."""
        return [view.result for view in self.legs.came]

    def annotation(self) -> tuple[str, str]:
        """Title and message, each a plain line."""
        if only := self._only:
            return verdict.annotation(only)
        return legs_view.annotation(self.legs, self.label)

    def markdown(self, links: Links) -> Callable[[int], str]:
        """The report, by the room that there is for it: UTF-8 bytes."""
        if only := self._only:
            text = markdown.render(only, links)
            return lambda _: text
        told = legs_story(self.legs, links, label=self.label, fail_on=self.fail_on)
        return markdown.LegsReport.of(told).within

    def parts(self) -> tuple[Part, ...]:
        """For a terminal: without each leg's own report."""
        if only := self._only:
            return story(View.of(only), Links())
        return beginning(self.legs, self.label)

    @property
    def _only(self) -> Result | None:
        alone = len(self.legs.legs) == len(self.results) == 1 and not self.legs.notes
        return self.results[0] if alone else None


def combine(
    paths: Sequence[Path],
    *,
    expected: Sequence[str],
    why_not: Callable[[Result], str],
    label: str = "",
    fail_on: tuple[FailOn, ...] = (),
) -> Combined:
    """Read the documents that lie there, and put them together.

    Args:
        expected: the names of all legs; empty where they are not known.
        why_not: why a result is not to be shown, as the end of a sentence; empty where it is.
    """
    found = documents.read_all(paths)
    # Whoever wrote them did not know the secrets of this place.
    results = list(map(published, found.results))
    reasons = [(result, why_not(result)) for result in results]
    strangers = [(Legs.of([result]).legs[0].name, why) for result, why in reasons if why]
    absent = [
        *(
            Absent(
                name=public(one.name),
                why="no valid result",
                sentence=public(one.sentence.removeprefix(f"{one.name} ")),
            )
            for one in found.refused
        ),
        *(
            Absent(name=name, why="of another run", sentence=f"Its result {why}.")
            for name, why in strangers
        ),
    ]
    legs = Legs.of(
        [result for result, why in reasons if not why],
        absent=absent,
        expected=expected,
        notes=found.notes,
    )
    return Combined(
        legs=legs,
        label=label,
        fail_on=fail_on,
        is_of_other_runs=bool(strangers) and not legs.came,
        refused=tuple(one.sentence for one in found.refused),
    )
