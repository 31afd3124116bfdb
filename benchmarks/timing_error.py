"""How far our wall times are from hyperfine's: python -m benchmarks.timing_error

The same commands are timed by `hyperfine -N` and by run_process in turn, in rounds, so that both
see the same machine. Printed are both medians and their difference. Wanted on an idle machine:
within 0.3 ms for the command of 5 ms, within 1 % for that of 100 ms.
"""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import tempfile
from pathlib import Path

import click

from perf_smoke.processes.foreground import run_process

COMMANDS = ("sleep 0.005", "sleep 0.1")


def hyperfine_ms(command: str, runs: int) -> list[float]:
    """Wall times as hyperfine measures them, without a shell."""
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder, "times.json")
        subprocess.run(
            ["hyperfine", "-N", "--warmup=1", f"--runs={runs}", f"--export-json={export}", command],
            check=True,
            capture_output=True,
        )
        times_s: list[float] = json.loads(export.read_text())["results"][0]["times"]
    return [time_s * 1e3 for time_s in times_s]


def our_ms(command: str, runs: int) -> list[float]:
    """Wall times as a step of a program is measured, after one warm-up."""
    times_ms = [
        run_process(
            shlex.split(command), timeout_s=60.0, cwd=Path.cwd(), environment=os.environ
        ).wall_ms
        for _ in range(runs + 1)
    ]
    return times_ms[1:]


@click.command()
@click.option("--rounds", default=10, show_default=True, help="How often the two take turns.")
@click.option("--runs", default=20, show_default=True, help="Times in each turn.")
def main(rounds: int, runs: int) -> None:
    """Print medians and differences."""
    click.echo(
        f"{'command':<12} {'n each':>6} {'hyperfine':>12} {'perf-smoke':>12} {'difference':>22}"
    )
    for command in COMMANDS:
        theirs: list[float] = []
        ours: list[float] = []
        for _ in range(rounds):
            theirs += hyperfine_ms(command, runs)
            ours += our_ms(command, runs)
        their_median, our_median = statistics.median(theirs), statistics.median(ours)
        difference = our_median - their_median
        click.echo(
            f"{command:<12} {len(ours):>6} {their_median:>9.3f} ms {our_median:>9.3f} ms"
            f" {difference:>+9.3f} ms ({difference / their_median:+.2%})"
        )


if __name__ == "__main__":
    main()
