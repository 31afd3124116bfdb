"""Ollama: a server at an endpoint, its own durations from the end of its stream.

Ollama cannot be told to ignore the end of the text, so the tokens are at most as many as asked
for. It keeps the prompt of the last request; only a server that says how much of the prompt it
took from there (`prompt_eval_cached_count`) gives a time for the prompt that means something.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perf_smoke.engines import failures
from perf_smoke.engines.base import EngineSetup, Reply, Request
from perf_smoke.engines.events import joined, json_lines, no_tokens, stopped_early
from perf_smoke.engines.fields import Fields
from perf_smoke.engines.http_client import Answer, Client
from perf_smoke.engines.probe import client_for, refuse_another, refuse_features
from perf_smoke.network import is_loopback
from perf_smoke.printable import one_line
from perf_smoke.result import EngineIdentity, Process, Sample, Tier, Unmeasured

_KEEP = "10m"
_NS_PER_MS = 1e6
_LEAST_CONTEXT = 2048
"""The context that every version gives a model by default; a longer request asks for more."""
_TIERS: dict[str, Tier] = {
    "load_ms": "E",
    "prompt_ms": "B",
    "decode_ms": "B",
    "ttft_ms": "C",
    "e2e_ms": "C",
    "wall_ms": "E",
}


def prepare(setup: EngineSetup) -> OllamaEngine:
    """Find out which Ollama it is, and which model.

    Raises:
        Unmeasured: nothing answers, something else does, or no model is named and there is not
            exactly one.
    """
    refuse_features(setup, "Ollama")
    client = client_for(setup.endpoint, setup.environment)
    try:
        server = refuse_another("ollama", client, "/api/version")
        model = setup.model_name or _only_model(client, setup.start_timeout_s)
    finally:
        client.close()
    return OllamaEngine(setup, model, EngineIdentity(id="ollama", version=server.version))


class OllamaEngine:
    """A running Ollama and one of its models."""

    process: Process = "running"

    def __init__(self, setup: EngineSetup, model: str, identity: EngineIdentity) -> None:
        self._setup = setup
        self._model = model
        self.identity = identity

    def open(self, environment: Mapping[str, str]) -> OllamaSession:
        """Connect, and have the model loaded.

        Raises:
            Unmeasured: Ollama does not know the model or cannot load it.
        """
        return OllamaSession(self._setup, self._model, {**self._setup.environment, **environment})


class OllamaSession:
    """A connection to an Ollama that has the model in memory."""

    def __init__(self, setup: EngineSetup, model: str, environment: Mapping[str, str]) -> None:
        self._model = model
        self._local = is_loopback(setup.endpoint)
        self._client = client_for(setup.endpoint, environment)
        try:
            self.load_ms = self._load(setup.request, setup.start_timeout_s)
        except BaseException:  # also a cancel: nobody else can close what was not made
            self.close()
            raise

    def step(self, request: Request, timeout_s: float) -> Reply:
        """One generation, streamed."""
        body = {**self._body(request), "prompt": request.prompt, "raw": True, "stream": True}
        try:
            return _reply(self._client.post("/api/generate", body, timeout_s))
        except Unmeasured as error:
            return failures.failed_step(error.failure)

    def close(self) -> None:
        """Drop the connection; the model stays loaded as long as Ollama likes."""
        self._client.close()

    def _load(self, request: Request, timeout_s: float) -> float | None:
        """How long it took, or None if the model was in memory already."""
        running = self._client.get("/api/ps", timeout_s)
        loaded = {
            model.text(name)
            for model in Fields(running.document(), running.name).objects("models")
            for name in ("name", "model")
        }
        answer = self._client.post(
            "/api/generate", {**self._body(request), "stream": False}, timeout_s
        )
        return None if loaded & {self._model, f"{self._model}:latest"} else answer.wall_ms

    def _body(self, request: Request) -> dict[str, Any]:
        """What loading and generating have in common: other options would load the model anew."""
        options: dict[str, Any] = {
            "num_predict": request.tokens,
            "temperature": 0,
            "seed": request.seed,
            "repeat_penalty": 1.0,
        }
        if self._local:  # our CPUs say nothing about those of another machine
            options["num_thread"] = request.threads
        if request.context_tokens > _LEAST_CONTEXT:
            options["num_ctx"] = request.context_tokens
        return {"model": self._model, "options": options, "keep_alive": _KEEP}


def _reply(answer: Answer) -> Reply:
    """What the stream says: text in all its lines, counts and durations in the last one."""
    texts: list[str] = []
    first_ns = None
    end_ns, end = 0, None
    for event in json_lines(answer):
        line = Fields(event.content, answer.name)
        text = line.text("thinking") + line.text("response")
        texts.append(text)
        if text and first_ns is None:
            first_ns = event.arrived_ns
        if line.flag("done"):
            end_ns, end = event.arrived_ns, line
    if end is None:
        raise stopped_early(answer)
    n_out = end.count("eval_count") or None
    if first_ns is None and not n_out:
        raise no_tokens(answer)
    n_prompt_cached = end.count("prompt_eval_cached_count")
    prompt_ms = end.duration_ms("prompt_eval_duration", units_per_ms=_NS_PER_MS)
    decode_ms = end.duration_ms("eval_duration", units_per_ms=_NS_PER_MS)
    return Reply(
        text=joined(texts),
        sample=Sample(
            ok=True,
            n_prompt=end.count("prompt_eval_count") or None,
            n_prompt_cached=n_prompt_cached,
            n_out=n_out,
            prompt_ms=None if n_prompt_cached is None else prompt_ms,
            ttft_ms=None if first_ns is None else answer.ms_until(first_ns),
            decode_ms=decode_ms if n_out and n_out > 1 else None,
            e2e_ms=answer.ms_until(end_ns),
            wall_ms=answer.wall_ms,
            finish_reason=one_line(end.text("done_reason")),
        ),
        tiers=_TIERS,
    )


def _only_model(client: Client, timeout_s: float) -> str:
    """The one model that it has."""
    answer = client.get("/api/tags", timeout_s)
    names = [
        model.text("name") for model in Fields(answer.document(), client.name).objects("models")
    ]
    if len(names) == 1:
        return names[0]
    known = f"one of {', '.join(names[:8])}" if names else "one that was pulled before"
    raise Unmeasured(
        "model-unnamed", f"{client.name} needs a model's name: set `model` to {known}."
    )
