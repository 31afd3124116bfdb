"""docs/FAULTS.md: what came of each fault.

`make faults` makes it anew, to be read in review; a test holds what a run does to it.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.e2e.faults import EVERY
from tests.e2e.job import JOB_FOLDER, ROOT, WORKSPACE, Outcome
from tests.runner_log import commands

DOCUMENT = ROOT / "docs" / "FAULTS.md"
_HEAD = """# Faults

What a reader sees when something goes wrong, and how the step ends: made by the test run, from the
action as a runner starts it (`make faults`; the faults are in `tests/e2e/faults.py`, and
`tests/e2e/test_fault_table.py` holds each row). `#` stands for a number that differs each time.

| fault | what the reader sees | status | reason | exit code |
| --- | --- | --- | --- | --: |
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What came of one."""

    fault: str
    seen: str
    """The first annotation: what a reader sees on the page of the run."""
    status: str
    reason: str
    code: int
    """With which the step ended."""

    @classmethod
    def of(cls, fault: str, outcome: Outcome) -> Row:
        """The row of a step that has ended."""
        return cls(
            fault=fault,
            seen=_seen(outcome),
            status=outcome.status,
            reason=outcome.reason,
            code=outcome.code,
        )


def _seen(outcome: Outcome) -> str:
    """The annotation, without what differs from one run to the next."""
    annotations = [line for line in commands(outcome.log) if re.match("::(error|warn|not)", line)]
    text = re.sub(r"^::(\w+) [^:]*::", r"\1: ", annotations[0]) if annotations else ""
    text = text.replace("%0A", " ").replace("%25", "%")
    text = re.sub(rf"/\S*/job \d+/{JOB_FOLDER}(/{WORKSPACE})?", "…", text)
    text = re.sub(r"/[^ ]*/perf-smoke[-.][\w./-]*", "…", text)
    return re.sub(r"\d+(\.\d+)? (ms|s|min|MiB|GiB|tok/s)\b", r"# \2", text)


def written(rows: Iterable[Row]) -> str:
    """The document."""
    return _HEAD + "".join(f"| {' | '.join((_cell(row.fault), *cells(row)))} |\n" for row in rows)


def read() -> dict[str, tuple[str, ...]]:
    """The cells of each row of the document, by the name of the fault."""
    text = DOCUMENT.read_text("utf-8") if DOCUMENT.exists() else ""
    rows = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")][2:]
    return {name: tuple(cells) for name, *cells in rows}


def cells(row: Row) -> tuple[str, ...]:
    """A row as the document has it, but for its name."""
    return tuple(map(_cell, (row.seen, row.status, row.reason, str(row.code))))


def expect(row: Row) -> None:
    """That the document has this row; under `make faults`, have it so."""
    if folder := os.environ.get("PERF_SMOKE_FAULTS"):
        name = re.sub(r"\W+", "-", row.fault)
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(folder, f"{name}.json").write_text(json.dumps(asdict(row)), "utf-8")
    else:
        assert cells(row) == read().get(row.fault), "if it is better now: make faults"


def _collected(folder: Path) -> Sequence[Row]:
    rows = [Row(**json.loads(path.read_text("utf-8"))) for path in folder.iterdir()]
    places = {fault.name: place for place, fault in enumerate(EVERY)}
    return sorted(rows, key=lambda row: (places.get(row.fault, len(places)), row.fault))


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


if __name__ == "__main__":
    DOCUMENT.write_text(written(_collected(Path(sys.argv[1]))), "utf-8")
