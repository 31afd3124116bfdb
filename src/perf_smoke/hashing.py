"""Which file exactly: its size and its SHA-256."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class HashedFile:
    """A file whose content has been read to its end and hashed."""

    path: Path
    sha256: str
    bytes: int


def hashed(path: Path) -> HashedFile:
    """Read a file to its end.

    Raises:
        OSError: it cannot be read.
    """
    size = 0
    digest = hashlib.sha256()
    # hashlib.file_digest would do, but is not there before Python 3.11, and does not count.
    with path.open("rb", buffering=0) as file:
        buffer = memoryview(bytearray(_CHUNK))
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            size += count
    return HashedFile(path=path, sha256=digest.hexdigest(), bytes=size)
