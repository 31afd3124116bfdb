"""Where fetched files are kept, so that no crash, neighbour or full disk makes a bad one.

    CACHE/models/KEY/NAME             the file, only ever renamed into place whole
                    /.NAME.json       its record: sha256, size, the server's validator
                    /.NAME.part       what has come so far, with .NAME.part.json
                    /.lock            held by whoever fetches

KEY is the sha256 that was asked for, else that of the reference. A file counts only while its
content has the recorded hash.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import pwd
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from io import RawIOBase
from pathlib import Path
from typing import IO, Any, Literal

from perf_smoke.deadline import Deadline
from perf_smoke.hashing import HashedFile, hashed
from perf_smoke.models.base import Patience, megabytes
from perf_smoke.result import Unmeasured

RESERVE_BYTES = 64_000_000
"""Bytes that stay free for the rest of the job."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WORK = ".work-"
_LONGEST_RECORD = 64 * 1024
"""Bytes. What one of ours says takes a few hundred."""


@dataclass(frozen=True, kw_only=True)
class Validator:
    """What a server said about the version of a file (RFC 9110, section 8.8)."""

    etag: str = ""
    last_modified: str = ""

    @property
    def strong(self) -> str:
        """What If-Range takes: a strong ETag, else the date; nothing if the ETag is weak."""
        if self.etag:
            return "" if self.etag.startswith("W/") else self.etag
        return self.last_modified


@dataclass(frozen=True, kw_only=True)
class Held:
    """A file of the cache whose content is as recorded."""

    file: HashedFile
    validator: Validator


def user_cache(environment: Mapping[str, str], *, user: int, platform: str) -> Path:
    """The folder of perf-smoke under the user's cache folder; it need not exist.

    Args:
        environment: XDG_CACHE_HOME (where absolute, as its specification asks) and HOME.
        user: numeric id, for a user without HOME.
        platform: as `sys.platform`.

    Raises:
        Unmeasured: `cache-unusable`: there is no such folder.
    """
    xdg_cache = Path(environment.get("XDG_CACHE_HOME") or ".")
    if xdg_cache.is_absolute():
        return xdg_cache / "perf-smoke"
    try:
        home = Path(environment.get("HOME") or pwd.getpwuid(user).pw_dir)
    except KeyError:
        raise Unmeasured(
            "cache-unusable",
            "There is no folder to keep the model in: neither XDG_CACHE_HOME nor HOME is set.",
        ) from None
    return home / ("Library/Caches" if platform == "darwin" else ".cache") / "perf-smoke"


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into a reason.

    Raises:
        Unmeasured: `no-space` or `cache-unusable`.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise Unmeasured(
                "no-space", f"The model does not fit on the disk of {folder}: {error.strerror}."
            ) from error
        raise Unmeasured(
            "cache-unusable",
            f"The model cannot be kept in {folder}: {error.strerror or error}. "
            "Set XDG_CACHE_HOME to a folder that can be written.",
        ) from error


def ensure_space(folder: Path, needed_bytes: int) -> None:
    """Refuse to begin what cannot end, or to go on into the reserve.

    Raises:
        Unmeasured: `no-space`, with what is needed and what is free; `cache-unusable`.
    """
    with disk_errors(folder):
        free = shutil.disk_usage(folder).free
    if needed_bytes + RESERVE_BYTES > free:
        needs = f"needs {megabytes(needed_bytes)} more" if needed_bytes else "is not whole yet"
        raise Unmeasured(
            "no-space",
            f"The model {needs} in {folder}, where "
            f"{megabytes(free)} are free and {megabytes(RESERVE_BYTES)} are left to the job.",
        )


def write_all(file: RawIOBase, chunk: bytes, folder: Path) -> None:
    """Write to an unbuffered file, which may take less than it is given.

    Raises:
        Unmeasured: `no-space` or `cache-unusable`.
    """
    rest = memoryview(chunk)
    with disk_errors(folder):
        while rest:
            rest = rest[file.write(rest) :]


