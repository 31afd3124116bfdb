"""From the bytes of a stream to its events, however they were cut on their way."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf_smoke.engines.events import joined, json_lines, server_sent
from perf_smoke.engines.http_client import Answer
from perf_smoke.engines.wire import Piece
from perf_smoke.result import Unmeasured


def answer(*pieces: bytes, complete: bool = True) -> Answer:
    """An answer whose pieces arrived at 1 ns, 2 ns, …"""
    return Answer(
        name="The server",
        status=200,
        headers={},
        started_ns=0,
        pieces=tuple(Piece(arrived_ns=n, data=data) for n, data in enumerate(pieces, 1)),
        complete=complete,
    )


def told(*pieces: bytes, complete: bool = True) -> list[tuple[int, dict[str, Any]]]:
    events = server_sent(answer(*pieces, complete=complete))
    return [(event.arrived_ns, event.content) for event in events]


def test_each_event_has_the_moment_at_which_it_was_complete() -> None:
    pieces = (b'data: {"n": 1}\n\ndata: {"n"', b": 2}\n", b"\n", b'data: {"n": 3}\n\n')
    assert told(*pieces) == [(1, {"n": 1}), (2, {"n": 2}), (4, {"n": 3})]


def test_what_is_no_data_is_passed_over() -> None:
    stream = b': ping\nevent: token\nid: 7\nretry: 1\n\ndata: {"n": 1}\n\n: bye\n\ndata: [DONE]\n\n'
    assert told(stream) == [(1, {"n": 1})]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_of_the_standard_is_understood(end: bytes) -> None:
    stream = b'data:{"n": 1}' + end + end + b": so" + end + b'data:{"n": 2}' + end + end
    assert told(stream) == [(1, {"n": 1}), (1, {"n": 2})]
    cut = len(b'data:{"n": 1}') + 1  # between the two characters of a line end, if it has two
    assert told(stream[:cut], stream[cut:]) == [(1, {"n": 1}), (2, {"n": 2})]


def test_a_byte_order_mark_is_no_part_of_the_stream() -> None:
    assert told(b'\xef\xbb\xbfdata: {"n": 1}\n\n') == [(1, {"n": 1})]
    marked = answer(b'\xef\xbb\xbf{"n": 1}\n')
    assert [each.content for each in json_lines(marked)] == [{"n": 1}]


def test_events_without_a_blank_line_between_them_are_events() -> None:
    pieces = (b'data: {"n": 1}\n', b'event: more\ndata: {"n": 2}\n', b"data: [DONE]\n")
    assert told(*pieces) == [(1, {"n": 1}), (2, {"n": 2})]


def test_documents_without_the_word_data_are_events_too() -> None:
    assert told(b'{"n": 1}\n', b'{"n": 2}\r\n\n[DONE]\n') == [(1, {"n": 1}), (2, {"n": 2})]
    sent = answer(b'data: {"n": 1}\n\n', b'data: {"n": 2}\n\n')
    assert [each.content["n"] for each in json_lines(sent)] == [1, 2]


def test_an_event_without_data_is_none() -> None:
    assert told(b'data\n\ndata:\n\nid\n\ndata: {"n": 1}\n\n') == [(1, {"n": 1})]


def test_an_event_may_have_several_lines() -> None:
    assert told(b'data: {"n":\ndata: 1}\n\n') == [(1, {"n": 1})]


def test_a_character_that_is_cut_between_two_pieces_is_whole_again() -> None:
    euro = "€".encode()
    pieces = (b'data: {"text": "' + euro[:1], euro[1:] + b'"}\n\n')
    assert told(*pieces) == [(2, {"text": "€"})]


def test_the_last_event_needs_no_line_end() -> None:
    assert told(b'data: {"n": 1}\n\ndata: {"n": 2}') == [(1, {"n": 1}), (1, {"n": 2})]


def test_a_fragment_at_the_break_is_left_out() -> None:
    assert told(b'data: {"n": 1}\n\ndata: {"n', complete=False) == [(1, {"n": 1})]


@given(
    contents=st.lists(st.dictionaries(st.text(), st.text() | st.integers()), min_size=1),
    cuts=st.sets(st.integers(1, 500)),
    newline=st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
def test_how_a_stream_is_cut_changes_nothing(
    contents: list[dict[str, Any]], cuts: set[int], newline: bytes
) -> None:
    contents = [
        {name: value for name, value in each.items() if name != "error"} for each in contents
    ]
    stream = b"".join(
        b"data: " + json.dumps(content).encode() + newline + newline for content in contents
    )
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    pieces = [stream[start:stop] for start, stop in itertools.pairwise(edges)]
    events = server_sent(answer(*pieces))
    assert [event.content for event in events] == contents
    moments = [event.arrived_ns for event in events]
    assert moments == sorted(moments)


def test_a_document_per_line_is_the_other_form() -> None:
    lines = answer(b'{"n": 1}\n{"n"', b": 2}\n\n", b'{"n": 3}')
    assert [(each.arrived_ns, each.content["n"]) for each in json_lines(lines)] == [
        (1, 1),
        (2, 2),
        (3, 3),
    ]


@pytest.mark.parametrize(
    "line",
    [b"nonsense", b"[1, 2]", b'"text"', b"[" * 100_000, b"{'n': 1}"],
)
def test_what_is_no_object_is_shown_and_refused(line: bytes) -> None:
    with pytest.raises(Unmeasured) as caught:
        server_sent(answer(b"data: " + line + b"\n\n"))
    assert caught.value.failure.reason == "engine-output"
    assert caught.value.failure.tail
    assert len(caught.value.failure.tail) <= 300


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("out of memory", "out of memory"),
        ({"message": "out of memory"}, "out of memory"),
        ({"error": {"message": "out of memory"}}, "out of memory"),
        ({"code": 500}, '{"code": 500}'),
        (True, "true"),
        ("x" * 1000, "x" * 299 + "…"),
    ],
)
def test_an_error_in_the_stream_is_the_end_of_it(error: object, shown: str) -> None:
    stream = b'data: {"n": 1}\n\ndata: ' + json.dumps({"error": error}).encode() + b"\n\n"
    with pytest.raises(Unmeasured) as caught:
        server_sent(answer(stream))
    assert caught.value.failure.reason == "request-refused"
    assert caught.value.failure.sentence == f"The server stopped with an error: {shown}"


@pytest.mark.parametrize(
    "stream",
    [
        b'event: error\ndata: {"message": "no slot", "code": 500}\n\n',
        b'data: {"error": {"message": "no slot"}}\nevent: error\n\n',
        b"event: error\ndata: no\ndata: slot\n\n",
        b'data: {"object": "error", "message": "no slot", "code": 40001}\n\n',
    ],
    ids=["event", "event behind", "text", "object"],
)
def test_an_event_of_the_kind_error_is_one(stream: bytes) -> None:
    with pytest.raises(Unmeasured) as caught:
        server_sent(answer(b'data: {"n": 1}\n\n' + stream))
    assert caught.value.failure.sentence == "The server stopped with an error: no slot"


@pytest.mark.parametrize(
    ("texts", "whole"),
    [
        ((b'"\xf0\x9f"', b'"\x98\x80"'), "\U0001f600"),
        ((b'"\\ud83d"', b'"\\ude00"'), "\U0001f600"),
        ((b'"so\\ud83d"', b'"so"'), "so\ufffdso"),
        ((b'"\xf0\x9f"', b'"so"'), "\ufffdso"),
    ],
    ids=["bytes", "escapes", "half an escape", "half the bytes"],
)
def test_a_character_that_is_cut_between_two_events_is_whole_again(
    texts: tuple[bytes, ...], whole: str
) -> None:
    events = told(*(b'data: {"text": ' + text + b"}\n\n" for text in texts))
    assert joined([content["text"] for _, content in events]) == whole


def test_an_error_in_the_form_of_older_servers_is_understood_too() -> None:
    with pytest.raises(Unmeasured) as caught:
        server_sent(answer(b'data: {"n": 1}\n\nerror: {"code": 500, "message": "no slot"}\n\n'))
    assert caught.value.failure.sentence == "The server stopped with an error: no slot"


def test_an_error_in_place_of_a_stream_is_told() -> None:
    with pytest.raises(Unmeasured) as caught:
        server_sent(answer(b'{"error": {"message": "no slot"}}'))
    assert caught.value.failure.sentence == "The server stopped with an error: no slot"


@pytest.mark.parametrize("read", [server_sent, json_lines])
def test_no_stream_at_all_is_told_apart_from_one_that_broke(read: Any) -> None:
    with pytest.raises(Unmeasured) as whole:
        read(answer(b"<html>It works!</html>"))
    assert whole.value.failure.reason == "engine-output"
    assert whole.value.failure.tail == "<html>It works!</html>"
    with pytest.raises(Unmeasured) as broken:
        read(answer(complete=False))
    assert broken.value.failure.reason == "connection-lost"
