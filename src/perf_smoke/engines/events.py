"""How a streamed answer becomes events: server-sent ones, or a JSON document per line."""

from __future__ import annotations

import bisect
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from perf_smoke.engines.http_client import Answer, stated_error
from perf_smoke.printable import one_line
from perf_smoke.result import Unmeasured

MOST_LINES = 500_000
"""Of one answer. The longest honest one has a few for each of 100,000 tokens."""
_MARK = b"\xef\xbb\xbf"
"""The byte order mark, which a stream may begin with."""
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BYTES = "surrogateescape"
"""How bytes that are no UTF-8 are kept in a text: as U+DC80 to U+DCFF."""
_HALVES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """One line of a stream without its end, and when that left the kernel."""

    arrived_ns: int
    text: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One JSON object of a stream, and when its last byte left the kernel."""

    arrived_ns: int
    content: dict[str, Any]


def server_sent(answer: Answer) -> list[Event]:
    """The `data:` of each server-sent event, comments and `[DONE]` left out; at least one.

    Data of several lines is one document, as the standard has it, or one in each line: some
    servers leave out the blank line between two events, and some the word `data` as well.

    Raises:
        Unmeasured: `engine-output`: no stream, or not of JSON objects; `request-refused`: one
            states an error; `connection-lost`: nothing came.
    """
    events: list[Event] = []
    waiting: list[_Line] = []
    kind = b""
    for line in itertools.chain(_lines(answer), [_Line(arrived_ns=0, text=b"")]):
        name, _, value = line.text.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            waiting.append(replace(line, text=value))
        elif name == b"event":
            kind = value
        elif name == b"error":  # how llama-server said it until 2025
            raise _stopped(answer, b'{"error":' + value + b"}")
        elif not line.text:
            if kind == b"error" and waiting:
                raise _stopped(answer, _joined(waiting).text)
            events += [_event(answer, each) for each in _documents(waiting)]
            waiting, kind = [], b""
    return _some(answer, events or _bare(answer))


def json_lines(answer: Answer) -> list[Event]:
    """One event for each line, or those that a proxy made of them.

    Raises:
        Unmeasured: as `server_sent`.
    """
    lines = [line for line in _lines(answer) if line.text.strip()]
    if any(line.text.startswith(b"data:") for line in lines):
        return server_sent(answer)
    return _some(answer, [_event(answer, line) for line in lines])


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


def _some(answer: Answer, events: list[Event]) -> list[Event]:
    if events:
        return events
    if stated_error(answer.document()):
        raise _stopped(answer, answer.body)
    if not answer.complete:
        raise stopped_early(answer)
    raise Unmeasured(
        "engine-output",
        f"{answer.name} answered with something else than a stream of tokens: does it speak the "
        "protocol that `engine` names?",
        one_line(answer.body[:400].decode("utf-8", "replace")),
    )


def joined(texts: Sequence[str]) -> str:
    """The text of all events. A character that was cut between two of them is whole again, be it
    in bytes of UTF-8 or in the two halves of an escape."""
    halves = _HALVES.sub(
        lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), "".join(texts)
    )
    return _NO_BYTE.sub("\ufffd", halves).encode("utf-8", _BYTES).decode("utf-8", "replace")


def _lines(answer: Answer) -> Iterator[_Line]:
    """The lines, each with the moment at which its end arrived. A last one without an end counts
    if it looks whole; else it is what was left when the connection broke."""
    body = answer.body
    ends = list(itertools.accumulate(len(piece.data) for piece in answer.pieces))
    start = len(_MARK) if body.startswith(_MARK) else 0
    for number, end in enumerate(_LINE_END.finditer(body)):
        if number == MOST_LINES:
            raise Unmeasured(
                "engine-output", f"{answer.name} sent more than {MOST_LINES:,} lines as one answer."
            )
        piece = answer.pieces[bisect.bisect_right(ends, end.start())]
        yield _Line(arrived_ns=piece.arrived_ns, text=body[start : end.start()])
        start = end.end()
    rest = body[start:]
    if rest.rstrip().endswith(b"}"):
        yield _Line(arrived_ns=answer.pieces[-1].arrived_ns, text=rest)


def _bare(answer: Answer) -> list[Event]:
    """A document in each of several lines. A single one is a whole answer, and no stream."""
    lines = [line for line in _lines(answer) if line.text.strip() not in (b"", b"[DONE]")]
    if len(lines) < 2 or any(_object(line.text) is None for line in lines):
        return []
    return [_event(answer, line) for line in lines]


def _documents(lines: Sequence[_Line]) -> list[_Line]:
    """What the `data:` lines of one event hold."""
    if len(lines) > 1 and _object(_joined(lines).text) is None:
        documents = list(lines)
    else:
        documents = [_joined(lines)] if lines else []
    return [each for each in documents if each.text.strip() not in (b"", b"[DONE]")]


def _joined(lines: Sequence[_Line]) -> _Line:
    text = b"\n".join(line.text for line in lines)
    return _Line(arrived_ns=lines[-1].arrived_ns, text=text)


def _object(text: bytes) -> dict[str, Any] | None:
    """The JSON object, if it is one. Bytes that are no UTF-8 become half characters: see
    `joined`."""
    try:
        content = json.loads(text.decode("utf-8", _BYTES))
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _event(answer: Answer, line: _Line) -> Event:
    content = _object(line.text)
    if content is None:
        raise Unmeasured(
            "engine-output",
            f"{answer.name} sent something else than JSON objects in its stream.",
            one_line(line.text[:400].decode("utf-8", "replace")),
        )
    if content.get("error") or content.get("object") == "error":
        raise _stopped(answer, line.text)
    return Event(arrived_ns=line.arrived_ns, content=content)


def _stopped(answer: Answer, text: bytes) -> Unmeasured:
    """An error in the stream, in the server's words."""
    said = stated_error(_object(text)) or one_line(text[:2000].decode("utf-8", "replace"))
    return Unmeasured("request-refused", f"{answer.name} stopped with an error: {said}")
