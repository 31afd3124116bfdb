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

from perf_smoke.engines.table import ROWS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "perf_smoke"
FILES = sorted(SOURCE.rglob("*.py"))

GROUND = (
    "result|metrics|numbers|reasons|secret|secret_names|secret_places|secret_shapes|redaction"
    "|printable|engines.table"
)
"""The floor on which facts stand, each once: everybody may import it."""
SHOWS = (
    "report|github|combined|publishing|measure_step|report_step|legs_step|at_terminal|cli|watchers"
)
"""What shows a run, or starts one."""
INPUTS = "settings|inputs|report_inputs|contradictions|parsers"
RUNS = "settings|request|configuration|preparation|document|run|job"
"""What leads from the inputs to the document."""

FORBIDDEN = {
    rf"({GROUND}) -> (?!({GROUND})$)": "a fact that needs more than facts is none",
    rf"compare -> (?!({GROUND})$)": "deciding is a function of the document's facts",
    rf"report -> (?!(compare|{GROUND})$)": "a report reads the document and asks nobody else",
    rf"processes -> (?!({GROUND})$)": "everything that runs stands on it",
    rf"(models|engines|sides|git|repository|tree|worktree) -> (compare|measure|{RUNS}|{SHOWS})": (
        "how a file, a program or a checkout is had does not depend on why it is measured"
    ),
    rf"measure -> (compare|{RUNS}|{SHOWS})": "taking steps knows no verdict and no inputs",
    rf"({INPUTS}) -> (?!({INPUTS}|{GROUND})$)": "inputs are judged without touching anything",
    rf"github -> (?!(network|deadline|{GROUND})$)": "what GitHub is shown is the document",
    r"result_file -> (?!result$)": "a document is read as it is, whoever made it",
    r"documents -> (?!(result_file|consistency|result)$)": (
        "what lies in a folder does not depend on who wants to show it"
    ),
    rf"watchers -> (?!(measure|{GROUND})$)": "who watches a run sees its steps and steers nothing",
    r"(?!(github|publishing|measure_step|report_step|legs_step|cli)\b)\S+ -> (github|\w+_step)": (
        "what measures, decides and words is of use outside of GitHub too"
    ),
    rf"(document|run|preparation|job) -> (?!watchers)({SHOWS})": (
        "the document is made without knowing who reads it"
    ),
}
"""Arrows that never exist, and why. A new module that stands on the right floor needs no row."""

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


def texts_of(file: Path) -> Iterator[str]:
    """The texts in a file's code, its docstrings left out."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield str(node.value)


def part_of(module: str) -> str:
    """What a module belongs to: a folder is one part, but the table of engines is facts alone."""
    parts = module.split(".")[1:]
    return "engines.table" if parts[:2] == ["engines", "table"] else parts[0] if parts else ""


def arrows() -> dict[str, set[str]]:
    """Which part imports which others."""
    found: dict[str, set[str]] = {}
    for file in FILES:
        own = part_of(".".join(("perf_smoke", *file.relative_to(SOURCE).with_suffix("").parts)))
        targets = {part_of(name) for name in imported(file) if name.startswith("perf_smoke.")}
        found.setdefault(own, set()).update(targets - {own, "__version__"})
    return found


@pytest.mark.parametrize("forbidden", FORBIDDEN)
def test_no_arrow_runs_where_none_may(forbidden: str) -> None:
    there = [f"{part} -> {target}" for part, targets in arrows().items() for target in targets]
    wrong = [arrow for arrow in there if re.match(forbidden, arrow)]
    assert not wrong, FORBIDDEN[forbidden]


@pytest.mark.parametrize(
    "arrow",
    [
        *("github -> measure", "github -> run", "github -> engines", "github -> document"),
        *(
            "engines -> run",
            "models -> job",
            "git -> settings",
            "worktree -> run",
            "sides -> preparation",
            "engines -> settings",
        ),
        *("models -> document", "sides -> configuration", "measure -> settings"),
        *("settings -> report", "settings -> configuration", "settings -> request"),
        *("contradictions -> engines", "result_file -> printable", "watchers -> run"),
        *(
            "result -> hashing",
            "compare -> measure",
            "report -> settings",
            "processes -> result_file",
        ),
        *("run -> report", "request -> github", "job -> measure_step"),
    ],
)
def test_such_an_arrow_would_be_noticed(arrow: str) -> None:
    assert [reason for forbidden, reason in FORBIDDEN.items() if re.match(forbidden, arrow)]


def test_no_part_needs_itself_by_a_detour() -> None:
    assert list(graphlib.TopologicalSorter(arrows()).static_order())


@pytest.mark.parametrize("room", ["compare", "result"])
def test_a_room_has_one_door(room: str) -> None:
    by_another_way = [
        f"{file.relative_to(SOURCE)}: {name}"
        for file in FILES
        if SOURCE / room not in file.parents
        for name in imported(file)
        if name.startswith(f"perf_smoke.{room}.") and name.count(".") > 2
    ]
    assert by_another_way == []


def test_engines_are_told_apart_by_columns_of_their_table_alone() -> None:
    elsewhere = [file for file in FILES if SOURCE / "engines" not in file.parents]
    ids = "|".join(row.id for row in ROWS if row.id != "command")  # an input has that name too
    named = [
        (str(file.relative_to(SOURCE)), text)
        for file in elsewhere
        for text in texts_of(file)
        if re.search(rf"(?<![\w-])({ids})(?![\w-])", text)
    ]
    assert named == []


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


def test_programs_are_started_in_processes_alone() -> None:
    """Where they are timed, and surely ended."""
    starting = files_that_name(
        r"import (subprocess|multiprocessing)\b|(subprocess|multiprocessing) import "
        r"|\bos\.(exec|fork|posix_spawn|spawn|system|popen)|\bpsutil\.Popen\b"
    )
    assert {Path(file).parent.name for file in starting} == {"processes"}


def test_only_the_command_line_decides_the_exit_code() -> None:
    assert files_that_name(r"\bsys\.exit\(") == ["cli.py", "models/hub_worker.py"]


def test_the_toolkit_is_behind_one_adapter() -> None:
    assert files_that_name(r"\bactions_toolkit\b") == ["github/commands.py"]


def test_measuring_imports_none_of_the_libraries_that_only_report() -> None:
    """A child's peak RSS starts at its parent's."""
    heavy = {"actions_toolkit", "click", "github", "pydantic", "pynvml", "requests", "xllamacpp"}
    loaded = subprocess.run(
        [sys.executable, "-c", "import perf_smoke.run, sys; print(*sys.modules)"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert not heavy & {name.split(".")[0] for name in loaded.split()}


def test_the_page_names_every_part() -> None:
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = page.split("## The ground floor")[1].split("\n## Arrows")[0]
    named = set(re.findall(r"`([\w/]+)(?:\.py|/)`", table))
    parts = {part.replace(".", "/") for part in arrows()} - {"__main__", "__init__"}
    assert parts <= named
