"""How a streamed answer becomes events: server-sent ones, or a JSON document per line."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from perf_smoke.engines.http_client import Answer, stated_error
from perf_smoke.printable import one_line
from perf_smoke.result import Unmeasured

MOST_EVENTS = 250_000
"""Of one answer. The longest honest one has an event for each of 100,000 tokens."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One JSON object of a stream, and when its last byte left the kernel."""

    arrived_ns: int
    content: dict[str, Any]


def server_sent(answer: Answer) -> list[Event]:
    """The `data:` of each server-sent event, comments and `[DONE]` left out; at least one.

    Raises:
        Unmeasured: `engine-output`: no stream, or not of JSON objects; `request-refused`: one
            states an error; `connection-lost`: nothing came.
    """
    events: list[Event] = []
    waiting: list[bytes] = []
    arrived_ns = answer.started_ns
    for moment_ns, line in itertools.chain(_lines(answer), [(0, b"")]):
        if line.startswith(b"data:"):
            waiting.append(line[5:].removeprefix(b" "))
            arrived_ns = moment_ns
        elif line.startswith(b"error:"):  # how llama-server said it until 2025
            _event(answer, moment_ns, b'{"error":' + line[6:] + b"}")
        elif not line and waiting:
            text = b"\n".join(waiting)
            waiting.clear()
            if text != b"[DONE]":
                _append(answer, events, _event(answer, arrived_ns, text))
    return _some(answer, events)


def json_lines(answer: Answer) -> list[Event]:
    """One event for each line.

    Raises:
        Unmeasured: as `server_sent`.
    """
    events: list[Event] = []
    for moment_ns, line in _lines(answer):
        if line.strip():
            _append(answer, events, _event(answer, moment_ns, line))
    return _some(answer, events)


def stopped_early(answer: Answer) -> Unmeasured:
    """The end of the text never came."""
    return Unmeasured("connection-lost", f"{answer.name} stopped before the end of its answer.")


def no_tokens(answer: Answer) -> Unmeasured:
    """It ended as it should, but there is neither a text nor a count of tokens."""
    return Unmeasured(
        "no-tokens",
        f"{answer.name} ended its answer well, but sent no token: is the prompt a complete text, "
        "or the model no language model?",
    )


def _append(answer: Answer, events: list[Event], event: Event) -> None:
    events.append(event)
    if len(events) > MOST_EVENTS:
        raise Unmeasured(
            "engine-output", f"{answer.name} sent more than {MOST_EVENTS:,} events as one answer."
        )


def _some(answer: Answer, events: list[Event]) -> list[Event]:
    if events:
        return events
    if not answer.complete:
        raise stopped_early(answer)
    raise Unmeasured(
        "engine-output",
        f"{answer.name} answered with something else than a stream of tokens: does it speak the "
        "protocol that `engine` names?",
        one_line(answer.body[:400].decode("utf-8", "replace")),
    )


def _lines(answer: Answer) -> Iterator[tuple[int, bytes]]:
    """The lines, each with the moment at which its end arrived. A last one without an end counts
    if it looks whole; else it is what was left when the connection broke."""
    begun = bytearray()
    for piece in answer.pieces:
        *whole, rest = piece.data.split(b"\n")
        for part in whole:
            yield piece.arrived_ns, bytes(begun + part).removesuffix(b"\r")
            begun.clear()
        begun += rest
    if begun.rstrip().endswith(b"}"):
        yield answer.pieces[-1].arrived_ns, bytes(begun)


def _event(answer: Answer, arrived_ns: int, text: bytes) -> Event:
    try:
        content = json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise Unmeasured(
            "engine-output",
            f"{answer.name} sent something else than JSON objects in its stream.",
            one_line(text[:400].decode("utf-8", "replace")),
        )
    if content.get("error"):
        raise Unmeasured(
            "request-refused", f"{answer.name} stopped with an error: {stated_error(content)}"
        )
    return Event(arrived_ns=arrived_ns, content=content)
