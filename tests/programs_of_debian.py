"""The real programs that scripts/debian-git unpacks, or a skipped test that says why not."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACE = ROOT / ".tools" / "debian"


@functools.cache
def _unpacked() -> str:
    """Why they are not there; nothing when they are."""
    done = subprocess.run(
        [ROOT / "scripts" / "debian-git"], capture_output=True, text=True, check=False, timeout=300
    )
    return done.stderr.strip() if done.returncode else ""


def _expect_unpacked() -> None:
    if why := _unpacked():
        pytest.skip(why)


def old_git(folder: Path) -> Path:
    """A folder for PATH whose `git` is that of Debian 11."""
    _expect_unpacked()
    program = folder / "old-git" / "git"
    program.parent.mkdir()
    own = PLACE / "git" / "usr"
    program.write_text(
        f'#!/bin/sh\nexport GIT_EXEC_PATH="{own}/lib/git-core"\nexec "{own}/bin/git" "$@"\n'
    )
    program.chmod(0o755)
    return program.parent


def git_lfs() -> Path:
    """A folder for PATH with git-lfs."""
    _expect_unpacked()
    return PLACE / "git-lfs" / "usr" / "bin"
