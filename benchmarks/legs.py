"""How long the report of a matrix takes: python -m benchmarks.legs

As many documents as there are legs, each of 140 to 239 pairs with all their steps, go through
`perf-smoke report FOLDER --output report.md`. Printed is the time of the whole command, from its
start to its end: the median with the range.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from tests.documents import leg, put


@click.command()
@click.option("--legs", "count", default=100, show_default=True)
@click.option("--rounds", default=5, show_default=True)
def main(count: int, rounds: int) -> None:
    """Print one line."""
    with tempfile.TemporaryDirectory() as temp:
        folder, report = Path(temp, "results"), Path(temp, "report.md")
        put(folder, *(leg(f"compiler {n}", pairs=140 + n % 100, seed=n) for n in range(count)))
        size_mb = sum(path.stat().st_size for path in folder.rglob("*.json")) / 1e6
        command = [sys.executable, "-m", "perf_smoke", "report", str(folder)]
        taken_s = [_seconds([*command, "--output", str(report)]) for _ in range(rounds)]
        click.echo(
            f"{count} legs, {size_mb:.0f} MB: {statistics.median(taken_s):.2f} s "
            f"({min(taken_s):.2f} … {max(taken_s):.2f}, n = {rounds}); "
            f"a report of {report.stat().st_size:,} bytes"
        )


def _seconds(command: list[str]) -> float:
    began_s = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began_s


if __name__ == "__main__":
    main()
