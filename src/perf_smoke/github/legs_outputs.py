"""Which outputs does report/action.yml have, and what is in them?"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perf_smoke.github.outputs import OUTPUTS
from perf_smoke.result import Status, Verdict

if TYPE_CHECKING:
    from perf_smoke.github.comment import CommentOutcome

_DESCRIPTIONS = {row.name: row.description for row in OUTPUTS}


@dataclass(frozen=True, kw_only=True)
class PublishedLegs:
    """What several jobs found, and where it was shown."""

    status: Status
    reason: str
    verdict: Verdict | None
    came: int
    missing: Sequence[str]
    counts: Mapping[str, int]
    report_path: Path | None = None
    comment: CommentOutcome | None = None


@dataclass(frozen=True)
class LegsOutput:
    """One row of the table."""

    name: str
    description: str
    value: Callable[[PublishedLegs], str]


def legs_outputs(published: PublishedLegs) -> dict[str, str]:
    """The value of every output, in the order of the table."""
    return {row.name: row.value(published) for row in LEGS_OUTPUTS}


LEGS_OUTPUTS: tuple[LegsOutput, ...] = (
    LegsOutput(
        "status",
        "`measured` when every leg was; `skipped` when there is no result at all; else `failed`.",
        lambda published: published.status,
    ),
    LegsOutput(
        "reason",
        "Why the gravest leg that was not measured was not: a slug, as the action's own.",
        lambda published: published.reason,
    ),
    LegsOutput(
        "verdict",
        "The gravest verdict of all legs that were measured.",
        lambda published: published.verdict or "",
    ),
    LegsOutput("legs", "How many results there are.", lambda published: str(published.came)),
    LegsOutput(
        "missing",
        "The legs without a result that can be shown, as a JSON array of names.",
        lambda published: json.dumps(list(published.missing)),
    ),
    LegsOutput(
        "counts",
        'How many legs came out how, as JSON: `{"slower": 1, "no-change": 5}`. Beside the '
        "verdicts there are `head-crashes` and `not-measured`.",
        lambda published: json.dumps(dict(published.counts)),
    ),
    LegsOutput(
        "report-md",
        _DESCRIPTIONS["report-md"],
        lambda published: str(published.report_path or ""),
    ),
    LegsOutput(
        "comment-status",
        _DESCRIPTIONS["comment-status"],
        lambda published: published.comment.status if published.comment else "",
    ),
    LegsOutput(
        "comment-url",
        _DESCRIPTIONS["comment-url"],
        lambda published: published.comment.url if published.comment else "",
    ),
)
