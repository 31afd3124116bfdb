"""Which program exactly: found on PATH, hashed."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from perf_smoke.result import Unmeasured


def find_program(
    binary: str,
    *,
    working_directory: Path,
    environment: Mapping[str, str],
    otherwise: str = "set `binary`",
) -> Path:
    """The program's absolute path: relative paths count from the working directory, bare names
    are looked up on PATH.

    Args:
        otherwise: what to do for a reader who has it elsewhere.

    Raises:
        Unmeasured: `engine-missing`, with what to do.
    """
    if Path(binary).name == binary:
        found = shutil.which(binary, path=environment.get("PATH", ""))
        if found:
            return Path(found).absolute()
        where = "on PATH"
    else:
        candidate = (working_directory / binary).absolute()
        if os.access(candidate, os.X_OK) and candidate.is_file():
            return candidate
        if candidate.is_file():
            raise Unmeasured(
                "engine-missing",
                f"`{binary}` is there but may not be run: `chmod +x` it (uploading and "
                "downloading an artifact loses that permission).",
            )
        where = f"at {candidate}"
    raise Unmeasured(
        "engine-missing",
        f"There is no program `{binary}` {where}: build or install it before, or {otherwise}.",
    )


def file_sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(1024 * 1024):
            digest.update(block)
    return digest.hexdigest()
