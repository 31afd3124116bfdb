"""Servers that speak OpenAI's completions, in all the forms that they do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perf_smoke.engines import openai
from perf_smoke.engines.base import EngineSetup, Reply
from perf_smoke.result import Unmeasured
from tests.integration.engines.case import REQUEST
from tests.integration.engines.fake_openai import text
from tests.integration.engines.http_server import (
    Exchange,
    Handler,
    HttpServer,
    answering,
    streaming,
)
from tests.integration.engines.setups import blank_setup

TIMEOUT_S = 60.0
COMPLETIONS, CHAT = "/v1/completions", "/v1/chat/completions"
USAGE = {"prompt_tokens": 4, "completion_tokens": 4, "total_tokens": 8}


def models(owner: str, *names: str) -> Handler:
    data = [{"id": name, "object": "model", "owned_by": owner} for name in names]
    return answering({"object": "list", "data": data})


def delta(content: Mapping[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    """A chunk of a chat."""
    return {"choices": [{"index": 0, "delta": content, "finish_reason": finish_reason}]}


FOUR = (text("1"), text("1"), text(","), text(" so", "length"))


@contextmanager
def opened(routes: Mapping[str, Handler], folder: Path, **changes: Any) -> Iterator[Any]:
    """(server, session) for a server with these routes and one model."""
    with HttpServer({"/v1/models": models("somebody", "m"), **routes}) as server:
        setup = blank_setup(folder, endpoint=server.url, **changes)
        with closing(openai.prepare(setup).open({})) as session:
            yield server, session


def step(routes: Mapping[str, Handler], folder: Path) -> Reply:
    with opened(routes, folder) as (_, session):
        reply = session.step(REQUEST, TIMEOUT_S)
        assert isinstance(reply, Reply)
        return reply


@pytest.mark.parametrize(
    "events",
    [
        pytest.param((*FOUR, {"choices": [], "usage": USAGE}), id="a chunk of its own"),
        pytest.param((*FOUR, {"choices": None, "usage": USAGE}), id="choices null"),
        pytest.param((*FOUR, {"usage": USAGE}), id="no choices"),
        pytest.param((*FOUR[:3], text(" so"), text("", "length", usage=USAGE)), id="on the last"),
        pytest.param(
            tuple(
                {**each, "usage": {**USAGE, "completion_tokens": n + 1}}
                for n, each in enumerate(FOUR)
            ),
            id="growing",
        ),
        pytest.param(
            (*({**each, "usage": None} for each in FOUR), {"choices": [], "usage": USAGE}),
            id="null until the end",
        ),
    ],
)
def test_usage_counts_wherever_a_server_puts_it(events: tuple[Any, ...], tmp_path: Path) -> None:
    reply = step({COMPLETIONS: streaming(*events)}, tmp_path)
    assert reply.failure is None
    assert reply.text == "11, so"
    assert reply.sample.n_prompt == 4
    assert reply.sample.n_out == 4
    assert reply.sample.finish_reason == "length"


def test_chunks_are_not_counted_as_tokens(tmp_path: Path) -> None:
    two = (text("11"), text(", so", "length"), {"choices": [], "usage": USAGE})
    assert step({COMPLETIONS: streaming(*two)}, tmp_path).sample.n_out == 4


def test_without_usage_the_count_is_missing_and_what_needs_it_too(tmp_path: Path) -> None:
    reply = step({COMPLETIONS: streaming(*FOUR)}, tmp_path)
    assert reply.failure is None
    assert reply.sample.ok
    assert reply.sample.n_out is None
    assert reply.sample.decode_ms is None
    assert reply.sample.ttft_ms
    assert reply.sample.e2e_ms


def test_the_last_event_may_be_missing(tmp_path: Path) -> None:
    events = (*FOUR, {"choices": [], "usage": USAGE})
    assert step({COMPLETIONS: streaming(*events, done=False)}, tmp_path).sample.n_out == 4


def test_cached_prompt_tokens_are_told_apart(tmp_path: Path) -> None:
    usage = {**USAGE, "prompt_tokens_details": {"cached_tokens": 3}}
    reply = step({COMPLETIONS: streaming(*FOUR, {"choices": [], "usage": usage})}, tmp_path)
    assert reply.sample.n_prompt_cached == 3


def test_a_server_without_completions_is_asked_as_a_chat_once_and_for_all(tmp_path: Path) -> None:
    events = (
        delta({"role": "assistant", "content": None}),
        delta({"reasoning_content": "Hm: "}),
        delta({"reasoning": "easy. "}),
        delta({"content": "4"}),
        delta({}, "length"),
        {"choices": [], "usage": USAGE},
    )
    with opened({CHAT: streaming(*events)}, tmp_path) as (server, session):
        for _ in range(2):
            reply = session.step(REQUEST, TIMEOUT_S)
            assert reply.failure is None
            assert reply.text == "Hm: easy. 4"
        asked = [path for path, _, _ in server.requests if path in (COMPLETIONS, CHAT)]
        assert asked == [COMPLETIONS, CHAT, CHAT]


def test_the_role_alone_is_no_first_token(tmp_path: Path) -> None:
    def handler(exchange: Exchange) -> None:
        exchange.begin()
        exchange.event(delta({"role": "assistant", "content": ""}))
        exchange.released.wait(0.2)
        exchange.event(delta({"content": "4"}))
        exchange.event(delta({}, "length"))
        exchange.event({"choices": [], "usage": USAGE})
        exchange.end()

    reply = step({CHAT: handler}, tmp_path)
    assert reply.sample.ttft_ms
    assert reply.sample.ttft_ms >= 200


def spaced(*events: Any) -> Handler:
    """Streams these so far apart that no two can come together."""

    def handler(exchange: Exchange) -> None:
        exchange.begin()
        for event in events:
            exchange.event(event)
            exchange.released.wait(0.1)
        exchange.end()

    return handler


def test_decode_runs_from_the_first_token_to_the_last(tmp_path: Path) -> None:
    reply = step({COMPLETIONS: spaced(*FOUR, {"choices": [], "usage": USAGE})}, tmp_path)
    sample = reply.sample
    assert sample.ttft_ms
    assert sample.decode_ms
    assert sample.e2e_ms
    assert sample.wall_ms
    assert sample.decode_ms >= 250
    assert sample.ttft_ms + sample.decode_ms == pytest.approx(sample.e2e_ms)
    assert sample.e2e_ms + 100 <= sample.wall_ms  # the usage came later


def test_tokens_that_come_in_one_packet_have_no_decode_time(tmp_path: Path) -> None:
    def handler(exchange: Exchange) -> None:
        exchange.begin()
        together = bytearray()
        exchange.wfile, wfile = _Into(together), exchange.wfile  # type: ignore[assignment]
        for event in (*FOUR, {"choices": [], "usage": USAGE}):
            exchange.event(event)
        exchange.end()
        exchange.wfile = wfile
        exchange.wfile.write(bytes(together))

    reply = step({COMPLETIONS: handler}, tmp_path)
    assert reply.failure is None
    assert reply.sample.n_out == 4
    assert reply.sample.decode_ms is None
    assert reply.sample.ttft_ms == reply.sample.e2e_ms


class _Into:
    """A file that collects."""

    def __init__(self, collected: bytearray) -> None:
        self._collected = collected

    def write(self, data: bytes) -> None:
        self._collected += data


@pytest.mark.parametrize(
    "events",
    [
        pytest.param((text("11"), text(", so", "length")), id="two each"),
        pytest.param((text("11"), text(","), text(" so", "length")), id="the first holds two"),
        pytest.param((text("11"), text(","), text(" so"), text("", "length")), id="and an end"),
    ],
)
def test_tokens_that_share_a_chunk_leave_decode_untold(
    events: tuple[Any, ...], tmp_path: Path
) -> None:
    # N - 1 tokens after the first chunk would be more than really came after it.
    reply = step({COMPLETIONS: spaced(*events, {"choices": [], "usage": USAGE})}, tmp_path)
    assert reply.sample.n_out == 4
    assert reply.sample.e2e_ms
    assert reply.sample.decode_ms is None


def test_an_end_of_text_that_is_counted_needs_no_text_of_its_own(tmp_path: Path) -> None:
    events = (*FOUR[:3], text("", "stop"), {"choices": [], "usage": USAGE})
    sample = step({COMPLETIONS: spaced(*events)}, tmp_path).sample
    assert sample.decode_ms
    assert sample.decode_ms >= 250


def test_a_few_tokens_without_text_of_their_own_among_many_change_little(tmp_path: Path) -> None:
    usage = {**USAGE, "completion_tokens": 42}
    events = (text("1"), *[text("1")] * 40, {"choices": [], "usage": usage})

    def handler(exchange: Exchange) -> None:
        exchange.begin()
        exchange.event(events[0])
        exchange.released.wait(0.1)
        for event in events[1:]:
            exchange.event(event)
        exchange.end()

    assert step({COMPLETIONS: handler}, tmp_path).sample.decode_ms


@pytest.mark.parametrize(
    "late",
    [
        {"choices": [{"index": 0, "text": "", "finish_reason": None}], "usage": USAGE},
        {"choices": [{"index": 0, "text": "", "finish_reason": "length"}], "usage": USAGE},
        {"choices": [], "usage": USAGE},
    ],
    ids=["an empty choice", "the reason again", "no choice"],
)
def test_what_comes_after_the_end_takes_no_time_of_the_engines(
    late: dict[str, Any], tmp_path: Path
) -> None:
    def handler(exchange: Exchange) -> None:
        exchange.begin()
        for event in FOUR:
            exchange.event(event)
            exchange.released.wait(0.01)
        exchange.released.wait(1)
        exchange.event(late)
        exchange.released.wait(1)
        exchange.chunk(b"data:[DONE]\n\n")
        exchange.released.wait(60)
        exchange.end()

    sample = step({COMPLETIONS: handler}, tmp_path).sample
    assert sample.n_out == 4
    assert sample.decode_ms
    assert sample.e2e_ms
    assert sample.wall_ms
    assert sample.decode_ms < sample.e2e_ms < 1000
    assert 2000 < sample.wall_ms < 10_000


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        {"prompt_tokens": -1, "completion_tokens": -1},
        {"prompt_tokens": None, "completion_tokens": "4"},
        {"completion_tokens": 3.5},
        {"completion_tokens": 2**64 - 1},
        {},
        None,
        "none",
        [],
    ],
    ids=str,
)
def test_counts_that_say_nothing_beside_a_text_are_missing(usage: object, tmp_path: Path) -> None:
    events = ({**each, "usage": usage} for each in FOUR)
    reply = step({COMPLETIONS: streaming(*events)}, tmp_path)
    assert reply.failure is None
    assert reply.text == "11, so"
    assert reply.sample.ttft_ms
    assert reply.sample.e2e_ms
    assert (reply.sample.n_prompt, reply.sample.n_out) == (None, None)
    assert reply.sample.decode_ms is None


def test_counts_that_were_told_once_are_not_taken_back(tmp_path: Path) -> None:
    zeros = {"prompt_tokens": 0, "completion_tokens": 0}
    events = (*FOUR, {"choices": [], "usage": USAGE}, {"choices": [], "usage": zeros})
    assert step({COMPLETIONS: streaming(*events)}, tmp_path).sample.n_out == 4


def test_a_choice_may_hold_the_counts(tmp_path: Path) -> None:
    last = {"index": 0, "text": "", "finish_reason": "length", "usage": USAGE}
    events = (*FOUR[:3], text(" so"), {"choices": [last]})
    assert step({COMPLETIONS: streaming(*events)}, tmp_path).sample.n_out == 4


def test_a_chat_may_speak_in_parts(tmp_path: Path) -> None:
    events = (
        delta({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm. "}]}]}),
        delta({"content": [{"type": "text", "text": "4"}]}, "stop"),
        {"choices": [], "usage": USAGE},
    )
    reply = step({CHAT: streaming(*events)}, tmp_path)
    assert reply.failure is None
    assert reply.text == "Hm. 4"


def test_a_text_that_comes_as_one_chunk_has_no_decode_time(tmp_path: Path) -> None:
    events = (text("11, so"), text("", "length", usage=USAGE))
    assert step({COMPLETIONS: spaced(*events)}, tmp_path).sample.decode_ms is None


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        (FOUR[:2], "stopped before the end of its answer."),
        ((), "does it speak the protocol that `engine` names?"),
        (
            (FOUR[0], {"error": {"message": "CUDA out of memory", "code": 500}}),
            "stopped with an error: CUDA out of memory",
        ),
        (("nonsense",), "sent something else than JSON objects in its stream."),
        (
            ({"choices": ["none"]},),
            "gave `choices` in a form that is not known: it should be an object.",
        ),
        (
            ({"choices": "none"},),
            "gave `choices` in a form that is not known: it should be a list.",
        ),
    ],
)
def test_what_a_stream_lacks_is_one_clear_sentence(
    events: tuple[Any, ...], sentence: str, tmp_path: Path
) -> None:
    failure = step({COMPLETIONS: streaming(*events)}, tmp_path).failure
    assert failure
    assert failure.sentence.startswith("The server at http://127.0.0.1:")
    assert failure.sentence.endswith(sentence)


@pytest.mark.parametrize(
    "events",
    [
        pytest.param((text("", "stop"),), id="no usage"),
        pytest.param((text("", "stop", usage={**USAGE, "completion_tokens": 0}),), id="usage of 0"),
        pytest.param((delta({"role": "assistant"}), delta({}, "stop")), id="a role alone"),
    ],
)
def test_an_answer_without_text_and_count_is_no_measurement(
    events: tuple[Any, ...], tmp_path: Path
) -> None:
    failure = step({COMPLETIONS: streaming(*events)}, tmp_path).failure
    assert failure
    assert failure.reason == "no-tokens"


def test_tokens_without_a_text_of_their_own_are_tokens(tmp_path: Path) -> None:
    events = (text("", "stop", usage={**USAGE, "completion_tokens": 1}),)
    assert step({COMPLETIONS: streaming(*events)}, tmp_path).sample.n_out == 1


def test_a_stream_that_is_cut_is_no_measurement(tmp_path: Path) -> None:
    def handler(exchange: Exchange) -> None:
        exchange.begin()
        exchange.event(FOUR[0])
        exchange.wfile.write(b'40\r\ndata: {"choices": [{"te')
        exchange.drop()

    failure = step({COMPLETIONS: handler}, tmp_path).failure
    assert failure
    assert failure.reason == "connection-lost"


def test_a_whole_answer_instead_of_a_stream_is_told(tmp_path: Path) -> None:
    failure = step(
        {COMPLETIONS: answering({**text("4", "length"), "usage": USAGE})}, tmp_path
    ).failure
    assert failure
    assert failure.reason == "engine-output"
    assert "something else than a stream of tokens" in failure.sentence
    assert '"text": "4"' in failure.tail


def test_an_unknown_model_is_told_in_the_servers_words(tmp_path: Path) -> None:
    unknown = answering({"error": {"message": "The model `n` does not exist."}}, 404)
    nothing = answering({"error": {"message": "no chat template"}}, 400)
    failure = step({COMPLETIONS: unknown, CHAT: nothing}, tmp_path).failure
    assert failure
    assert failure.reason == "request-refused"
    assert failure.sentence.endswith("(HTTP 404): The model 'n' does not exist.")


CHAT_MODEL = answering(
    {"error": {"message": "This is a chat model. Did you mean to use v1/chat/completions?"}}, 404
)


@pytest.mark.parametrize(
    ("completions", "chat", "end"),
    [
        (
            CHAT_MODEL,
            answering({"error": {"message": "no temperature 0"}}, 400),
            "no temperature 0.",
        ),
        (CHAT_MODEL, answering({"error": {"message": "who are you?"}}, 401), "in this step's env?"),
        (answering({}, 404), answering({"detail": "no chat template"}, 400), "no chat template."),
        (
            answering({"error": {"code": "model_not_found", "message": "n?"}}, 404),
            answering({"error": {"message": "no chat template"}}, 400),
            "(HTTP 404): n?.",
        ),
        (
            answering({"detail": "Not Found"}, 404),
            answering({"detail": "Not Found"}, 404),
            (
                "(HTTP 404): Not Found. Asked was at /v1/completions, /v1/chat/completions: is "
                "`endpoint` right?"
            ),
        ),
    ],
    ids=["a parameter", "a key", "a template", "a model", "nothing there"],
)
def test_of_two_refusals_the_one_that_says_what_is_wrong_is_told(
    completions: Handler, chat: Handler, end: str, tmp_path: Path
) -> None:
    failure = step({COMPLETIONS: completions, CHAT: chat}, tmp_path).failure
    assert failure
    assert failure.reason == "request-refused"
    assert failure.sentence.endswith(end)


def refusing(*parts: str, say: Any) -> Handler:
    """Refuses requests with these parts, in such words; answers the others."""
    answer = streaming(*FOUR, {"choices": [], "usage": USAGE})

    def handler(exchange: Exchange) -> None:
        named = next((part for part in parts if part in exchange.document), None)
        if named is None:
            answer(exchange)
        else:
            status, content = say(named)
            exchange.reply(content, status)

    return handler


def in_openais_words(part: str) -> tuple[int, Any]:
    message = f"Unrecognized request argument supplied: {part}"
    return 400, {"error": {"message": message, "param": None}}


def in_fastapis_words(part: str) -> tuple[int, Any]:
    where = {
        "type": "extra_forbidden",
        "loc": ["body", part],
        "msg": "Extra inputs are not permitted",
    }
    return 422, {"detail": [{**where, "input": {"seed": 1, "stream_options": {}}}]}


def in_a_parameter(part: str) -> tuple[int, Any]:
    return 400, {"error": {"message": "Not allowed here, unlike seed.", "param": part}}


def in_plain_words(part: str) -> tuple[int, Any]:
    return 500, f"unknown field `{part}`".encode()


@pytest.mark.parametrize(
    "say", [in_openais_words, in_fastapis_words, in_a_parameter, in_plain_words]
)
@pytest.mark.parametrize("parts", [("stream_options",), ("seed",), ("stream_options", "seed")])
def test_what_is_optional_and_refused_is_left_out_from_then_on(
    parts: tuple[str, ...], say: Any, tmp_path: Path
) -> None:
    with opened({COMPLETIONS: refusing(*parts, say=say)}, tmp_path) as (server, session):
        for _ in range(2):
            assert session.step(REQUEST, TIMEOUT_S).failure is None
        bodies = [json.loads(body) for path, _, body in server.requests if path == COMPLETIONS]
    assert len(bodies) == len(parts) + 2
    assert set(bodies[0]) - set(bodies[-1]) == set(parts)
    assert bodies[-1]["temperature"] == 0


def test_a_known_servers_extra_is_left_out_too(tmp_path: Path) -> None:
    routes = {
        "/v1/models": models("vllm", "m"),
        COMPLETIONS: refusing("ignore_eos", say=in_openais_words),
    }
    with opened(routes, tmp_path) as (server, session):
        assert session.step(REQUEST, TIMEOUT_S).failure is None
        assert "ignore_eos" not in json.loads(server.requests[-1][2])


def test_the_newer_name_of_the_length_is_used_where_the_server_names_it(tmp_path: Path) -> None:
    def say(_part: str) -> tuple[int, Any]:
        message = "'max_tokens' is not supported: use 'max_completion_tokens' instead."
        return 400, {"error": {"message": message, "param": "max_tokens"}}

    with opened({COMPLETIONS: CHAT_MODEL, CHAT: refusing("max_tokens", say=say)}, tmp_path) as (
        server,
        session,
    ):
        assert session.step(REQUEST, TIMEOUT_S).failure is None
        assert json.loads(server.requests[-1][2])["max_completion_tokens"] == 4


def test_a_refusal_that_names_the_chat_form_is_followed(tmp_path: Path) -> None:
    refusal = {"error": {"message": "Use /v1/chat/completions with this model"}}
    reply = step(
        {COMPLETIONS: answering(refusal, 400), CHAT: streaming(delta({"content": "4"}, "stop"))},
        tmp_path,
    )
    assert reply.text == "4"


@pytest.mark.parametrize(
    ("endpoint", "place", "form"),
    [
        ("", "/v1", "completions"),
        ("/", "/v1", "completions"),
        ("/v1/", "/v1", "completions"),
        ("/v3", "/v3", "completions"),
        ("/v1/chat/completions", "/v1", "chat/completions"),
        ("/v1/completions/", "/v1", "completions"),
        ("/openai/v1", "/openai/v1", "completions"),
        ("/v1beta/openai/", "/v1beta/openai", "completions"),
        ("/inference", "/inference", "completions"),
        ("/inference/chat/completions", "/inference", "chat/completions"),
        ("/api", "/api", "completions"),
        ("/api", "/v1", "completions"),
        ("/api/v1/models", "/api/v1", "completions"),
        ("/gateway/one", "/gateway/one/v1", "completions"),
        ("", "", "completions"),
        ("/deployments/d/chat/completions?api-version=1", "/deployments/d", "chat/completions"),
        ("/v1?key=k", "/v1", "completions"),
    ],
)
@pytest.mark.parametrize("lists_models", [True, False])
def test_the_api_is_found_whatever_of_its_address_is_given(
    endpoint: str, place: str, form: str, lists_models: bool, tmp_path: Path
) -> None:
    query = endpoint[endpoint.index("?") :] if "?" in endpoint else ""
    token = delta({"content": "4"}, "stop") if "chat" in form else text("4", "stop")
    routes = {f"{place}/{form}{query}": streaming(token)}
    if lists_models:
        routes[f"{place}/models{query}"] = models("somebody", "m")
    with HttpServer(routes) as server:
        setup = blank_setup(tmp_path, endpoint=server.url + endpoint)
        with closing(openai.prepare(setup).open({})) as session:
            for _ in range(2):
                assert session.step(REQUEST, TIMEOUT_S).text == "4"
            path, _, body = server.requests[-1]
            assert path == f"{place}/{form}{query}"
            assert json.loads(body).get("model") == ("m" if lists_models else None)
            assert server.requests[-2][0] == path  # it is known after the first step


def test_a_refusal_of_the_request_itself_is_no_reason_for_a_chat(tmp_path: Path) -> None:
    refuse = answering({"error": {"message": "max_tokens is too large"}}, 400)
    with opened({COMPLETIONS: refuse, CHAT: streaming()}, tmp_path) as (server, session):
        assert "max_tokens is too large" in session.step(REQUEST, TIMEOUT_S).failure.sentence
        assert CHAT not in [path for path, _, _ in server.requests]


def test_a_stalled_stream_times_out_and_the_next_step_may_do_better(tmp_path: Path) -> None:
    stalled = True

    def handler(exchange: Exchange) -> None:
        exchange.begin()
        exchange.event(FOUR[0])
        if stalled:
            exchange.released.wait(TIMEOUT_S)
        exchange.event(text("", "length", usage=USAGE))
        exchange.end()

    with opened({COMPLETIONS: handler}, tmp_path) as (_, session):
        failure = session.step(REQUEST, 0.5).failure
        assert failure.reason == "engine-timeout"
        stalled = False
        assert session.step(REQUEST, TIMEOUT_S).failure is None


KINDS: dict[str, tuple[dict[str, Handler], dict[str, Any], str]] = {
    "vllm": (
        {"/v1/models": models("vllm", "m"), "/version": answering({"version": "0.12.0"})},
        {"ignore_eos": True},
        "vllm 0.12.0",
    ),
    "sglang": (
        {"/v1/models": models("sglang", "m"), "/server_info": answering({"version": "0.5.6"})},
        {"ignore_eos": True},
        "sglang 0.5.6",
    ),
    "llama-server": (
        {"/props": answering({"default_generation_settings": {}, "build_info": "b8681"})},
        {"ignore_eos": True, "cache_prompt": False},
        "llama-server b8681",
    ),
    "tgi": ({"/info": answering({"model_id": "m", "version": "3.3.6"})}, {}, "tgi 3.3.6"),
    "other": ({}, {}, ""),
}


@pytest.mark.parametrize("kind", KINDS)
def test_only_servers_that_are_known_to_take_it_are_asked_to_ignore_the_end(
    kind: str, tmp_path: Path
) -> None:
    routes, extras, version = KINDS[kind]
    events = streaming(*FOUR, {"choices": [], "usage": USAGE})
    with HttpServer({"/v1/models": models("x", "m"), **routes, COMPLETIONS: events}) as server:
        engine = openai.prepare(blank_setup(tmp_path, endpoint=f"{server.url}/v1"))
        assert engine.identity.version == version
        with closing(engine.open({})) as session:
            assert session.step(REQUEST, TIMEOUT_S).failure is None
        sent = server.requests[-1][2]
    assert json.loads(sent) == {
        "model": "m",
        "prompt": "2+2=",
        "max_tokens": 4,
        "temperature": 0,
        "seed": 42,
        "stream": True,
        "stream_options": {"include_usage": True},
        **extras,
    }


def test_several_models_need_a_name_and_a_given_one_is_taken_as_it_is(tmp_path: Path) -> None:
    events = streaming(*FOUR, {"choices": [], "usage": USAGE})
    with HttpServer({"/v1/models": models("x", "a", "b"), COMPLETIONS: events}) as server:
        setup = blank_setup(tmp_path, endpoint=server.url)
        with pytest.raises(Unmeasured) as caught:
            openai.prepare(setup)
        assert caught.value.failure.reason == "model-unnamed"
        assert caught.value.failure.sentence.endswith("set `model` to one of a, b.")
        named = replace(setup, model_name="b")
        with closing(openai.prepare(named).open({})) as session:
            session.step(REQUEST, TIMEOUT_S)
        assert json.loads(server.requests[-1][2])["model"] == "b"


@pytest.mark.parametrize("route", [answering({}, 404), answering({"data": []})])
def test_a_server_that_lists_no_models_is_asked_without_a_name(
    route: Handler, tmp_path: Path
) -> None:
    events = streaming(*FOUR, {"choices": [], "usage": USAGE})
    with opened({"/v1/models": route, COMPLETIONS: events}, tmp_path) as (server, session):
        assert session.step(REQUEST, TIMEOUT_S).failure is None
        assert "model" not in json.loads(server.requests[-1][2])


def test_the_key_of_the_environment_is_sent(tmp_path: Path) -> None:
    setup: EngineSetup = blank_setup(tmp_path)
    with HttpServer({"/v1/models": models("x", "m")}) as server:
        environment = {**setup.environment, "OPENAI_API_KEY": " sk-one\n"}
        keyed = replace(setup, endpoint=server.url, environment=environment)
        openai.prepare(keyed)
        assert {headers.get("Authorization") for _, headers, _ in server.requests} == {
            "Bearer sk-one"
        }


def test_features_cannot_be_given_to_it(tmp_path: Path) -> None:
    setup = blank_setup(tmp_path, endpoint="http://127.0.0.1:9", features=("mlock",))
    with pytest.raises(Unmeasured) as caught:
        openai.prepare(setup)
    assert caught.value.failure.reason == "features-unknown"
