"""Any server that speaks OpenAI's completions: streamed, on our clock.

Tokens are counted by the server's `usage` alone: a chunk may hold several tokens, or none. The
decode time is known only where the first token came alone: a server or proxy that buffers may
send many in one packet, and one that guesses ahead may put many into one chunk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from perf_smoke.engines import failures
from perf_smoke.engines.address import Form, understood
from perf_smoke.engines.base import EngineSetup, Reply, Request
from perf_smoke.engines.events import joined, no_tokens, server_sent, stopped_early
from perf_smoke.engines.fields import Fields
from perf_smoke.engines.http_client import Answer, Client, RequestRefused
from perf_smoke.engines.probe import (
    Server,
    client_for,
    only_model,
    prefix_of,
    recognise,
    refuse_features,
)
from perf_smoke.engines.refusals import is_elsewhere, part_refused, telling
from perf_smoke.printable import one_line
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

_LENGTH, _NEWER_LENGTH = "max_tokens", "max_completion_tokens"
"""Two names of the number of tokens; servers that know the newer one alone say so."""


def prepare(setup: EngineSetup) -> OpenAIEngine:
    """Find out which server it is, and which model.

    Raises:
        Unmeasured: nothing answers, or no model is named and the server has several.
    """
    refuse_features(setup, "The server")
    address = understood(setup.endpoint)
    client = client_for(setup.endpoint, setup.environment)
    try:
        server = recognise(client, address.prefixes)
        prefix = prefix_of(client, address.prefixes, setup.start_timeout_s)
        prefixes = address.prefixes if prefix is None else (prefix,)
        model = setup.model_name or only_model(client, prefixes[0], setup.start_timeout_s)
    finally:
        client.close()
    places = [Place(prefix=prefix, form=form) for prefix in prefixes for form in address.forms]
    return OpenAIEngine(setup, server, model, places)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a request may be sent, and in which form."""

    prefix: str
    form: Form

    @property
    def path(self) -> str:
        """Its path, seen from the server's root."""
        return f"{self.prefix}/{self.form}"


class OpenAIEngine:
    """A running server and one of its models."""

    process: Process = "running"

    def __init__(
        self, setup: EngineSetup, server: Server, model: str, places: Sequence[Place]
    ) -> None:
        self._setup = setup
        self._server = server
        self._model = model
        self._places = places
        known = "" if server.kind == "other" else server.kind
        self.identity = EngineIdentity(id="openai", version=f"{known} {server.version}".strip())

    def open(self, environment: Mapping[str, str]) -> OpenAISession:
        """Connect.

        Raises:
            Unmeasured: it does not answer any more.
        """
        setup = self._setup
        client = client_for(setup.endpoint, {**setup.environment, **environment})
        # The first step finds it connected.
        client.get(f"{self._places[0].prefix}/models", setup.start_timeout_s)
        extras = EXTRAS.get(self._server.kind, {})
        named = {"model": self._model} if self._model else {}
        return OpenAISession(client, self._places, {**named, **extras})


class OpenAISession:
    """A connection to the server. What it learns from a refusal holds for all further steps."""

    load_ms = None

    def __init__(self, client: Client, places: Sequence[Place], always: Mapping[str, Any]) -> None:
        self._client = client
        self._places = list(places)
        self._always = always
        self._left_out: set[str] = set()
        self._length = _LENGTH

    def step(self, request: Request, timeout_s: float) -> Reply:
        """One completion, streamed."""
        try:
            return _reply(self._answer(request, timeout_s))
        except Unmeasured as error:
            return failures.failed_step(error.failure)

    def close(self) -> None:
        """Drop the connection."""
        self._client.close()

    def _answer(self, request: Request, timeout_s: float) -> Answer:
        """What the first place says that knows its form."""
        refusals: list[tuple[Place, RequestRefused]] = []
        for place in self._places:
            try:
                answer = self._asked(place, request, timeout_s)
            except RequestRefused as refusal:
                refusals.append((place, refusal))
                if not is_elsewhere(refusal, place.form):
                    break
            else:
                self._places = [place]
                return answer
        raise telling(refusals)

    def _asked(self, place: Place, request: Request, timeout_s: float) -> Answer:
        """The answer at one place; without what is optional and the server says it cannot take."""
        while True:
            body = self._body(place.form, request)
            try:
                return self._client.post(place.path, body, timeout_s)
            except RequestRefused as refusal:
                part = part_refused(refusal, body)
                if part == _LENGTH:
                    self._length = _NEWER_LENGTH
                elif part:
                    self._left_out.add(part)
                else:
                    raise

    def _body(self, form: Form, request: Request) -> dict[str, Any]:
        body = {
            **self._always,
            self._length: request.tokens,
            "temperature": 0,
            "seed": request.seed,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        asked = {name: value for name, value in body.items() if name not in self._left_out}
        if form == "completions":
            return {**asked, "prompt": request.prompt}
        return {**asked, "messages": [{"role": "user", "content": request.prompt}]}


def _reply(answer: Answer) -> Reply:
    """What the stream says, in whichever of the forms that servers have.

    It ends with its last text, or with the reason why it ended: whatever comes later, such as the
    counts, is no part of the generation.
    """
    texts: list[tuple[int, str]] = []
    finished_ns, finish_reason = 0, ""
    n_prompt = n_prompt_cached = n_out = None
    for event in server_sent(answer):
        chunk = Fields(event.content, answer.name)
        choices = chunk.objects("choices")[:1]
        for usage in _usages(event.content, answer.name):
            n_prompt = usage.count("prompt_tokens") or n_prompt
            n_out = usage.count("completion_tokens") or n_out
            cached = _part(usage, "prompt_tokens_details", answer.name).count("cached_tokens")
            n_prompt_cached = n_prompt_cached if cached is None else cached
        for choice in choices:
            if reason := one_line(choice.text("finish_reason")):
                finished_ns = finished_ns or event.arrived_ns
                finish_reason = finish_reason or reason
            if text := _text(choice):
                texts.append((event.arrived_ns, text))
    if not finish_reason and n_out is None:
        raise stopped_early(answer)
    if not texts and not n_out:
        raise no_tokens(answer)
    moments_ns = [arrived_ns for arrived_ns, _ in texts]
    end_ns = max([finished_ns, *moments_ns])
    return Reply(
        text=joined([text for _, text in texts]),
        sample=Sample(
            ok=True,
            n_prompt=n_prompt,
            n_prompt_cached=n_prompt_cached,
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


def _usages(content: dict[str, Any], owner: str) -> list[Fields]:
    """The counts of a chunk: its own, or those that a server puts into its choice."""
    choices = content.get("choices")
    holders = [content, *(choices if isinstance(choices, list) else ())]
    return [_part(Fields(each, owner), "usage", owner) for each in holders]


def _part(holder: Fields, name: str, owner: str) -> Fields:
    try:
        return holder.object(name)
    except Unmeasured:  # what is no object tells no count
        return Fields(None, owner)


def _text(choice: Fields) -> str:
    """The new text of a chunk: of a completion, or of a chat with what it thinks aloud."""
    delta = choice.object("delta")
    thought = delta.spoken("reasoning_content") or delta.spoken("reasoning")
    return choice.spoken("text") + thought + delta.spoken("content")
