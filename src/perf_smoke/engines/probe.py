"""Which server answers at an endpoint, by what only it offers.

What several servers answer proves nothing: `/api/version` is llama-swap's too, and KoboldCpp has
llama-server's `/props`. So a server that none of it proves is `other`, and an engine that was
named is taken by its word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from perf_smoke.engines import table
from perf_smoke.engines.address import understood
from perf_smoke.engines.base import EngineSetup
from perf_smoke.engines.fields import Fields
from perf_smoke.engines.http_client import Answer, Client
from perf_smoke.engines.table import Row
from perf_smoke.printable import one_line
from perf_smoke.result import Unmeasured
from perf_smoke.secret import Secret

Kind = Literal["llama-server", "ollama", "vllm", "sglang", "tgi", "other"]

_CALLED = {"ollama": "Ollama", "llama-server": "llama-server"}

_TIMEOUT_S = 10.0
"""How long each question of a probe may take. An idle server answers them at once."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """What answers at an endpoint."""

    kind: Kind
    version: str
    """Empty where it does not tell."""


def engine_at(endpoint: str, environment: Mapping[str, str]) -> Row:
    """The engine for `engine: auto` with this endpoint.

    Args:
        environment: for proxies, certificates and OPENAI_API_KEY.

    Raises:
        Unmeasured: `endpoint-unreachable` and the like when nothing answers.
    """
    client = client_for(endpoint, environment)
    try:
        return table.of_server(recognise(client, understood(endpoint).prefixes).kind)
    finally:
        client.close()


def client_for(endpoint: str, environment: Mapping[str, str]) -> Client:
    """A client for the server's own paths, whatever of OpenAI's stands at the end of `endpoint`."""
    address = understood(endpoint)
    return Client(
        address.root,
        name=f"The server at {address.shown}",
        environment=environment,
        api_key=Secret(environment.get("OPENAI_API_KEY", "").strip()),
        query=address.query,
    )


def recognise(client: Client, prefixes: Sequence[str] = ("/v1",)) -> Server:
    """Ask until something is told that only one kind of server tells.

    vLLM and SGLang name themselves as owner of their models.

    Raises:
        Unmeasured: nothing answers.
    """

    def ask(path: str) -> Answer:
        return client.get(path, _TIMEOUT_S)

    props = ask("/props")
    if _is_llama_server(props, ask):
        return Server(kind="llama-server", version=_text(props, "build_info"))
    version = _text(ask("/api/version"), "version")
    if version and isinstance(_member(ask("/api/tags"), "models"), list):
        return Server(kind="ollama", version=version)
    owner = next(filter(None, (_owner(ask(f"{each}/models")) for each in prefixes)), "")
    if owner == "vllm":
        return Server(kind="vllm", version=_text(ask("/version"), "version"))
    if owner == "sglang":
        places = ("/server_info", "/get_server_info")
        told = next(filter(None, (_text(ask(place), "version") for place in places)), "")
        return Server(kind="sglang", version=told)
    info = ask("/info")
    if _text(info, "model_id"):
        return Server(kind="tgi", version=_text(info, "version"))
    return Server(kind="other", version="")


def _is_llama_server(props: Answer, ask: Callable[[str], Answer]) -> bool:
    """Whether its properties are those of llama-server itself."""
    if _text(props, "build_info") or props.headers.get("server") == "llama.cpp":
        return True
    if _member(props, "default_generation_settings") is None:
        return False
    return not _text(ask("/api/extra/version"), "version")  # which is KoboldCpp's


def refuse_another(engine: str, client: Client, path: str) -> Server:
    """The server, for an engine that was named: refused only where it is proven to be another, or
    does not even know a path that the engine's servers all have.

    Raises:
        Unmeasured: `engine-missing`; nothing answers.
    """
    server = recognise(client)
    named = table.of_server(server.kind).id == engine
    if not named and (server.kind != "other" or client.get(path, _TIMEOUT_S).status != 200):
        raise Unmeasured(
            "engine-missing",
            f"{client.name} is no {_CALLED[engine]}: set `engine` to `auto`, or check `endpoint`.",
        )
    return server


def prefix_of(client: Client, prefixes: Sequence[str], timeout_s: float) -> str | None:
    """Under which of these prefixes the server lists its models, be it only with a key; None where
    it does so nowhere."""
    for prefix in prefixes:
        models = client.get(f"{prefix}/models", timeout_s)
        if models.status in (401, 403) or _member(models, "data") is not None:
            return prefix
    return None


def only_model(client: Client, prefix: str, timeout_s: float) -> str:
    """The one model that the server has; empty where it does not tell, or has none to choose.

    Raises:
        Unmeasured: `model-unnamed`: it has several.
    """
    answer = client.get(f"{prefix}/models", timeout_s)
    if answer.status != 200:
        return ""
    names = [model.text("id") for model in Fields(answer.document(), client.name).objects("data")]
    if len(names) > 1:
        raise Unmeasured(
            "model-unnamed",
            f"{client.name} has several models: set `model` to one of {', '.join(names[:8])}.",
        )
    return names[0] if names else ""


def refuse_features(setup: EngineSetup, server: str) -> None:
    """Features of a server that somebody else started cannot be chosen.

    Raises:
        Unmeasured: `features-unknown`.
    """
    if setup.features:
        raise Unmeasured(
            "features-unknown",
            f"{server} runs already, so `features` ({', '.join(setup.features)}) cannot be given "
            "to it: start it with what they mean, and leave `features` empty.",
        )


def _member(answer: Answer, name: str) -> Any:
    document = answer.document() if answer.status == 200 else None
    return document.get(name) if isinstance(document, dict) else None


def _text(answer: Answer, name: str) -> str:
    value = _member(answer, name)
    return one_line(value, 100) if isinstance(value, str) else ""


def _owner(answer: Answer) -> Any:
    """Who the first of the models belongs to."""
    models = _member(answer, "data")
    first = models[0] if isinstance(models, list) and models else None
    return first.get("owned_by") if isinstance(first, dict) else None
