"""`perf-smoke doctor`: what would not work, and what would be run."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from perf_smoke import doctor
from perf_smoke.settings import parse
from tests.integration.engines.programs import executable


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine on which llama-bench is installed and no other engine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    executable(folder / "llama-bench", "tests.integration.engines.fake_llama_bench")
    return {"PATH": str(folder)}


def diagnosis(tmp_path: Path, environment: dict[str, str], **values: str) -> doctor.Diagnosis:
    given = {name.replace("_", "-"): value for name, value in values.items()}
    settings = parse({"working-directory": str(tmp_path), **given})
    return doctor.diagnose(settings, environment=environment, available_cpus=2)


def diagnose(tmp_path: Path, environment: dict[str, str], **values: str) -> tuple[str, ...]:
    return diagnosis(tmp_path, environment, **values).problems


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
        {"command": "./bench", "base-command": "./older", "build": "make both"},
        {"binary": "out/llama-cli", "model": "m.gguf", "build": "make", "base-binary": "out/old"},
    ],
)
def test_a_configuration_that_would_work_has_nothing_to_say(
    tmp_path: Path, environment: dict[str, str], values: dict[str, str]
) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
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
        "There is no program `llama-completion` on PATH",
        "`metric` is ttft, which engine `llama-completion` does not give; it gives e2e, prefill",
        f"`model`: The model none.gguf does not exist (looked for {tmp_path}/none.gguf)",
        "There is no program `older` on PATH: build or install it before, or correct `base-binary`",
        "`tokenizer` is given, but engine `llama-completion` does not look at it",
        "`metrics` is given, but engine `llama-completion` does not look at it",
        "`threads` is 8, but only 2 CPUs may be used here",
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
        ({"command": "./bench {speed}", "build": "make"}, "which is no placeholder"),
        ({"command": "./bench", "metrics": "speed", "build": "make"}, "stands before any source"),
        (
            {"binary": "llama-cli", "model": "m.gguf", "features": "fast", "build": "make"},
            "Engine `llama-completion` has no feature `fast`",
        ),
        ({"command": "sh", "prompt-file": "none.txt"}, "`prompt-file`: "),
        ({"metric": "decode", "tokens": "1"}, "there is no decode step"),
        (
            {"engine": "llama-bench", "model": "hf://a/b/c", "build": "auto"},
            "knows how to build bitnet-rs only",
        ),
        ({"engine": "bitnet-rs", "model": "hf://a/b/c", "build": "auto"}, "no cargo on PATH"),
        ({"features": "fast"}, "The embedded engine has no features"),
        ({"command": "sh", "base-command": "older"}, "or correct `base-command`"),
        ({"command": "older"}, "or correct the command"),
        (
            {"model": "m.gguf", "model-sha256": "0" * 64},
            "`model`: m.gguf is not the model that was asked for",
        ),
        ({"model": "/"}, "`model`: The model / is a folder"),
        ({"model": "text"}, "`model`: text is no GGUF file, but engine `embedded` reads no other"),
        ({"command": "sh", "tokenizer": "none", "model": "text"}, "`tokenizer`: The model none "),
        ({"command": "sh -c {model"}, "`command` holds `{model` without its closing brace."),
        ({"command": "sh", "base-command": "sh {tokens x}"}, "`base-command` holds `{tokens` "),
        ({"command": "sh", "features": "f"}, "has no {features}: it only names the series"),
        ({"command": "sh", "baseline": "ref"}, "a base needs `base-binary`"),
        ({"base-ref": "main"}, "There is no verdict without a base, and a base needs"),
        (
            {"command": "sh", "metrics": "json stdout:\n decode_s /t", "metric": "decode"},
            "does not say where the command's decode_ms is and for how many tokens",
        ),
        ({"command": "sh", "deadline": "9 s"}, "`deadline` is shorter than `budget`"),
        ({"command": "sh", "base-ref": "gone"}, "The base `gone` is neither a commit here nor can"),
    ],
)
def test_each_mistake_has_a_sentence(
    tmp_path: Path, environment: dict[str, str], values: dict[str, str], sentence: str
) -> None:
    (tmp_path / "bin" / "sh").symlink_to(shutil.which("sh") or "")
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    (tmp_path / "text").write_text("no model")
    (said,) = diagnose(tmp_path, environment, **values)
    assert sentence in said


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"command": "{tree}/build/bench", "build": "make"}, "build/bench` lies in head's tree"),
        ({"command": "bench"}, "bin/bench` lies in head's tree"),
        ({"command": "sh {tree}/bench.sh"}, "`command` names files in head's tree"),
        ({"engine": "llama-bench", "model": "m.gguf", "binary": "/bin/sh"}, "in neither checkout"),
        ({"command": "sh bench.sh"}, ""),
        ({"command": "./bench", "build": "make"}, ""),
        ({"engine": "llama-bench", "model": "m.gguf", "binary": "bin/llama-bench"}, ""),
    ],
)
def test_a_base_that_would_be_head_once_more_is_told(
    tmp_path: Path, environment: dict[str, str], values: dict[str, str], sentence: str
) -> None:
    (tmp_path / "bin" / "bench").symlink_to("llama-bench")
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    environment["PATH"] += ":" + os.environ["PATH"]
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    for arguments in (("init", "-q"), (*who, "commit", "-q", "--allow-empty", "-m", "one")):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    asked = {name: value.replace("{tree}", str(tmp_path)) for name, value in values.items()}

    said = diagnose(tmp_path, environment, **asked, base_ref="HEAD")

    assert len(said) == bool(sentence)
    assert sentence in "".join(said)


def test_a_server_s_model_name_is_not_looked_for_on_disk(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    said = diagnose(
        tmp_path, environment, engine="openai", endpoint="http://127.0.0.1:1", model="qwen"
    )
    assert not [sentence for sentence in said if "file" in sentence]


@pytest.mark.parametrize(
    "taken", [">", ">>", "2>", "2>&1", ">out.txt", "<", "|", "||", "&&", "&", ";"]
)
def test_what_only_a_shell_would_understand_is_told(
    tmp_path: Path, environment: dict[str, str], taken: str
) -> None:
    environment["PATH"] = os.environ["PATH"]
    (said,) = diagnose(tmp_path, environment, command=f"sh a '{taken}' b")
    assert said == (
        f"`command`: there is no shell, so that `{taken}` would be an argument of the program: "
        "use sh -c '…'."
    )


@pytest.mark.parametrize("argument", ["a;b", "<s>", "x>y", "-c 'a > b | c'", "{{model", "{models"])
def test_what_a_program_may_well_be_given_is_no_mistake(
    tmp_path: Path, environment: dict[str, str], argument: str
) -> None:
    environment["PATH"] = os.environ["PATH"]
    assert diagnose(tmp_path, environment, command=f"sh {argument}") == ()


def test_a_hub_without_its_library_is_told_before_it_is_asked(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = {"engine": "llama-bench", "model": "hf://owner/repo/file.gguf"}
    assert diagnose(tmp_path, environment, **hub) == ()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    (said,) = diagnose(tmp_path, environment, **hub)
    assert "`pip install huggingface_hub`" in said


@pytest.mark.parametrize(
    ("values", "plan"),
    [
        ({}, "embedded with smollm2-135m, 4 tokens, 2 threads; base: none."),
        (
            {"engine": "llama-bench", "model": "m.gguf", "tokens": "1", "threads": "1"},
            "llama-bench `llama-bench` with m.gguf, 1 token, 1 thread; base: none.",
        ),
        (
            {"command": "./b {model} {threads}", "model": "m.gguf", "base-command": "./a"},
            "command `./b` with m.gguf, 2 threads; base: `./a`.",
        ),
        ({"command": "./b", "base-ref": "main"}, "command `./b`; base: `main`."),
        (
            {"engine": "ollama", "endpoint": "http://me:pass@127.0.0.1:1", "model": "qwen"},
            "ollama at http://***@127.0.0.1:1 with qwen, 4 tokens; base: none.",
        ),
    ],
)
def test_what_would_be_run_is_one_line(
    tmp_path: Path, environment: dict[str, str], values: dict[str, str], plan: str
) -> None:
    assert diagnosis(tmp_path, environment, **values).plan == plan
