"""llama.cpp's server: started here from `binary`, or already running at `endpoint`.

Its own durations come with the end of the stream, and are taken instead of its rates: older
builds divide N tokens by the time of N − 1 there. `cache_prompt` is off, or every step after the
first would skip its prompt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from perf_smoke.engines import failures, llama_program
from perf_smoke.engines.base import EngineSetup, Reply, Request
from perf_smoke.engines.events import joined, no_tokens, server_sent, stopped_early
from perf_smoke.engines.fields import Fields
from perf_smoke.engines.http_client import Answer, Client
from perf_smoke.engines.llama_program import LlamaProgram
from perf_smoke.engines.probe import client_for, only_model, refuse_another, refuse_features
from perf_smoke.engines.server import HOST, StartedServer, start
from perf_smoke.printable import one_line
from perf_smoke.result import EngineIdentity, Process, Sample, Tier, Unmeasured
from perf_smoke.secret import Secret

_TIERS: dict[str, Tier] = {
    "load_ms": "E",
    "prompt_ms": "B",
    "decode_ms": "B",
    "ttft_ms": "C",
    "e2e_ms": "C",
    "wall_ms": "E",
    "cpu_ms": "E",
    "peak_rss_kib": "E",
}


def prepare(setup: EngineSetup) -> RunningLlamaServer | LlamaServerProgram:
    """Find the server that runs already, or the program.

    Raises:
        Unmeasured: it is missing, or is something else.
    """
    if setup.endpoint:
        return _at_endpoint(setup)
    return LlamaServerProgram(setup, llama_program.find("llama-server", setup))


def _at_endpoint(setup: EngineSetup) -> RunningLlamaServer:
    refuse_features(setup, "The server")
    client = client_for(setup.endpoint, setup.environment)
    try:
        server = refuse_another("llama-server", client, "/health")
        model = setup.model_name or _model_of_a_router(client, setup.start_timeout_s)
    finally:
        client.close()
    identity = EngineIdentity(id="llama-server", version=server.version)
    return RunningLlamaServer(setup, model, identity)


def _model_of_a_router(client: Client, timeout_s: float) -> str:
    """A router must be told which of its models is meant; a server with one model need not be."""
    props = client.get("/props", timeout_s).document()
    is_router = isinstance(props, dict) and props.get("role") == "router"
    return only_model(client, "/v1", timeout_s) if is_router else ""


class RunningLlamaServer:
    """A server that somebody else started: neither started nor ended here."""

    process: Process = "running"

    def __init__(self, setup: EngineSetup, model: str, identity: EngineIdentity) -> None:
        self._setup = setup
        self._model = model
        self.identity = identity

    def open(self, environment: Mapping[str, str]) -> LlamaServerSession:
        """Connect.

        Raises:
            Unmeasured: it does not answer any more.
        """
        client = client_for(self._setup.endpoint, {**self._setup.environment, **environment})
        client.get("/health", self._setup.start_timeout_s)  # the first step finds it connected
        return LlamaServerSession(client, None, model=self._model)


class LlamaServerProgram:
    """A program that was found, ready to be started with the model."""

    process: Process = "start"

    def __init__(self, setup: EngineSetup, program: LlamaProgram) -> None:
        self._setup = setup
        self._program = program
        self.identity = program.identity

    def open(self, environment: Mapping[str, str]) -> LlamaServerSession:
        """Start it and wait until its model is loaded.

        Raises:
            Unmeasured: it ended early or was not ready in time; with its log.
        """
        setup = self._setup
        seen = {**setup.environment, **environment}

        def client_for_port(port: int) -> Client:
            return Client(
                f"http://{HOST}:{port}",
                name=f"`{self._program.name}`",
                environment={},
                api_key=Secret(seen.get("LLAMA_API_KEY", "")),  # then the server asks for it
            )

        server = start(
            self._argv,
            client_for_port,
            program=self._program.name,
            cwd=setup.working_directory,
            environment=seen,
            timeout_s=setup.start_timeout_s,
        )
        return LlamaServerSession(server.client, server, program=self._program)

    def _argv(self, port: int) -> Sequence[str]:
        request = self._setup.request
        return [
            self.identity.binary,
            *("-m", str(self._setup.model)),
            *("-t", str(request.threads)),
            *("-c", str(request.context_tokens)),
            *("-np", "1"),
            *("--host", HOST),
            *("--port", str(port)),
            *self._program.switches,
        ]


class LlamaServerSession:
    """A connection to a server, and the server itself if it is ours."""

    def __init__(
        self,
        client: Client,
        server: StartedServer | None,
        *,
        model: str = "",
        program: LlamaProgram | None = None,
    ) -> None:
        """Args:
        model: which one is meant, for a server that has several.
        program: that of a server of ours, which logs what became of its features.
        """
        self._program = program
        self._client = client
        self._named = {"model": model} if model else {}
        self._server = server
        self.load_ms = server.load_ms if server else None
        self.pids = server.pids if server else ()

    def step(self, request: Request, timeout_s: float) -> Reply:
        """One completion, streamed."""
        body = {
            **self._named,
            "prompt": request.prompt,
            "n_predict": request.tokens,
            "temperature": 0,
            "seed": request.seed,
            "ignore_eos": True,
            "cache_prompt": False,
            "stream": True,
        }
        server = self._server
        cpu_before_ms = server.cpu_ms() if server else None
        try:
            reply = _reply(self._client.post("/completion", body, timeout_s))
            if server and self._program:
                reply = replace(reply, told=self._program.evidence(server.log()))
                self._program = None  # its log tells of the load, once
        except Unmeasured as error:
            failure = server.explained(error.failure, timeout_s) if server else error.failure
            return failures.failed_step(failure)
        if server is None:
            return reply
        cpu_after_ms = server.cpu_ms()
        known = cpu_before_ms is not None and cpu_after_ms is not None
        sample = replace(
            reply.sample,
            cpu_ms=(cpu_after_ms or 0.0) - (cpu_before_ms or 0.0) if known else None,
            peak_rss_kib=server.peak_rss_kib(),
        )
        return replace(reply, sample=sample)

    def close(self) -> None:
        """Drop the connection; end the server if it is ours."""
        self._client.close()
        if self._server:
            self._server.close()


def _reply(answer: Answer) -> Reply:
    """What the stream says: text in all its events, counts and durations in the last one."""
    texts: list[str] = []
    first_ns = None
    end_ns, end = 0, None
    for event in server_sent(answer):
        content = Fields(event.content, answer.name)
        texts.append(content.text("content"))
        if texts[-1] and first_ns is None:
            first_ns = event.arrived_ns
        if content.flag("stop"):
            end_ns, end = event.arrived_ns, content
    if end is None:
        raise stopped_early(answer)
    timings = end.object("timings")
    n_prompt = end.count("tokens_evaluated") or None
    n_out = end.count("tokens_predicted") or None
    if first_ns is None and not n_out:
        raise no_tokens(answer)
    return Reply(
        text=joined(texts),
        sample=Sample(
            ok=True,
            n_prompt=n_prompt,
            n_prompt_cached=_cached(timings, n_prompt),
            n_out=n_out,
            prompt_ms=timings.duration_ms("prompt_ms"),
            ttft_ms=None if first_ns is None else answer.ms_until(first_ns),
            decode_ms=timings.duration_ms("predicted_ms") if n_out and n_out > 1 else None,
            e2e_ms=answer.ms_until(end_ns),
            wall_ms=answer.wall_ms,
            finish_reason=_finish_reason(end),
        ),
        tiers=_TIERS,
    )


def _cached(timings: Fields, n_prompt: int | None) -> int | None:
    """Prompt tokens that were not processed. Older servers tell only how many were."""
    cached, processed = timings.count("cache_n"), timings.count("prompt_n")
    if cached is not None or n_prompt is None or processed is None:
        return cached
    return max(0, n_prompt - processed)


def _finish_reason(end: Fields) -> str:
    """Why it stopped; older servers have a flag for each reason."""
    flags = [name for name in ("limit", "eos", "word") if end.flag(f"stopped_{name}")]
    return one_line(end.text("stop_type")) or "".join(flags[:1])
