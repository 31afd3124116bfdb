"""How long the host runtime takes to install itself: with pip alone, with uv, and a second time.

    python -m benchmarks.bootstrap [--rounds 3]

Each cold round has an empty folder for the virtual environment and the installers' caches as they
are (a hosted runner's are empty: the network is then part of it). Prints medians with ranges.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 3
SETS = ("runtime", "embedded")

REPORTS_AT_ONCE = """
import os

def main(**_):
    with open(os.environ["GITHUB_OUTPUT"], "a") as file:
        file.write("status=measured\\n")
"""


def main() -> None:
    """Print one line per way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if not uv:
        raise SystemExit("there is no uv beside this Python")
    ways = {"pip alone, empty caches": "", "uv, empty caches": str(Path(uv).parent)}
    for way, folder in ways.items():
        times = [_install(folder) for _ in range(rounds)]
        print(f"{way}: {statistics.median(times):.1f} s ({min(times):.1f} … {max(times):.1f})")
    times = _later_uses(rounds)
    print(f"a later use: {statistics.median(times):.2f} s ({min(times):.2f} … {max(times):.2f})")


def _install(folder_of_uv: str) -> float:
    """Seconds that runtime/venv takes for a new environment."""
    path = "/usr/local/bin:/usr/bin:/bin"
    base = Path(sys.base_prefix) / "bin"
    with tempfile.TemporaryDirectory() as temp:
        links = Path(temp) / "bin"
        links.mkdir()
        if folder_of_uv:
            (links / "uv").symlink_to(Path(folder_of_uv) / "uv")
        environment = {
            **os.environ,
            "PATH": f"{links}:{base}:{path}",
            "PIP_CACHE_DIR": f"{temp}/pip",
            "UV_CACHE_DIR": f"{temp}/uv",
        }
        started_s = time.monotonic()
        subprocess.run(
            [str(ROOT / "runtime" / "venv"), f"{temp}/venv", *SETS],
            cwd=temp,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return time.monotonic() - started_s


def _later_uses(rounds: int) -> list[float]:
    """Seconds of inner steps that find the environment, with a perf-smoke that reports at once."""
    with tempfile.TemporaryDirectory() as temp:
        action = Path(temp) / "action"
        for folder in ("runtime", "requirements", "src"):
            shutil.copytree(ROOT / folder, action / folder)
        shutil.copy2(ROOT / "launch", action)
        (action / "src" / "perf_smoke" / "cli.py").write_text(REPORTS_AT_ONCE, "utf-8")
        environment = {
            **os.environ,
            "INPUT_RUNTIME": "host",
            "GITHUB_OUTPUT": f"{temp}/outputs",
            "GITHUB_STEP_SUMMARY": f"{temp}/summary",
            "RUNNER_TEMP": temp,
            "PERF_SMOKE_FOLDER": temp,
            "RUNNER_TOOL_CACHE": temp,
        }
        times = []
        for _ in range(rounds + 1):
            (Path(temp) / "outputs").write_bytes(b"")
            started_s = time.monotonic()
            subprocess.run(
                [str(action / "launch"), "report"],
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
            times.append(time.monotonic() - started_s)
        if "measured" not in (Path(temp) / "outputs").read_text("utf-8"):
            raise SystemExit("the stand-in did not run")
        return times[1:]  # the first one installs


if __name__ == "__main__":
    main()
