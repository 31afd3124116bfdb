"""llama-server, started here or found at an endpoint: what the shared suite does not ask."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from perf_smoke.engines import llama_server, server
from perf_smoke.engines.base import EngineSetup, Session
from perf_smoke.engines.http_client import Client
from perf_smoke.result import Unmeasured
from tests.integration.engines.case import REQUEST
from tests.integration.engines.fake_llama_server import end, token
from tests.integration.engines.http_server import HttpServer, answering, streaming
from tests.integration.engines.programs import executable
from tests.integration.engines.setups import blank_setup, demonstration_model

TIMEOUT_S = 60.0
FAKE = "tests.integration.engines.fake_llama_server"
REAL = "tests.integration.engines.real_llama_server"


def fake_setup(folder: Path, fault: str = "", **changes: object) -> EngineSetup:
    setup = blank_setup(
        folder,
        binary=str(executable(folder / "llama-server", FAKE)),
        model=folder / "model.gguf",
        **changes,
    )
    return replace(setup, environment={**setup.environment, "LLAMA_FAULT": fault})


@pytest.fixture
def real(tmp_path: Path) -> Iterator[tuple[EngineSetup, Session]]:
    setup = blank_setup(
        tmp_path,
        binary=str(executable(tmp_path / "llama-server", REAL)),
        model=demonstration_model(),
        features=("no-repack",),
    )
    with closing(llama_server.prepare(setup).open({"LLAMA_TEST": "seen"})) as session:
        yield setup, session


def children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def the_server() -> psutil.Process:
    """The one among our children; another test's helper may be there too."""
    (process,) = (child for child in children() if "-np" in child.cmdline())
    return process


def test_the_real_server_is_started_with_the_request_and_its_features(
    real: tuple[EngineSetup, Session],
) -> None:
    setup, session = real
    process = the_server()
    arguments = process.cmdline()[2:]
    port = arguments[arguments.index("--port") + 1]
    assert arguments == [
        *("-m", str(setup.model), "-t", "1", "-c", "512", "-np", "1"),
        *("--host", "127.0.0.1", "--port", port, "--no-repack"),
    ]
    assert process.environ()["LLAMA_TEST"] == "seen"
    identity = llama_server.prepare(setup).identity
    assert identity.version.startswith("xllamacpp ")
    assert session.load_ms
    assert session.load_ms > 0


def test_no_step_takes_its_prompt_from_a_cache(real: tuple[EngineSetup, Session]) -> None:
    _, session = real
    for _ in range(3):
        sample = session.step(REQUEST, TIMEOUT_S).sample
        assert sample.n_prompt == 4
        assert sample.n_prompt_cached == 0
        assert sample.finish_reason == "limit"


def test_cpu_time_and_memory_are_those_of_the_server(real: tuple[EngineSetup, Session]) -> None:
    _, session = real
    sample = session.step(replace(REQUEST, tokens=64), TIMEOUT_S).sample
    assert sample.cpu_ms
    assert sample.cpu_ms > 0
    assert sample.peak_rss_kib
    assert sample.peak_rss_kib > 100_000  # the model has 96 MB; this process is no part of it


def test_a_prompt_beyond_the_context_is_refused_in_the_servers_words(
    real: tuple[EngineSetup, Session],
) -> None:
    _, session = real
    failure = session.step(replace(REQUEST, prompt="one two " * 600), TIMEOUT_S).failure
    assert failure
    assert failure.reason == "request-refused"
    assert "HTTP 400" in failure.sentence
    assert "context size" in failure.sentence
    assert session.step(REQUEST, TIMEOUT_S).failure is None


def test_a_server_at_an_endpoint_is_used_and_left_running(
    real: tuple[EngineSetup, Session], tmp_path: Path
) -> None:
    setup, _ = real
    process = the_server()
    port = process.cmdline()[process.cmdline().index("--port") + 1]
    there = replace(
        setup, binary="", model=None, features=(), endpoint=f"http://127.0.0.1:{port}/v1"
    )
    engine = llama_server.prepare(there)
    with closing(engine.open({})) as session:
        reply = session.step(REQUEST, TIMEOUT_S)
        assert reply.sample.n_out == 4
        assert reply.sample.cpu_ms is None
        assert reply.sample.peak_rss_kib is None
        assert session.load_ms is None
    assert process.is_running()


def test_a_server_that_dies_at_once_is_told_with_its_log(tmp_path: Path) -> None:
    engine = llama_server.prepare(fake_setup(tmp_path, "dies"))
    with pytest.raises(Unmeasured) as caught:
        engine.open({})
    failure = caught.value.failure
    assert failure.reason == "engine-crashed"
    assert failure.sentence.startswith("`llama-server` exited with code 1 after ")
    assert failure.tail.endswith("error: no backends are loaded")


def test_a_server_that_never_becomes_ready_is_killed(tmp_path: Path) -> None:
    before = children()
    engine = llama_server.prepare(fake_setup(tmp_path, "never-ready", start_timeout_s=2.0))
    with pytest.raises(Unmeasured) as caught:
        engine.open({})
    assert caught.value.failure.reason == "engine-timeout"
    assert "not ready for requests within 2 s" in caught.value.failure.sentence
    assert "--port" in caught.value.failure.tail
    assert children() == before


