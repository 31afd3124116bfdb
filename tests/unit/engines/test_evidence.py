"""What engines tell of their features, in the words of several years."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perf_smoke.engines.evidence import (
    in_cargo_features,
    in_devices,
    in_json,
    in_log,
    in_system,
    on_the_cpu,
)
from perf_smoke.engines.features import LLAMA_FEATURES

NO_GPU = "warning: no usable GPU found, --gpu-layers option will be ignored"
OLDER_NO_GPU = (
    "warning: not compiled with GPU offload support, --n-gpu-layers option will be ignored"
)
ALL_LAYERS = "load_tensors: offloaded 31/31 layers to GPU"
KV_F16 = "llama_kv_cache: size = 11.25 MiB ( 512 cells), K (f16):  5.62 MiB, V (f16):  5.62 MiB"
KV_Q8 = KV_F16.replace("f16", "q8_0")


@pytest.mark.parametrize(
    ("feature", "log", "state"),
    [
        ("gpu", NO_GPU, "contradicted"),
        ("gpu", OLDER_NO_GPU, "contradicted"),
        ("gpu", "llm_load_tensors: offloaded 0/31 layers to GPU", "contradicted"),
        ("gpu", "load_tensors: offloaded 20/31 layers to GPU", "contradicted"),
        ("gpu", ALL_LAYERS, "confirmed"),
        (
            "gpu",
            f"ggml_cuda_init: failed to initialize CUDA: unknown error\n{ALL_LAYERS}",
            "confirmed",
        ),
        (
            "gpu",
            "ggml_cuda_init: failed to initialize CUDA: no CUDA-capable device",
            "contradicted",
        ),
        ("gpu", "common_perf_print: eval time = 1.00 ms", "not told"),
        ("cpu-only", ALL_LAYERS, "contradicted"),
        ("cpu-only", "load_tensors: offloaded 0/31 layers to GPU", "confirmed"),
        ("cpu-only", NO_GPU, "confirmed"),
        ("flash-attn", "llama_context: flash_attn            = enabled", "confirmed"),
        ("flash-attn", "llama_new_context_with_model: flash_attn = 0", "contradicted"),
        ("flash-attn", "x: flash_attn is not compatible with Grok - forcing off", "contradicted"),
        ("flash-attn", "resolve_fused_ops: Flash Attention enabled", "confirmed"),
        ("no-flash-attn", "resolve_fused_ops: Flash Attention enabled", "contradicted"),
        ("no-flash-attn", "llama_context: flash_attn    = 0", "confirmed"),
        ("no-flash-attn", "llama_context: flash_attn    = auto", "not told"),
        ("no-mmap", "load_tensors:   CPU_Mapped model buffer size =    92.10 MiB", "contradicted"),
        ("no-mmap", "load_tensors: loading model tensors (load_mode = mmap)", "contradicted"),
        ("no-mmap", "load_tensors: loading model tensors (mmap = false)", "confirmed"),
        (
            "mlock",
            "warning: failed to mlock 92-byte buffer: Cannot allocate memory",
            "contradicted",
        ),
        ("mlock", "load_tensors: (load_mode = mmap+mlock)", "confirmed"),
        ("direct-io", "load_tensors: (mmap = false, direct_io = false)", "contradicted"),
        ("no-repack", "load_tensors: CPU_REPACK model buffer size = 80.00 MiB", "contradicted"),
        ("no-kv-offload", "llama_kv_cache:      CUDA0 KV buffer size = 11.25 MiB", "contradicted"),
        ("no-kv-offload", "llama_kv_cache:        CPU KV buffer size = 11.25 MiB", "confirmed"),
        ("no-kv-offload", "llama_kv_cache:  CUDA_Host KV buffer size = 11.25 MiB", "not told"),
        ("kv-q8_0", KV_F16, "contradicted"),
        ("kv-q8_0", KV_Q8, "confirmed"),
        ("swa-full", "llama_kv_cache_iswa: using full-size SWA cache", "confirmed"),
    ],
)
def test_a_log_confirms_or_contradicts_or_says_nothing(feature: str, log: str, state: str) -> None:
    told = in_log(feature, f"0.00.001.000 I build: 1\n{log}\nbye")
    assert told.state == state
    assert bool(told.words) == (state != "not told")


def test_a_line_without_an_end_holds_nobody_up() -> None:
    flood = "flash_attn " * 50_000
    assert in_log("flash-attn", f"{flood}\nflash_attn = 1").state == "confirmed"
    assert on_the_cpu("no GPU " * 70_000).state == "not told"


@pytest.mark.parametrize("feature", LLAMA_FEATURES)
def test_of_nothing_nothing_is_told(feature: str) -> None:
    assert in_log(feature, "").state == "not told"
    assert in_json(feature, {"n_prompt": 4, "avg_ns": 1}).state == "not told"


CPU_BUILD = {"backends": "CPU", "gpu_info": ""}
NO_DEVICE = {"backends": "CUDA", "gpu_info": ""}
GPU = {"backends": "CUDA", "gpu_info": "NVIDIA H100 80GB HBM3"}
SOFTWARE = {"backends": "Vulkan", "gpu_info": "llvmpipe (LLVM 15.0.7, 256 bits)"}


@pytest.mark.parametrize(
    ("feature", "test", "state"),
    [
        ("gpu", CPU_BUILD, "contradicted"),
        ("gpu", {"backends": "BLAS,CPU", "gpu_info": ""}, "contradicted"),
        ("gpu", NO_DEVICE, "contradicted"),
        ("gpu", SOFTWARE, "contradicted"),
        ("gpu", GPU, "confirmed"),
        ("gpu", {"cuda": True, "gpu_info": ""}, "not told"),
        ("flash-attn", {"flash_attn": True}, "confirmed"),
        ("flash-attn", {"flash_attn": 0}, "contradicted"),
        ("no-flash-attn", {"flash_attn": "off"}, "confirmed"),
        ("no-flash-attn", {"flash_attn": 1}, "contradicted"),
        ("no-mmap", {"use_mmap": False}, "confirmed"),
        ("no-mmap", {"load_mode": "mmap"}, "contradicted"),
        ("mlock", {"load_mode": "mmap+mlock"}, "confirmed"),
        ("direct-io", {"load_mode": "none"}, "contradicted"),
        ("no-kv-offload", {"no_kv_offload": False}, "contradicted"),
        ("no-op-offload", {"no_op_offload": 1}, "confirmed"),
        ("kv-q8_0", {"type_k": "q8_0", "type_v": "f16"}, "contradicted"),
        ("no-poll", {"poll": 50}, "contradicted"),
        ("no-poll", {"poll": 0}, "confirmed"),
    ],
)
def test_llama_benchs_json_tells_the_same(feature: str, test: dict[str, Any], state: str) -> None:
    assert in_json(feature, test).state == state


@pytest.mark.parametrize(
    ("listed", "state"),
    [
        ("Available devices:\n", "contradicted"),
        ("Available devices:\n  (none)\n", "contradicted"),
        ("Available devices:\n  BLAS: OpenBLAS (0 MiB, 0 MiB free)\n", "contradicted"),
        (
            "Available devices:\n  Vulkan0: llvmpipe (LLVM 15) (7000 MiB, 7000 MiB free)",
            "contradicted",
        ),
        ("Available devices:\n  CUDA0: NVIDIA T4 (15102 MiB, 14900 MiB free)\n", "confirmed"),
        ("error: unknown argument: --list-devices", "not told"),
        ("", "not told"),
    ],
)
def test_a_gpu_needs_a_device(listed: str, state: str) -> None:
    assert in_devices(listed).state == state


@pytest.mark.parametrize(
    ("feature", "version", "state"),
    [
        ("gpu", "bitnet 0.2.1\nfeatures: cpu, gpu\n", "confirmed"),
        ("cuda", "bitnet 0.2.1\nfeatures: cpu, gpu\n", "confirmed"),
        ("gpu", "bitnet 0.2.1\nfeatures: cpu\n", "contradicted"),
        ("cpu", "bitnet 0.2.1\nfeatures: none\n", "contradicted"),
        ("full-cli", "bitnet 0.2.1\nfeatures: cpu\n", "not told"),
        ("gpu", "bitnet 0.2.1\n", "not told"),
    ],
)
def test_bitnet_rs_lists_what_it_was_built_with(feature: str, version: str, state: str) -> None:
    assert in_cargo_features(feature, version).state == state


@pytest.mark.parametrize(
    "log",
    [
        "WARN no CUDA device found, falling back to CPU",
        "GPU not available: using cpu kernels",
        "\x1b[33mWARN\x1b[0m CUDA is not available",
    ],
)
def test_a_fallback_to_the_cpu_is_noticed(log: str) -> None:
    assert on_the_cpu(f"INFO start\n{log}\nINFO end").state == "contradicted"
    assert on_the_cpu("INFO start\nINFO device cuda:0").state == "not told"


def test_a_system_without_any_device_has_no_gpu(tmp_path: Path) -> None:
    assert in_system(tmp_path).state == "not told"  # what it is cannot be seen
    (tmp_path / "dev").mkdir()
    assert in_system(tmp_path).state == "contradicted"
    (tmp_path / "dev" / "dri").mkdir()
    assert in_system(tmp_path).state == "not told"
