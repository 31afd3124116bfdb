"""Which engines can be used here."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from perf_smoke.engines import registry
from perf_smoke.engines.identity import find_program
from perf_smoke.engines.programs import version
from perf_smoke.result import Unmeasured


@dataclass(frozen=True, kw_only=True)
class Found:
    """One engine as it was found on this machine."""

    engine: str
    summary: str
    usable: bool | None
    """None: it depends on an input, which `missing` names."""
    program: str = ""
    version: str = ""
    missing: str = ""
    """What would have to be done, as one sentence; empty where it can be used."""


def engines(*, working_directory: Path, environment: Mapping[str, str]) -> tuple[Found, ...]:
    """Every engine with what was found of it. Programs are asked for their version."""
    return tuple(_found(row, working_directory, environment) for row in registry.ROWS)


def _found(row: registry.Row, working_directory: Path, environment: Mapping[str, str]) -> Found:
    if row.package:
        return _found_package(row)
    if not row.programs:
        needed = "command" if row.id == "command" else "endpoint"
        return Found(
            engine=row.id, summary=row.summary, usable=None, missing=f"Give the input `{needed}`."
        )
    try:
        program = find_program(
            row.programs[0], working_directory=working_directory, environment=environment
        )
    except Unmeasured as error:
        if other := _under_another_name(row, working_directory, environment):
            return other
        sentence = error.failure.sentence
        return Found(engine=row.id, summary=row.summary, usable=False, missing=sentence)
    asked = [str(program), *row.version_arguments]
    return Found(
        engine=row.id,
        summary=row.summary,
        usable=True,
        program=str(program),
        version=version(asked, working_directory, environment),
    )


def _under_another_name(
    row: registry.Row, working_directory: Path, environment: Mapping[str, str]
) -> Found | None:
    """What is here under a name that the program had before. Such a name (`main`, `server`) may as
    well be that of something else: it is not called, and not used unless it is asked for."""
    for name in row.programs[1:]:
        with suppress(Unmeasured):
            program = find_program(
                name, working_directory=working_directory, environment=environment
            )
            return Found(
                engine=row.id,
                summary=row.summary,
                usable=None,
                program=str(program),
                missing=f"Give the input `binary`: {program} may be it.",
            )
    return None


def _found_package(row: registry.Row) -> Found:
    try:
        installed = importlib.metadata.version(row.package)
    except importlib.metadata.PackageNotFoundError:
        return Found(
            engine=row.id,
            summary=row.summary,
            usable=False,
            missing=f"Install the Python package {row.package}.",
        )
    return Found(
        engine=row.id, summary=row.summary, usable=True, program=row.package, version=installed
    )
