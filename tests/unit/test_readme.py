"""What the README says of models is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from perf_smoke.models.store import user_cache

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text("utf-8")


def test_every_message_of_the_table_of_what_is_missing_is_one_that_is_said() -> None:
    section = TEXT.partition("\n## When something is missing\n")[2].partition("\n## ")[0]
    messages = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    assert len(messages) >= 10
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "runtime").iterdir()]
    # A sentence may go on in the next line of the code.
    sources = "".join(
        re.sub(r'"\s*f?"', "", file.read_text("utf-8")) for file in files if file.is_file()
    )
    assert [message for message in messages if message not in sources] == []


def test_the_folders_that_a_workflow_caches_are_those_that_models_are_kept_in() -> None:
    section = TEXT.partition("\n## Models\n")[2].partition("\n## ")[0]
    for platform in ("linux", "darwin"):
        folder = user_cache({"HOME": "~"}, user=0, platform=platform)
        assert f"`{folder}`" in section
    assert f"path: |\n            {user_cache({'HOME': '~'}, user=0, platform='linux')}\n" in TEXT
