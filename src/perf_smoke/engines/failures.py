"""The sentences for what engines do wrong, the same for every engine."""

from __future__ import annotations

import errno
from pathlib import Path

from perf_smoke.engines.base import Reply
from perf_smoke.printable import decoded, last_lines
from perf_smoke.processes.ending import how_it_ended, overran, was_killed
from perf_smoke.processes.foreground import Finished
from perf_smoke.result import Failure, Sample, Unmeasured


def exited(program: str, exit_code: int, after_s: float, output: str) -> Failure:
    """A program that ended although it should not have, or not in this way."""
    sentence = f"`{program}` {how_it_ended(exit_code)} after {after_s:.3g} s"
    tail = last_lines(output)
    if was_killed(exit_code):
        remedy = "most often the machine was out of memory; try a smaller model or a larger runner"
        return Failure(reason="engine-killed", sentence=f"{sentence}: {remedy}.", tail=tail)
    return Failure(reason="engine-crashed", sentence=f"{sentence}.", tail=tail)


def timed_out(program: str, timeout_s: float, output: str) -> Failure:
    """A step that took longer than its timeout and was killed."""
    return Failure(
        reason="engine-timeout",
        sentence=f"`{program}` {overran(timeout_s)}, with everything it had started; raise "
        "`timeout` if it may take longer.",
        tail=last_lines(output),
    )


def unreadable(program: str, missing: str, output: str) -> Failure:
    """A program that ended well but did not print what it should."""
    return Failure(
        reason="engine-output",
        sentence=f"`{program}` ended well, but {missing}.",
        tail=last_lines(output),
    )


def not_started(program: str, error: OSError) -> Unmeasured:
    """A program that the system refused to start. What it names may also be the working directory,
    and a missing file may be the loader or interpreter that the program asks for."""
    name = f": {error.filename}" if error.filename else ""
    hint = ""
    if error.errno == errno.ENOENT and Path(str(error.filename)).is_file():
        hint = " (it is there, but what should run it is not: was it built for another system?)"
    return Unmeasured(
        "engine-missing", f"`{program}` cannot be started: {error.strerror}{name}{hint}."
    )


def process_failure(program: str, finished: Finished) -> Failure | None:
    """What went wrong with a finished process, or None if it ended well."""
    output = decoded(finished.stderr).strip() or decoded(finished.stdout)
    if finished.timed_out:
        return timed_out(program, finished.timeout_s, output)
    if finished.exit_code != 0:
        return exited(program, finished.exit_code, finished.wall_ms / 1e3, output)
    return None


def failed_step(failure: Failure, **measured: float | int | None) -> Reply:
    """A reply that does not count, with what could be measured of it all the same."""
    return Reply(sample=Sample(ok=False, error=failure.reason, **measured), failure=failure)  # type: ignore[arg-type] # the callers name fields of Sample


def program_name(binary: str) -> str:
    """How a program is called in a sentence."""
    return Path(binary).name or binary
