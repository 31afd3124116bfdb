"""BitNet.rs: `bitnet run`, which writes what it did to a JSON file of this step.

The command feeds only the last prompt token into an empty cache: there is no prefill, and TTFT is
one forward pass. Its clock starts after the load and counts whole milliseconds; the trace of each
step's parts counts microseconds.
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

from perf_smoke.engines import cargo
from perf_smoke.engines.base import EngineSetup, Request
from perf_smoke.engines.evidence import (
    agreed,
    in_cargo_features,
    in_system,
    on_the_cpu,
)
from perf_smoke.engines.fields import Fields
from perf_smoke.engines.one_shot import OneShotEngine, Reading, Recipe, Unreadable, strict_json
from perf_smoke.engines.programs import find, identify, printed
from perf_smoke.printable import decoded, one_line
from perf_smoke.processes.foreground import Finished
from perf_smoke.result import Failure, Tier

_ID = "bitnet-rs"
_RESULT = "bitnet-run.json"
_ROOT = Path("/")
_GPU_FEATURES = ("gpu", "cuda", "metal", "rocm", "vulkan", "opencl")
_STEP_PART = re.compile(
    r"^timing: (embed|forward|logits|sample)_us=([0-9]{1,15})\s*$", re.MULTILINE
)
_PARTS = ("embed", "forward", "logits", "sample")
_CAUSE = re.compile(r"\bCommand failed: (.+)$", re.MULTILINE)
_EXIT_CODES = {
    3: "tensors of the model could not be matched to its own (`--strict-mapping`)",
    4: "it found no real tokenizer (`--strict-tokenizer`): give `tokenizer`",
    5: "its check of the negative log-likelihood failed",
    6: "its check against a reference's ranking failed",
    7: "a token that is not the likeliest was chosen although decoding is greedy",
    8: "its check of the model's layer norms failed",
    9: "its own performance check failed",
    10: "its own memory check failed",
}


def prepare(setup: EngineSetup) -> OneShotEngine:
    """Find bitnet on PATH, or what `binary` or the build names.

    Raises:
        Unmeasured: `engine-missing`, `features-unknown`, `features-unavailable`.
    """
    check_inputs(setup)
    program = find(_ID, setup)
    on_gpu = [name for name in setup.features if name in _GPU_FEATURES]
    version = printed([str(program), "--version"], setup) if setup.features else ""
    agreed(
        program.name,
        [
            *((name, in_cargo_features(name, version)) for name in setup.features),
            *((name, in_system(_ROOT)) for name in on_gpu if sys.platform == "linux"),
        ],
    )
    result_file = setup.scratch / _RESULT
    tokenizer = ("--tokenizer", str(setup.tokenizer)) if setup.tokenizer else ()

    def arguments(request: Request) -> list[str]:
        return [
            "run",
            *("--model", str(setup.model)),
            *tokenizer,
            f"--prompt={request.prompt}",  # joined: a prompt may start with a dash
            *("--prompt-template", "raw"),
            *("--max-new-tokens", str(request.tokens)),
            *("--temperature", "0"),
            "--greedy",
            *("--repetition-penalty", "1.0"),
            *("--seed", str(request.seed)),
            *("--threads", str(request.threads)),
            *("--json-out", str(result_file)),
            "--no-warnings",
        ]

    def read(finished: Finished, result: bytes, _request: Request) -> Reading:
        told = on_the_cpu(decoded(finished.stderr))
        agreed(program.name, [(name, told) for name in on_gpu])
        return _read(finished, result)

    return OneShotEngine(
        identify(_ID, program, setup),
        setup,
        Recipe(
            arguments=arguments,
            read=read,
            result_file=result_file,
            environment=_environment(setup.request.threads),
            explain=_explain,
        ),
    )


def check_inputs(setup: EngineSetup) -> None:
    """Refuse features that there are none of.

    Raises:
        Unmeasured: `features-unknown`.
    """
    cargo.check_features(_ID, setup)


def check_build(setup: EngineSetup) -> None:
    """Refuse `build: auto` where it cannot work.

    Raises:
        Unmeasured: `build-missing` (no cargo, no such package), `features-unknown`.
    """
    cargo.check_package(_ID, setup)


def build(setup: EngineSetup, timeout_s: float) -> Path:
    """`build: auto`: the program that cargo builds and names.

    Raises:
        Unmeasured: as `check_build`; `build-failed`, with cargo's last lines.
    """
    return cargo.build(_ID, setup, timeout_s)


def _environment(threads: int) -> dict[str, str]:
    return {
        "BITNET_TRACE_TIMING": "1",
        # `--threads` alone changes nothing: it is read only with `--deterministic`, which means
        # more than that.
        "RAYON_NUM_THREADS": str(threads),
        # A model that cannot be loaded would be replaced by made-up tensors, and its JSON would
        # not say so. `0` is no value that it takes.
        "BITNET_ALLOW_MOCK": "false",
    }


def _read(finished: Finished, result: bytes) -> Reading:
    document = Fields(strict_json(result, "its --json-out file"), "`bitnet`")
    tokens, latency = document.object("tokens"), document.object("latency")
    n_out = tokens.count("generated")
    if n_out is None:
        raise Unreadable("its JSON does not say how many tokens were generated")
    e2e_ms = latency.duration_ms("total_ms")
    steps_us = traced_steps_us(decoded(finished.stderr))
    ttft_ms = latency.duration_ms("cmd_to_first_ms")
    decode_ms = _difference_ms(ttft_ms, e2e_ms) if n_out > 1 else None
    tier: Tier = "A"
    if steps_us and len(steps_us) == n_out:
        ttft_ms, decode_ms, tier = steps_us[0] / 1e3, sum(steps_us[1:]) / 1e3 or None, "D"
        # The file's is cut to whole ms, the trace's lacks what lies between its parts: both are
        # too short.
        e2e_ms = max(e2e_ms or 0.0, sum(steps_us) / 1e3)
    return Reading(
        n_prompt=tokens.count("prompt"),
        n_out=n_out,
        ttft_ms=ttft_ms,
        decode_ms=decode_ms,
        e2e_ms=e2e_ms,
        text=document.text("text"),
        tiers=dict.fromkeys(("ttft_ms", "e2e_ms", "decode_ms"), tier),
    )


def _difference_ms(first_ms: float | None, total_ms: float | None) -> float | None:
    """Of the two clock readings, which are whole milliseconds: none of less than one."""
    if first_ms is None or total_ms is None or total_ms <= first_ms:
        return None
    return total_ms - first_ms


def traced_steps_us(stderr: str) -> list[int]:
    """What BITNET_TRACE_TIMING tells of each step: embedding, forward pass, logits and sampling
    together. Steps that are not whole are left out, so that their number gives them away."""
    steps: list[int] = []
    parts: dict[str, int] = {}
    for name, microseconds in _STEP_PART.findall(stderr):
        if name == _PARTS[0]:
            parts = {}
        parts[name] = int(microseconds)
        if name == _PARTS[-1] and set(parts) == set(_PARTS):
            steps.append(sum(parts.values()))
            parts = {}
    return steps


def _explain(failure: Failure, finished: Finished) -> Failure:
    """With what its exit code means, or what it says of its end among its many lines."""
    meaning = _EXIT_CODES.get(finished.exit_code)
    if meaning is None and (cause := _CAUSE.search(decoded(finished.stderr))):
        meaning = f"`{one_line(cause[1])}`"
    if meaning is None or finished.timed_out:
        return failure
    return replace(failure, sentence=f"{failure.sentence.removesuffix('.')}: {meaning}.")
