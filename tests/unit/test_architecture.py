"""The import arrows of docs/ARCHITECTURE.md."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "perf_smoke"
FILES = sorted(SOURCE.rglob("*.py"))

ARROWS = {
    "result": set(),
    "result_file": {"result"},
    "network": set(),
    "parsers": set(),
    "cancel": set(),
    "printable": set(),
    "redaction": set(),
    "contradictions": set(),
    "processes": {"printable"},
    "settings": {"contradictions", "parsers", "printable", "redaction"},
    "environment": {"settings"},
    "models": {"network", "printable", "redaction", "result"},
    "engines": {"network", "printable", "processes", "result", "settings"},
    "measure": {"engines", "result"},
    "compare": {"result"},
    "sides": {"printable", "processes", "result"},
    "watchers": {"measure", "report"},
    "pairs_file": {"compare", "measure", "printable", "result", "result_file"},
    "document": {"engines", "measure", "result", "settings"},
    "context": {"measure"},
    "preparation": {
        *("context", "document", "engines", "measure", "models", "result", "settings", "sides"),
    },
    "run": {
        *("cancel", "compare", "context", "document", "measure", "preparation", "printable"),
        *("result", "settings"),
    },
    "job": {
        *("cancel", "context", "document", "environment", "models", "result", "result_file"),
        *("run", "settings", "watchers"),
    },
    "report": {"result"},
    "github": {"printable", "result", "settings"},
    "action": {"cancel", "github", "job", "report", "result", "settings"},
    "doctor": {"engines", "models", "preparation", "result", "settings", "sides"},
    "cli": {
        *("action", "cancel", "compare", "doctor", "engines", "environment", "job", "measure"),
        *("pairs_file", "report", "result", "result_file", "settings"),
    },
    "__main__": {"cli"},
}
"""Which part of the package imports which others."""

EFFECTS = {
    *("os", "io", "shutil", "socket", "subprocess", "tempfile", "threading", "time", "datetime"),
    *("psutil", "random", "requests", "secrets", "urllib", "logging", "glob"),
}
EFFECT_CALLS = r"(?<![.\w])(open|print|input)\(|\.(open|(read|write)_(text|bytes))\("


def imported(file: Path) -> Iterator[str]:
    """The full names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: an import that does not name its package"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def part_of(file: Path) -> str:
    """The top-level module or package that a file belongs to."""
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


def arrows() -> dict[str, set[str]]:
    """The arrows that are there."""
    found: dict[str, set[str]] = {}
    for file in FILES:
        part = part_of(file)
        targets = {
            name.split(".")[1] for name in imported(file) if name.startswith("perf_smoke.")
        } - {part, "__version__"}
        found.setdefault(part, set()).update(targets)
    del found["__init__"]
    return found


def test_each_part_imports_what_it_may_and_nothing_else() -> None:
    assert arrows() == ARROWS


def test_no_part_needs_itself_by_a_detour() -> None:
    assert list(graphlib.TopologicalSorter(arrows()).static_order())


@pytest.mark.parametrize("part", ["engines", "models", "measure", "compare", "report", "processes"])
def test_what_measures_decides_and_words_knows_nothing_of_github(part: str) -> None:
    assert not {"github", "action"} & arrows()[part]


@pytest.mark.parametrize("part", ["compare", "report"])
def test_deciding_and_reporting_touch_nothing_outside(part: str) -> None:
    for file in (SOURCE / part).rglob("*.py"):
        assert not {name.split(".")[0] for name in imported(file)} & EFFECTS, file
        assert not re.search(EFFECT_CALLS, file.read_text(encoding="utf-8")), file


def files_that_name(pattern: str) -> list[str]:
    """The files in whose code (comments and docstrings too) the pattern occurs."""
    return [
        str(file.relative_to(SOURCE))
        for file in FILES
        if re.search(pattern, file.read_text(encoding="utf-8"))
    ]


def test_only_the_command_line_reads_the_environment() -> None:
    assert files_that_name(r"\bos\.(environ|getenv)|import environ\b") == ["cli.py"]


def test_only_the_command_line_decides_the_exit_code() -> None:
    assert files_that_name(r"\bsys\.exit\(") == ["cli.py", "models/hub_worker.py"]


def test_the_toolkit_is_behind_one_adapter() -> None:
    assert files_that_name(r"\bactions_toolkit\b") == ["github/commands.py"]


def test_measuring_imports_none_of_the_libraries_that_only_report() -> None:
    """A child's peak RSS starts at its parent's."""
    heavy = {"actions_toolkit", "click", "github", "jinja2", "pydantic", "requests", "xllamacpp"}
    loaded = subprocess.run(
        [sys.executable, "-c", "import perf_smoke.run, sys; print(*sys.modules)"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert not heavy & {name.split(".")[0] for name in loaded.split()}


def test_the_page_names_every_part() -> None:
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = page.split("## What lives where")[1].split("\n## ")[0]
    named = set(re.findall(r"`(\w+)(?:\.py|/)`", table))
    assert set(ARROWS) - {"__main__"} <= named
