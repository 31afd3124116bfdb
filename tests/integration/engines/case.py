"""What an engine brings to the conformance suite: a Case, and the faults it can be given."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from perf_smoke.engines.base import EngineSetup, Request

Fault = Literal[
    "",
    "wrong-model",  # the model file is not one
    "missing",  # no program at that path, nothing listens at that address
    "hang",  # never answers
    "crash",  # ends in the middle
    "garbage",  # ends well, prints nonsense
    "flood",  # prints 1 GB before it ends
    "invalid-utf8",  # its text is not UTF-8: still measured
    "stale",  # from the second step on it writes no result of its own: the first one's lies there
    "short",  # fewer tokens than asked for
]

REQUEST = Request(prompt="2+2=", tokens=4, seed=42, threads=1)

EXPECTED_REASONS: dict[Fault, frozenset[str]] = {
    "wrong-model": frozenset({"model-unusable", "engine-crashed"}),
    "missing": frozenset({"engine-missing", "endpoint-unreachable"}),
    "hang": frozenset({"engine-timeout"}),
    "crash": frozenset({"engine-crashed", "connection-lost"}),
    "garbage": frozenset({"engine-output"}),
    "flood": frozenset({"engine-output", "engine-crashed"}),
    "stale": frozenset({"engine-output"}),
}
"""Which reasons are the right ones. A flood may also be measured: then it is no failure."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One engine as the suite runs it."""

    id: str
    setup: Callable[[Path, Fault], AbstractContextManager[EngineSetup]]
    """(an empty folder, the fault) -> a setup; whatever it started ends with the context."""
    engine: str
    """Its id in the table of engines."""
    gives: frozenset[str]
    """The fields of Sample that every good step has; no others may be there, but for …"""
    may_give: frozenset[str] = frozenset()
    """… what a good step may have or lack."""
    lacks: frozenset[str] = frozenset()
    """Metrics of the engine's row that not every good step of this case gives."""
    faults: frozenset[Fault] = field(default_factory=frozenset)
    """Those that it can be made to have. `wrong-model` and the like are tried for real."""
    has_text: bool = True
    marks: tuple[pytest.MarkDecorator, ...] = ()
    """Of every test of this case."""
