"""One table of engines: what it says is so, and nothing else tells engines apart."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from perf_smoke.engines import probe, registry, table
from perf_smoke.engines.table import Owner, Row
from perf_smoke.metrics import DECIDING
from perf_smoke.result import Unmeasured

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "src" / "perf_smoke"

every_row = pytest.mark.parametrize("row", table.ROWS, ids=lambda row: row.id)


def meant(engine: str = "auto", **inputs: str) -> Row | None:
    return table.meant(
        engine,
        command=inputs.get("command", ""),
        endpoint=inputs.get("endpoint", ""),
        binary=inputs.get("binary", ""),
    )


@every_row
def test_every_row_is_what_its_module_offers(row: Row) -> None:
    module = importlib.import_module(row.module)
    assert callable(module.prepare)
    for name in ("build", "check_build"):
        assert hasattr(module, name) == row.builds_itself
    assert set(row.metrics) <= set(DECIDING)
    assert (row.endpoint == "must") == (row.whose == "server's")
    assert bool(row.programs) == ("binary" in row.reads)


def test_reading_the_table_imports_no_engine() -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(SOURCES.parent)!r})\n"
        "from perf_smoke.engines import registry, table\n"
        "print(sorted({row.module for row in table.ROWS} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@every_row
def test_an_engine_that_is_named_is_that_engine(row: Row) -> None:
    assert meant(row.id, binary="llama-bench", endpoint="http://x") is table.row(row.id) is row


@pytest.mark.parametrize(
    ("inputs", "engine"),
    [
        ({}, "embedded"),
        ({"command": "./bench {model}"}, "command"),
        ({"command": "./bench", "endpoint": "http://x", "binary": "bitnet"}, "command"),
        ({"endpoint": "http://x", "binary": "bitnet"}, None),
        ({"binary": "llama-completion"}, "llama-completion"),
        ({"binary": "build/bin/llama-cli"}, "llama-completion"),
        ({"binary": "./main"}, "llama-completion"),
        ({"binary": "C:/llama/llama-bench.exe"}, "llama-bench"),
        ({"binary": "/opt/llama-server"}, "llama-server"),
        ({"binary": "server"}, "llama-server"),
        ({"binary": "target/release/bitnet"}, "bitnet-rs"),
        ({"binary": "bin/my-engine"}, None),
    ],
)
def test_auto_is_what_the_other_inputs_tell(inputs: dict[str, str], engine: str | None) -> None:
    row = meant(**inputs)
    assert (row.id if row else None) == engine


@pytest.mark.parametrize(
    ("kind", "engine"),
    [
        ("llama-server", "llama-server"),
        ("ollama", "ollama"),
        ("vllm", "openai"),
        ("other", "openai"),
    ],
)
def test_what_answers_at_an_endpoint_has_an_engine(kind: probe.Kind, engine: str) -> None:
    assert table.of_server(kind).id == engine


def test_a_program_whose_name_tells_nothing_is_asked_about() -> None:
    with pytest.raises(Unmeasured) as caught:
        registry.resolve("auto", command=(), endpoint="", binary="bin/my-engine", environment={})
    assert caught.value.failure.reason == "engine-unclear"
    assert "`my-engine`" in caught.value.failure.sentence
    assert "llama-bench (llama-bench)" in caught.value.failure.sentence
    assert "bitnet-cpp" not in caught.value.failure.sentence, "its program's name is another's"


def test_an_endpoint_is_asked_what_it_is() -> None:
    with pytest.raises(Unmeasured) as caught:
        registry.resolve(
            "auto", command=(), endpoint="http://127.0.0.1:1", binary="", environment={}
        )
    assert caught.value.failure.reason == "endpoint-unreachable"


def test_an_engine_that_there_is_not_is_a_mistake_of_ours() -> None:
    assert table.find("gpt5") is None
    with pytest.raises(KeyError):
        table.row("gpt5")


def named_engines(file: Path) -> Iterator[str]:
    """The ids that stand in a file's code as strings of their own; `command`, which is an input
    too, where it is compared for equality."""
    ids = set(table.IDS)
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and node.value in ids - {"command"}:
            yield str(node.value)
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            sides = (node.left, *node.comparators)
            if any(isinstance(side, ast.Constant) and side.value == "command" for side in sides):
                yield "command"


def test_an_engine_is_told_by_its_name_in_its_own_module_alone() -> None:
    own = {row.module.rpartition(".")[2]: row.id for row in table.ROWS}
    kinds_of_servers = set(get_args(probe.Kind)) & set(table.IDS)
    strangers: dict[str, set[str]] = {}
    for file in SOURCES.rglob("*.py"):
        names = set(named_engines(file))
        if file.parent.name == "engines":
            names -= {own.get(file.stem)}
            names -= kinds_of_servers if file.stem in ("probe", "openai") else set()
        if names and file.stem != "table":
            strangers[str(file.relative_to(SOURCES))] = names
    assert strangers == {}


def launchs_choice(engine: str, **inputs: str) -> str:
    """Whose program it is, as `launch` reads the inputs."""
    script = (ROOT / "runtime" / "step").read_text("utf-8")
    asks = script[script.index("has_text() {") : script.index("\n}\n") + 3]
    choice = script[script.index("case ${INPUT_ENGINE:-auto}") :].partition("\nesac\n")[0]
    variables = {"INPUT_ENGINE": engine, "INPUT_BINARY": "", "INPUT_ENDPOINT": ""}
    variables |= {f"INPUT_{name.upper()}": text for name, text in inputs.items()}
    done = subprocess.run(
        ["bash", "-uc", f'{asks}{choice}\nesac\necho "$engine"'],
        env={"PATH": "/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


LAUNCHS_WORDS: dict[Owner, str] = {
    "ours": "embedded",
    "caller's": "theirs",
    "server's": "endpoint",
}


@pytest.mark.parametrize(
    ("row", "endpoint"),
    [(row, "") for row in table.ROWS]
    + [(row, "http://x") for row in table.ROWS if row.endpoint != "never"],
)
def test_launch_reads_whose_program_it_is_like_the_table(row: Row, endpoint: str) -> None:
    assert launchs_choice(row.id, endpoint=endpoint) == LAUNCHS_WORDS[row.owner(endpoint)]


@pytest.mark.parametrize(
    "inputs", [{}, {"binary": "llama-server"}, {"command": "./bench"}, {"binary": "whatever"}]
)
def test_launch_reads_auto_like_the_table(inputs: dict[str, str]) -> None:
    row = meant(**inputs)
    assert launchs_choice("auto", **inputs) == LAUNCHS_WORDS[row.whose if row else "caller's"]
    assert launchs_choice("auto", endpoint="http://x") == "endpoint"
