"""Which engines there are: one table, and which of them `auto` means.

A row names its module instead of importing it: the table is read by the command line and by
tests, and a measuring process imports only the engine that it measures.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast

from perf_smoke.engines.base import Engine, EngineSetup
from perf_smoke.result import Unmeasured


@dataclass(frozen=True, kw_only=True)
class Row:
    """One engine. Its module offers `prepare(setup) -> Engine`."""

    id: str
    summary: str
    """What it runs, for `perf-smoke engines`: one line."""
    module: str
    metrics: tuple[str, ...]
    """What it can give of the headline metrics; `command`: what its recipe reads."""
    needs_model: bool
    """Whether it wants a model file; a server at `endpoint` always holds its own."""
    runtime: Literal["host", "image"]
    """Where `runtime: auto` runs it: `host` for the caller's programs, `image` for ours and for
    what is only spoken to."""
    programs: tuple[str, ...] = ()
    """Names of its program, by which `auto` knows a `binary`. The first one is looked up when
    `binary` is empty; a relative path counts from the working directory."""
    package: str = ""
    """The Python package that brings it, where there is no program."""
    version_arguments: tuple[str, ...] = ("--version",)
    takes_tokenizer: bool = False
    """Whether `tokenizer.json` in the model's folder is meant for it, where none is named."""

    def prepare(self, setup: EngineSetup) -> Engine:
        """Find and identify the engine of one side.

        Raises:
            Unmeasured: it is missing, or cannot do what the setup asks for.
        """
        module = importlib.import_module(self.module)
        return cast("Callable[[EngineSetup], Engine]", module.prepare)(setup)


_HERE = __package__
_NOTHING: Mapping[str, str] = MappingProxyType({})

ROWS: tuple[Row, ...] = (
    Row(
        id="embedded",
        summary="llama.cpp from a Python package, kept warm in a process of its own",
        module=f"{_HERE}.embedded",
        metrics=("e2e", "decode", "ttft", "wall", "cpu"),
        needs_model=True,
        runtime="image",
        package="xllamacpp",
    ),
    Row(
        id="llama-completion",
        summary="llama.cpp's one-shot program (also llama-cli and main of older builds)",
        module=f"{_HERE}.llama_completion",
        metrics=("e2e", "decode", "wall", "cpu"),
        needs_model=True,
        runtime="host",
        programs=("llama-completion", "llama-cli", "main"),
    ),
    Row(
        id="llama-bench",
        summary="llama.cpp's benchmark: random tokens, no text",
        module=f"{_HERE}.llama_bench",
        metrics=("decode", "wall", "cpu"),
        needs_model=True,
        runtime="host",
        programs=("llama-bench",),
    ),
    Row(
        id="llama-server",
        summary="llama.cpp's server, started here or already running at `endpoint`",
        module=f"{_HERE}.llama_server",
        metrics=("e2e", "decode", "ttft", "wall", "cpu"),
        needs_model=True,
        runtime="host",
        programs=("llama-server", "server"),
    ),
    Row(
        id="bitnet-rs",
        summary="BitNet.rs: `bitnet run`",
        module=f"{_HERE}.bitnet_rs",
        metrics=("e2e", "decode", "ttft", "wall", "cpu"),
        needs_model=True,
        runtime="host",
        programs=("bitnet",),
        takes_tokenizer=True,
    ),
    Row(
        id="bitnet-cpp",
        summary="bitnet.cpp: the llama-cli that it builds",
        module=f"{_HERE}.bitnet_cpp",
        metrics=("e2e", "decode", "wall", "cpu"),
        needs_model=True,
        runtime="host",
        programs=("build/bin/llama-cli",),
    ),
    Row(
        id="ollama",
        summary="an Ollama server at `endpoint`",
        module=f"{_HERE}.ollama",
        metrics=("e2e", "decode", "ttft", "wall"),
        needs_model=False,
        runtime="image",
    ),
    Row(
        id="openai",
        summary="any server at `endpoint` that speaks OpenAI's completions, streamed",
        module=f"{_HERE}.openai",
        metrics=("e2e", "decode", "ttft", "wall"),
        needs_model=False,
        runtime="image",
    ),
    Row(
        id="command",
        summary="any program: `command`, and `metrics` for where its numbers are",
        module=f"{_HERE}.command",
        metrics=("e2e", "decode", "ttft", "wall", "cpu"),
        needs_model=False,
        runtime="host",
    ),
)


def row(engine: str) -> Row:
    """The engine's row.

    Raises:
        KeyError: there is none of this id.
    """
    return {each.id: each for each in ROWS}[engine]


def resolve(
    engine: str,
    *,
    command: Sequence[str],
    endpoint: str,
    binary: str,
    environment: Mapping[str, str] = _NOTHING,
    engine_at: Callable[[str, Mapping[str, str]], str] | None = None,
) -> str:
    """Which engine is meant: `engine` itself, or for `auto` what the other inputs tell.

    Args:
        environment: for a question to the endpoint: proxies, certificates, its key.
        engine_at: asks an endpoint what it is; by default engines/probe.py.

    Raises:
        Unmeasured: `engine-unclear` when the name of `binary` tells nothing, or whatever the
            probe of the endpoint raises.
    """
    if engine != "auto":
        return engine
    if command:
        return "command"
    if endpoint:
        return (engine_at or _probe())(endpoint, environment)
    if binary:
        return _of_program(binary)
    return "embedded"


def _of_program(binary: str) -> str:
    name = Path(binary).name.removesuffix(".exe")
    for each in ROWS:
        if name in each.programs:
            return each.id
    known = ", ".join(
        f"{name} ({each.id})" for each in ROWS for name in each.programs[:1] if "/" not in name
    )
    raise Unmeasured(
        "engine-unclear",
        f"The name of `binary` (`{name}`) does not tell which engine it is: set `engine`. "
        f"Names that do tell: {known}.",
    )


def _probe() -> Callable[[str, Mapping[str, str]], str]:
    module = importlib.import_module(f"{_HERE}.probe")
    return cast("Callable[[str, Mapping[str, str]], str]", module.engine_at)
