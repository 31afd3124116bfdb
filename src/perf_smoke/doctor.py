"""Why a configuration would not work, or not as meant, and what it would run if it does."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from perf_smoke.configuration import Configuration, Unworkable, about
from perf_smoke.engines import registry
from perf_smoke.models.fetch import fetch
from perf_smoke.models.reference import LocalPath, parse
from perf_smoke.obstacles import absences, obstacles
from perf_smoke.remarks import remarks
from perf_smoke.repository import Repository
from perf_smoke.request import parts_passed
from perf_smoke.result import Unmeasured
from perf_smoke.settings import Settings
from perf_smoke.sides import names_files_of


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
        configuration = Configuration.of(settings, environment, cpus=available_cpus)
    except Unworkable as error:
        return Diagnosis(problems=error.sentences)
    except Unmeasured as error:
        return Diagnosis(problems=(error.failure.sentence,))
    known = (*obstacles(configuration), *absences(configuration))
    problems = [
        *(error.failure.sentence for error in known),
        *_tried(configuration),
        *remarks(configuration, available_cpus),
    ]
    # What is an obstacle stops what is tried as well, with the same sentence.
    return Diagnosis(problems=tuple(dict.fromkeys(problems)), plan=_plan(configuration))


def _tried(configuration: Configuration) -> Iterator[str]:
    """What is wrong with what a run does and that costs nothing."""
    for attempt in (_model, _tokenizer, _engine, _base):
        try:
            sentence = attempt(configuration)
        except Unmeasured as error:
            sentence = error.failure.sentence
        if sentence:
            yield sentence


def _model(configuration: Configuration) -> str:
    settings, row = configuration.settings, configuration.engine
    reference = configuration.model()
    file = _local_file(configuration, "model", reference, settings.model_sha256)
    if file and row.gguf_alone:
        with file.open("rb") as content:
            if content.read(4) != b"GGUF":
                return (
                    f"`model`: {reference} is no GGUF file, but engine `{row.id}` reads no other."
                )
    return ""


def _tokenizer(configuration: Configuration) -> str:
    _local_file(configuration, "tokenizer", configuration.tokenizer(), "")
    return ""


def _local_file(
    configuration: Configuration, name: str, reference: str, sha256: str
) -> Path | None:
    """The file, read and hashed; None where it is not on this machine yet."""
    if not reference or not isinstance(parse(reference).place, LocalPath):
        return None
    with about(name):
        return fetch(
            reference,
            sha256=sha256,
            cache=configuration.directory,  # a local file has no need of one
            environment=configuration.environment,
            progress=lambda _done, _total: None,
            base_directory=configuration.directory,
        ).path


def _engine(configuration: Configuration) -> str:
    """What a build makes can only be looked at after it."""
    settings = configuration.settings
    if not settings.build:
        with tempfile.TemporaryDirectory(prefix="perf-smoke-") as scratch:
            setup = dataclasses.replace(configuration.expected(), scratch=Path(scratch))
            registry.prepare(configuration.engine.id, setup)
    return ""


def _base(configuration: Configuration) -> str:
    repository = Repository(configuration.directory, configuration.environment)
    base = configuration.base(repository, merge_target="")
    if base and base.commit:
        return names_files_of(repository.root(), configuration.settings.command)
    return ""


def _plan(configuration: Configuration) -> str:
    """`command ./bench with tiny.bin, 4 tokens, 2 threads; base: none.`"""
    settings, row = configuration.settings, configuration.engine
    written = settings.recorded  # passwords left out
    where = f" `{configuration.program}`" if configuration.program else ""
    if settings.endpoint:
        where = f" at {written['endpoint']}"
    model = written.get("model") or row.default_model
    counts = {"tokens": settings.tokens, "threads": configuration.request.threads}
    passed = parts_passed(row, settings)
    parts = [
        f"{row.id}{where}{f' with {model}' if model else ''}",
        *(
            f"{count} {name if count > 1 else name.removesuffix('s')}"
            for name, count in counts.items()
            if name in passed
        ),
    ]
    base = settings.base_binary or "".join(settings.base_command[:1]) or settings.base_ref
    return f"{', '.join(parts)}; base: {f'`{base}`' if base else 'none'}."
