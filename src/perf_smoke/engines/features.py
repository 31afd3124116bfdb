"""The `features` of the llama.cpp family: which switches each name means, and how the engine tells
that it did, or did not do, what they say.

The same switch has been spelled in several ways, so each name lists them, newest first, with
what the program's own help says where that spelling is known. llama-bench spells most of them
differently from the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from perf_smoke.engines.programs import Help
from perf_smoke.result import Unmeasured


@dataclass(frozen=True)
class Spelling:
    """One way to say it."""

    help: str
    """Regular expression found in the help of programs that know it."""
    arguments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One name of the table."""

    meaning: str
    spellings: tuple[Spelling, ...]
    done: str = ""
    """Regular expression for a line of the log that confirms it."""
    not_done: str = ""
    """The same for one that contradicts it."""
    in_json: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """By a field of llama-bench's JSON: the values that confirm it. Any other contradicts it."""


_FLASH_ON = r"flash_attn\s*= (?:1|enabled)\b|Flash Attention (?:enabled|was auto, set to enabled)"
_FLASH_OFF = (
    r"flash_attn\s*= (?:0|disabled)\b|Flash Attention (?:disabled|was auto, set to disabled)"
    r"|flash_attn .*forcing off"
)
_NO_DEVICE = (
    r"no usable GPU found|not compiled with GPU offload support|no CUDA-capable device"
    r"|failed to initialize (?:CUDA|ROCm|Vulkan)|found 0 (?:CUDA|ROCm|Vulkan) devices"
    r"|ggml_vulkan: No devices found"
)
_ON, _OFF = (True, 1, "1", "on", "enabled"), (False, 0, "0", "off", "disabled")

LLAMA_FEATURES: dict[str, Feature] = {
    "flash-attn": Feature(
        meaning="flash attention on",
        spellings=(
            Spelling(r"--flash-attn +(\[on\||<on\||FA\b)", ("--flash-attn", "on")),
            Spelling(r"--flash-attn +<0\|1>", ("--flash-attn", "1")),
            Spelling(r"--flash-attn\b", ("--flash-attn",)),
        ),
        done=_FLASH_ON,
        not_done=_FLASH_OFF,
        in_json={"flash_attn": _ON},
    ),
    "no-flash-attn": Feature(
        meaning="flash attention off",
        spellings=(
            Spelling(r"--flash-attn +(\[on\||<on\||FA\b)", ("--flash-attn", "off")),
            Spelling(r"--flash-attn +<0\|1>", ("--flash-attn", "0")),
            Spelling(r"--flash-attn\b", ()),  # a switch that only turns it on
        ),
        done=_FLASH_OFF,
        not_done=_FLASH_ON,
        in_json={"flash_attn": _OFF},
    ),
    "no-mmap": Feature(
        meaning="read the model instead of mapping it",
        spellings=(
            Spelling(r"--load-mode\b", ("--load-mode", "none")),
            Spelling(r"--mmap +<0\|1>", ("--mmap", "0")),
            Spelling(r"--no-mmap\b", ("--no-mmap",)),
        ),
        done=r"\bmmap = false|load_mode = none",
        not_done=r"\bmmap = true|load_mode = mmap|_Mapped model buffer size",
        in_json={"use_mmap": _OFF, "load_mode": ("none",)},
    ),
    "mlock": Feature(
        meaning="keep the mapped model in memory",
        spellings=(
            Spelling(r"(?s)--load-mode\b.*mmap\+mlock", ("--load-mode", "mmap+mlock")),
            Spelling(r"--load-mode\b", ("--load-mode", "mlock")),
            Spelling(r"--mlock\b", ("--mlock",)),
        ),
        done=r"load_mode = (?:mmap\+)?mlock",
        not_done=r"failed to (?:mlock|VirtualLock)|mlock (?:is )?not supported",
        in_json={"load_mode": ("mlock", "mmap+mlock")},
    ),
    "direct-io": Feature(
        meaning="read the model past the page cache",
        spellings=(
            Spelling(r"--load-mode\b", ("--load-mode", "dio")),
            Spelling(r"--direct-io +<0\|1>", ("--direct-io", "1")),
            Spelling(r"--direct-io\b", ("--direct-io",)),
        ),
        done=r"\bdirect_io = true|load_mode = dio",
        not_done=r"\bdirect_io = false|(?i:direct I/O .*(?:not supported|unavailable|failed))",
        in_json={"use_direct_io": _ON, "load_mode": ("dio",)},
    ),
    "no-repack": Feature(
        meaning="weights as they are in the file",
        spellings=(
            Spelling(r"--no-repack\b", ("--no-repack",)),
            Spelling(r"--repack +<0\|1>", ("--repack", "0")),
        ),
        not_done=r"_REPACK model buffer size|repack: repack tensor",
        in_json={"repack": _OFF, "no_repack": _ON},
    ),
    "no-kv-offload": Feature(
        meaning="the KV cache stays in main memory",
        spellings=(
            Spelling(r"--no-kv-offload +<0\|1>", ("--no-kv-offload", "1")),
            Spelling(r"--no-kv-offload\b", ("--no-kv-offload",)),
        ),
        done=r"\bCPU KV buffer size",
        not_done=r"\b(?!CPU|\w+_Host)\w+ KV buffer size",
        in_json={"no_kv_offload": _ON},
    ),
    "no-op-offload": Feature(
        meaning="operations on weights in main memory stay on the CPU",
        spellings=(
            Spelling(r"--no-op-offload +<0\|1>", ("--no-op-offload", "1")),
            Spelling(r"--no-op-offload\b", ("--no-op-offload",)),
        ),
        in_json={"no_op_offload": _ON},
    ),
    "kv-q8_0": Feature(
        meaning="KV cache in 8 bits",
        spellings=(
            Spelling(
                r"--cache-type-v\b",
                ("--cache-type-k", "q8_0", "--cache-type-v", "q8_0"),
            ),
        ),
        done=r"K \(q8_0\): .*V \(q8_0\): ",
        not_done=r"\b[KV] \((?!q8_0\))\w+\): +[0-9.]+ MiB",
        in_json={"type_k": ("q8_0",), "type_v": ("q8_0",)},
    ),
    "swa-full": Feature(
        meaning="the whole cache for sliding-window attention",
        spellings=(Spelling(r"--swa-full\b", ("--swa-full",)),),
        done=r"using full-size SWA cache",
    ),
    "no-poll": Feature(
        meaning="threads sleep instead of spinning while they wait",
        spellings=(Spelling(r"--poll\b", ("--poll", "0")),),
        in_json={"poll": _OFF},
    ),
    "cpu-only": Feature(
        meaning="no layer on a GPU",
        spellings=(Spelling(r"-ngl\b", ("-ngl", "0")),),
        done=r"offloaded 0/[0-9]+ layers to GPU|no usable GPU found",
        not_done=r"offloaded [1-9][0-9]*/[0-9]+ layers to GPU",
    ),
    "gpu": Feature(
        meaning="all layers on the GPU",
        spellings=(Spelling(r"-ngl\b", ("-ngl", "999")),),
        done=r"offloaded ([0-9]+)/\1 layers to GPU",
        not_done=rf"offloaded ([0-9]+)/(?!\1 )[0-9]+ layers to GPU|{_NO_DEVICE}",
    ),
}


