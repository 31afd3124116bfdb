"""Where a result comes from: which perf-smoke, which job, which model; and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perf_smoke.result.strict import Ours, Strict

Origin = Literal["measured", "pairs-file"]
"""Where a document comes from: this run measured its steps, or somebody's file held them."""


@dataclass(frozen=True, kw_only=True)
class Tool(Strict):
    """Which perf-smoke it was."""

    version: Ours
    runtime: Ours
    """`docker`, `host` or `cli`."""


@dataclass(frozen=True, kw_only=True)
class Leg(Strict):
    """Which job of which workflow measured. Nothing here decides where something is published: a
    job of a fork may have written it."""

    repository: str
    event: Ours
    workflow: str
    job: str
    matrix: str
    """Compact JSON with sorted keys; empty without a matrix."""
    run_id: int
    attempt: int
    head_sha: Ours = ""
    """The commit that the run is about: on a pull request its head."""


@dataclass(frozen=True, kw_only=True)
class Model(Strict):
    """The model file that was used."""

    reference: str
    sha256: Ours = ""
    """Empty where the engine holds the model itself (an endpoint)."""
    bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Series(Strict):
    """Which results may be compared with this one over time."""

    key: Ours
    parts: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Cost(Strict):
    """What the smoke itself took, in seconds."""

    total_s: float
    download_s: float = 0.0
    build_s: float = 0.0
    load_s: float = 0.0
    steps_s: float = 0.0
    """All steps, those of the warm-up included."""
