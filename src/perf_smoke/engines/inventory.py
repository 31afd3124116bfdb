"""Which engines can be used here?"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from perf_smoke.engines import table
from perf_smoke.engines.identity import find_program
from perf_smoke.engines.programs import version
from perf_smoke.engines.table import Row
from perf_smoke.result import Unmeasured


@dataclass(frozen=True, kw_only=True)
class Presence:
    """What there is of one engine on this machine."""

    engine: str
    summary: str
    usable: bool | None
    """None: it depends on an input, which `missing` names."""
    program: str = ""
    version: str = ""
    missing: str = ""
    """What would have to be done, as one sentence; empty where it can be used."""


def engines(*, working_directory: Path, environment: Mapping[str, str]) -> tuple[Presence, ...]:
    """Every engine with what there is of it. Programs are asked for their version."""
    return tuple(_presence(row, working_directory, environment) for row in table.ROWS)


def _presence(row: Row, working_directory: Path, environment: Mapping[str, str]) -> Presence:
    if row.package:
        return _package(row)
    if not row.programs:
        needed = "command" if "command" in row.reads else "endpoint"
        return Presence(
            engine=row.id, summary=row.summary, usable=None, missing=f"Give the input `{needed}`."
        )
    try:
        program = find_program(
            row.programs[0], working_directory=working_directory, environment=environment
        )
    except Unmeasured as error:
        older = _under_an_older_name(row, working_directory, environment)
        return Presence(
            engine=row.id,
            summary=row.summary,
            usable=None if older else False,
            program=str(older or ""),
            missing=f"Give the input `binary`: {older} may be it."
            if older
            else error.failure.sentence,
        )
    return Presence(
        engine=row.id,
        summary=row.summary,
        usable=True,
        program=str(program),
        version=version([str(program), "--version"], working_directory, environment),
    )


def _under_an_older_name(
    row: Row, working_directory: Path, environment: Mapping[str, str]
) -> Path | None:
    """What is here under a name that the program had before. Such a name (`main`, `server`) may as
    well be that of something else: it is not called, and not used unless it is asked for."""
    for name in row.programs[1:]:
        with suppress(Unmeasured):  # not here under this name
            return find_program(name, working_directory=working_directory, environment=environment)
    return None


def _package(row: Row) -> Presence:
    try:
        installed = importlib.metadata.version(row.package)
    except importlib.metadata.PackageNotFoundError:
        return Presence(
            engine=row.id,
            summary=row.summary,
            usable=False,
            missing=f"Install the Python package {row.package}.",
        )
    return Presence(
        engine=row.id, summary=row.summary, usable=True, program=row.package, version=installed
    )
