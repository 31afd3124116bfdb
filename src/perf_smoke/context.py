"""What a run needs of the world outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from perf_smoke.deadline import Deadline
from perf_smoke.measure.schedule import Progress
from perf_smoke.result import Leg


class Watcher(Protocol):
    """Somebody who watches the run: a terminal, or the log of a workflow."""

    def phase(self, sentence: str, /) -> None:
        """A new part of the run begins."""
        ...

    def download(self, done_bytes: int, total_bytes: int | None, /) -> None:
        """The model is coming."""
        ...

    def step(self, progress: Progress, /) -> None:
        """A step was counted."""
        ...


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the run needs of the world outside."""

    environment: Mapping[str, str]
    """What child processes see."""
    cache: Path
    """Where fetched models stay."""
    scratch: Path
    """A folder for files of this run alone; it exists."""
    runtime: str
    """`docker`, `host` or `cli`."""
    leg: Leg | None
    """Which job of which workflow this is; None outside one."""
    merge_target: str
    """The commit with which head is compared where no input names one: what the pull request or the
    merge queue wants to merge into, or what was there before a push; empty without such an event.
    """
    pull_request_head: str = ""
    """The commit that the pull request is about; empty outside one."""
    deadline: Deadline
    """When measuring must have ended, whatever it still waits for."""
    watcher: Watcher
    interruptible: Callable[[], AbstractContextManager[None]]
    """Inside it, a signal raises Cancelled."""
    folder: Path | None = None
    """Where what the builds print is kept; nowhere without it."""
    build_line: Callable[[str], None] = lambda _line: None
    """Gets each line that a build prints."""
