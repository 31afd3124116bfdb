"""llama-completion, llama-bench and bitnet.cpp: how builds of all ages are called."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perf_smoke.engines import registry
from perf_smoke.engines.base import EngineSetup
from perf_smoke.result import Unmeasured
from tests.integration.engines.case_programs import program_setup
from tests.integration.engines.setups import blank_setup

_RECORDING = """#!/bin/sh
case "$1" in
--help) cat help ;;
--version) echo "version: 1" >&2 ;;
*)
  for argument in "$@"; do printf '%s\\n' "$argument" >> arguments; done
  echo "llama_perf_context_print: prompt eval time = 1.00 ms / 4 tokens" >&2
  echo "llama_perf_context_print: eval time = 1.00 ms / 3 runs" >&2
  cat answer ;;
esac
"""


def recording(folder: Path, known: str, **changes: Any) -> EngineSetup:
    """A program that writes down how it was called, with that help."""
    setup = blank_setup(folder, model=Path("m.gguf"), **changes)
    program = setup.working_directory / "llama"
    program.write_text(_RECORDING)
    program.chmod(0o755)
    (setup.working_directory / "help").write_text(known)
    (setup.working_directory / "answer").write_text("11, so\n\n")
    return replace(setup, binary="./llama")


def called(setup: EngineSetup, engine: str = "llama-completion") -> list[str]:
    session = registry.prepare(engine, setup).open({})
    assert session.step(setup.request, 60).failure is None
    return (setup.working_directory / "arguments").read_text().splitlines()


def test_every_build_gets_the_same_request_and_only_switches_it_knows(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    request = [
        *("-m", "m.gguf", "-p", "2+2=", "-n", "4", "-t", "1"),
        *("-c", "512", "-b", "512", "--temp", "0", "-s", "42"),
    ]
    assert called(recording(old, "usage: --ignore-eos  ignore it\n")) == [
        *request,
        "--ignore-eos",
    ]
    assert called(
        recording(
            new,
            "-no-cnv, --no-conversation\n--single-turn\n--ignore-eos\n--escape, --no-escape\n"
            "--perf, --no-perf\n--simple-io\n--no-display-prompt\n-fa, --flash-attn [on|off]\n",
            features=("flash-attn",),
        )
    ) == [
        *request,
        *("-no-cnv", "--ignore-eos", "--no-escape", "--perf", "--simple-io"),
        *("--no-display-prompt", "--flash-attn", "on"),
    ]


def test_a_long_prompt_gets_the_context_it_needs(tmp_path: Path) -> None:
    setup = recording(tmp_path, "")
    setup = replace(setup, request=replace(setup.request, prompt="é" * 400, tokens=100))
    arguments = called(setup)
    assert arguments[arguments.index("-c") + 1] == "1024"


def test_bitnet_cpp_runs_on_the_cpu_unless_the_gpu_is_asked_for(tmp_path: Path) -> None:
    for features, layers in (((), "0"), (("gpu",), "999")):
        folder = tmp_path / layers
        folder.mkdir()
        arguments = called(recording(folder, "-ngl N", features=features), "bitnet-cpp")
        assert arguments[-2:] == ["-ngl", layers]
        assert arguments.count("-ngl") == 1


def test_bitnet_cpp_is_looked_for_where_it_is_built(tmp_path: Path) -> None:
    setup = blank_setup(tmp_path, model=Path("m.gguf"))
    with pytest.raises(Unmeasured, match=r"`build/bin/llama-cli` at .*/checkout/build/bin"):
        registry.prepare("bitnet-cpp", setup)


def test_the_chat_client_is_refused_with_what_to_use_instead(tmp_path: Path) -> None:
    make = program_setup("fake_llama_completion", "llama-cli", {"LLAMA_GENERATION": "chat"})
    with make(tmp_path, "") as setup, pytest.raises(Unmeasured) as caught:
        registry.prepare("llama-completion", setup)
    assert caught.value.failure.reason == "engine-unsuitable"
    assert "llama-completion" in caught.value.failure.sentence


def test_a_prompt_of_one_token_leaves_prefill_and_decode_untold(tmp_path: Path) -> None:
    make = program_setup("fake_llama_completion", "llama-completion", {"LLAMA_GENERATION": "2026"})
    with make(tmp_path, "") as setup:
        session = registry.prepare("llama-completion", setup).open({})
        reply = session.step(replace(setup.request, prompt="2"), 60)
    assert (reply.sample.n_prompt, reply.sample.n_out) == (1, 4)
    assert (reply.sample.prompt_ms, reply.sample.decode_ms) == (None, None)
    assert reply.sample.e2e_ms is not None


@pytest.mark.parametrize(
    ("generation", "name"),
    [("2023", "main"), ("2024", "llama-cli"), ("2026", "llama-completion")],
)
def test_the_text_is_the_same_whether_or_not_the_prompt_can_be_hidden(
    tmp_path: Path, generation: str, name: str
) -> None:
    make = program_setup("fake_llama_completion", name, {"LLAMA_GENERATION": generation})
    with make(tmp_path, "") as setup:
        session = registry.prepare("llama-completion", setup).open({})
        assert session.step(setup.request, 60).text == "11, so"


def test_an_early_end_is_told(tmp_path: Path) -> None:
    make = program_setup("fake_llama_completion", "llama-cli", {"LLAMA_GENERATION": "2024"})
    with make(tmp_path, "short") as setup:
        session = registry.prepare("llama-completion", setup).open({})
        reply = session.step(setup.request, 60)
    assert reply.sample.finish_reason == "stop"
    assert reply.text == "11"


def test_versions_are_taken_from_either_stream(tmp_path: Path) -> None:
    make = program_setup("fake_llama_completion", "main", {"LLAMA_GENERATION": "2023"})
    with make(tmp_path, "") as setup:
        identity = registry.prepare("llama-completion", setup).identity
    assert identity.version == "4567 (abcdef12)"


def test_llama_bench_without_a_version_switch_is_not_asked(tmp_path: Path) -> None:
    setup = recording(tmp_path, "-m, --model\n-fa, --flash-attn <0|1>\n")
    assert registry.prepare("llama-bench", setup).identity.version == ""


def test_llama_bench_is_asked_for_one_repetition_of_the_prompt_and_of_n_minus_one(
    tmp_path: Path,
) -> None:
    setup = recording(tmp_path, "-fa, --flash-attn <0|1>", features=("flash-attn",))
    answers = [{"n_prompt": 4, "n_gen": 0, "avg_ns": 1}, {"n_prompt": 0, "n_gen": 3, "avg_ns": 1}]
    (setup.working_directory / "answer").write_text(json.dumps(answers))
    assert called(setup, "llama-bench") == [
        *("-m", "m.gguf", "-p", "4", "-n", "3", "-t", "1", "-r", "1", "-o", "json"),
        *("--flash-attn", "1"),
    ]
