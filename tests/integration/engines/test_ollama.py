"""Ollama: what the shared suite does not ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perf_smoke.engines import ollama
from perf_smoke.engines.base import Reply
from perf_smoke.result import Unmeasured
from tests.integration.engines.case import REQUEST
from tests.integration.engines.fake_ollama import MODEL, cut, end, routes, stream
from tests.integration.engines.http_server import Exchange, Handler, HttpServer, answering
from tests.integration.engines.setups import blank_setup

TIMEOUT_S = 60.0
OPTIONS = {"num_predict": 4, "temperature": 0, "seed": 42, "repeat_penalty": 1.0, "num_thread": 1}


@contextmanager
def opened(folder: Path, **behaviour: Any) -> Iterator[Any]:
    """(server, session) for an Ollama that behaves like this."""
    with HttpServer(routes(**behaviour)) as server:
        engine = ollama.prepare(blank_setup(folder, endpoint=server.url))
        with closing(engine.open({})) as session:
            yield server, session


def step(generate: Handler, folder: Path) -> Reply:
    with opened(folder, generate=generate) as (_, session):
        reply = session.step(REQUEST, TIMEOUT_S)
        assert isinstance(reply, Reply)
        return reply


def ending(**changes: Any) -> Handler:
    """A whole answer whose last line has these."""
    return lambda exchange: stream(exchange, {"response": "11, so"}, end(4, **changes))


def bodies(server: HttpServer) -> list[Any]:
    return [json.loads(body) for path, _, body in server.requests if path == "/api/generate"]


def test_the_model_is_loaded_before_the_first_step_with_the_same_options(tmp_path: Path) -> None:
    with opened(tmp_path) as (server, session):
        assert session.load_ms > 0
        session.step(REQUEST, TIMEOUT_S)
        always = {"model": MODEL, "options": OPTIONS, "keep_alive": "10m"}
        assert bodies(server) == [
            {**always, "stream": False},
            {**always, "stream": True, "raw": True, "prompt": "2+2="},
        ]


def test_a_model_that_was_in_memory_already_has_no_load_time(tmp_path: Path) -> None:
    with opened(tmp_path, loaded=(MODEL,)) as (_, session):
        assert session.load_ms is None


def test_a_model_that_cannot_be_loaded_is_told_in_ollamas_words(tmp_path: Path) -> None:
    there = {**routes(), "/api/generate": answering({"error": "model 'x' not found"}, 404)}
    with HttpServer(there) as server:
        engine = ollama.prepare(blank_setup(tmp_path, endpoint=server.url, model_name="x"))
        with pytest.raises(Unmeasured) as caught:
            engine.open({})
    assert caught.value.failure.sentence == (
        f"The server at {server.url} refused the request (HTTP 404): model 'x' not found."
    )


def test_durations_come_in_ns_and_counts_tell_the_cache_apart(tmp_path: Path) -> None:
    reply = step(ending(), tmp_path)
    assert reply.failure is None
    assert reply.text == "11, so"
    sample = reply.sample
    assert (sample.n_prompt, sample.n_prompt_cached, sample.n_out) == (4, 3, 4)
    assert sample.prompt_ms == 0.02
    assert sample.decode_ms == 0.03
    assert sample.finish_reason == "length"


@pytest.mark.parametrize("count", [{"prompt_eval_count": 0}, {"prompt_eval_count": 1}])
def test_without_the_cached_count_the_time_of_the_prompt_says_nothing(
    count: dict[str, int], tmp_path: Path
) -> None:
    sample = step(ending(prompt_eval_cached_count=None, **count), tmp_path).sample
    assert sample.ok
    assert sample.prompt_ms is None
    assert sample.n_prompt_cached is None
    assert sample.n_prompt == (count["prompt_eval_count"] or None)


@pytest.mark.parametrize("nothing", [0, -1, None, "4", 2**64 - 1], ids=repr)
def test_counts_and_durations_that_say_nothing_beside_a_text_are_missing(
    nothing: object, tmp_path: Path
) -> None:
    names = ("eval_count", "eval_duration", "prompt_eval_count", "prompt_eval_duration")
    reply = step(ending(**dict.fromkeys(names, nothing)), tmp_path)
    assert reply.failure is None
    assert reply.sample.ttft_ms
    sample = reply.sample
    assert (sample.n_out, sample.n_prompt) == (None, None)
    assert (sample.decode_ms, sample.prompt_ms) == (None, None)


def test_thinking_aloud_is_text_too(tmp_path: Path) -> None:
    def generate(exchange: Exchange) -> None:
        stream(exchange, {"response": "", "thinking": "Hm. "}, {"response": "4"}, end(4))

    assert step(generate, tmp_path).text == "Hm. 4"


def test_a_text_that_ended_early_has_the_tokens_that_it_has(tmp_path: Path) -> None:
    sample = step(ending(eval_count=2, done_reason="stop"), tmp_path).sample
    assert sample.ok
    assert sample.n_out == 2
    assert sample.finish_reason == "stop"


@pytest.mark.parametrize("count", [0, None])
def test_an_answer_without_text_and_count_is_no_measurement(
    count: int | None, tmp_path: Path
) -> None:
    def generate(exchange: Exchange) -> None:
        stream(exchange, {"response": ""}, end(4, eval_count=count, done_reason="stop"))

    failure = step(generate, tmp_path).failure
    assert failure
    assert failure.reason == "no-tokens"


def test_tokens_without_a_text_of_their_own_are_tokens(tmp_path: Path) -> None:
    assert step(lambda exchange: stream(exchange, end(2)), tmp_path).sample.n_out == 2


def test_an_error_in_mid_stream_is_told_in_ollamas_words(tmp_path: Path) -> None:
    def generate(exchange: Exchange) -> None:
        stream(exchange, {"response": "1"}, {"error": "llama runner terminated"})

    failure = step(generate, tmp_path).failure
    assert failure
    assert failure.reason == "request-refused"
    assert failure.sentence.endswith("stopped with an error: llama runner terminated")


def test_a_stream_that_is_cut_is_no_measurement(tmp_path: Path) -> None:
    failure = step(cut, tmp_path).failure
    assert failure
    assert failure.reason == "connection-lost"


def test_a_longer_request_asks_for_a_larger_context(tmp_path: Path) -> None:
    with opened(tmp_path) as (server, session):
        session.step(replace(REQUEST, tokens=3000), TIMEOUT_S)
        assert bodies(server)[-1]["options"]["num_ctx"] >= 3000 + len(REQUEST.prompt)


def test_our_number_of_threads_is_not_for_another_machine(tmp_path: Path) -> None:
    with HttpServer(routes()) as server:
        setup = blank_setup(tmp_path, endpoint="http://ollama.invalid:11434", model_name=MODEL)
        proxied = {"http_proxy": server.url}
        server.routes |= {
            f"http://ollama.invalid:11434{path}": handler for path, handler in routes().items()
        }
        engine = ollama.prepare(replace(setup, environment=proxied))
        with closing(engine.open({})) as session:
            assert session.step(REQUEST, TIMEOUT_S).failure is None
        sent = [json.loads(body) for _, _, body in server.requests if body]
    assert len(sent) == 2
    assert not any("num_thread" in body["options"] for body in sent)


@pytest.mark.parametrize(
    ("models", "sentence"),
    [
        ((), "needs a model's name: set `model` to one that was pulled before."),
        (("a", "b"), "needs a model's name: set `model` to one of a, b."),
    ],
)
def test_a_model_must_be_named_unless_there_is_only_one(
    models: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    with HttpServer(routes(models=models)) as server, pytest.raises(Unmeasured) as caught:
        ollama.prepare(blank_setup(tmp_path, endpoint=server.url))
    assert caught.value.failure.reason == "model-unnamed"
    assert caught.value.failure.sentence.endswith(sentence)


def test_another_kind_of_server_is_refused(tmp_path: Path) -> None:
    with HttpServer({}) as server, pytest.raises(Unmeasured) as caught:
        ollama.prepare(blank_setup(tmp_path, endpoint=server.url))
    assert caught.value.failure.sentence.endswith(
        "is no Ollama: set `engine` to `auto`, or check `endpoint`."
    )


def test_features_cannot_be_given_to_it(tmp_path: Path) -> None:
    setup = blank_setup(tmp_path, endpoint="http://127.0.0.1:9", features=("mlock",))
    with pytest.raises(Unmeasured) as caught:
        ollama.prepare(setup)
    assert caught.value.failure.reason == "features-unknown"
