"""A llama-server for the faults that the real one cannot be made to have."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence

from tests.integration.engines.http_server import Exchange, HttpServer, answering

TEXTS = ("1", "1", ",", " so")


def token(text: str, number: int) -> dict[str, object]:
    """One event of the stream."""
    return {"index": 0, "content": text, "stop": False, "tokens_predicted": number}


def end(tokens: int) -> dict[str, object]:
    """Its last event, in the form of 2026."""
    return {
        "index": 0,
        "content": "",
        "stop": True,
        "tokens_predicted": tokens,
        "tokens_evaluated": 4,
        "stop_type": "limit",
        "timings": {
            "cache_n": 0,
            "prompt_n": 4,
            "prompt_ms": 0.02,
            "predicted_n": tokens,
            "predicted_ms": 0.03,
            "predicted_per_second": 70.54,
        },
    }


def well(exchange: Exchange) -> None:
    """Every token that was asked for."""
    stream(exchange, exchange.document["n_predict"])


def stream(exchange: Exchange, tokens: int) -> None:
    """So many tokens and the end."""
    exchange.begin()
    for number in range(tokens):
        exchange.event(token(TEXTS[number % len(TEXTS)], number + 1))
    exchange.event(end(tokens))
    exchange.end()


def hang(exchange: Exchange) -> None:
    """No answer."""
    exchange.released.wait()


def crash(exchange: Exchange) -> None:
    """Ends in the middle of the answer."""
    exchange.begin()
    exchange.event(token("1", 1))
    print('GGML_ASSERT(!"out of paper") failed', file=sys.stderr, flush=True)
    os._exit(7)


def flood(exchange: Exchange) -> None:
    """No end."""
    exchange.begin()
    while True:
        exchange.chunk(b"data: " + b"x" * 65536)


def invalid_utf8(exchange: Exchange) -> None:
    """A text that is cut inside a character."""
    exchange.begin()
    exchange.chunk(b'data: {"content": "\xf0\x9f", "stop": false}\n\n')
    exchange.event(end(4))
    exchange.end()


COMPLETIONS: dict[str, Callable[[Exchange], None]] = {
    "": well,
    "hang": hang,
    "crash": crash,
    "garbage": answering(b"<html>It works!</html>"),
    "flood": flood,
    "invalid-utf8": invalid_utf8,
    "short": lambda exchange: stream(exchange, 2),
    "drop": Exchange.drop,
}


def main(arguments: Sequence[str]) -> None:
    """Serve with the fault that LLAMA_FAULT names, until killed."""
    fault = os.environ.get("LLAMA_FAULT", "")
    if "--port" not in arguments:
        print("--flash-attn [on|off|auto]\n--no-mmap\n-ngl N" if "--help" in arguments else "")
        return
    print(os.environ.get("LLAMA_LOG", ""), flush=True)
    print(" ".join(arguments), flush=True)
    if fault == "dies":
        sys.exit("error: no backends are loaded")
    health = answering({"status": "ok"})
    if fault == "never-ready":
        health = answering({"error": {"message": "Loading model"}}, 503)
    port = int(arguments[arguments.index("--port") + 1])
    routes = {"/health": health, "/completion": COMPLETIONS.get(fault, well)}
    with HttpServer(routes, port=port):
        time.sleep(600)