def llama_arguments(engine: str, program: str, features: Sequence[str], known: Help) -> list[str]:
    """The switches that these features mean to this program.

    Raises:
        Unmeasured: `features-unknown`: a name is not in the table, this build does not know
            it, or two of them set the same switch. All of it in one sentence.
    """
    refuse_unknown(engine, features, LLAMA_FEATURES)
    problems: list[str] = []
    arguments: list[str] = []
    set_by: dict[str, str] = {}
    for feature in dict.fromkeys(features):
        spelling = _spelling(LLAMA_FEATURES[feature], known)
        if spelling is None:
            problems.append(f"this `{program}` has no switch for `{feature}`")
            continue
        switch = spelling.arguments[0] if spelling.arguments else ""
        if switch and switch in set_by:
            problems.append(f"`{set_by[switch]}` and `{feature}` both set {switch}")
        set_by[switch] = feature
        arguments += spelling.arguments
    if problems:
        raise Unmeasured("features-unknown", f"The features cannot be had: {'; '.join(problems)}.")
    return arguments


def refuse_unknown(
    engine: str, features: Sequence[str], known: Sequence[str] | dict[str, Feature]
) -> None:
    """Refuse names that are not in a list.

    Raises:
        Unmeasured: `features-unknown`, naming all that are wrong and all that there are.
    """
    unknown = [feature for feature in features if feature not in known]
    if unknown:
        raise Unmeasured(
            "features-unknown",
            f"Engine `{engine}` has no feature {_quoted(unknown)}. It knows: {', '.join(known)}.",
        )


def _spelling(feature: Feature, known: Help) -> Spelling | None:
    return next((each for each in feature.spellings if known.matches(each.help)), None)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
