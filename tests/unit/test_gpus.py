"""Which GPUs a machine has, as programs and folders of all kinds of machines tell."""

from __future__ import annotations

import time
import types
from pathlib import Path

import pytest

from perf_smoke.measure import gpus as asked
from perf_smoke.measure import nvml_worker
from perf_smoke.measure.gpus import gpus
from perf_smoke.result import Gpu

T4 = Gpu(name="Tesla T4", driver="550.54.15", memory_mib=15_360)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system of which nothing can be read, as yet."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def nvidia_smi(folder: Path, script: str) -> dict[str, str]:
    """An environment with a program of that name, made of a shell script."""
    folder.mkdir(exist_ok=True)
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def card(root: Path, name: str, driver: str, **files: str) -> None:
    device = root / "sys/class/drm" / name / "device"
    device.mkdir(parents=True)
    for file, text in files.items():
        (device / file).write_text(text + "\n")
    module = root / "sys/bus/pci/drivers" / driver
    module.mkdir(parents=True, exist_ok=True)
    (device / "driver").symlink_to(module)


def nvml(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """NVIDIA's driver is there, and what asks it is this script."""
    version = root / "proc/driver/nvidia/version"
    version.parent.mkdir(parents=True)
    version.touch()
    worker = tmp_path / "worker.py"
    worker.write_text(script)
    monkeypatch.setattr(asked, "_WORKER", worker)


def test_a_machine_without_any_has_none(root: Path, tmp_path: Path) -> None:
    assert gpus(root, {}) == ()
    assert gpus(root, {"PATH": str(tmp_path)}) == ()


def test_the_program_of_the_driver_tells_them(root: Path, tmp_path: Path) -> None:
    printed = "Tesla T4, 550.54.15, 15360\\nNVIDIA GB10, rev 1, 580.95, [N/A]\\nnonsense"
    path = nvidia_smi(tmp_path / "bin", f"[ $# = 2 ] && printf '{printed}'")
    gb10 = Gpu(name="NVIDIA GB10, rev 1", driver="580.95", memory_mib=None)
    assert gpus(root, path) == (T4, gb10)


@pytest.mark.parametrize(
    "script",
    [
        "echo 'NVIDIA-SMI has failed because it could not communicate with the driver.'; exit 9",
        "echo 'No devices were found'",
        "printf 'Tesla\\377\\0'",
        ":",
    ],
)
def test_a_driver_in_trouble_tells_nothing(script: str, root: Path, tmp_path: Path) -> None:
    assert gpus(root, nvidia_smi(tmp_path / "bin", script)) == ()


def test_a_driver_that_does_not_answer_is_not_waited_for(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked, "_TIMEOUT_S", 0.2)
    path = nvidia_smi(tmp_path / "bin", "exec sleep 60")
    started_s = time.monotonic()
    assert gpus(root, path) == ()
    assert time.monotonic() - started_s < 30


def test_it_is_asked_once(root: Path, tmp_path: Path) -> None:
    path = nvidia_smi(tmp_path / "bin", f"echo asked >> {tmp_path}/log; echo a, 1, 2")
    assert gpus(root, path) == gpus(root, path) == (Gpu(name="a", driver="1", memory_mib=2),)
    assert (tmp_path / "log").read_text() == "asked\n"


def test_the_library_of_the_driver_is_asked_first(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = '{"name": "Tesla T4", "driver": "550.54.15", "memory_bytes": 16106127360}'
    nvml(root, tmp_path, monkeypatch, f"print('{line}')\nprint('nonsense')")
    assert gpus(root, nvidia_smi(tmp_path / "bin", "echo another, 1, 2")) == (T4,)


def test_where_the_library_cannot_be_had_the_program_is_asked(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvml(root, tmp_path, monkeypatch, "raise SystemExit(1)")
    path = nvidia_smi(tmp_path / "bin", "echo Tesla T4, 550.54.15, 15360")
    assert gpus(root, path) == (T4,)


def test_what_the_library_says_is_printed_line_by_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    library = types.SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlSystemGetDriverVersion=lambda: "550.54.15",
        nvmlDeviceGetCount=lambda: 1,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetMemoryInfo=lambda _device: types.SimpleNamespace(total=1024),
        nvmlDeviceGetName=lambda _device: "Tesla T4",
    )
    monkeypatch.setattr(nvml_worker, "pynvml", library)
    nvml_worker.main()
    assert capsys.readouterr().out == (
        '{"name": "Tesla T4", "driver": "550.54.15", "memory_bytes": 1024}\n'
    )


def test_the_kernel_tells_those_of_other_makers(root: Path, tmp_path: Path) -> None:
    card(root, "card0", "hyperv_drm", vendor="0x1414", device="0x5353")
    card(
        root,
        "card1",
        "amdgpu",
        vendor="0x1002",
        device="0x744c",
        product_name="Radeon RX 7900 XTX",
        mem_info_vram_total=str(24 * 1024**3),
    )
    card(root, "card2", "i915", vendor="0x8086", device="0x56a0")
    card(root, "card1-DP-1", "amdgpu", vendor="0x1002")
    card(root, "card3", "nvidia", vendor="0x10de", device="0x1eb8")
    (root / "sys/module/amdgpu").mkdir(parents=True)
    (root / "sys/module/amdgpu/version").write_text("6.8.5\n")
    others = (
        Gpu(name="Radeon RX 7900 XTX", driver="amdgpu 6.8.5", memory_mib=24_576),
        Gpu(name="Intel GPU 0x56a0", driver="i915"),
    )
    assert gpus(root, {}) == (*others, Gpu(name="NVIDIA GPU 0x1eb8", driver="nvidia"))
    path = nvidia_smi(tmp_path / "bin", "echo Tesla T4, 550.54.15, 15360")
    assert gpus(root, path) == (T4, *others)
