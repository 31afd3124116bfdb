"""The README's tables are those of the code."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from perf_smoke.github.outputs import OUTPUTS
from perf_smoke.models.store import user_cache
from perf_smoke.settings import INPUTS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text("utf-8")


def test_scripts_tables_would_change_nothing() -> None:
    rewritten = runpy.run_path(str(ROOT / "scripts" / "tables"))["rewritten"]
    assert rewritten(TEXT) == TEXT


def test_both_tables_are_there_with_every_name() -> None:
    for name, rows in (("inputs", INPUTS), ("outputs", OUTPUTS)):
        found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", TEXT, re.DOTALL)
        assert found
        assert re.findall(r"^\| `([^`]+)` ", found[1], re.MULTILINE) == [row.name for row in rows]


def test_the_folders_that_a_workflow_caches_are_those_that_models_are_kept_in() -> None:
    section = TEXT.partition("\n## Models\n")[2].partition("\n## ")[0]
    for platform in ("linux", "darwin"):
        folder = user_cache({"HOME": "~"}, user=0, platform=platform)
        assert f"`{folder}`" in section
    assert f"path: |\n            {user_cache({'HOME': '~'}, user=0, platform='linux')}\n" in TEXT
