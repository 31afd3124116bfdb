"""What people read, held to the letter."""

from __future__ import annotations

import pytest

from perf_smoke.report import markdown, view
from tests.unit.report import golden, runs


def test_reports_read_as_their_golden_files() -> None:
    """`make golden` writes them anew: read what has changed."""
    files = {path.name: path.read_text(encoding="utf-8") for path in golden.FOLDER.iterdir()}
    assert golden.reports() == files


def test_every_stage_is_entered_once_in_a_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[str] = []
    for module, name in ((view.View, "of"), (markdown, "story")):
        whole = getattr(module, name)

        def counting(*args: object, name: str = name, whole: object = whole) -> object:
            entered.append(name)
            return whole(*args)  # type: ignore[operator]

        monkeypatch.setattr(module, name, counting)
    markdown.render(runs.questions())
    assert entered == ["of", "story"]
