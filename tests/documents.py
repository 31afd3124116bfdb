"""Documents of the legs of a matrix, for the tests of what shows them together."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

from perf_smoke import result_file
from perf_smoke.result import HEAD, Failure, Leg, Result, Side
from tests.unit.report import runs

SHA = "3f1c9ab27d5e4c6f8a9b0c1d2e3f405162738495"
"""The commit that the legs are of."""


@functools.cache
def _compared(slower_by: float, pairs: int, seed: int) -> Result:
    return runs.two(slower_by=slower_by, pairs=pairs, steps={"seed": seed})


def leg(
    name: str = "gcc",
    *,
    slower_by: float = 0.0,
    pairs: int = 24,
    seed: int = 1,
    result: Result | None = None,
    **changes: Any,
) -> Result:
    """One leg of a matrix, by the name of its compiler.

    Args:
        result: of which the leg is; two sides, if none is given.
        changes: of the document's `leg`.
    """
    values: dict[str, Any] = {
        "repository": "acme/engine",
        "event": "pull_request",
        "workflow": "perf",
        "job": "bench",
        "matrix": json.dumps({"cc": name}),
        "run_id": 7,
        "attempt": 1,
        "head_sha": SHA,
    }
    document = result or _compared(slower_by, pairs, seed)
    return dataclasses.replace(document, leg=Leg(**{**values, **changes}))


def of_commit(document: Result, commit: str, *parents: str) -> Result:
    """The same, measured in a checkout of this commit."""
    head = dataclasses.replace(document.sides[HEAD], commit=commit, parents=parents)
    return dataclasses.replace(document, sides={**document.sides, HEAD: head})


def failed(reason: str, sentence: str = "It did not work.", **sides: Side) -> Result:
    """A run that came to nothing."""
    failure = Failure(reason=reason, sentence=sentence)  # type: ignore[arg-type]
    return runs.result(status="failed", failure=failure, sides=sides)


def put(folder: Path, *documents: Result) -> Path:
    """Write them as artifacts lie in a folder: each in one of its own."""
    for number, document in enumerate(documents):
        place = folder / f"perf-smoke-{number}"
        place.mkdir(parents=True)
        result_file.write(document, place / "result.json")
    return folder
