"""An Ollama in the form of its API: the routes of a server, and the faults it can be given."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.integration.engines.http_server import Exchange, Handler, answering

TEXTS = ("1", "1", ",", " so")
MODEL = "smollm2:135m"


def end(tokens: int, **changes: Any) -> dict[str, Any]:
    """The last line of a stream; durations in ns."""
    return {
        "model": MODEL,
        "response": "",
        "done": True,
        "done_reason": "length",
        "total_duration": 900_000,
        "load_duration": 100_000,
        "prompt_eval_count": 4,
        "prompt_eval_cached_count": 3,
        "prompt_eval_duration": 20_000,
        "eval_count": tokens,
        "eval_duration": 30_000,
        **changes,
    }


def line(content: Any) -> bytes:
    """One line of a stream."""
    return json.dumps(content).encode() + b"\n"


def stream(exchange: Exchange, *contents: Any) -> None:
    """These lines, each in a chunk of its own."""
    exchange.begin()
    for content in contents:
        exchange.chunk(line(content))
    exchange.end()


def well(exchange: Exchange) -> None:
    """Every token that was asked for."""
    tokens = exchange.document["options"]["num_predict"]
    texts = [{"response": TEXTS[n % len(TEXTS)], "done": False} for n in range(tokens)]
    stream(exchange, *texts, end(tokens))


def hang(exchange: Exchange) -> None:
    """No answer."""
    exchange.released.wait()
    exchange.drop()


def cut(exchange: Exchange) -> None:
    """The connection breaks."""
    exchange.begin()
    exchange.chunk(line({"response": "1", "done": False}))
    exchange.chunk(b'{"response": "1", "do')
    exchange.drop()


def flood(exchange: Exchange) -> None:
    """No end."""
    exchange.begin()
    while not exchange.released.is_set():
        exchange.chunk(b"x" * 65536)


def invalid_utf8(exchange: Exchange) -> None:
    """A text that is cut inside a character."""
    exchange.begin()
    exchange.chunk(b'{"response": "\xf0\x9f", "done": false}\n' + line(end(4)))
    exchange.end()


GENERATIONS: dict[str, Handler] = {
    "": well,
    "hang": hang,
    "crash": cut,
    "garbage": answering(b"<html>It works!</html>"),
    "flood": flood,
    "invalid-utf8": invalid_utf8,
    "short": lambda exchange: stream(exchange, {"response": "4"}, end(1, done_reason="stop")),
}


def routes(
    generate: Callable[[Exchange], Any] = well,
    *,
    models: tuple[str, ...] = (MODEL,),
    loaded: tuple[str, ...] = (),
) -> dict[str, Handler]:
    """Ollama's, with this way to generate."""

    def load_or_generate(exchange: Exchange) -> None:
        if "prompt" in exchange.document:
            generate(exchange)
        else:
            exchange.reply({"model": MODEL, "response": "", "done": True, "done_reason": "load"})

    return {
        "/api/version": answering({"version": "0.12.0"}),
        "/api/tags": answering({"models": [{"name": name} for name in models]}),
        "/api/ps": answering({"models": [{"name": name, "model": name} for name in loaded]}),
        "/api/generate": load_or_generate,
    }
