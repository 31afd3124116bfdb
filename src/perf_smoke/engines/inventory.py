"""Which engines can be used here, and why a given configuration would not work."""

from __future__ import annotations

import importlib.metadata
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from perf_smoke.engines import cargo, metrics_syntax, registry
from perf_smoke.engines.base import EngineSetup, Request
from perf_smoke.engines.identity import find_program
from perf_smoke.engines.programs import version
from perf_smoke.models.reference import LocalPath, parse
from perf_smoke.result import Unmeasured
from perf_smoke.settings import Settings

_READ_BY = {
    "tokenizer": ("bitnet-rs", "command"),
    "binary": ("llama-completion", "llama-bench", "llama-server", "bitnet-rs", "bitnet-cpp"),
    "metrics": ("command",),
    "endpoint": ("llama-server", "ollama", "openai"),
}
"""Inputs that only some engines look at."""


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


def diagnose(
    settings: Settings, *, environment: Mapping[str, str], available_cpus: int
) -> tuple[str, ...]:
    """Why this configuration would not work, or not as meant: sentences, none if it would.

    Nothing is built, fetched or measured. Programs are asked for their version and their help,
    an endpoint what it is.
    """
    try:
        row = registry.row(
            registry.resolve(
                settings.engine,
                command=settings.command,
                endpoint=settings.endpoint,
                binary=settings.binary,
                environment=environment,
            )
        )
    except Unmeasured as error:
        return (error.failure.sentence,)
    return (
        *_ignored(settings, row),
        *_model(settings, row),
        *_metric(settings, row),
        *_machine(settings, available_cpus),
        *_build(settings, row, environment),
        *_prepared(settings, row, environment),
        *_base(settings, environment),
    )


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


def _ignored(settings: Settings, row: registry.Row) -> Iterator[str]:
    for name, readers in _READ_BY.items():
        if getattr(settings, name) and row.id not in readers:
            yield (
                f"`{name}` is given, but engine `{row.id}` does not look at it; it is for "
                f"{', '.join(readers)}."
            )


def _model(settings: Settings, row: registry.Row) -> Iterator[str]:
    if settings.endpoint or (row.id == "embedded" and not settings.model):
        return  # the server's own, or the built-in one
    if not settings.model:
        if row.needs_model:
            yield f"Engine `{row.id}` needs a model: give `model` a path or a reference."
        return
    yield from _file("model", settings.model, settings.working_directory)
    if settings.tokenizer and row.id in _READ_BY["tokenizer"]:
        yield from _file("tokenizer", settings.tokenizer, settings.working_directory)


def _file(name: str, reference: str, working_directory: Path) -> Iterator[str]:
    try:
        place = parse(reference).place
    except Unmeasured as error:
        yield error.failure.sentence
        return
    if isinstance(place, LocalPath) and not (working_directory / place.path).is_file():
        yield (
            f"`{name}` names the file {place.path}, which is not there (relative paths count from "
            "the working directory)."
        )


def _metric(settings: Settings, row: registry.Row) -> Iterator[str]:
    wanted = settings.metric
    if wanted == "auto":
        return
    if row.id == "command" and wanted not in ("wall", "cpu"):
        if f"{wanted}_ms" not in metrics_syntax.fields(settings.metrics):
            yield (
                f"`metric` is {wanted}, but `metrics` does not say where the command's "
                f"{wanted}_ms is."
            )
    elif wanted not in row.metrics:
        yield (
            f"`metric` is {wanted}, which engine `{row.id}` does not give; it gives "
            f"{', '.join(row.metrics)}."
        )
    if wanted == "decode" and settings.tokens == 1:
        yield "`metric` is decode, but with `tokens: 1` there is no decode step: ask for 2 or more."


def _machine(settings: Settings, available_cpus: int) -> Iterator[str]:
    if settings.threads and settings.threads > available_cpus:
        yield (
            f"`threads` is {settings.threads}, but only {available_cpus} CPUs may be used here: "
            "spinning threads without a CPU slow an engine many times over."
        )


def _build(settings: Settings, row: registry.Row, environment: Mapping[str, str]) -> Iterator[str]:
    if settings.build != "auto":
        return
    if row.id != "bitnet-rs":
        yield f"`build: auto` builds bitnet-rs only: give the commands that build {row.id}."
        return
    try:
        cargo.check_package(settings.features, settings.working_directory, environment)
    except Unmeasured as error:
        yield error.failure.sentence


def _prepared(
    settings: Settings, row: registry.Row, environment: Mapping[str, str]
) -> Iterator[str]:
    """What preparing head's engine says; after a build it can only be known then."""
    if settings.build:
        return
    with tempfile.TemporaryDirectory(prefix="perf-smoke-") as scratch:
        try:
            row.prepare(_setup(settings, Path(scratch), environment))
        except Unmeasured as error:
            yield error.failure.sentence


def _setup(settings: Settings, scratch: Path, environment: Mapping[str, str]) -> EngineSetup:
    def as_path(reference: str) -> Path | None:
        return Path(reference) if reference else None

    return EngineSetup(
        model=as_path(settings.model),
        model_name=settings.model,
        tokenizer=as_path(settings.tokenizer),
        binary=settings.binary,
        command=settings.command,
        endpoint=settings.endpoint,
        metrics=settings.metrics,
        features=settings.features,
        working_directory=settings.working_directory.absolute(),
        scratch=scratch,
        environment=environment,
        start_timeout_s=10.0,
        request=Request(
            prompt=settings.prompt,
            tokens=settings.tokens,
            seed=settings.seed,
            threads=settings.threads or 1,
        ),
    )


def _base(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    for name, program in (
        ("base-binary", settings.base_binary),
        ("base-command", settings.base_command[0] if settings.base_command else ""),
    ):
        if not program:
            continue
        try:
            find_program(
                program,
                working_directory=settings.working_directory.absolute(),
                environment=environment,
            )
        except Unmeasured as error:
            yield f"`{name}`: {error.failure.sentence}"
