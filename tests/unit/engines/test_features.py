"""Features become the switches that this very build knows, or a sentence that says why not."""

from __future__ import annotations

import pytest

from perf_smoke.engines.features import LLAMA_FEATURES, llama_arguments, refuse_unknown
from perf_smoke.engines.programs import Help
from perf_smoke.result import Unmeasured
from tests.integration.engines import fake_llama_bench, fake_llama_completion

OLD_BENCH = """
  -ngl, --n-gpu-layers <n>            (default: 99)
  -fa, --flash-attn <0|1>             (default: 0)
  -mmp, --mmap <0|1>                  (default: 1)
  -nkvo, --no-kv-offload <0|1>        (default: 0)
  -ctk, --cache-type-k <t>            (default: f16)
  -ctv, --cache-type-v <t>            (default: f16)
"""
MID_2025 = "-fa,   --flash-attn FA      set Flash Attention use ('on', 'off', or 'auto')\n"


def arguments(text: str, *features: str) -> list[str]:
    return llama_arguments("llama-completion", "llama-cli", features, Help(text=text))


@pytest.mark.parametrize(
    ("text", "feature", "expected"),
    [
        (fake_llama_completion.HELP["2024"], "flash-attn", ["--flash-attn"]),
        (MID_2025, "flash-attn", ["--flash-attn", "on"]),
        (fake_llama_completion.HELP["2026"], "flash-attn", ["--flash-attn", "on"]),
        (OLD_BENCH, "flash-attn", ["--flash-attn", "1"]),
        (fake_llama_bench.HELP, "flash-attn", ["--flash-attn", "on"]),
        (fake_llama_completion.HELP["2024"], "no-flash-attn", []),
        (fake_llama_completion.HELP["2026"], "no-flash-attn", ["--flash-attn", "off"]),
        (OLD_BENCH, "no-flash-attn", ["--flash-attn", "0"]),
        (fake_llama_completion.HELP["2023"], "no-mmap", ["--no-mmap"]),
        (fake_llama_completion.HELP["2026"], "no-mmap", ["--load-mode", "none"]),
        (OLD_BENCH, "no-mmap", ["--mmap", "0"]),
        (fake_llama_bench.HELP, "no-mmap", ["--load-mode", "none"]),
        (fake_llama_completion.HELP["2023"], "mlock", ["--mlock"]),
        (fake_llama_completion.HELP["2026"], "mlock", ["--load-mode", "mmap+mlock"]),
        (fake_llama_bench.HELP, "no-repack", ["--repack", "0"]),
        (OLD_BENCH, "no-kv-offload", ["--no-kv-offload", "1"]),
        (OLD_BENCH, "kv-q8_0", ["--cache-type-k", "q8_0", "--cache-type-v", "q8_0"]),
        (fake_llama_completion.HELP["2026"], "no-poll", ["--poll", "0"]),
        (fake_llama_completion.HELP["2024"], "cpu-only", ["-ngl", "0"]),
        (OLD_BENCH, "gpu", ["-ngl", "999"]),
    ],
)
def test_each_build_is_told_in_its_own_words(text: str, feature: str, expected: list[str]) -> None:
    assert arguments(text, feature) == expected


def test_features_add_up_and_a_repeated_one_counts_once() -> None:
    text = fake_llama_completion.HELP["2026"]
    assert arguments(text, "flash-attn", "cpu-only", "flash-attn") == [
        *("--flash-attn", "on"),
        *("-ngl", "0"),
    ]


def test_unknown_features_are_named_with_those_that_there_are() -> None:
    with pytest.raises(Unmeasured) as caught:
        arguments(fake_llama_completion.HELP["2026"], "turbo", "flash-attn", "mmap")
    sentence = caught.value.failure.sentence
    assert caught.value.failure.reason == "features-unknown"
    assert "`turbo`, `mmap`" in sentence
    assert all(name in sentence for name in LLAMA_FEATURES)


def test_what_this_build_cannot_do_and_what_excludes_each_other_is_said_at_once() -> None:
    with pytest.raises(Unmeasured) as caught:
        arguments(
            fake_llama_completion.HELP["2026"], "no-mmap", "mlock", "swa-full", "gpu", "cpu-only"
        )
    sentence = caught.value.failure.sentence
    assert "`no-mmap` and `mlock` both set --load-mode" in sentence
    assert "`gpu` and `cpu-only` both set -ngl" in sentence
    assert "this `llama-cli` has no switch for `swa-full`" in sentence


def test_an_old_build_maps_and_locks_at_once() -> None:
    assert arguments(fake_llama_completion.HELP["2024"], "no-mmap", "mlock") == [
        "--no-mmap",
        "--mlock",
    ]


def test_a_program_without_help_has_no_features() -> None:
    with pytest.raises(Unmeasured, match="has no switch for `flash-attn`"):
        arguments("", "flash-attn")


def test_no_feature_is_no_argument() -> None:
    assert arguments("") == []


def test_known_names_pass() -> None:
    refuse_unknown("bitnet-rs", ["cpu"], ("cpu", "gpu"))
