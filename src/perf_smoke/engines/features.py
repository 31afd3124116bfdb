"""The `features` of the llama.cpp family: which switches each name means.

The same switch has been spelled in several ways, so each name lists them, newest first, with
what the program's own help says where that spelling is known. llama-bench spells most of them
differently from the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


LLAMA_FEATURES: dict[str, Feature] = {
    "flash-attn": Feature(
        meaning="flash attention on",
        spellings=(
            Spelling(r"--flash-attn +(\[on\||<on\||FA\b)", ("--flash-attn", "on")),
            Spelling(r"--flash-attn +<0\|1>", ("--flash-attn", "1")),
            Spelling(r"--flash-attn\b", ("--flash-attn",)),
        ),
    ),
    "no-flash-attn": Feature(
        meaning="flash attention off",
        spellings=(
            Spelling(r"--flash-attn +(\[on\||<on\||FA\b)", ("--flash-attn", "off")),
            Spelling(r"--flash-attn +<0\|1>", ("--flash-attn", "0")),
            Spelling(r"--flash-attn\b", ()),  # a switch that only turns it on
        ),
    ),
    "no-mmap": Feature(
        meaning="read the model instead of mapping it",
        spellings=(
            Spelling(r"--load-mode\b", ("--load-mode", "none")),
            Spelling(r"--mmap +<0\|1>", ("--mmap", "0")),
            Spelling(r"--no-mmap\b", ("--no-mmap",)),
        ),
    ),
    "mlock": Feature(
        meaning="keep the mapped model in memory",
        spellings=(
            Spelling(r"(?s)--load-mode\b.*mmap\+mlock", ("--load-mode", "mmap+mlock")),
            Spelling(r"--load-mode\b", ("--load-mode", "mlock")),
            Spelling(r"--mlock\b", ("--mlock",)),
        ),
    ),
    "direct-io": Feature(
        meaning="read the model past the page cache",
        spellings=(
            Spelling(r"--load-mode\b", ("--load-mode", "dio")),
            Spelling(r"--direct-io +<0\|1>", ("--direct-io", "1")),
            Spelling(r"--direct-io\b", ("--direct-io",)),
        ),
    ),
    "no-repack": Feature(
        meaning="weights as they are in the file",
        spellings=(
            Spelling(r"--no-repack\b", ("--no-repack",)),
            Spelling(r"--repack +<0\|1>", ("--repack", "0")),
        ),
    ),
    "no-kv-offload": Feature(
        meaning="the KV cache stays in main memory",
        spellings=(
            Spelling(r"--no-kv-offload +<0\|1>", ("--no-kv-offload", "1")),
            Spelling(r"--no-kv-offload\b", ("--no-kv-offload",)),
        ),
    ),
    "no-op-offload": Feature(
        meaning="operations on weights in main memory stay on the CPU",
        spellings=(
            Spelling(r"--no-op-offload +<0\|1>", ("--no-op-offload", "1")),
            Spelling(r"--no-op-offload\b", ("--no-op-offload",)),
        ),
    ),
    "kv-q8_0": Feature(
        meaning="KV cache in 8 bits",
        spellings=(
            Spelling(
                r"--cache-type-v\b",
                ("--cache-type-k", "q8_0", "--cache-type-v", "q8_0"),
            ),
        ),
    ),
    "swa-full": Feature(
        meaning="the whole cache for sliding-window attention",
        spellings=(Spelling(r"--swa-full\b", ("--swa-full",)),),
    ),
    "no-poll": Feature(
        meaning="threads sleep instead of spinning while they wait",
        spellings=(Spelling(r"--poll\b", ("--poll", "0")),),
    ),
    "cpu-only": Feature(
        meaning="no layer on a GPU",
        spellings=(Spelling(r"-ngl\b", ("-ngl", "0")),),
    ),
    "gpu": Feature(
        meaning="all layers on the GPU",
        spellings=(Spelling(r"-ngl\b", ("-ngl", "999")),),
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
