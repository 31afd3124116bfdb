"""The inputs of report/action.yml, which shows what other jobs have measured.

What they have in common with those of the action itself are the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perf_smoke import parsers
from perf_smoke.inputs import Input, InvalidInputs, parse_each
from perf_smoke.result import CommentWhen, FailOn
from perf_smoke.secret import Secret
from perf_smoke.settings import INPUTS


def lines(value: str) -> tuple[str, ...]:
    """One item a line."""
    return tuple(line.strip() for line in value.splitlines() if line.strip())


def legs(value: str) -> tuple[str, ...]:
    """Names: one a line, or between the commas of a single one; or a JSON array of them, or of
    objects, as a matrix has them."""
    if value.strip().startswith("["):
        try:
            return tuple(
                one if isinstance(one, str) else json.dumps(one, sort_keys=True)
                for one in json.loads(value)
            )
        except (ValueError, RecursionError):
            raise ValueError("must be names, one a line, or a JSON array of them") from None
    several = lines(value)
    return several if len(several) > 1 else parsers.items(value)


_SHARED = {row.name: row for row in INPUTS}

REPORT_INPUTS: tuple[Input, ...] = (
    Input(
        "path",
        "perf-smoke-results",
        lines,
        "Where the documents lie: folders, and what is in them at any depth, or files; one a line. "
        "Relative to the workspace.",
    ),
    Input(
        "legs",
        "",
        legs,
        "All legs that should have come, one a line: of each its `label`, else its values in the "
        "matrix (`arm64, gcc`), else its job. A JSON array of them, or of a matrix's objects, is "
        "taken too. Empty: what did not come is not known.",
    ),
    _SHARED["label"],
    _SHARED["comment"],
    _SHARED["github-token"],
    _SHARED["fail-on"],
    _SHARED["runtime"],
    _SHARED["image"],
    _SHARED["output-dir"],
)


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """The inputs of one report, parsed and checked."""

    path: tuple[str, ...]
    legs: tuple[str, ...]
    label: str
    comment: CommentWhen
    github_token: Secret
    fail_on: tuple[FailOn, ...]
    runtime: str
    image: str
    output_dir: Path | None


def parse(values: Mapping[str, str]) -> ReportSettings:
    """Turn input texts into settings.

    Raises:
        InvalidInputs: with every problem found.
    """
    _, parsed, problems = parse_each(REPORT_INPUTS, values)
    if problems:
        raise InvalidInputs(problems)
    return ReportSettings(**parsed)
