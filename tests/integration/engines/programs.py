"""Programs of the tests' own, as executable files."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).parents[3]


def executable(path: Path, module: str) -> Path:
    """An executable file that runs `main(arguments)` of that module of the tests."""
    path.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        f"sys.path[:0] = [{str(_ROOT)!r}, {str(_ROOT / 'src')!r}]\n"
        f"from {module} import main\n"
        "main(sys.argv[1:])\n"
    )
    path.chmod(0o755)
    return path