class Part:
    """A file that is still coming in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._record = path.with_name(path.name + ".json")

    def resumable(self) -> tuple[int, Validator] | None:
        """How many bytes are there, and of which version; None where it cannot go on."""
        validator = _validator(_read(self._record))
        if not validator.strong or not self.path.is_file():
            self.discard()
            return None
        size = self.path.stat().st_size
        return (size, validator) if size else None

    @contextmanager
    def writing(self, mode: Literal["wb", "ab"], validator: Validator) -> Iterator[RawIOBase]:
        """Begin it, or go on at its end. Left early, it stays only if it can be resumed."""
        keep = bool(validator.strong)
        try:
            with disk_errors(self.path.parent):
                if keep:
                    _write(self._record, asdict(validator))
                # Unbuffered: closing a buffered file on a full disk would raise once more.
                file = self.path.open(mode, buffering=0)
            with file:
                yield file
        except BaseException as error:  # also a cancel: half a file is kept or removed, never left
            full = isinstance(error, Unmeasured) and error.failure.reason == "no-space"
            if full or not keep:
                self.discard()
            raise

    def discard(self) -> None:
        with disk_errors(self.path.parent):
            self.path.unlink(missing_ok=True)
            self._record.unlink(missing_ok=True)


class Entry:
    """The folder of one model."""

    def __init__(self, cache: Path, *, sha256: str, identity: str) -> None:
        key = sha256 or hashlib.sha256(identity.encode()).hexdigest()
        self.folder = cache / "models" / key

    @contextmanager
    def locked(self, patience: Patience) -> Iterator[None]:
        """Be the only process that fetches this model.

        Raises:
            Unmeasured: `cache-unusable`, or `model-busy`: another one holds it too long.
        """
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._remove_what_is_no_file()
            lock = (self.folder / ".lock").open("ab")
        with lock:
            self._wait(lock, patience)
            for left_by_a_crash in self.folder.glob(f"{_WORK}*"):
                shutil.rmtree(left_by_a_crash, ignore_errors=True)
            yield

    def _remove_what_is_no_file(self) -> None:
        """At a pipe in a file's place we would wait for ever; no file replaces a folder."""
        for path in self.folder.iterdir():
            if path.name.startswith(_WORK) or path.is_file():
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _wait(self, lock: IO[bytes], patience: Patience) -> None:
        deadline = Deadline.within(patience.total_s)
        while True:
            with disk_errors(self.folder), suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            if not deadline.left_s:
                raise Unmeasured(
                    "model-busy",
                    f"Another process has been fetching this model into {self.folder} for "
                    f"more than {patience.total_s:.0f} s.",
                )
            patience.sleep(0.1)

    def held(self, name: str) -> Held | None:
        """A verified file; whatever is there and is not as recorded is removed."""
        path = self.folder / name
        record = _read(self._record(name))
        with disk_errors(self.folder):
            file = hashed(path) if path.is_file() and record else None
        if file and file.sha256 == record.get("sha256"):
            return Held(file=file, validator=_validator(record))
        self.discard(name)
        return None

    def part(self, name: str) -> Part:
        return Part(self.folder / f".{name}.part")

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """A folder on the cache's disk that is gone afterwards."""
        with disk_errors(self.folder):
            path = Path(tempfile.mkdtemp(prefix=_WORK, dir=self.folder))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def accept(self, draft: Path, name: str, *, sha256: str, validator: Validator) -> HashedFile:
        """Put a finished draft in its place, if it is what was asked for.

        Args:
            sha256: what this one file must have; empty: anything.

        Raises:
            Unmeasured: `model-hash`; the draft is gone then.
        """
        with disk_errors(self.folder):
            file = hashed(draft)
            if sha256 and file.sha256 != sha256:
                draft.unlink()
                raise wrong_hash(name, file.sha256, sha256)
            path = self.folder / name
            draft.replace(path)
            _write(self._record(name), {"sha256": file.sha256, **asdict(validator)})
        return HashedFile(path=path, sha256=file.sha256, bytes=file.bytes)

    def discard(self, name: str) -> None:
        with disk_errors(self.folder):
            (self.folder / name).unlink(missing_ok=True)
            self._record(name).unlink(missing_ok=True)

    def _record(self, name: str) -> Path:
        return self.folder / f".{name}.json"


def wrong_hash(shown: str, actual: str, wanted: str) -> Unmeasured:
    """The failure of a file that is not the one asked for."""
    return Unmeasured(
        "model-hash",
        f"{shown} is not the model that was asked for: its sha256 is {actual}, not {wanted}. "
        "Correct model-sha256 if the file is meant to be this one.",
    )


def _read(path: Path) -> dict[str, Any]:
    """A record; nothing where it is none of ours."""
    try:
        if not path.is_file() or path.stat().st_size > _LONGEST_RECORD:
            return {}
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(path: Path, content: dict[str, str]) -> None:
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps(content), encoding="utf-8")
    draft.replace(path)


def _validator(record: dict[str, Any]) -> Validator:
    """What a record says of the version, where that can be sent in a header."""
    texts = (record.get(name) for name in ("etag", "last_modified"))
    etag, last_modified = (
        text if isinstance(text, str) and text.isascii() and text.isprintable() else ""
        for text in texts
    )
    return Validator(etag=etag, last_modified=last_modified)
