"""Which server answers at an endpoint."""

from __future__ import annotations

from contextlib import closing

import pytest

from perf_smoke.engines.probe import Server, client_for, engine_at, identify
from perf_smoke.result import Unmeasured
from tests.integration.engines.http_server import Handler, HttpServer, answering


def owned_by(owner: object) -> Handler:
    return answering({"data": [{"id": "m", "owned_by": owner}]})


VERSION = answering({"version": "1.2"})
LLAMA = Server(kind="llama-server", version="b8681")

CASES: dict[str, tuple[dict[str, Handler], Server, str]] = {
    "llama-server": (
        {"/props": answering({"default_generation_settings": {}, "build_info": "b8681"})},
        LLAMA,
        "llama-server",
    ),
    "llama-server with a key": (
        {"/props": answering({"error": {"message": "Invalid API Key"}}, 401, Server="llama.cpp")},
        Server(kind="llama-server", version=""),
        "llama-server",
    ),
    "ollama": ({"/api/version": VERSION}, Server(kind="ollama", version="1.2"), "ollama"),
    "vllm": (
        {"/v1/models": owned_by("vllm"), "/version": VERSION},
        Server(kind="vllm", version="1.2"),
        "openai",
    ),
    "vllm that hides its version": (
        {"/v1/models": owned_by("vllm")},
        Server(kind="vllm", version=""),
        "openai",
    ),
    "sglang": (
        {"/v1/models": owned_by("sglang"), "/server_info": VERSION},
        Server(kind="sglang", version="1.2"),
        "openai",
    ),
    "older sglang": (
        {"/v1/models": owned_by("sglang"), "/get_server_info": VERSION},
        Server(kind="sglang", version="1.2"),
        "openai",
    ),
    "tgi": (
        {"/info": answering({"model_id": "m", "version": "3.3.6"})},
        Server(kind="tgi", version="3.3.6"),
        "openai",
    ),
    "others": ({"/v1/models": owned_by(None)}, Server(kind="other", version=""), "openai"),
    "nonsense everywhere": (
        {
            path: answering(content)
            for path, content in {
                "/props": [1],
                "/api/version": {"version": {"major": 1}},
                "/v1/models": {"data": ["m"]},
                "/info": b"\xff\xfe",
            }.items()
        },
        Server(kind="other", version=""),
        "openai",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_server_is_known_by_what_only_it_offers(case: str) -> None:
    routes, expected, engine = CASES[case]
    with HttpServer(routes) as server:
        with closing(client_for(server.url, {})) as client:
            assert identify(client) == expected
        for ending in ("", "/v1", "/v1/"):
            assert engine_at(server.url + ending, {}).id == engine


def test_nobody_at_all_is_an_error() -> None:
    with HttpServer({}) as server:
        pass
    with pytest.raises(Unmeasured) as caught:
        engine_at(server.url, {})
    assert caught.value.failure.reason == "endpoint-unreachable"
    assert caught.value.failure.sentence.startswith(f"The server at {server.url} cannot be reached")


def test_a_password_in_the_address_is_not_shown() -> None:
    client = client_for("http://me:secret@127.0.0.1:9/there/v1", {})
    assert client.name == "The server at http://127.0.0.1:9/there"
