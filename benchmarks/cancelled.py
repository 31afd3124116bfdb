"""Whether a job that is cancelled at any moment says so: python -m benchmarks.cancelled

One use of the action after the other, on the host, gets one SIGINT at a random moment of its first
instants, as a runner sends it, and then reports. Printed is how many ended how, and what the worst
of them waited for its end. `--action` takes another checkout, of a commit to compare with.
"""

from __future__ import annotations

import collections
import random
import signal
import tempfile
import time
from pathlib import Path

import click

from tests.e2e.job import ROOT, Job


@click.command()
@click.option("--jobs", default=300, show_default=True)
@click.option("--within-ms", default=400, show_default=True, help="the latest moment of a signal")
@click.option("--action", default=str(ROOT), type=click.Path(file_okay=False, path_type=Path))
def main(jobs: int, within_ms: int, action: Path) -> None:
    """Print one line for each kind of end."""
    ends: collections.Counter[str] = collections.Counter()
    waited_s = 0.0
    with tempfile.TemporaryDirectory() as temp:
        tools = Path(temp, "tools")
        warm = Job(Path(temp, "warm"), action=action, tool_cache=tools)
        warm.run({"command": "true", "runtime": "host"})
        for number in range(jobs):
            job = Job(Path(temp, str(number)), action=action, tool_cache=tools)
            step = job.start({"command": "sleep 60", "warmup": "0", "runtime": "host"}, {})
            time.sleep(random.uniform(0, within_ms) / 1e3)
            signalled_s = time.monotonic()
            step.signal(signal.SIGINT)
            step.process.wait()
            waited_s = max(waited_s, time.monotonic() - signalled_s)
            outcome = step.wait()
            job.close()
            ends[f"{outcome.status} ({outcome.reason})"] += 1
    for end, count in ends.most_common():
        click.echo(f"{count} of {jobs}: {end}")
    click.echo(f"at most {waited_s:.1f} s from the signal to the end of the step")


if __name__ == "__main__":
    main()
