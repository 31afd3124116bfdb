"""A program of the user's own: it writes JSON, prints the same as text, or says nothing.

MODEL TOKENS PROMPT [result-file]
"""

from __future__ import annotations

import json
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
    """Work for a moment and tell how long it took."""
    model, asked, prompt = arguments[0], int(arguments[1]), arguments[2]
    refuse_wrong_model(model, "not a model")
    misbehave()
    tokens = min(asked, 2) if fault() == "short" else asked
    started_s = time.perf_counter()
    time.sleep(0.005)
    prompt_s = time.perf_counter() - started_s
    time.sleep(0.002 * (tokens - 1))
    total_s = time.perf_counter() - started_s
    text = "".join(PIECES[number % len(PIECES)] for number in range(tokens)).encode()
    sys.stdout.buffer.write(b"<" + (b"\xff" if fault() == "invalid-utf8" else b"") + text + b">\n")
    decode = f"{(total_s - prompt_s) * 1e3:.6f}" if tokens > 1 else "-"
    print(f"tokens={tokens} prompt={prompt_s * 1e3:.6f} decode={decode}", file=sys.stderr)
    print(f"total={total_s:.9f}", file=sys.stderr)
    if len(arguments) > 3 and not (fault() == "stale" and not is_first_step()):
        document = {
            "counts": {"out": tokens, "prompt": len(prompt)},
            "times": [
                {"prefill_s": prompt_s, "decode_s": total_s - prompt_s if tokens > 1 else None},
                {"total/ns": total_s * 1e9},
            ],
            "text": text.decode(),
        }
        Path(arguments[3]).write_text(json.dumps(document))
