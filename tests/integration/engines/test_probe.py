"""Which server answers at an endpoint."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from perf_smoke.engines import registry
from perf_smoke.engines.probe import Server, client_for, engine_at, recognise
from perf_smoke.result import Unmeasured
from tests.integration.engines.http_server import Handler, HttpServer, answering
from tests.integration.engines.setups import blank_setup


def owned_by(owner: object) -> Handler:
    return answering({"data": [{"id": "m", "owned_by": owner}]})


VERSION = answering({"version": "1.2"})
OTHER = Server(kind="other", version="")
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
    "ollama": (
        {"/api/version": VERSION, "/api/tags": answering({"models": []})},
        Server(kind="ollama", version="1.2"),
        "ollama",
    ),
    "llama-swap": (
        {"/api/version": VERSION, "/v1/models": owned_by("llama-swap")},
        OTHER,
        "openai",
    ),
    "koboldcpp": (
        {
            "/props": answering({"default_generation_settings": {"n_ctx": 8192}}),
            "/api/extra/version": answering({"result": "KoboldCpp", "version": "1.99"}),
        },
        OTHER,
        "openai",
    ),
    "older llama-server": (
        {"/props": answering({"default_generation_settings": {}})},
        Server(kind="llama-server", version=""),
        "llama-server",
    ),
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
    "others": ({"/v1/models": owned_by(None)}, OTHER, "openai"),
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
        OTHER,
        "openai",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_server_is_known_by_what_only_it_offers(case: str) -> None:
    routes, expected, engine = CASES[case]
    with HttpServer(routes) as server:
        with closing(client_for(server.url, {})) as client:
            assert recognise(client) == expected
        for ending in ("", "/v1", "/v1/", "/v1/chat/completions", "/api", "/api/chat"):
            assert engine_at(server.url + ending, {}).id == engine


def test_an_engine_that_is_named_is_not_replaced_by_a_guess(tmp_path: Path) -> None:
    several = {
        "/api/version": VERSION,
        "/health": answering({"status": "ok"}),
        "/v1/models": owned_by("somebody"),
    }
    with HttpServer(several) as server:
        setup = blank_setup(tmp_path, endpoint=server.url, model_name="m")
        for engine in ("ollama", "llama-server", "openai"):
            assert registry.prepare(engine, setup).identity.id == engine
        assert registry.prepare("openai", setup).identity.version == ""


@pytest.mark.parametrize(
    ("engine", "case"),
    [
        *(("ollama", case) for case in ("vllm", "llama-server", "others")),
        *(("llama-server", case) for case in ("vllm", "ollama", "llama-swap", "others")),
    ],
)
def test_an_engine_that_the_server_is_proven_not_to_be_is_refused(
    engine: str, case: str, tmp_path: Path
) -> None:
    with HttpServer(CASES[case][0]) as server, pytest.raises(Unmeasured) as caught:
        registry.prepare(engine, blank_setup(tmp_path, endpoint=server.url, model_name="m"))
    assert caught.value.failure.reason == "engine-missing"


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
