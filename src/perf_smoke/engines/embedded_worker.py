"""The process that holds the embedded engine (llama.cpp, through xllamacpp).

Started as a script with the number of a socket's file descriptor. It speaks JSON lines: the
first one says what to load; every further one is a request, answered by counts and durations.
It imports nothing of perf_smoke, and ends when the socket closes.
"""

from __future__ import annotations

import json
import resource
import socket
import sys
import time
from pathlib import Path
from typing import Any


def main(descriptor: int) -> None:
    """Serve requests until the other end closes."""
    with socket.socket(fileno=descriptor) as connection, connection.makefile("rw") as lines:
        server = None
        for line in lines:
            order = json.loads(line)
            if server is None:
                server, answer = _load(order)
            else:
                answer = _complete(server, order)
            lines.write(json.dumps(answer) + "\n")
            lines.flush()


def _load(order: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = order["model"]
    params.n_ctx = order["context_tokens"]
    params.n_parallel = 1
    params.cpuparams.n_threads = order["threads"]
    params.cpuparams_batch.n_threads = order["threads"]
    params.n_gpu_layers = 0
    params.cache_ram_mib = 0
    params.verbosity = 1  # below it the reason for a failed load is not even printed
    started_ns = time.perf_counter_ns()
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:  # its cause was printed by the library
        return None, {"error": str(error)}
    return server, {"load_ms": (time.perf_counter_ns() - started_ns) / 1e6}


def _complete(server: Any, order: dict[str, Any]) -> dict[str, Any]:
    arrivals_ns: list[int] = []
    chunks: list[Any] = []

    def receive(chunk: Any) -> None:
        arrivals_ns.append(time.perf_counter_ns())
        chunks.append(chunk)

    body = {
        "prompt": order["prompt"],
        "max_tokens": order["tokens"],
        "temperature": 0,
        "seed": order["seed"],
        "ignore_eos": True,
        "cache_prompt": False,
        "stream": True,
    }
    cpu_before_s = _cpu_s()
    started_ns = time.perf_counter_ns()
    server.handle_completions(body, receive)
    cpu_s = _cpu_s() - cpu_before_s
    errors = [chunk["error"] for chunk in chunks if isinstance(chunk, dict) and "error" in chunk]
    if errors or not chunks:
        return {"error": str(errors[0] if errors else "no answer")}
    texts = [chunk["choices"][0]["text"] for chunk in chunks]
    with_text_ns = [at for at, text in zip(arrivals_ns, texts, strict=True) if text]
    last = chunks[-1]
    return {
        "text": "".join(texts),
        "finish_reason": last["choices"][0]["finish_reason"],
        "usage": last["usage"],
        "timings": last["timings"],
        "ttft_ms": (with_text_ns[0] - started_ns) / 1e6 if with_text_ns else None,
        "e2e_ms": (arrivals_ns[-1] - started_ns) / 1e6,
        "cpu_ms": cpu_s * 1e3,
        "peak_rss_kib": _peak_rss_kib(),
    }


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_rss_kib() -> int:
    if sys.platform == "darwin":  # pragma: no cover - the tests run on Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    # Not ru_maxrss: on Linux it starts at the peak of the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return int(status.split("VmHWM:")[1].split()[0])


if __name__ == "__main__":
    main(int(sys.argv[1]))
