"""The engines behind HTTP: with the real llama.cpp behind llama-server and openai, and with
servers of the tests' own for what it cannot be made to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from perf_smoke.engines.base import EngineSetup
from perf_smoke.engines.http_client import Client
from perf_smoke.engines.server import HOST, start
from tests.integration.engines import fake_ollama
from tests.integration.engines.case import Case, Fault
from tests.integration.engines.fake_openai import COMPLETIONS, routes
from tests.integration.engines.http_server import HttpServer
from tests.integration.engines.programs import executable
from tests.integration.engines.setups import blank_setup, demonstration_model, wrong_model

REAL = "tests.integration.engines.real_llama_server"
FAKE = "tests.integration.engines.fake_llama_server"

_COUNTS = frozenset({"n_prompt", "n_prompt_cached", "n_out"})
BOTH_CLOCKS = _COUNTS | {"prompt_ms", "ttft_ms", "decode_ms", "e2e_ms", "wall_ms"}
_OUR_CLOCK = _COUNTS | {"ttft_ms", "e2e_ms", "wall_ms"}
OF_A_PROGRAM = frozenset({"cpu_ms", "peak_rss_kib"})


@contextmanager
def started(folder: Path, fault: Fault) -> Iterator[EngineSetup]:
    """A llama-server that the engine starts: the real one, but for faults of the fake one."""
    real = fault in ("", "wrong-model", "missing")
    program = folder / "llama-server"
    if fault != "missing":
        executable(program, REAL if real else FAKE)
    model = wrong_model(folder) if fault == "wrong-model" else demonstration_model()
    setup = blank_setup(folder, binary=str(program), model=model)
    yield replace(setup, environment={**setup.environment, "LLAMA_FAULT": fault})


@contextmanager
def running(folder: Path, fault: Fault) -> Iterator[EngineSetup]:
    """The real llama-server at an endpoint, or nothing there."""
    setup = blank_setup(folder)
    server = start(
        lambda port: [
            str(executable(folder / "llama-server", REAL)),
            *("-m", str(demonstration_model()), "-t", "1", "-c", "512", "-np", "1"),
            *("--host", HOST, "--port", str(port)),
        ],
        lambda port: Client(f"http://{HOST}:{port}", name="The server", environment={}),
        program="llama-server",
        cwd=folder,
        environment=setup.environment,
        timeout_s=120.0,
    )
    try:
        if fault == "missing":
            server.close()
        yield replace(setup, endpoint=server.url)
    finally:
        server.close()


@contextmanager
def openai(folder: Path, fault: Fault) -> Iterator[EngineSetup]:
    """A server in the form of vLLM's API."""
    with HttpServer(routes(COMPLETIONS[fault])) as server:
        yield blank_setup(folder, endpoint=server.url)


@contextmanager
def ollama(folder: Path, fault: Fault) -> Iterator[EngineSetup]:
    """An Ollama."""
    with HttpServer(fake_ollama.routes(fake_ollama.GENERATIONS[fault])) as server:
        yield blank_setup(folder, endpoint=server.url)


_FAULTS: frozenset[Fault] = frozenset(
    {"hang", "crash", "garbage", "flood", "invalid-utf8", "short"}
)

CASES = (
    Case(
        id="llama-server",
        engine="llama-server",
        setup=started,
        gives=BOTH_CLOCKS | OF_A_PROGRAM,
        faults=_FAULTS | {"wrong-model", "missing"},
    ),
    Case(
        id="llama-server-at-endpoint",
        engine="llama-server",
        setup=running,
        gives=BOTH_CLOCKS,
        lacks=frozenset({"cpu"}),  # its process may be on another machine
        faults=frozenset({"missing"}),
    ),
    Case(
        id="openai-llama-server",
        engine="openai",
        setup=running,
        gives=_OUR_CLOCK,
        may_give=frozenset({"decode_ms"}),
        lacks=frozenset({"decode"}),  # the first token may not have come alone
        faults=frozenset({"missing"}),
    ),
    Case(
        id="openai",
        engine="openai",
        setup=openai,
        gives=_OUR_CLOCK,
        may_give=frozenset({"decode_ms"}),
        lacks=frozenset({"decode"}),  # the first token may not have come alone
        faults=_FAULTS,
    ),
    Case(id="ollama", engine="ollama", setup=ollama, gives=BOTH_CLOCKS, faults=_FAULTS),
)
