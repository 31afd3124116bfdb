"""What is asked of the engine in one step, and how the document records it."""

from __future__ import annotations

import hashlib

from perf_smoke.engines.base import Request
from perf_smoke.engines.command import placeholders
from perf_smoke.engines.table import Row
from perf_smoke.result import Asked, Prompt, Told
from perf_smoke.settings import Settings


def request_of(settings: Settings, *, cpus: int) -> Request:
    """The request of every step.

    Args:
        cpus: how many may be used: so many threads where none are asked for.
    """
    return Request(
        prompt=settings.prompt,
        tokens=settings.tokens,
        seed=settings.seed,
        threads=settings.threads or cpus,
    )


def parts_told(row: Row, settings: Settings) -> tuple[Told, ...]:
    """What of the request reaches the engine: of a command what it names, of a server that runs
    already nothing of how it is to run."""
    if "command" in row.reads:
        named = placeholders(settings.command)
        return tuple(part for part in row.told if part in named)
    if settings.endpoint:
        return tuple(part for part in row.told if part not in ("threads", "features"))
    return row.told


def asked(request: Request, row: Row, settings: Settings) -> Asked:
    """The request as the document records it."""
    return Asked(
        prompt=Prompt(
            text=request.prompt,
            characters=len(request.prompt),
            sha256=hashlib.sha256(request.prompt.encode()).hexdigest(),
        ),
        tokens=request.tokens,
        seed=request.seed,
        threads=request.threads,
        features=settings.features,
        told=parts_told(row, settings),
    )
