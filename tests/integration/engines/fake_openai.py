"""A server in the form of vLLM's API: its routes, and the faults it can be given."""

from __future__ import annotations

from typing import Any

from tests.integration.engines.http_server import Exchange, Handler, answering

TEXTS = ("1", "1", ",", " so")


def text(text: str, finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk of a completion."""
    return {"choices": [{"index": 0, "text": text, "finish_reason": finish_reason}], **more}


def usage(tokens: int) -> dict[str, Any]:
    """The chunk behind the last one."""
    counts = {
        "prompt_tokens": 4,
        "completion_tokens": tokens,
        "total_tokens": 4 + tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    return {"choices": [], "usage": counts}


def stream(exchange: Exchange, tokens: int) -> None:
    """So many tokens and the end."""
    exchange.begin()
    for number in range(tokens):
        last = number == tokens - 1
        exchange.event(text(TEXTS[number % len(TEXTS)], "length" if last else None))
    exchange.event(usage(tokens))
    exchange.chunk(b"data: [DONE]\n\n")
    exchange.end()


def hang(exchange: Exchange) -> None:
    """No answer."""
    exchange.released.wait()
    exchange.drop()


def crash(exchange: Exchange) -> None:
    """The connection breaks."""
    exchange.begin()
    exchange.event(text("1"))
    exchange.wfile.write(b'40\r\ndata: {"choices": [{"te')
    exchange.drop()


def flood(exchange: Exchange) -> None:
    """No end."""
    exchange.begin()
    while not exchange.released.is_set():
        exchange.chunk(b"data: " + b"x" * 65536)


def invalid_utf8(exchange: Exchange) -> None:
    """A text that is cut inside a character."""
    exchange.begin()
    exchange.chunk(b'data: {"choices": [{"text": "\xf0\x9f", "finish_reason": "length"}]}\n\n')
    exchange.event(usage(4))
    exchange.end()


COMPLETIONS: dict[str, Handler] = {
    "": lambda exchange: stream(exchange, exchange.document["max_tokens"]),
    "hang": hang,
    "crash": crash,
    "garbage": answering(b"<html>It works!</html>"),
    "flood": flood,
    "invalid-utf8": invalid_utf8,
    "short": lambda exchange: stream(exchange, 2),
}


def routes(complete: Handler) -> dict[str, Handler]:
    """vLLM's, with this way to complete."""
    models = [{"id": "smollm2-135m", "object": "model", "owned_by": "vllm"}]
    return {
        "/v1/models": answering({"object": "list", "data": models}),
        "/version": answering({"version": "0.12.0"}),
        "/v1/completions": complete,
    }
