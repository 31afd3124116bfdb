"""The public reasons: one type, one table, and nothing given up for another reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from perf_smoke.reasons import MEANINGS, Reason

ROOT = Path(__file__).parents[2]
SHELL = "\n".join(
    file.read_text("utf-8")
    for file in (ROOT / "runtime" / "step", *(ROOT / "runtime").glob("*.bash"))
)
PYTHON = "\n".join(
    file.read_text("utf-8") for file in (ROOT / "src").rglob("*.py") if file.name != "reasons.py"
)


def reasons_of_the_shell() -> set[str]:
    """What launch gives up for, where it is no variable."""
    given_up = re.findall(r"^[^#\n]*\b(?:give_up|set_status) \w+ ([a-z-]+)", SHELL, re.MULTILINE)
    return {*given_up, *re.findall(r"\breason='?([a-z-]+)", SHELL)}


def test_every_reason_has_a_meaning_that_is_a_sentence() -> None:
    assert list(MEANINGS) == sorted(get_args(Reason))
    assert [slug for slug, meaning in MEANINGS.items() if not meaning.endswith(".")] == []


def test_the_start_script_gives_up_for_no_other_reason() -> None:
    assert len(reasons_of_the_shell()) > 10
    assert reasons_of_the_shell() - MEANINGS.keys() == set()


def test_no_reason_is_listed_that_is_never_given() -> None:
    in_python = {slug for slug in MEANINGS if f'"{slug}"' in PYTHON}
    assert MEANINGS.keys() == in_python | reasons_of_the_shell()
