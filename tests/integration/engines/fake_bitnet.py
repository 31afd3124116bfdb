"""BitNet.rs's `bitnet run`: its JSON, its trace, its last line on stdout."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.integration.engines.fake_faults import (
    fault,
    is_first_step,
    misbehave,
    refuse_wrong_model,
)

PIECES = ("1", "1", ",", " so")


def main(arguments: Sequence[str]) -> None:
    """Be called as the real one is."""
    if arguments == ["--version"]:
        print("bitnet 0.2.1")
        return
    options = parsed(arguments[1:])
    refuse_wrong_model(options["--model"], "Error: model file has wrong magic")
    misbehave()
    run(options)


def parsed(arguments: Sequence[str]) -> dict[str, str]:
    """Options with their values, joined by `=` or not; flags with an empty one."""
    options: dict[str, str] = {}
    rest = iter(arguments)
    for word in rest:
        name, joined, value = word.partition("=")
        options[name] = (
            value if joined else "" if name in ("--greedy", "--no-warnings") else next(rest)
        )
    return options


def run(options: dict[str, str]) -> None:
    """Tokens, one step of about 2 ms each, then the result file."""
    asked = int(options["--max-new-tokens"])
    tokens = min(asked, 2) if fault() == "short" else asked
    started_s = time.perf_counter()
    first_ms = 0
    for number in range(tokens):
        step_s = time.perf_counter()
        time.sleep(0.002)
        if os.environ.get("BITNET_TRACE_TIMING") == "1":
            forward_us = int((time.perf_counter() - step_s) * 1e6)
            for name, microseconds in (("embed", 0), ("forward", forward_us), ("logits", 0)):
                print(f"timing: {name}_us={microseconds}", file=sys.stderr)
            print("timing: sample_us=0", file=sys.stderr)
        first_ms = first_ms or int((time.perf_counter() - started_s) * 1e3)
        print(PIECES[number % len(PIECES)], end="", flush=True)
    total_ms = int((time.perf_counter() - started_s) * 1e3)
    print(f"\n\nGeneration complete!\nGenerated {tokens} tokens in {total_ms}ms")
    if fault() == "stale" and not is_first_step():
        return
    text = "".join(PIECES[number % len(PIECES)] for number in range(tokens))
    document = {
        "prompt": options["--prompt"],
        "text": text,
        "tokens": {"prompt": 4, "generated": tokens, "total": 4 + tokens},
        "latency": {
            "cmd_to_first_ms": first_ms,
            "decode_first_ms": first_ms,
            "total_ms": total_ms,
        },
        "throughput": {"tokens_per_second": 0.0, "decoded_tokens": tokens},
    }
    Path(options["--json-out"]).write_text(json.dumps(document))
