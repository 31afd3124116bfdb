"""What does an engine tell of the features that it was asked for?

Each is confirmed, contradicted or not told; only a contradiction is a reason not to measure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perf_smoke.engines.base import Evidence
from perf_smoke.engines.features import LLAMA_FEATURES
from perf_smoke.printable import one_line
from perf_smoke.result import Unmeasured

_DEVICE = re.compile(r"^\s+(?P<name>[^\s:]+): (?P<words>.+)$", re.MULTILINE)
_NO_GPU = re.compile(r"CPU|BLAS|\(?none\)?|AMX", re.IGNORECASE)
"""What programs list beside the GPUs."""
_SOFTWARE = re.compile(r"llvmpipe|lavapipe|swiftshader|softpipe", re.IGNORECASE)
"""Drivers that compute on the CPU what a GPU should."""
_CARGO_FEATURES = re.compile(r"^features: *(?P<names>.*)$", re.MULTILINE)
_LISTED_BY_CARGO = frozenset({"cpu", "gpu", "iq2s-ffi", "crossval"})
_FALLBACK = re.compile(
    r"fall(?:ing|s)? ?back to (?:the )?CPU|(?:CUDA|GPU|Metal)(?: device)?(?: is)? not "
    r"(?:available|found)|no (?:CUDA|GPU)[ \w-]* (?:device|found)",
    re.IGNORECASE,
)
_LONGEST_LINE = 1000
"""So much of a line is searched: no engine tells of a feature behind that."""
_GPU_NODES = ("dev/nvidiactl", "dev/dri", "dev/kfd", "dev/dxg")
_BACKENDS_OF_CPU = frozenset({"CPU", "BLAS", "AMX", "KLEIDIAI", "RPC"})


@dataclass(frozen=True, kw_only=True)
class Told:
    """What was told of one feature, and in which words."""

    state: Evidence
    words: str = ""


_NOTHING = Told(state="not told")


def in_log(feature: str, log: str) -> Told:
    """What the last line of the log tells that tells something of this feature."""
    row = LLAMA_FEATURES[feature]
    for line in reversed(_lines(log)):
        if row.not_done and re.search(row.not_done, line):
            return Told(state="contradicted", words=one_line(line))
        if row.done and re.search(row.done, line):
            return Told(state="confirmed", words=one_line(line))
    return _NOTHING


def _lines(log: str) -> list[str]:
    return [line[:_LONGEST_LINE] for line in log.splitlines()]


def in_json(feature: str, test: Mapping[str, Any]) -> Told:
    """What the JSON of one of llama-bench's tests tells."""
    if feature == "gpu" and (told := _backends(test)):
        return told
    named = {
        name: values for name, values in LLAMA_FEATURES[feature].in_json.items() if name in test
    }
    for name, values in named.items():
        if test[name] not in values:
            return Told(state="contradicted", words=one_line(f"{name}: {test[name]}"))
    return Told(state="confirmed") if named else _NOTHING


def _backends(test: Mapping[str, Any]) -> Told | None:
    backends, gpu = test.get("backends"), test.get("gpu_info")
    if not isinstance(backends, str):
        return None
    words = one_line(f"backends: {backends}, gpu_info: {gpu}")
    of_gpu = {name.strip() for name in backends.split(",")} - _BACKENDS_OF_CPU - {""}
    if not of_gpu or gpu == "" or (isinstance(gpu, str) and _SOFTWARE.search(gpu)):
        return Told(state="contradicted", words=words)
    return Told(state="confirmed", words=words)


def in_devices(listed: str) -> Told:
    """What `--list-devices` tells of `gpu`: it needs a device that is none of the CPU's."""
    if "vailable devices" not in listed:
        return _NOTHING
    devices = [each for each in _DEVICE.finditer(listed) if not _NO_GPU.fullmatch(each["name"])]
    if any(not _SOFTWARE.search(each["words"]) for each in devices):
        return Told(state="confirmed", words=one_line(devices[0][0]))
    words = one_line(devices[0][0]) if devices else "no device"
    return Told(state="contradicted", words=words)


def in_cargo_features(feature: str, version: str) -> Told:
    """What BitNet.rs's `--version` tells, which lists some of the features it was built with."""
    line = _CARGO_FEATURES.search(version)
    meant = {"cuda": "gpu"}.get(feature, feature)
    if line is None or meant not in _LISTED_BY_CARGO:
        return _NOTHING
    is_in = meant in re.split(r"[,\s]+", line["names"])
    return Told(state="confirmed" if is_in else "contradicted", words=one_line(line[0]))


def on_the_cpu(log: str) -> Told:
    """Whether an engine that was to use a GPU says that it did without."""
    lines = (line for line in _lines(log) if _FALLBACK.search(line))
    line = next(lines, "")
    return Told(state="contradicted", words=one_line(line)) if line else _NOTHING


def in_system(root: Path) -> Told:
    """Whether this Linux has any device that a GPU's driver makes."""
    if not (root / "dev").is_dir() or any((root / node).exists() for node in _GPU_NODES):
        return _NOTHING
    return Told(state="contradicted", words=f"there is none of {', '.join(_GPU_NODES)}")


def agreed(program: str, told: Iterable[tuple[str, Told]]) -> dict[str, Evidence]:
    """What was told of each feature, all of it together.

    Args:
        told: of a feature there may be several.

    Raises:
        Unmeasured: `features-unavailable`, with the engine's own words: a measurement under the
            name of a feature that did not happen is none.
    """
    states: dict[str, Evidence] = {}
    against: dict[str, str] = {}
    for feature, one in told:
        if one.state == "contradicted":
            against.setdefault(feature, f"of `{feature}` it says `{one.words}`")
        if states.get(feature) != "confirmed":
            states[feature] = one.state
    if against:
        raise Unmeasured(
            "features-unavailable",
            f"`{program}` does not do what `features` says: {'; '.join(against.values())}. Give it "
            "what it needs for that, or leave the feature out.",
        )
    return states
