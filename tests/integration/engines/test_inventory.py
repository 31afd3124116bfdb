"""`perf-smoke engines` and `perf-smoke doctor`: what is here, and what would not work."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from pathlib import Path

import pytest

from perf_smoke.engines import inventory
from perf_smoke.settings import ENGINES, parse
from tests.integration.engines.programs import executable


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine on which llama-bench is installed and no other engine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    executable(folder / "llama-bench", "tests.integration.engines.fake_llama_bench")
    return {"PATH": str(folder)}


def diagnose(tmp_path: Path, environment: dict[str, str], **values: str) -> tuple[str, ...]:
    given = {name.replace("_", "-"): value for name, value in values.items()}
    settings = parse({"working-directory": str(tmp_path), **given})
    return inventory.diagnose(settings, environment=environment, available_cpus=2)


def test_every_engine_is_listed_with_what_was_found_of_it(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    found = inventory.engines(working_directory=tmp_path, environment=environment)
    assert tuple(each.engine for each in found) == ENGINES
    by_id = {each.engine: each for each in found}
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


def test_a_missing_package_is_told(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    embedded = inventory.engines(working_directory=tmp_path, environment=environment)[0]
    assert embedded.usable is False
    assert embedded.missing == "Install the Python package xllamacpp."


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"engine": "llama-bench", "model": "m.gguf", "metric": "decode", "threads": "2"},
        {"command": "sh {model} {tokens}", "model": "m.gguf", "tokenizer": "m.gguf"},
        {"command": "sh", "metrics": "json stdout:\n ttft_s /t", "metric": "ttft"},
        {"command": "sh", "metric": "wall", "base-command": "sh -x"},
        {"engine": "bitnet-rs", "model": "hf://o/r/f.gguf", "build": "make"},
        {"engine": "llama-bench", "model": "smollm2-135m", "base-binary": "bin/llama-bench"},
    ],
)
def test_a_configuration_that_would_work_has_nothing_to_say(
    tmp_path: Path, environment: dict[str, str], values: dict[str, str]
) -> None:
    (tmp_path / "m.gguf").touch()
    environment["PATH"] += ":" + os.environ["PATH"]
    assert diagnose(tmp_path, environment, **values) == ()


def test_everything_that_is_wrong_is_said_at_once(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    said = diagnose(
        tmp_path,
        environment,
        engine="llama-completion",
        model="none.gguf",
        tokenizer="tokenizer.json",
        metrics="n_out",
        metric="ttft",
        threads="8",
        base_binary="older",
    )
    beginnings = (
        "`tokenizer` is given, but engine `llama-completion` does not look at it",
        "`metrics` is given, but engine `llama-completion` does not look at it",
        "`model` names the file none.gguf, which is not there",
        "`metric` is ttft, which engine `llama-completion` does not give; it gives e2e, decode",
        "`threads` is 8, but only 2 CPUs may be used here",
        "There is no program `llama-completion` on PATH",
        "`base-binary`: There is no program `older` on PATH",
    )
    assert len(said) == len(beginnings)
    for sentence, beginning in zip(said, beginnings, strict=True):
        assert sentence.startswith(beginning)
        assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"binary": "bin/what"}, "does not tell which engine it is"),
        ({"endpoint": "http://127.0.0.1:1"}, "cannot be reached"),
        ({"engine": "llama-bench"}, "needs a model"),
        ({"engine": "llama-bench", "model": "ftp://x/y"}, "begins with `ftp://`"),
        ({"command": "sh", "metric": "e2e"}, "does not say where the command's e2e_ms is"),
        ({"command": "sh {speed}"}, "which is no placeholder"),
        ({"metric": "decode", "tokens": "1"}, "there is no decode step"),
        (
            {"engine": "llama-bench", "model": "hf://a/b/c", "build": "auto"},
            "builds bitnet-rs only",
        ),
        ({"engine": "bitnet-rs", "model": "hf://a/b/c", "build": "auto"}, "no cargo on PATH"),
        ({"features": "fast"}, "The embedded engine has no features"),
        ({"command": "sh", "base-command": "older"}, "`base-command`: There is no program `older`"),
    ],
)
def test_each_mistake_has_a_sentence(
    tmp_path: Path, environment: dict[str, str], values: dict[str, str], sentence: str
) -> None:
    (tmp_path / "bin" / "sh").symlink_to(shutil.which("sh") or "")
    (said,) = diagnose(tmp_path, environment, **values)
    assert sentence in said


def test_a_server_s_model_name_is_not_looked_for_on_disk(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    said = diagnose(
        tmp_path, environment, engine="openai", endpoint="http://127.0.0.1:1", model="qwen"
    )
    assert not [sentence for sentence in said if "file" in sentence]
