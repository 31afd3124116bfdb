"""What is asked of the engine in one step, and how the document records it."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

from perf_smoke.engines.base import Request
from perf_smoke.engines.command import placeholders
from perf_smoke.engines.table import Row
from perf_smoke.result import Prompt, RequestPart, RequestRecord, Unmeasured
from perf_smoke.settings import Settings

LONGEST_PROMPT_BYTES = 1024 * 1024


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
    try:
        if not path.is_file():  # a pipe would be waited for
            raise FileNotFoundError(errno.ENOENT, "there is no such file")
        with path.open("rb") as file:
            content = file.read(LONGEST_PROMPT_BYTES + 1)
        text = content.decode("utf-8")
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, "is no text in UTF-8") from error
    if len(content) > LONGEST_PROMPT_BYTES or "\0" in text or not text.strip():
        raise _unreadable(path, "is empty, longer than 1 MiB, or holds NUL characters")
    return text.removesuffix("\n").removesuffix("\r")


def _unreadable(path: Path, why: str) -> Unmeasured:
    return Unmeasured("prompt-unreadable", f"`prompt-file`: {path} {why}.")
