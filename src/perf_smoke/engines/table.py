"""What an engine is: one table of plain facts, which everybody may read.

How an engine is found, prepared and asked stands in the module of its id (`llama-bench`:
llama_bench.py) and is reached through registry.py. Whoever must tell engines apart asks for a
column here, never for an id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from perf_smoke.result import RequestPart

Owner = Literal["ours", "caller's", "server's"]
"""Whose program runs: the one that the action brings, one of the caller's, or one that is only
spoken to."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One engine."""

    id: str
    summary: str
    """What it runs, for `perf-smoke engines`: one line."""
    whose: Owner
    """Whose program runs, where no `endpoint` is given. Decides where `runtime: auto` runs, and
    what a commit has to do with the numbers."""
    metrics: tuple[str, ...]
    """The deciding metrics that it gives. `metrics`, where it is read, may add others."""
    model: Literal["needed", "optional", "server's"]
    """Whether it wants a model file, or knows models by name. A server at `endpoint` always holds
    its own."""
    endpoint: Literal["never", "may", "must"] = "never"
    """Whether it asks a server that runs already."""
    reads: tuple[str, ...] = ()
    """Of the inputs that only some engines look at, those that this one does: `binary`, `command`,
    `tokenizer`, `metrics`."""
    passed: tuple[RequestPart, ...] = ("prompt", "tokens", "seed", "threads")
    """What of a request is passed on to it. Where it reads `command`: as far as that names it."""
    programs: tuple[str, ...] = ()
    """Names of its program, by which `auto` knows a `binary`. The first one is looked up when
    `binary` is empty; a relative path counts from the working directory."""
    servers: tuple[str, ...] = ()
    """The kinds of server, as probe.py calls them, that `auto` takes it for; `other`: any that has
    no engine of its own."""
    package: str = ""
    """The Python package that brings it, where there is no program."""
    default_model: str = ""
    """What it runs without the input `model`: a demonstration."""
    llama_features: bool = False
    """Whether `features` are llama.cpp's, which features.py lists."""
    gguf_alone: bool = False
    """Whether it reads no other kind of model file."""
    tokenizer_beside: bool = False
    """Whether `tokenizer.json` in the model's folder is meant for it, where none is named."""
    builds_itself: bool = False
    """Whether `build: auto` knows how to build it."""
    shares_program: bool = False
    """Whether head and base may run the same program and differ all the same, in what it reads: an
    interpreter."""

    @property
    def module(self) -> str:
        """Where it is prepared."""
        return f"{__package__}.{self.id.replace('-', '_')}"

    def owner(self, endpoint: str) -> Owner:
        """Whose program runs, with this input `endpoint`."""
        return "server's" if endpoint and self.endpoint != "never" else self.whose

    def gives(self, endpoint: str) -> tuple[str, ...]:
        """The deciding metrics that it gives, with this input `endpoint`: nobody here sees the CPU
        time of a server that runs already."""
        is_ours_to_see = self.owner(endpoint) != "server's"
        return tuple(name for name in self.metrics if is_ours_to_see or name != "cpu")

    @property
    def base_inputs(self) -> tuple[str, ...]:
        """The inputs that may name the program of its other side."""
        return tuple(f"base-{name}" for name in ("binary", "command") if name in self.reads)


_ALL = ("e2e", "ttft", "prefill", "decode", "wall", "cpu")
_EVERYTHING: tuple[RequestPart, ...] = ("prompt", "tokens", "seed", "threads", "features")

