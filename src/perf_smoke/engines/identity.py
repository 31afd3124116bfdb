"""Where a program is: on PATH, or at a path."""

from __future__ import annotations

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
        if on_path := shutil.which(binary, path=environment.get("PATH", "")):
            return Path(on_path).absolute()
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
