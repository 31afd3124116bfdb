"""Any server that speaks OpenAI's completions: streamed, on our clock.

Tokens are counted by the server's `usage` alone: a chunk may hold several tokens, or none. The
decode time is known only where the first token came alone: a server or proxy that buffers may
send many in one packet, and one that guesses ahead may put many into one chunk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from perf_smoke.engines import failures
from perf_smoke.engines.base import EngineSetup, Reply, Request
from perf_smoke.engines.events import no_tokens, server_sent, stopped_early
from perf_smoke.engines.fields import Fields
from perf_smoke.engines.http_client import Answer, Client, Refused
from perf_smoke.engines.probe import Server, client_for, identify, refuse_features
from perf_smoke.result import EngineIdentity, Process, Sample, Tier, Unmeasured

_TIERS: dict[str, Tier] = {"ttft_ms": "C", "decode_ms": "C", "e2e_ms": "C", "wall_ms": "E"}

EXTRAS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "vllm": {"ignore_eos": True},
        "sglang": {"ignore_eos": True},
        "llama-server": {"ignore_eos": True, "cache_prompt": False},
    }
)
"""What is asked for beyond OpenAI's parameters, of the servers that are known to take it. Others
refuse what they do not know, or silently do something else."""

_MOST_SHARED = 0.05
"""The share of the tokens that may come without a chunk of their own. If all of them were in the
first chunk, decode speed would be shown too high by as much."""

_COMPLETIONS, _CHAT = "/v1/completions", "/v1/chat/completions"


def prepare(setup: EngineSetup) -> OpenAIEngine:
    """Find out which server it is, and which model.

    Raises:
        Unmeasured: nothing answers, or no model is named and the server has several.
    """
    refuse_features(setup, "The server")
    client = client_for(setup.endpoint, setup.environment)
    try:
        server = identify(client)
        model = setup.model_name or _only_model(client, setup.start_timeout_s)
    finally:
        client.close()
    return OpenAIEngine(setup, server, model)


class OpenAIEngine:
    """A running server and one of its models."""

    process: Process = "running"

    def __init__(self, setup: EngineSetup, server: Server, model: str) -> None:
        self._setup = setup
        self._server = server
        self._model = model
        known = "" if server.kind == "other" else server.kind
        self.identity = EngineIdentity(id="openai", version=f"{known} {server.version}".strip())

    def open(self, environment: Mapping[str, str]) -> OpenAISession:
        """Connect.

        Raises:
            Unmeasured: it does not answer any more.
        """
        setup = self._setup
        client = client_for(setup.endpoint, {**setup.environment, **environment})
        client.get("/v1/models", setup.start_timeout_s)  # the first step finds it connected
        extras = EXTRAS.get(self._server.kind, {})
        return OpenAISession(client, {**({"model": self._model} if self._model else {}), **extras})


class OpenAISession:
    """A connection to the server."""

    load_ms = None

    def __init__(self, client: Client, always: Mapping[str, Any]) -> None:
        self._client = client
        self._always = always
        self._chat = False

    def step(self, request: Request, timeout_s: float) -> Reply:
        """One completion, streamed; as a chat where the server knows nothing else."""
        try:
            return _reply(self._answer(request, timeout_s))
        except Unmeasured as error:
            return failures.failed_step(error.failure)

    def close(self) -> None:
        """Drop the connection."""
        self._client.close()

    def _answer(self, request: Request, timeout_s: float) -> Answer:
        body = {
            **self._always,
            "max_tokens": request.tokens,
            "temperature": 0,
            "seed": request.seed,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        chat = {**body, "messages": [{"role": "user", "content": request.prompt}]}
        if self._chat:
            return self._client.post(_CHAT, chat, timeout_s)
        try:
            return self._client.post(_COMPLETIONS, {**body, "prompt": request.prompt}, timeout_s)
        except Refused as refusal:
            if refusal.status not in (404, 405, 501):
                raise
            try:
                answer = self._client.post(_CHAT, chat, timeout_s)
            except Refused:
                raise refusal from None  # a 404 also means "no such model", which it says
        self._chat = True
        return answer


def _reply(answer: Answer) -> Reply:
    """What the stream says, in whichever of the forms that servers have."""
    texts: list[tuple[int, str]] = []
    end_ns, finish_reason = 0, ""
    usage = Fields(None, answer.name)
    for event in server_sent(answer):
        chunk = Fields(event.content, answer.name)
        if event.content.get("usage"):
            usage = chunk.object("usage")
        for choice in chunk.objects("choices")[:1]:
            end_ns = event.arrived_ns
            finish_reason = choice.text("finish_reason") or finish_reason
            if text := _text(choice):
                texts.append((event.arrived_ns, text))
    n_out = usage.count("completion_tokens")
    if not finish_reason and n_out is None:
        raise stopped_early(answer)
    if not texts and not n_out:
        raise no_tokens(answer)
    moments_ns = [arrived_ns for arrived_ns, _ in texts]
    return Reply(
        text="".join(text for _, text in texts),
        sample=Sample(
            ok=True,
            n_prompt=usage.count("prompt_tokens"),
            n_prompt_cached=usage.object("prompt_tokens_details").count("cached_tokens"),
            n_out=n_out,
            ttft_ms=answer.ms_until(moments_ns[0]) if moments_ns else None,
            decode_ms=(end_ns - moments_ns[0]) / 1e6
            if _first_came_alone(moments_ns, n_out, ended=finish_reason == "stop")
            else None,
            e2e_ms=answer.ms_until(end_ns) if end_ns else None,
            wall_ms=answer.wall_ms,
            finish_reason=finish_reason,
        ),
        tiers=_TIERS,
    )


def _first_came_alone(moments_ns: Sequence[int], n_out: int | None, *, ended: bool) -> bool:
    """Whether the other tokens came after the first one, by the chunks that brought some text:
    each brings one token, and the end of the text that the model chose is one without any."""
    if not n_out or n_out == 1 or len(moments_ns) < 2 or moments_ns[0] == moments_ns[1]:
        return False
    return n_out - len(moments_ns) - ended <= _MOST_SHARED * n_out


def _text(choice: Fields) -> str:
    """The new text of a chunk: of a completion, or of a chat with what it thinks aloud."""
    delta = choice.object("delta")
    return (
        choice.text("text")
        + (delta.text("reasoning_content") or delta.text("reasoning"))
        + delta.text("content")
    )


def _only_model(client: Client, timeout_s: float) -> str:
    """The one model that the server has; empty where it does not tell, or has none to choose."""
    answer = client.get("/v1/models", timeout_s)
    if answer.status != 200:
        return ""
    names = [model.text("id") for model in Fields(answer.document(), client.name).objects("data")]
    if len(names) > 1:
        raise Unmeasured(
            "model-unnamed",
            f"{client.name} has several models: set `model` to one of {', '.join(names[:8])}.",
        )
    return names[0] if names else ""
