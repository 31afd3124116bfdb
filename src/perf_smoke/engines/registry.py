"""How an engine of the table is reached: which one is meant, prepared, and built.

An engine's module is imported when it is used: a measuring process holds only the engine that it
measures.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Protocol, cast

from perf_smoke.engines import table
from perf_smoke.engines.base import Engine, EngineSetup
from perf_smoke.engines.table import Row
from perf_smoke.result import Unmeasured


class _Module(Protocol):
    """What the module of an engine offers; `check_inputs` where it understands some that nobody
    else does, `build` and `check_build` where it builds itself."""

    def prepare(self, setup: EngineSetup) -> Engine: ...

    def check_inputs(self, setup: EngineSetup) -> None: ...

    def check_build(self, setup: EngineSetup) -> None: ...

    def build(self, setup: EngineSetup, timeout_s: float) -> Path: ...


def prepare(engine: str, setup: EngineSetup) -> Engine:
    """Find and identify the engine of one side.

    Raises:
        Unmeasured: it is missing, or cannot do what the setup asks for.
    """
    return _module(table.row(engine)).prepare(setup)


def check_inputs(engine: str, setup: EngineSetup) -> None:
    """Refuse inputs that this engine does not understand, before its program is there.

    Args:
        setup: its files need not be there yet.

    Raises:
        Unmeasured: `command-invalid`, `features-unknown`; `engine-missing` of a package.
    """
    row = table.row(engine)
    if row.llama_features:
        from perf_smoke.engines.features import LLAMA_FEATURES, refuse_unknown

        refuse_unknown(row.id, setup.features, LLAMA_FEATURES)
    module = _module(row)
    if hasattr(module, "check_inputs"):
        module.check_inputs(setup)


def check_build(engine: str, setup: EngineSetup) -> None:
    """Refuse `build: auto` where it cannot work.

    Raises:
        Unmeasured: `build-unknown`, `build-missing`, `features-unknown`.
    """
    _building(engine).check_build(setup)


def build(engine: str, setup: EngineSetup, *, timeout_s: float) -> Path:
    """Build the engine in the setup's working directory: `build: auto`.

    Returns:
        Its program.

    Raises:
        Unmeasured: as `check_build`; `build-failed`, with the last lines of the build.
    """
    return _building(engine).build(setup, timeout_s)


def resolve(
    engine: str,
    *,
    command: Sequence[str],
    endpoint: str,
    binary: str,
    environment: Mapping[str, str],
) -> Row:
    """The engine that is meant; the server at `endpoint` is asked where only that can tell.

    Args:
        environment: for a question to the endpoint: proxies, certificates, its key.

    Raises:
        Unmeasured: `engine-unclear` when the name of `binary` tells nothing, or whatever the
            probe of the endpoint raises.
    """
    row = table.meant(engine, command=command, endpoint=endpoint, binary=binary)
    if row:
        return row
    if endpoint:
        from perf_smoke.engines.probe import engine_at

        return engine_at(endpoint, environment)
    known = ", ".join(
        f"{name} ({each.id})"
        for each in table.ROWS
        for name in each.programs[:1]
        if table.of_program(name) is each
    )
    raise Unmeasured(
        "engine-unclear",
        f"The name of `binary` (`{PurePath(binary).name}`) does not tell which engine it is: set "
        f"`engine`. Names that do tell: {known}.",
    )


def _module(row: Row) -> _Module:
    return cast("_Module", importlib.import_module(row.module))


def _building(engine: str) -> _Module:
    row = table.row(engine)
    if not row.builds_itself:
        known = ", ".join(each.id for each in table.ROWS if each.builds_itself)
        raise Unmeasured(
            "build-unknown",
            f"`build: auto` knows how to build {known} only: give the commands that build "
            f"{engine}.",
        )
    return _module(row)
