"""A feature that did not happen is not measured under its name."""

from __future__ import annotations

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
    ("engine", "features", "environment"),
    [
        (COMPLETION, ("gpu",), {"LLAMA_DEVICES": GPU}),
        (COMPLETION, ("cpu-only",), {"LLAMA_LOG": NO_GPU}),
        (COMPLETION, ("flash-attn", "no-poll"), {}),
        (COMPLETION, (), {"LLAMA_LOG": NO_GPU}),
        (SERVER, ("gpu",), {"LLAMA_LOG": "load_tensors: offloaded 3/3 layers to GPU"}),
        (BENCH, ("gpu",), {"LLAMA_JSON": '{"backends": "CUDA", "gpu_info": "NVIDIA T4"}'}),
        (BENCH, ("gpu", "no-poll"), {}),
    ],
)
def test_what_is_confirmed_or_not_told_is_measured(
    engine: tuple[str, str],
    features: tuple[str, ...],
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    assert step(engine, tmp_path, *features, **environment).failure is None


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
