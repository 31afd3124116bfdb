"""What README.md, action.yml and the pages repeat of the code is as scripts/tables writes it."""

from __future__ import annotations

import runpy
from pathlib import Path

TABLES = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "tables"))
TEXTS = {str(file.relative_to(TABLES["ROOT"])): file.read_text("utf-8") for file in TABLES["FILES"]}


def test_running_it_would_change_nothing() -> None:
    changed = [name for name, text in TEXTS.items() if TABLES["rewritten"](text) != text]
    assert changed == [], "run scripts/tables"


def test_every_block_stands_where_it_is_read() -> None:
    pages = "".join(text for name, text in TEXTS.items() if name.endswith(".md"))
    absent = [name for name, block in TABLES["MARKDOWN"].items() if f"\n{block}\n" not in pages]
    actions = "".join(text for name, text in TEXTS.items() if name.endswith("action.yml"))
    absent += [name for name, block in TABLES["YAML"].items() if f"\n{block}\n" not in actions]
    assert absent == []
