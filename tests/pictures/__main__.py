"""Takes the pictures of docs/pictures anew, and writes into README.md what is seen in them.

Those that are named as arguments, or all.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.pictures import render, run
from tests.pictures.readme import FOLDER, NAMES, README, THEMES, Name, Theme, file, rewritten

_REPORT_WIDTH = 760
_TERMINAL_WIDTH = 840
_SHOWN = 0.85
"""Of that width in README.md, so that the first screen holds the comment."""


@dataclass(frozen=True, kw_only=True)
class _Picture:
    """What is in a picture, for who cannot see it; and its page."""

    seen: str
    width: int
    page: Callable[[Theme], str]


def _of_a_pull_request(folder: Path) -> dict[Name, _Picture]:
    left = run.of_a_pull_request(folder / "pull request")
    title = re.findall(r"^### (.*)$", left.summary, re.MULTILINE)[0].replace("`", "")
    made = _made(left.started)
    return {
        "comment": _Picture(
            seen=f"The comment on a pull request: “{title}”, the interval of the change, and a "
            f"table of base, head and change for each metric. {made}",
            width=_REPORT_WIDTH,
            page=lambda theme: render.report(
                left.comment, theme, title="<b>github-actions</b> bot commented"
            ),
        ),
        "summary": _Picture(
            seen="The job summary of the same run, with the paired differences unfolded: a bar "
            f"chart of how many pairs differed by how much. {made}",
            width=_REPORT_WIDTH,
            page=lambda theme: render.report(left.summary, theme, unfolded="Paired differences"),
        ),
    }


def _at_a_terminal(folder: Path) -> dict[Name, _Picture]:
    left = run.at_a_terminal(folder)
    return {
        "terminal": _Picture(
            seen="perf-smoke run at a terminal, without any input: the times of the demonstration, "
            f"and how they were measured. {_made(left.started)}",
            width=_TERMINAL_WIDTH,
            page=lambda theme: render.terminal(
                "perf-smoke run", left.printed, theme, columns=run.COLUMNS
            ),
        ),
    }


def _made(started: str) -> str:
    return f"Made by scripts/pictures from a real run on {started[:10]}."


def main(names: set[str]) -> None:
    """Measure first; then nothing else runs beside it."""
    if unknown := names - {*NAMES}:
        sys.exit(f"no such picture: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    pictures: dict[Name, _Picture] = {}
    with tempfile.TemporaryDirectory() as folder:
        if names & {"comment", "summary"}:
            pictures |= _of_a_pull_request(Path(folder))
        if "terminal" in names:
            pictures |= _at_a_terminal(Path(folder))
    FOLDER.mkdir(exist_ok=True)
    for name, picture in pictures.items():
        if name in names:
            for theme in THEMES:
                render.picture(picture.page(theme), picture.width, file(name, theme))
            text = README.read_text("utf-8")
            shown = round(_SHOWN * picture.width)
            README.write_text(rewritten(text, name, picture.seen, shown), "utf-8")


if __name__ == "__main__":
    main({*sys.argv[1:]} or {*NAMES})
