"""A call of fetch with few arguments, for tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from perf_smoke.models.base import ModelFile, Patience
from perf_smoke.models.fetch import fetch
from perf_smoke.result import Unmeasured

_CALLERS_OWN = ("HF_", "PIP_", "HUGGINGFACE_", "TRANSFORMERS_", "REQUESTS_", "CURL_", "SSL_")


@dataclass
class Fetcher:
    """Calls fetch as run.py does, with waits that do not wait."""

    cache: Path
    base_directory: Path
    environment: dict[str, str]
    slept_s: list[float] = field(default_factory=list)
    progress: list[tuple[int, int | None]] = field(default_factory=list)
    attempts: int = 6
    total_s: float = 600
    meanwhile: Callable[[], None] = lambda: None
    """Happens while it would sleep."""

    def __call__(self, reference: str, *, sha256: str = "", **environment: str) -> ModelFile:
        return fetch(
            reference,
            sha256=sha256,
            cache=self.cache,
            environment={**self.environment, **environment},
            progress=lambda done, total: self.progress.append((done, total)),
            base_directory=self.base_directory,
            patience=self.patience(),
        )

    def patience(self) -> Patience:
        return Patience(
            attempts=self.attempts, sleep=self._sleep, silence_s=30, total_s=self.total_s
        )

    def _sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.meanwhile()

    def refused(self, reference: str, *, sha256: str = "", **environment: str) -> Unmeasured:
        """The failure of a call that must fail."""
        with pytest.raises(Unmeasured) as caught:
            self(reference, sha256=sha256, **environment)
        return caught.value

    def kept(self) -> list[str]:
        """Names of all files in the cache that hold a model or a part of one."""
        files = (path for path in self.cache.rglob("*") if path.is_file())
        return sorted(path.name for path in files if path.name != ".lock")


def plain_environment() -> dict[str, str]:
    """The machine's, without settings of the person who runs the tests."""
    return {name: text for name, text in os.environ.items() if not name.startswith(_CALLERS_OWN)}
