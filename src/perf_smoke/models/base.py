"""What all the ways of bringing a model share: the file that comes out, progress, patience."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from perf_smoke.deadline import Deadline
from perf_smoke.hashing import HashedFile
from perf_smoke.models.pages import said_instead
from perf_smoke.result import Unmeasured

_POINTER = b"version https://git-lfs.github.com/spec/"


class Progress(Protocol):
    """Called a few times a second while a file comes in; the last call says that it is there."""

    def __call__(self, done_bytes: int, total_bytes: int | None, /) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """One file that a source gave."""

    file: HashedFile
    from_cache: bool
    note: str = ""
    """A sentence for the reader of the report, such as why an older copy was used."""


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """A verified local file (or all shards of one model) and where it came from."""

    reference: str
    """As given, without what may be a secret: see `Reference.shown`."""
    path: Path
    """The file itself; the first one of a sharded model, with the others beside it."""
    sha256: str
    """Of the file. Of a sharded model: of the lines that `sha256sum FIRST SECOND …` prints."""
    bytes: int
    """Of all shards together."""
    download_s: float
    """Time that it took to come here; 0 where it was here already."""
    from_cache: bool
    """Nothing was transferred: a local path, or a copy that an earlier run fetched."""
    notes: tuple[str, ...] = ()
    """Sentences for the reader of the report."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to bear with a slow or failing source."""

    attempts: int = 6
    """Requests for one file, the first included."""
    pause_s: float = 1.0
    """Before the second attempt; doubles each time."""
    longest_pause_s: float = 60.0
    """A server that asks for more (Retry-After) is given up at once."""
    connect_s: float = 15.0
    silence_s: float = 60.0
    """Longest wait for the next bytes."""
    total_s: float = 7200.0
    """For one reference, waiting for another process that fetches it included: what is left of the
    deadline."""
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, kw_only=True)
class Errand:
    """What every source must know to bring a model."""

    wanted: str
    """sha256 that the model must have (see `combined_sha256`); empty: any."""
    environment: Mapping[str, str]
    base_directory: Path
    """What relative paths are relative to."""
    progress: Progress
    patience: Patience
    deadline: Deadline
    """When `patience.total_s` ends."""


class Throttled:
    """A Progress that passes at most ten calls a second on, and always the first and last."""

    def __init__(self, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress = progress
        self._clock = clock
        self._next_s = 0.0

    def __call__(self, done_bytes: int, total_bytes: int | None, /) -> None:
        now_s = self._clock()
        if now_s >= self._next_s or done_bytes == total_bytes:
            self._next_s = now_s + 0.1
            self._progress(done_bytes, total_bytes)


def combined_sha256(files: Sequence[HashedFile]) -> str:
    """One hash for a model: its file's, or for shards that of the lines which sha256sum prints.

    `sha256sum model-*-of-*.gguf | sha256sum`, in the folder of the shards, gives the same.
    """
    if len(files) == 1:
        return files[0].sha256
    lines = "".join(f"{file.sha256}  {file.path.name}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def refuse_stand_ins(path: Path, shown: str) -> None:
    """Refuse what is certainly no model: an empty file, a Git LFS pointer, a server's error.

    Raises:
        Unmeasured: `model-truncated`, `model-lfs-pointer` or `model-error-page`.
    """
    with path.open("rb") as file:
        start = file.read(len(_POINTER))
    if not start:
        raise Unmeasured("model-truncated", f"The model {shown} is an empty file.")
    if start == _POINTER:
        raise Unmeasured(
            "model-lfs-pointer",
            f"{shown} is a Git LFS pointer, not the model itself: check out with `lfs: true`, "
            "or run `git lfs pull` first.",
        )
    if said := said_instead(path):
        raise Unmeasured(
            "model-error-page",
            f"{shown} is no model, but what a server said in place of one (`{said}`): fetch the "
            "file anew, from its own address and with the permission that it asks for.",
        )


def megabytes(count: int) -> str:
    """A number of bytes for a sentence."""
    return f"{count / 1e6:,.1f} MB"
