"""The sides, head and the bases: of which commit, with which program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from perf_smoke.result.strict import Ours, Strict

HEAD: Final = "head"
"""The name of the side that is judged; every other side is a base."""

BASE: Final = "base"
"""The name of the base where there is one."""

Process = Literal["step", "start", "running"]
"""Whose life a process has: one for every step, one that is kept from start to start, or one that
was running already and is only spoken to."""


@dataclass(frozen=True, kw_only=True)
class EngineIdentity(Strict):
    """Which program was measured."""

    id: Ours
    version: str = ""
    binary: str = ""
    binary_sha256: Ours = ""


@dataclass(frozen=True, kw_only=True)
class Side(Strict):
    """Head, or a base that it is compared with."""

    ref: str = ""
    """As it was named: a branch or tag, `base-binary`; empty where it has no name."""
    commit: Ours = ""
    """What is checked out, where that is what was measured; empty outside a repository, and where
    the program is of no checkout."""
    parents: tuple[Ours, ...] = ()
    """Of the commit; the first is the one that it was made upon."""
    engine: EngineIdentity | None = None
    """None where it was not found, and in a document that was made of numbers alone."""
    process: Process = "start"

    def is_code_of(self, commit: str) -> bool:
        """Whether this is that commit, or a merge of it; also where either is not known."""
        return not (self.commit and commit) or commit in (self.commit, *self.parents)
