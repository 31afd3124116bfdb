"""How pip and the hub's library are run: as programs of their own, never outliving us.

A process of its own takes its whole configuration from the environment that it is given, and
leaves this process small: a measured child's peak RSS starts at its parent's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from perf_smoke.printable import printable
from perf_smoke.redaction import without_passwords

_TAIL_LINES = 20


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program ended."""

    code: int
    timed_out: bool
    tail: str
    """The last lines that it printed, without passwords in addresses."""


def run(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    on_line: Callable[[str], bool],
    most_s: float,
) -> Ended:
    """Run a program to its end.

    Args:
        on_line: gets each line of its standard output; true if that is not for a reader.
        most_s: after so many seconds its whole process group is killed.
    """
    late = threading.Event()
    told: deque[str] = deque(maxlen=_TAIL_LINES)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
            errors="replace",
            env=dict(environment),
            cwd=directory,
            start_new_session=True,
        )
        with process, _ended_at_last(process, late, most_s):
            for line in process.stdout or ():
                if not on_line(line.rstrip("\n")):
                    told.append(line)
            process.wait()
        errors.seek(0)
        told.extend(deque(errors, maxlen=_TAIL_LINES))
    return Ended(
        code=process.returncode,
        timed_out=late.is_set(),
        tail=without_passwords(printable("".join(told)).strip()),
    )


@contextmanager
def _ended_at_last(
    process: subprocess.Popen[str], late: threading.Event, most_s: float
) -> Iterator[None]:
    def end() -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)

    def end_late() -> None:
        late.set()
        end()

    timer = threading.Timer(most_s, end_late)
    timer.daemon = True
    timer.start()
    try:
        yield
    except BaseException:
        end()
        raise
    finally:
        timer.cancel()
