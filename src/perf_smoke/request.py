"""What is asked of the engine in one step, and how the document records it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from perf_smoke.engines.base import Request
from perf_smoke.engines.command import placeholders
from perf_smoke.engines.table import Row
from perf_smoke.result import Prompt, RequestPart, RequestRecord, Unmeasured
from perf_smoke.settings import Settings

LONGEST_PROMPT_KIB = 64


def request_of(settings: Settings, *, cpus: int) -> Request:
    """The request of every step.

    Args:
        cpus: how many may be used: so many threads where none are asked for.

    Raises:
        Unmeasured: `prompt-unreadable`.
    """
    file = Path(settings.prompt_file).expanduser() if settings.prompt_file else None
    return Request(
        prompt=_text(settings.working_directory / file) if file else settings.prompt,
        tokens=settings.tokens,
        seed=settings.seed,
        threads=settings.threads or cpus,
    )


def parts_passed(row: Row, settings: Settings) -> tuple[RequestPart, ...]:
    """What of the request reaches the engine: of a command what it names, of a server that runs
    already nothing of how it is to run."""
    if "command" in row.reads:
        named = placeholders(settings.command)
        return tuple(part for part in row.passed if part in named)
    if settings.endpoint:
        return tuple(part for part in row.passed if part not in ("threads", "features"))
    return row.passed


def record_of(request: Request, row: Row, settings: Settings) -> RequestRecord:
    """The request as the document records it: of a file its name, and not its text."""
    return RequestRecord(
        prompt=Prompt(
            text="" if settings.prompt_file else request.prompt,
            file=settings.prompt_file,
            characters=len(request.prompt),
            sha256=hashlib.sha256(request.prompt.encode()).hexdigest(),
        ),
        tokens=request.tokens,
        seed=request.seed,
        threads=request.threads,
        features=settings.features,
        passed=parts_passed(row, settings),
    )


def _text(path: Path) -> str:
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise _unreadable(path, "is no plain file")
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_PROMPT_KIB * 1024 + 1)
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from error
    if len(content) > LONGEST_PROMPT_KIB * 1024:
        raise _unreadable(path, f"is longer than {LONGEST_PROMPT_KIB} KiB: give a shorter one")
    try:
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise _unreadable(path, "is no text in UTF-8") from error
    if not text.strip():
        raise _unreadable(path, "is empty: write the prompt into it")
    if "\0" in text:
        raise _unreadable(path, "holds a NUL character, which no prompt may")
    return text


def _unreadable(path: Path, why: str) -> Unmeasured:
    return Unmeasured("prompt-unreadable", f"`prompt-file`: {path} {why}.")
