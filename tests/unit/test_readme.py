"""What the README says and shows is what there is."""

from __future__ import annotations

import re
from pathlib import Path

from perf_smoke.models.store import user_cache
from tests.pictures.readme import FOLDER, NAMES, THEMES, file

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


def test_the_pictures_that_the_readme_shows_are_those_that_the_script_takes() -> None:
    """Whoever cannot see them is told what is in them, and how they were made."""
    files = {file(name, theme) for name in NAMES for theme in THEMES}
    assert set(FOLDER.iterdir()) == files
    shown = re.findall(r'(?:src|srcset)="([^"]+\.png)"', TEXT)
    assert sorted(ROOT / path for path in shown) == sorted(files)
    said = re.findall(r'<img [^>]*alt="([^"]+)"', TEXT)
    assert len(said) == len(NAMES)
    assert all("by scripts/pictures from a real run on 20" in words for words in said)


def test_the_pictures_are_small() -> None:
    """A page with all of them comes quickly, and so does a clone."""
    assert [path.name for path in FOLDER.iterdir() if path.stat().st_size > 150_000] == []