def test_an_interrupted_start_leaves_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    before = children()
    engine = llama_server.prepare(fake_setup(tmp_path))
    monkeypatch.setattr(server, "_becomes_healthy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engine.open({})
    assert children() == before


def test_a_program_that_the_system_refuses_is_told(tmp_path: Path) -> None:
    program = tmp_path / "llama-server"
    program.write_bytes(b"\x7fELF but not really")
    program.chmod(0o755)
    engine = llama_server.prepare(blank_setup(tmp_path, binary=str(program), model=tmp_path))
    with pytest.raises(Unmeasured) as caught:
        engine.open({})
    assert caught.value.failure.reason == "engine-missing"


def test_a_hung_server_is_killed_and_every_further_step_fails(tmp_path: Path) -> None:
    before = children()
    with closing(llama_server.prepare(fake_setup(tmp_path, "hang")).open({})) as session:
        failure = session.step(REQUEST, 1.0).failure
        assert failure
        assert failure.reason == "engine-timeout"
        assert "was killed, with everything it had started" in failure.sentence
        assert children() == before
        again = session.step(REQUEST, TIMEOUT_S)
        assert again.failure
        assert "crashed (SIGTERM)" in again.failure.sentence


def test_a_crash_in_the_middle_is_told_with_its_code_and_log(tmp_path: Path) -> None:
    with closing(llama_server.prepare(fake_setup(tmp_path, "crash")).open({})) as session:
        failure = session.step(REQUEST, TIMEOUT_S).failure
    assert failure
    assert failure.reason == "engine-crashed"
    assert failure.sentence.startswith("`llama-server` exited with code 7 after ")
    assert failure.tail.endswith('GGML_ASSERT(!"out of paper") failed')


def test_a_dropped_request_of_a_living_server_is_told_with_its_log(tmp_path: Path) -> None:
    with closing(llama_server.prepare(fake_setup(tmp_path, "drop")).open({})) as session:
        failure = session.step(REQUEST, TIMEOUT_S).failure
    assert failure
    assert failure.reason == "connection-lost"
    assert "--host 127.0.0.1" in failure.tail


def test_a_port_that_was_taken_meanwhile_is_given_up_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_port = server._free_port
    with HttpServer({"/health": answering({"status": "ok"})}) as other:
        ports = [other.port]
        monkeypatch.setattr(server, "_free_port", lambda: ports.pop() if ports else free_port())
        with closing(llama_server.prepare(fake_setup(tmp_path)).open({})) as session:
            assert session.step(REQUEST, TIMEOUT_S).sample.n_out == 4
        assert {path for path, _, _ in other.requests} == {"/health"}


def test_when_every_port_is_taken_the_servers_own_words_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HttpServer({}) as other:
        monkeypatch.setattr(server, "_free_port", lambda: other.port)
        with pytest.raises(Unmeasured) as caught:
            llama_server.prepare(fake_setup(tmp_path)).open({})
    assert caught.value.failure.reason == "engine-crashed"
    assert "Address already in use" in caught.value.failure.tail


def test_behind_a_wrapper_the_process_that_listens_is_the_one_measured(tmp_path: Path) -> None:
    inner = executable(tmp_path / "inner", FAKE)
    wrapper = tmp_path / "llama-server"
    wrapper.write_text(f'#!/bin/sh\n"{inner}" "$@"\n')
    wrapper.chmod(0o755)
    before = children()
    setup = blank_setup(tmp_path, binary=str(wrapper), model=tmp_path)
    with closing(llama_server.prepare(setup).open({})) as session:
        sample = session.step(REQUEST, TIMEOUT_S).sample
        assert sample.peak_rss_kib
        assert sample.peak_rss_kib > 5_000  # Python's, not the shell's
        assert set(session.pids) == {child.pid for child in children() - before}
        assert len(session.pids) == 2
    assert children() == before


def test_a_server_outside_our_processes_has_no_cpu_time_and_no_memory_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_listener", lambda *_: None)  # as one in a container has
    with closing(llama_server.prepare(fake_setup(tmp_path)).open({})) as session:
        reply = session.step(REQUEST, TIMEOUT_S)
    assert reply.failure is None
    assert reply.sample.cpu_ms is None
    assert reply.sample.peak_rss_kib is None


def test_load_ends_with_the_first_healthy_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Outside our processes, it is watched a while whether what answers is really our server.
    monkeypatch.setattr(server, "_listener", lambda *_: None)
    engine = llama_server.prepare(fake_setup(tmp_path))
    started_s = time.monotonic()
    with closing(engine.open({})) as session:
        opened_ms = (time.monotonic() - started_s) * 1e3
    assert session.load_ms
    assert session.load_ms <= opened_ms - server._END_S * 1e3


def test_a_key_that_the_server_asks_for_is_sent(tmp_path: Path) -> None:
    setup = fake_setup(tmp_path)
    with closing(llama_server.prepare(setup).open({"LLAMA_API_KEY": "k"})) as session:
        assert isinstance(session, llama_server.LlamaServerSession)
        assert session._client._headers["Authorization"] == "Bearer k"


def test_another_kind_of_server_at_the_endpoint_is_refused(tmp_path: Path) -> None:
    with (
        HttpServer({"/api/version": answering({"version": "0.12"})}) as other,
        pytest.raises(Unmeasured) as caught,
    ):
        llama_server.prepare(blank_setup(tmp_path, endpoint=other.url))
    assert caught.value.failure.sentence == (
        f"The server at {other.url} is no llama-server: set `engine` to `auto`, or check "
        "`endpoint`."
    )


def test_features_cannot_be_given_to_a_running_server(tmp_path: Path) -> None:
    setup = blank_setup(tmp_path, endpoint="http://127.0.0.1:9", features=("mlock",))
    with pytest.raises(Unmeasured) as caught:
        llama_server.prepare(setup)
    assert caught.value.failure.reason == "features-unknown"


def test_the_end_of_an_older_server_is_read_too() -> None:
    older = end(4)
    older["timings"] = {"prompt_n": 1, "prompt_ms": 0.02, "predicted_ms": 0.03}
    del older["stop_type"]
    routes = {"/completion": streaming(token("4", 1), {**older, "stopped_limit": True}, done=False)}
    with HttpServer(routes) as there:
        client = Client(there.url, name="It", environment={})
        with closing(llama_server.LlamaServerSession(client, None)) as session:
            sample = session.step(REQUEST, TIMEOUT_S).sample
    assert sample.n_prompt == 4
    assert sample.n_prompt_cached == 3
    assert sample.finish_reason == "limit"


@pytest.mark.parametrize("nothing", [0, -1, None, "4", 2**64 - 1], ids=repr)
def test_counts_and_durations_that_say_nothing_beside_a_text_are_missing(nothing: object) -> None:
    timings = dict.fromkeys(("prompt_n", "prompt_ms", "predicted_n", "predicted_ms"), nothing)
    counts = dict.fromkeys(("tokens_predicted", "tokens_evaluated"), nothing)
    events = (token("4", 1), {**end(4), **counts, "timings": timings})
    with HttpServer({"/completion": streaming(*events, done=False)}) as there:
        client = Client(there.url, name="It", environment={})
        with closing(llama_server.LlamaServerSession(client, None)) as session:
            reply = session.step(REQUEST, TIMEOUT_S)
    assert reply.failure is None
    sample = reply.sample
    assert sample.ttft_ms
    assert (sample.n_out, sample.n_prompt) == (None, None)
    assert (sample.decode_ms, sample.prompt_ms) == (None, None)


ROUTER = {"role": "router", "build_info": "b9000", "default_generation_settings": {}}


@pytest.mark.parametrize(
    ("props", "named", "sent"),
    [
        (ROUTER, "two", "two"),
        ({**ROUTER, "role": "model"}, "", None),
        ({**ROUTER, "role": "model"}, "two", "two"),
    ],
    ids=["a router", "one model", "one model, named"],
)
def test_the_model_that_is_meant_is_said(
    props: object, named: str, sent: str | None, tmp_path: Path
) -> None:
    models = answering({"data": [{"id": "one"}, {"id": "two"}]})
    completion = streaming(token("4", 1), end(1), done=False)
    routes = {"/props": answering(props), "/v1/models": models, "/completion": completion}
    with HttpServer(routes) as there:
        setup = blank_setup(tmp_path, endpoint=there.url, model_name=named)
        with closing(llama_server.prepare(setup).open({})) as session:
            assert session.step(REQUEST, TIMEOUT_S).failure is None
        assert json.loads(there.requests[-1][2]).get("model") == sent


def test_a_router_without_a_name_lists_its_models(tmp_path: Path) -> None:
    models = answering({"data": [{"id": "one"}, {"id": "two"}]})
    with (
        HttpServer({"/props": answering(ROUTER), "/v1/models": models}) as there,
        pytest.raises(Unmeasured) as caught,
    ):
        llama_server.prepare(blank_setup(tmp_path, endpoint=there.url))
    assert caught.value.failure.reason == "model-unnamed"
    assert caught.value.failure.sentence.endswith("set `model` to one of one, two.")


def test_an_answer_without_text_and_count_is_no_measurement() -> None:
    with HttpServer({"/completion": streaming(end(0), done=False)}) as there:
        client = Client(there.url, name="It", environment={})
        with closing(llama_server.LlamaServerSession(client, None)) as session:
            failure = session.step(REQUEST, TIMEOUT_S).failure
    assert failure
    assert failure.reason == "no-tokens"


def test_a_stream_without_its_end_is_no_measurement() -> None:
    with HttpServer({"/completion": streaming(token("4", 1), done=False)}) as there:
        client = Client(there.url, name="It", environment={})
        with closing(llama_server.LlamaServerSession(client, None)) as session:
            failure = session.step(REQUEST, TIMEOUT_S).failure
    assert failure
    assert failure.sentence == "It stopped before the end of its answer."
