"""Which program exactly: found on PATH, hashed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from perf_smoke.result import Unmeasured


def find_program(binary: str, *, working_directory: Path, environment: Mapping[str, str]) -> Path:
    """The program's absolute path: relative paths count from the working directory, bare names
    are looked up on PATH.

    Raises:
        Unmeasured: `engine-missing`, with what to do.
    """
    path = Path(binary)
    if path.name != binary:
        candidate = path if path.is_absolute() else working_directory / path
        found = shutil.which(str(candidate.absolute()))
        where = f"at {candidate}"
    else:
        found = shutil.which(binary, path=environment.get("PATH", ""))
        where = "on PATH"
    if not found:
        raise Unmeasured(
            "engine-missing",
            f"There is no program `{binary}` {where}: check `binary`, and that the step which "
            "builds or installs it ran before this one.",
        )
    return Path(found)


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
