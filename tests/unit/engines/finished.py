"""Processes that have ended, for what is read from them."""

from __future__ import annotations

from perf_smoke.processes.foreground import Finished


def finished(
    stdout: str | bytes = b"",
    stderr: str | bytes = b"",
    exit_code: int = 0,
    *,
    timed_out: bool = False,
) -> Finished:
    """One that printed this, after 0.4 s."""
    return Finished(
        exit_code=exit_code,
        timed_out=timed_out,
        wall_ms=400.0,
        cpu_ms=90.0,
        peak_rss_kib=50_000,
        stdout=stdout.encode() if isinstance(stdout, str) else stdout,
        stderr=stderr.encode() if isinstance(stderr, str) else stderr,
        timeout_s=5.0,
    )
