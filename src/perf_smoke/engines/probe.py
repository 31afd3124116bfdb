"""Which server answers at an endpoint, by what only it offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from perf_smoke.engines import table
from perf_smoke.engines.base import EngineSetup
from perf_smoke.engines.http_client import Answer, Client
from perf_smoke.engines.table import Row
from perf_smoke.printable import one_line
from perf_smoke.result import Unmeasured
from perf_smoke.secret import Secret

Kind = Literal["llama-server", "ollama", "vllm", "sglang", "tgi", "other"]

TIMEOUT_S = 10.0
"""How long each question of a probe may take. An idle server answers them at once."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """What answers at an endpoint."""

    kind: Kind
    version: str
    """Empty where it does not tell."""


def engine_at(endpoint: str, environment: Mapping[str, str], timeout_s: float = TIMEOUT_S) -> Row:
    """The engine for `engine: auto` with this endpoint.

    Args:
        environment: for proxies, certificates and OPENAI_API_KEY.
        timeout_s: for each of the few requests that tell.

    Raises:
        Unmeasured: `endpoint-unreachable` and the like when nothing answers.
    """
    client = client_for(endpoint, environment)
    try:
        return table.of_server(identify(client, timeout_s).kind)
    finally:
        client.close()


def client_for(endpoint: str, environment: Mapping[str, str]) -> Client:
    """A client for the server at `endpoint`, whether or not that ends in /v1."""
    root = endpoint.rstrip("/").removesuffix("/v1")
    scheme, _, place = root.partition("://")
    host, slash, path = place.partition("/")
    shown = f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"  # not with a password
    return Client(
        root,
        name=f"The server at {one_line(shown)}",
        environment=environment,
        api_key=Secret(environment.get("OPENAI_API_KEY", "").strip()),
    )


def identify(client: Client, timeout_s: float = TIMEOUT_S) -> Server:
    """Ask until something is told that only one kind of server tells.

    vLLM and SGLang name themselves as owner of their models.

    Raises:
        Unmeasured: nothing answers.
    """

    def ask(path: str) -> Answer:
        return client.get(path, timeout_s)

    props = ask("/props")
    settings = _member(props, "default_generation_settings")
    if settings is not None or props.headers.get("server") == "llama.cpp":
        return Server(kind="llama-server", version=_text(props, "build_info"))
    version = ask("/api/version")
    if _text(version, "version"):
        return Server(kind="ollama", version=_text(version, "version"))
    models = _member(ask("/v1/models"), "data")
    owner = models[0].get("owned_by") if _is_list_of_objects(models) else ""
    if owner == "vllm":
        return Server(kind="vllm", version=_text(ask("/version"), "version"))
    if owner == "sglang":
        version_text = _text(ask("/server_info"), "version")
        version_text = version_text or _text(ask("/get_server_info"), "version")
        return Server(kind="sglang", version=version_text)
    info = ask("/info")
    if _text(info, "model_id"):
        return Server(kind="tgi", version=_text(info, "version"))
    return Server(kind="other", version="")


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


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)
