"""One table of engines, cheap to read; `auto` means what the inputs tell."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from perf_smoke.measure.metrics import HEADLINE_FIELDS

from perf_smoke.engines import registry
from perf_smoke.result import Unmeasured
from perf_smoke.settings import ENGINES

SOURCES = Path(registry.__file__).parents[2]


def resolve(engine: str = "auto", **given: str) -> str:
    return registry.resolve(
        engine,
        command=given.get("command", "").split(),
        endpoint=given.get("endpoint", ""),
        binary=given.get("binary", ""),
        environment={"HTTP_PROXY": "there"},
        engine_at=engine_at,
    )


def engine_at(endpoint: str, environment: Mapping[str, str]) -> str:
    assert environment == {"HTTP_PROXY": "there"}
    return f"what answers at {endpoint}"


def test_the_table_holds_the_engines_that_the_input_offers() -> None:
    assert tuple(row.id for row in registry.ROWS) == ENGINES


@pytest.mark.parametrize("row", registry.ROWS, ids=lambda row: row.id)
def test_every_row_names_a_module_that_prepares(row: registry.Row) -> None:
    assert callable(importlib.import_module(row.module).prepare)
    assert set(row.metrics) <= HEADLINE_FIELDS.keys()


def test_reading_the_table_imports_no_engine() -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(SOURCES)!r})\n"
        "from perf_smoke.engines import registry\n"
        "modules = {row.module for row in registry.ROWS}\n"
        "print(sorted(modules & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_that_is_named_is_that_engine(engine: str) -> None:
    assert resolve(engine, binary="llama-bench", endpoint="http://x") == engine
    assert registry.row(engine).id == engine


@pytest.mark.parametrize(
    ("given", "engine"),
    [
        ({}, "embedded"),
        ({"command": "./bench {model}"}, "command"),
        ({"command": "./bench", "endpoint": "http://x", "binary": "bitnet"}, "command"),
        ({"endpoint": "http://x", "binary": "bitnet"}, "what answers at http://x"),
        ({"binary": "llama-completion"}, "llama-completion"),
        ({"binary": "build/bin/llama-cli"}, "llama-completion"),
        ({"binary": "./main"}, "llama-completion"),
        ({"binary": "C:/llama/llama-bench.exe"}, "llama-bench"),
        ({"binary": "/opt/llama-server"}, "llama-server"),
        ({"binary": "server"}, "llama-server"),
        ({"binary": "target/release/bitnet"}, "bitnet-rs"),
    ],
)
def test_auto_is_what_the_other_inputs_tell(given: dict[str, str], engine: str) -> None:
    assert resolve(**given) == engine


def test_a_program_whose_name_tells_nothing_is_asked_about() -> None:
    with pytest.raises(Unmeasured) as caught:
        resolve(binary="bin/my-engine")
    assert caught.value.failure.reason == "engine-unclear"
    assert "`my-engine`" in caught.value.failure.sentence
    assert "llama-bench (llama-bench)" in caught.value.failure.sentence


def test_an_endpoint_is_asked_what_it_is() -> None:
    with pytest.raises(Unmeasured) as caught:
        registry.resolve("auto", command=(), endpoint="http://127.0.0.1:1", binary="")
    assert caught.value.failure.reason == "endpoint-unreachable"


def test_an_engine_that_there_is_not_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        registry.row("gpt5")
