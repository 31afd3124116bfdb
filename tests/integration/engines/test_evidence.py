"""A feature that did not happen is not measured under its name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from perf_smoke.engines import bitnet_rs, registry
from perf_smoke.engines.base import Reply
from perf_smoke.result import Failure, Unmeasured
from tests.integration.engines.case import REQUEST
from tests.integration.engines.case_programs import program_setup

COMPLETION = ("llama-completion", "fake_llama_completion")
SERVER = ("llama-server", "fake_llama_server")
BENCH = ("llama-bench", "fake_llama_bench")
GPU = "  CUDA0: NVIDIA T4 (15102 MiB, 14900 MiB free)"
NO_GPU = "warning: no usable GPU found, --gpu-layers option will be ignored"


def step(engine: tuple[str, str], folder: Path, *features: str, **environment: str) -> Reply:
    name, module = engine
    told = {"LLAMA_GENERATION": "2026", **environment}
    make = program_setup(module, name, told, features=features)
    with (
        make(folder, "") as setup,
        closing(registry.prepare(name, setup).open({})) as session,
    ):
        return session.step(REQUEST, 60.0)


def refusal(engine: tuple[str, str], folder: Path, *features: str, **environment: str) -> Failure:
    try:
        failure = step(engine, folder, *features, **environment).failure
    except Unmeasured as error:
        failure = error.failure
    assert failure
    assert failure.reason == "features-unavailable"
    return failure


@pytest.mark.parametrize(
    ("engine", "features", "environment", "words"),
    [
        (COMPLETION, ("gpu",), {}, "of `gpu` it says `no device`"),
        (COMPLETION, ("gpu",), {"LLAMA_DEVICES": GPU, "LLAMA_LOG": NO_GPU}, "no usable GPU found"),
        (COMPLETION, ("gpu",), {"LLAMA_GENERATION": "2024", "LLAMA_LOG": NO_GPU}, "no usable GPU"),
        (COMPLETION, ("mlock",), {"LLAMA_LOG": "failed to mlock 9-byte buffer"}, "failed to mlock"),
        (SERVER, ("gpu",), {"LLAMA_LOG": NO_GPU}, "no usable GPU found"),
        (SERVER, ("no-mmap",), {"LLAMA_LOG": "load_tensors: (mmap = true)"}, "(mmap = true)"),
        (BENCH, ("gpu",), {"LLAMA_JSON": '{"backends": "CPU", "gpu_info": ""}'}, "backends: CPU"),
        (BENCH, ("flash-attn",), {"LLAMA_JSON": '{"flash_attn": false}'}, "flash_attn: False"),
    ],
)
def test_what_the_engine_contradicts_is_unavailable_in_its_own_words(
    engine: tuple[str, str],
    features: tuple[str, ...],
    environment: dict[str, str],
    words: str,
    tmp_path: Path,
) -> None:
    failure = refusal(engine, tmp_path, *features, **environment)
    assert words in failure.sentence
    assert failure.sentence.startswith(f"`{engine[0]}` does not do what `features` says")


@pytest.mark.parametrize(
    ("engine", "features", "environment", "silent"),
    [
        (COMPLETION, ("gpu",), {"LLAMA_DEVICES": GPU}, set()),
        (COMPLETION, ("cpu-only",), {"LLAMA_LOG": NO_GPU}, set()),
        (COMPLETION, ("flash-attn", "no-poll"), {}, {"flash-attn", "no-poll"}),
        (COMPLETION, (), {"LLAMA_LOG": NO_GPU}, set()),
        (SERVER, ("gpu",), {"LLAMA_LOG": "load_tensors: offloaded 3/3 layers to GPU"}, set()),
        (SERVER, ("gpu", "no-mmap"), {}, {"gpu", "no-mmap"}),
        (BENCH, ("gpu",), {"LLAMA_JSON": '{"backends": "CUDA", "gpu_info": "T4"}'}, set()),
        (BENCH, ("gpu", "no-poll"), {"LLAMA_JSON": '{"poll": 0}'}, {"gpu"}),
    ],
)
def test_what_is_confirmed_or_not_told_is_measured(
    engine: tuple[str, str],
    features: tuple[str, ...],
    environment: dict[str, str],
    silent: set[str],
    tmp_path: Path,
) -> None:
    reply = step(engine, tmp_path, *features, **environment)
    assert reply.failure is None
    assert set(reply.told) == set(features)
    assert {name for name, state in reply.told.items() if state == "not told"} == silent


def test_bitnet_rs_without_any_device_has_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    (root / "dev").mkdir(parents=True)
    monkeypatch.setattr(bitnet_rs, "_ROOT", root)
    engine = ("bitnet-rs", "fake_bitnet")
    for feature in ("gpu", "cuda"):
        folder = tmp_path / feature
        folder.mkdir()
        assert "there is none of dev/nvidiactl" in refusal(engine, folder, feature).sentence
    (root / "dev" / "nvidiactl").touch()
    for feature in ("gpu", "cpu"):
        folder = tmp_path / f"with-{feature}"
        folder.mkdir()
        assert step(engine, folder, feature).failure is None


@pytest.mark.parametrize(
    ("features", "status", "said"),
    [
        ("gpu", "failed", "`llama-completion` does not do what `features` says"),
        ("flash-attn", "measured", "Whether `flash-attn` took effect, the engine did not tell."),
    ],
)
def test_the_document_says_what_became_of_a_feature(
    features: str, status: str, said: str, tmp_path: Path
) -> None:
    with program_setup("fake_llama_completion", "llama-completion")(tmp_path, "") as setup:
        command = [
            *(sys.executable, "-m", "perf_smoke", "run", "--runs", "1", "--warmup", "0"),
            *("--binary", setup.binary, "--model", str(setup.model), "--features", features),
            *("--output-dir", str(tmp_path / "out")),
        ]
        environment = {**os.environ, "LLAMA_GENERATION": "2026"}
        subprocess.run(command, env=environment, cwd=tmp_path, check=False, capture_output=True)
    document = json.loads((tmp_path / "out" / "result.json").read_text())
    assert document["status"] == status
    assert said in (document["failure"] or {"sentence": document["notes"][0]})["sentence"]
    if status == "failed":
        assert document["failure"]["reason"] == "features-unavailable"
