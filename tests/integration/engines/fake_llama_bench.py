"""llama-bench: JSON with the fields of 2026, without those that nobody reads here."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence

from tests.integration.engines.fake_faults import misbehave, refuse_wrong_model

HELP = """usage: llama-bench [options]

options:
  -h, --help
  --version                                   show version and build info
  --numa <distribute|isolate|numactl>         numa mode (default: disabled)
  -r, --repetitions <n>                       number of times to repeat each test (default: 5)
  -o, --output <csv|json|jsonl|md|sql>        output format printed to stdout (default: md)

test parameters:
  -m, --model <filename>                            (default: models/7B/ggml-model-q4_0.gguf)
  -p, --n-prompt <n>                                (default: 512)
  -n, --n-gen <n>                                   (default: 128)
  -t, --threads <n>                                 (default: 8)
  --poll <0...100>                                  (default: 50)
  -ngl, --n-gpu-layers <n>                          (default: -1)
  -nkvo, --no-kv-offload <0|1>                      (default: 0)
  -fa, --flash-attn <on|off|auto>                   (default: auto)
  -lm, --load-mode <auto|none|mmap|mlock|mmap+mlock|dio> (default: auto)
  --repack <0|1>                                    (default: 1)
"""


def main(arguments: Sequence[str]) -> None:
    """Be called as the real one is."""
    if "--help" in arguments:
        print(HELP)
        return
    if "--version" in arguments:
        print("version: 0.6.0-dev (build 0, commit unknown)", file=sys.stderr)
        return
    options = dict(zip(arguments[::2], arguments[1::2], strict=True))
    print("[", flush=True)  # printed before the model is loaded: all there is of a failure
    refuse_wrong_model(options["-m"], "llama_bench: error: failed to load model")
    misbehave()
    tests = [one_test(int(options["-p"]), 0)]
    if int(options["-n"]):
        tests.append(one_test(0, int(options["-n"])))
    print(",\n".join(json.dumps(each, indent=2) for each in tests))
    print("]")


def one_test(n_prompt: int, n_gen: int) -> dict[str, object]:
    """One test, whose time really passes."""
    started_ns = time.perf_counter_ns()
    time.sleep(0.001 * (n_prompt + n_gen))
    took_ns = time.perf_counter_ns() - started_ns
    return {
        "build_commit": "unknown",
        "n_prompt": n_prompt,
        "n_gen": n_gen,
        "n_depth": 0,
        **json.loads(os.environ.get("LLAMA_JSON", "{}")),
        "avg_ns": took_ns,
        "stddev_ns": 0,
        "samples_ns": [took_ns],
        "samples_ts": [(n_prompt + n_gen) / took_ns * 1e9],
    }
