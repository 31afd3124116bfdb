"""`perf-smoke engines`: what is here."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from perf_smoke.engines import inventory, table
from tests.integration.engines.programs import executable


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine on which llama-bench is installed and no other engine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    executable(folder / "llama-bench", "tests.integration.engines.fake_llama_bench")
    return {"PATH": str(folder)}


def test_every_engine_is_listed_with_what_was_found_of_it(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    present = inventory.engines(working_directory=tmp_path, environment=environment)
    assert tuple(each.engine for each in present) == table.IDS
    by_id = {each.engine: each for each in present}
    bench = by_id["llama-bench"]
    assert bench.usable
    assert bench.program == str(tmp_path / "bin" / "llama-bench")
    assert bench.version == "0.6.0-dev (build 0, commit unknown)"
    assert by_id["embedded"].version == importlib.metadata.version("xllamacpp")
    assert by_id["llama-server"].usable is False
    assert "no program `llama-server` on PATH" in by_id["llama-server"].missing
    assert by_id["openai"].usable is None
    assert by_id["openai"].missing == "Give the input `endpoint`."
    assert by_id["command"].missing == "Give the input `command`."


def test_a_program_under_the_name_of_an_older_build_is_named_and_not_called(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    called = tmp_path / "called"
    for name in ("main", "server"):
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\n: >{called}\n")
        program.chmod(0o755)
    present = inventory.engines(working_directory=tmp_path, environment=environment)
    by_id = {each.engine: each for each in present}
    for engine, name in (("llama-completion", "main"), ("llama-server", "server")):
        program = tmp_path / "bin" / name
        assert by_id[engine].usable is None
        assert by_id[engine].program == str(program)
        assert by_id[engine].missing == f"Give the input `binary`: {program} may be it."
    assert not called.exists()


def test_a_missing_package_is_told(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    embedded = inventory.engines(working_directory=tmp_path, environment=environment)[0]
    assert embedded.usable is False
    assert embedded.missing == "Install the Python package xllamacpp."
