"""What the README says of models is what the code does."""

from __future__ import annotations

from pathlib import Path

from perf_smoke.models.store import user_cache

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text("utf-8")


def test_the_folders_that_a_workflow_caches_are_those_that_models_are_kept_in() -> None:
    section = TEXT.partition("\n## Models\n")[2].partition("\n## ")[0]
    for platform in ("linux", "darwin"):
        folder = user_cache({"HOME": "~"}, user=0, platform=platform)
        assert f"`{folder}`" in section
    assert f"path: |\n            {user_cache({'HOME': '~'}, user=0, platform='linux')}\n" in TEXT
