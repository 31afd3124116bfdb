"""Which outputs does the action have, and what is in them?

One table; scripts/tables writes it into action.yml and the README. What was not measured is empty.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perf_smoke.metrics import METRICS, Metric
from perf_smoke.result import HEAD, HEAD_CRASHES, Comparison, Measurement, Result

if TYPE_CHECKING:
    from perf_smoke.github.comment import CommentOutcome


@dataclass(frozen=True, kw_only=True)
class Published:
    """A Result and where its reports went."""

    result: Result
    comment: CommentOutcome | None
    result_path: Path | None
    report_path: Path | None


@dataclass(frozen=True)
class Output:
    """One row of the table."""

    name: str
    description: str
    value: Callable[[Published], str]


def outputs(
    result: Result,
    *,
    comment: CommentOutcome | None,
    result_path: Path | None,
    report_path: Path | None,
) -> dict[str, str]:
    """The value of every output, in the order of the table.

    Numbers are plain: digits, a dot, no exponent, no grouping.
    """
    published = Published(
        result=result, comment=comment, result_path=result_path, report_path=report_path
    )
    return {row.name: row.value(published) for row in OUTPUTS}


def _plain(number: float | None, digits: int) -> str:
    if number is None or not math.isfinite(number):
        return ""
    text = f"{number:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _median(metric: Metric) -> Callable[[Published], str]:
    def read(published: Published) -> str:
        head = _head(published.result)
        summary = head.summary.get(metric.key) if head else None
        return _plain(summary.median, 3) if summary else ""

    return read


def _fraction(read: Callable[[Comparison], float | None]) -> Callable[[Published], str]:
    def value(published: Published) -> str:
        gravest = published.result.gravest
        return _plain(read(gravest), 6) if gravest else ""

    return value


def _head(result: Result) -> Measurement | None:
    """What head gave for the first workload."""
    workload = next(iter(result.workloads.values()), None)
    return workload.measurements.get(HEAD) if workload else None


def _output_sha256(published: Published) -> str:
    head = _head(published.result)
    return head.output.sha256 if head and head.output else ""


def _pairs(published: Published) -> str:
    gravest = published.result.gravest
    return str(gravest.pairs) if gravest else ""


def _text_changed(published: Published) -> str:
    changed = published.result.text_changed
    return "" if changed is None else str(changed).lower()


def _series(published: Published) -> str:
    return published.result.series.key if published.result.series else ""


_OF_THE_COMMENT: tuple[Output, ...] = (
    Output(
        "comment-status",
        "What became of the pull-request comment, such as `created`, `updated` or `forbidden`.",
        lambda published: published.comment.status if published.comment else "",
    ),
    Output(
        "comment-url",
        "Address of the comment.",
        lambda published: published.comment.url if published.comment else "",
    ),
)
OF_THE_COMMENT = tuple(row.name for row in _OF_THE_COMMENT)
"""The names of the outputs that are known last, when the comment is written."""

OUTPUTS: tuple[Output, ...] = (
    Output(
        "status",
        "`measured`, `failed`, `skipped`, `invalid` or `cancelled`.",
        lambda published: published.result.status,
    ),
    Output(
        "reason",
        "Why it was not measured, or was cut short: a slug such as `engine-crashed`. All are in "
        "docs/REASONS.md.",
        lambda published: published.result.reason,
    ),
    Output(
        "verdict",
        "`slower`, `faster`, `no-change`, `inconclusive`, `not-comparable` or `no-baseline`; "
        f"`{HEAD_CRASHES}` where head's program fails and the base's does not.",
        lambda published: published.result.outcome or "",
    ),
    Output(
        "change",
        "Estimated change of time as a fraction; + is slower.",
        _fraction(lambda comparison: comparison.estimate),
    ),
    Output(
        "change-low",
        "Lower end of the interval that decided.",
        _fraction(lambda comparison: comparison.low),
    ),
    Output(
        "change-high",
        "Upper end of the interval that decided.",
        _fraction(lambda comparison: comparison.high),
    ),
    Output(
        "detectable",
        "The change that this run would have called with 90 % probability, as a fraction.",
        _fraction(lambda comparison: comparison.detectable),
    ),
    Output("pairs", "How many pairs of steps the verdict rests on.", _pairs),
    *(
        Output(metric.key.replace("_", "-"), metric.output, _median(metric))
        for metric in METRICS
        if metric.output
    ),
    Output("output-sha256", "SHA-256 of the greedy output.", _output_sha256),
    Output(
        "text-changed",
        "`true` where head's greedy output is none that the base gave, else `false`; empty where "
        "one of them gave no text.",
        _text_changed,
    ),
    Output(
        "series",
        "Which results may be compared with this one over time: a hash of the engine, the model's "
        "content, features, tokens, threads, prompt, `label` and runtime; of the engine that the "
        "action brings its version too.",
        _series,
    ),
    Output(
        "result-json",
        "Path of the Result document.",
        lambda published: str(published.result_path or ""),
    ),
    Output(
        "report-md",
        "Path of the report.",
        lambda published: str(published.report_path or ""),
    ),
    *_OF_THE_COMMENT,
    Output(
        "cost-seconds",
        "What the smoke itself took, in seconds.",
        lambda published: _plain(published.result.cost.total_s, 3),
    ),
)
