"""Which GPUs does this machine have? Asked with a short limit, and never required."""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from perf_smoke.printable import decoded, one_line
from perf_smoke.processes.foreground import run_process
from perf_smoke.result import Gpu

_TIMEOUT_S = 5.0
"""A driver that does not answer in this time is not asked again."""
_MOST = 64
_NVIDIA = "0x10de"
_MAKERS = {"0x1002": "AMD", "0x8086": "Intel", _NVIDIA: "NVIDIA"}
"""By the number of the PCI vendor. Others, such as the screen of a virtual machine, compute
nothing."""
_WORKER = Path(__file__).with_name("nvml_worker.py")
_QUERY = ("--query-gpu=name,driver_version,memory.total", "--format=csv,noheader,nounits")


def gpus(root: Path, environment: Mapping[str, str]) -> tuple[Gpu, ...]:
    """Every GPU: of NVIDIA's driver through NVML, or through `nvidia-smi` where its Python package
    is missing; of others by what the kernel says. Asked once in the life of this process.

    Args:
        root: where /proc and /sys are.
        environment: for PATH.
    """
    return _asked_once(root, environment.get("PATH", ""))


@functools.cache
def _asked_once(root: Path, path: str) -> tuple[Gpu, ...]:
    of_driver = tuple(_from_nvml(root, path)) or tuple(_from_nvidia_smi(path))
    of_kernel = (gpu for maker, gpu in _from_kernel(root) if maker != _NVIDIA or not of_driver)
    return (*of_driver, *of_kernel)[:_MOST]


def _from_nvml(root: Path, path: str) -> Iterator[Gpu]:
    """In a process of its own: a driver in trouble may never answer."""
    if not (root / "proc/driver/nvidia/version").exists() or not importlib.util.find_spec("pynvml"):
        return
    for line in _printed(path, sys.executable, "-I", str(_WORKER)).splitlines():
        with suppress(ValueError, TypeError, KeyError):  # a line of the driver's library, no device
            device: dict[str, Any] = json.loads(line)
            yield Gpu(
                name=one_line(device["name"]),
                driver=one_line(device["driver"]),
                memory_mib=int(device["memory_bytes"]) // 1024**2,
            )


def _from_nvidia_smi(path: str) -> Iterator[Gpu]:
    program = shutil.which("nvidia-smi", path=path)
    for line in _printed(path, program, *_QUERY).splitlines() if program else ():
        name, *rest = (part.strip() for part in line.rsplit(",", 2))
        if len(rest) == 2:
            driver, memory = rest
            memory_mib = int(memory) if re.fullmatch(r"[0-9]{1,9}", memory) else None
            yield Gpu(name=one_line(name), driver=one_line(driver), memory_mib=memory_mib)


def _from_kernel(root: Path) -> Iterator[tuple[str, Gpu]]:
    """By the number of its vendor."""
    cards = (root / "sys/class/drm").glob("card*")
    for card in sorted(each for each in cards if re.fullmatch(r"card[0-9]+", each.name)):
        device = card / "device"
        vendor = _text(device / "vendor")
        if vendor not in _MAKERS:
            continue
        with suppress(OSError):  # no driver has it: nothing could run on it
            module = (device / "driver").resolve(strict=True)
            version = _text(root / "sys/module" / module.name / "version")
            memory = _text(device / "mem_info_vram_total")
            number = f"{_MAKERS[vendor]} GPU {_text(device / 'device')}".strip()
            yield (
                vendor,
                Gpu(
                    name=_text(device / "product_name") or number,
                    driver=f"{one_line(module.name)} {version}".strip(),
                    memory_mib=int(memory) // 1024**2 if memory.isdecimal() else None,
                ),
            )


def _text(file: Path) -> str:
    """What a file of the kernel says; nothing where this kernel has none."""
    with suppress(OSError):
        return one_line(file.read_text(encoding="utf-8", errors="replace")[:1000], 100)
    return ""


def _printed(path: str, *command: str) -> str:
    """What a program prints; nothing where it cannot run, fails or takes too long."""
    seen = {"PATH": path}
    with suppress(OSError):
        finished = run_process(command, timeout_s=_TIMEOUT_S, cwd=Path("/"), environment=seen)
        return "" if finished.failed else decoded(finished.stdout)
    return ""
