"""Why a configuration would not work, or not as meant, and what it would run if it does."""

from __future__ import annotations

import importlib.util
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from perf_smoke.engines import cargo, metrics_syntax, registry
from perf_smoke.engines.base import EngineSetup, Request
from perf_smoke.engines.command import PLACEHOLDERS
from perf_smoke.engines.identity import find_program
from perf_smoke.models import hub
from perf_smoke.models.fetch import fetch
from perf_smoke.models.reference import Hub, LocalPath, parse
from perf_smoke.preparation import DEFAULT_MODEL, WITHOUT_BASE
from perf_smoke.result import Unmeasured, told_to_engine
from perf_smoke.settings import Settings
from perf_smoke.sides import Repository, names_files_of, refuse_shared

_READ_BY = {
    "tokenizer": ("bitnet-rs", "command"),
    "binary": ("llama-completion", "llama-bench", "llama-server", "bitnet-rs", "bitnet-cpp"),
    "metrics": ("command",),
}
"""Inputs that only some engines look at."""
_GGUF_ALONE = ("embedded", "llama-completion", "llama-bench", "llama-server", "bitnet-cpp")
"""Engines that read no other kind of file."""
_SHELLS = re.compile(r"[0-9]?>>?(&[0-9]|[\w./~-]*)|<|\|\|?|&&?|;")
"""Arguments that a shell would have taken for itself."""
_UNCLOSED = re.compile(rf"(?<!\{{)\{{(?:{'|'.join(PLACEHOLDERS)})(?=\s|$)")


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What can be said of a configuration before it is run."""

    problems: tuple[str, ...]
    """Why it would not work, or not as meant: sentences, none if it would."""
    plan: str = ""
    """What it would run, in one line; empty where no engine is found for it."""


def diagnose(
    settings: Settings, *, environment: Mapping[str, str], available_cpus: int
) -> Diagnosis:
    """Look at everything that can be looked at without building, downloading or measuring.

    Programs are asked for their version and their help, an endpoint what it is, origin for a
    commit that is not here; a local model is read, for its hash.
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
        return Diagnosis(problems=(error.failure.sentence,))
    problems = (
        *_ignored(settings, row),
        *_command_line("command", settings.command),
        *_command_line("base-command", settings.base_command),
        *_model(settings, row, environment),
        *_metric(settings, row),
        *_machine(settings, available_cpus),
        *_build(settings, row, environment),
        *_prepared(settings, row, environment),
        *_base(settings, row, environment),
    )
    return Diagnosis(problems=problems, plan=_plan(settings, row, available_cpus))


def _ignored(settings: Settings, row: registry.Row) -> Iterator[str]:
    for name, readers in _READ_BY.items():
        if getattr(settings, name) and row.id not in readers:
            yield (
                f"`{name}` is given, but engine `{row.id}` does not look at it; it is for "
                f"{', '.join(readers)}."
            )
    if row.id == "command" and settings.features and not _told(settings, "features"):
        yield "`features` is given, but `command` has no {features}: it only names the series."


def _command_line(name: str, command: tuple[str, ...]) -> Iterator[str]:
    """What a shell would have read otherwise."""
    if taken := next(filter(_SHELLS.fullmatch, command[1:]), ""):
        yield (
            f"`{name}`: there is no shell, so that `{taken}` would be an argument of the program: "
            "use sh -c '…'."
        )
    for unclosed in _UNCLOSED.findall(" ".join(command)):
        yield f"`{name}` holds `{unclosed}` without its closing brace."


def _model(settings: Settings, row: registry.Row, environment: Mapping[str, str]) -> Iterator[str]:
    if settings.endpoint or (row.id == "embedded" and not settings.model):
        return  # the server's own, or the built-in one
    if not settings.model:
        if row.needs_model:
            yield f"Engine `{row.id}` needs a model: give `model` a path or a reference."
        return
    yield from _file("model", settings, row, environment)
    if settings.tokenizer and row.id in _READ_BY["tokenizer"]:
        yield from _file("tokenizer", settings, row, environment)


