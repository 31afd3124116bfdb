#!/usr/bin/env python3
"""Completes a prompt with llama.cpp: complete MODEL PROMPT TOKENS THREADS."""

import json
import os
import sys
import time
from typing import Any

import xllamacpp

MODEL, PROMPT, TOKENS, THREADS = sys.argv[1:]

params = xllamacpp.CommonParams()
params.model.path = MODEL
params.n_ctx = 256
params.verbosity = -1
params.warmup = params.fit_params = False  # the start shall be short
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = int(THREADS)
server = xllamacpp.Server(params)


def complete(tokens: int) -> dict[str, Any]:
    """What comes after the prompt."""
    arrivals_s: list[float] = []
    chunks: list[dict[str, Any]] = []

    def receive(chunk: dict[str, Any]) -> None:
        arrivals_s.append(time.perf_counter())
        chunks.append(chunk)

    body = {"prompt": PROMPT, "max_tokens": tokens, "temperature": 0, "ignore_eos": True}
    server.handle_completions({**body, "cache_prompt": False, "stream": True}, receive)
    return {
        **chunks[-1]["usage"],
        **chunks[-1]["timings"],
        "first_s": arrivals_s[0],
        "text": "".join(chunk["choices"][0]["text"] for chunk in chunks),
    }


started_s = time.perf_counter()
answer = complete(int(TOKENS))
answer |= {
    "ttft_s": answer["first_s"] - started_s,
    "e2e_s": time.perf_counter() - started_s,
}
print(json.dumps(answer), flush=True)
os._exit(0)  # nothing is left to be cleared up
