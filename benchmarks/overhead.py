"""What the action costs beside the engine's own time, for `runs: 5` of the embedded engine.

    python -m benchmarks.overhead [--rounds 7]

One use of the action after another, each with its three inner steps through ./launch, in both
runtimes in turn, with everything installed and fetched beforehand. Overhead is the wall time of the
three less all timed steps and the load, which the Result document tells. No comment is written.
Prints medians with their ranges.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from perf_smoke import result_file

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 7


def main() -> None:
    """Print one line per runtime."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    overheads: dict[str, list[float]] = {"host": [], "docker": []}
    with tempfile.TemporaryDirectory() as temp:
        for number in range(rounds + 1):
            for runtime, measured_s in overheads.items():
                overhead_s = _step(runtime, Path(temp))
                if number:  # the first one installs, builds and fetches
                    measured_s.append(overhead_s)
    for runtime, measured_s in overheads.items():
        print(
            f"{runtime}: {statistics.median(measured_s):.2f} s "
            f"({min(measured_s):.2f} … {max(measured_s):.2f}, n = {len(measured_s)})"
        )


def _step(runtime: str, temp: Path) -> float:
    """Seconds of one use of the action outside the engine's own time."""
    output, outputs = temp / "out", temp / "outputs"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")},
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_WORKSPACE": str(temp),
        "GITHUB_OUTPUT": str(outputs),
        "GITHUB_STEP_SUMMARY": str(temp / "summary"),
        "RUNNER_TEMP": str(temp),
        "INPUT_RUNTIME": runtime,
        "INPUT_ENGINE": "embedded",
        "INPUT_RUNS": "5",
        "INPUT_COMMENT": "never",
        "INPUT_OUTPUT_DIR": str(output),
    }
    for file in (outputs, temp / "summary"):
        file.unlink(missing_ok=True)
    started_s = time.monotonic()
    for inner in ("place", "measure", "report"):
        subprocess.run(
            [str(ROOT / "launch"), inner],
            cwd=temp,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if inner == "place":
            folder = outputs.read_text("utf-8").strip().removeprefix("folder=")
            environment["PERF_SMOKE_FOLDER"] = folder
    wall_s = time.monotonic() - started_s
    result = result_file.read(output / "result.json")
    if result.status != "measured" or result.tool.runtime != runtime:
        raise SystemExit(f"{runtime}: {result.status} {result.reason} in {result.tool.runtime}")
    return wall_s - result.cost.steps_s - result.cost.load_s


if __name__ == "__main__":
    main()