ROWS: tuple[Row, ...] = (
    Row(
        id="embedded",
        summary="llama.cpp from a Python package, kept warm in a process of its own",
        whose="ours",
        metrics=_ALL,
        model="needed",
        package="xllamacpp",
        default_model="smollm2-135m",
        gguf_alone=True,
    ),
    Row(
        id="llama-completion",
        summary="llama.cpp's one-shot program (also llama-cli and main of older builds)",
        whose="caller's",
        metrics=("e2e", "prefill", "decode", "wall", "cpu"),
        model="needed",
        reads=("binary",),
        passed=_EVERYTHING,
        programs=("llama-completion", "llama-cli", "main"),
        llama_features=True,
        gguf_alone=True,
    ),
    Row(
        id="llama-bench",
        summary="llama.cpp's benchmark: random tokens, no text",
        whose="caller's",
        metrics=("prefill", "decode", "wall", "cpu"),
        model="needed",
        reads=("binary",),
        passed=("tokens", "threads", "features"),
        programs=("llama-bench",),
        llama_features=True,
        gguf_alone=True,
    ),
    Row(
        id="llama-server",
        summary="llama.cpp's server, started here or already running at `endpoint`",
        whose="caller's",
        metrics=_ALL,
        model="needed",
        endpoint="may",
        reads=("binary",),
        passed=_EVERYTHING,
        programs=("llama-server", "server"),
        servers=("llama-server",),
        llama_features=True,
        gguf_alone=True,
    ),
    Row(
        id="bitnet-rs",
        summary="BitNet.rs: `bitnet run`",
        whose="caller's",
        metrics=("e2e", "ttft", "decode", "wall", "cpu"),
        model="needed",
        reads=("binary", "tokenizer"),
        passed=_EVERYTHING,
        programs=("bitnet",),
        tokenizer_beside=True,
        builds_itself=True,
    ),
    Row(
        id="bitnet-cpp",
        summary="bitnet.cpp: the llama-cli that it builds",
        whose="caller's",
        metrics=("e2e", "prefill", "decode", "wall", "cpu"),
        model="needed",
        reads=("binary",),
        passed=_EVERYTHING,
        programs=("build/bin/llama-cli",),
        llama_features=True,
        gguf_alone=True,
    ),
    Row(
        id="ollama",
        summary="an Ollama server at `endpoint`",
        whose="server's",
        metrics=("e2e", "ttft", "prefill", "decode", "wall"),
        model="server's",
        endpoint="must",
        servers=("ollama",),
    ),
    Row(
        id="openai",
        summary="any server at `endpoint` that speaks OpenAI's completions, streamed",
        whose="server's",
        metrics=("e2e", "ttft", "decode", "wall"),
        model="server's",
        endpoint="must",
        servers=("other",),
    ),
    Row(
        id="command",
        summary="any program: `command`, and `metrics` for where its numbers are",
        whose="caller's",
        metrics=("wall", "cpu"),
        model="optional",
        reads=("command", "tokenizer", "metrics"),
        passed=_EVERYTHING,
        shares_program=True,
    ),
)

_BY_ID = {row.id: row for row in ROWS}
IDS = tuple(_BY_ID)


def row(engine: str) -> Row:
    """The engine's row.

    Raises:
        KeyError: there is none of this id.
    """
    return _BY_ID[engine]


def find(engine: str) -> Row | None:
    """The engine's row; None for an id that another version of the action may know."""
    return _BY_ID.get(engine)


def readers(name: str) -> tuple[str, ...]:
    """The engines that look at this input."""
    return tuple(each.id for each in ROWS if name in each.reads)


def of_program(binary: str) -> Row | None:
    """The engine that a program's name tells; None where it tells none."""
    name = PurePath(binary).name.removesuffix(".exe")
    return next((each for each in ROWS if name in each.programs), None)


def of_server(kind: str) -> Row:
    """The engine that asks a server of this kind."""
    own = (each for each in ROWS if kind in each.servers)
    return next(own, None) or next(each for each in ROWS if "other" in each.servers)


def meant(engine: str, *, command: Sequence[str] | str, endpoint: str, binary: str) -> Row | None:
    """The engine that these inputs mean: `engine` itself, or for `auto` what the others tell.

    Returns:
        None where only the server at `endpoint` can tell, and where `binary` tells nothing.
    """
    if engine != "auto":
        return _BY_ID[engine]
    if command:
        return next(each for each in ROWS if "command" in each.reads)
    if endpoint:
        return None
    if binary:
        return of_program(binary)
    return next(each for each in ROWS if each.whose == "ours")