def _file(
    name: Literal["model", "tokenizer"],
    settings: Settings,
    row: registry.Row,
    environment: Mapping[str, str],
) -> Iterator[str]:
    reference: str = getattr(settings, name)
    try:
        place = parse(reference).place
        if isinstance(place, Hub) and importlib.util.find_spec(hub.LIBRARY) is None:
            yield hub.WITHOUT_LIBRARY
        if not isinstance(place, LocalPath):
            return
        found = fetch(
            reference,
            sha256=settings.model_sha256 if name == "model" else "",
            cache=settings.working_directory,  # a local file has no need of one
            environment=environment,
            progress=lambda _done, _total: None,
            base_directory=settings.working_directory.absolute(),
        )
    except Unmeasured as error:
        yield f"`{name}`: {error.failure.sentence}"
        return
    if name == "model" and row.id in _GGUF_ALONE:
        with found.path.open("rb") as file:
            begins = file.read(4)
        if begins != b"GGUF":
            yield f"`model`: {place.path} is no GGUF file, but engine `{row.id}` reads no other."


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


def _base(settings: Settings, row: registry.Row, environment: Mapping[str, str]) -> Iterator[str]:
    there = settings.working_directory.absolute()
    try:
        if settings.base_binary or settings.base_command:
            find_program(
                settings.base_binary or settings.base_command[0],
                working_directory=there,
                environment=environment,
                otherwise=f"correct `{'base-binary' if settings.base_binary else 'base-command'}`",
            )
        elif settings.base_ref and row.runtime == "host":
            repository = Repository(there, environment)
            repository.commit(settings.base_ref)
            yield from _shared(settings, row, repository.root(), environment)
        elif settings.base_ref or settings.baseline == "ref":
            yield f"There would be no verdict: {WITHOUT_BASE}"
    except Unmeasured as error:
        yield error.failure.sentence


def _shared(
    settings: Settings, row: registry.Row, tree: Path, environment: Mapping[str, str]
) -> Iterator[str]:
    """What a base in a checkout of its own would share with head.

    Raises:
        Unmeasured: the program itself.
    """
    if said := names_files_of(tree, settings.command):
        yield said
    program = _program(settings, row)
    if settings.build == "auto" or ("/" in program and not program.startswith("/")):
        return  # each checkout has one
    with suppress(Unmeasured):  # that it is missing was said; a build may make it
        program = str(find_program(program, working_directory=tree, environment=environment))
    if program.startswith("/"):
        refuse_shared(Path(program), tree, may_lie_elsewhere=row.id == "command")


def _program(settings: Settings, row: registry.Row) -> str:
    """The program as it is named; empty where the engine has none."""
    return next(filter(None, (*settings.command[:1], settings.binary, *row.programs)), "")


def _plan(settings: Settings, row: registry.Row, available_cpus: int) -> str:
    """`command ./bench with tiny.bin, 4 tokens, 2 threads; base: none.`"""
    given = settings.given  # passwords left out
    program = _program(settings, row)
    where = f" at {given['endpoint']}" if settings.endpoint else f" `{program}`" if program else ""
    model = given.get("model") or (DEFAULT_MODEL if row.id == "embedded" else "")
    counts = {"tokens": settings.tokens, "threads": settings.threads or available_cpus}
    parts = [
        f"{row.id}{where}{f' with {model}' if model else ''}",
        *(
            f"{count} {name if count > 1 else name.removesuffix('s')}"
            for name, count in counts.items()
            if _told(settings, name)
        ),
    ]
    base = settings.base_binary or "".join(settings.base_command[:1]) or settings.base_ref
    return f"{', '.join(parts)}; base: {f'`{base}`' if base else 'none'}."


def _told(settings: Settings, name: str) -> bool:
    return told_to_engine(settings.given, name)
