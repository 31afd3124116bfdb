"""How pip and the hub's library are run: as programs of their own, never outliving us.

A process of its own takes its whole configuration from the environment that it is given, and
leaves this process small: a measured child's peak RSS starts at its parent's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from perf_smoke.printable import decoded
from perf_smoke.processes.foreground import Finished, run_process
from perf_smoke.redaction import public

_TAIL_LINES = 20


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program ended."""

    finished: Finished
    tail: str
    """The last lines that it printed, without secrets."""


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
        most_s: after so many seconds it is killed, with everything it started.

    Raises:
        OSError: it could not be started.
    """
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    begun = bytearray()

    def on_stdout(data: bytes) -> None:
        *lines, rest = (begun + data).split(b"\n")
        begun[:] = rest
        tail.extend(line for line in map(_text, lines) if not on_line(line))

    finished = run_process(
        arguments,
        timeout_s=most_s,
        cwd=directory,
        environment=environment,
        on_stdout=on_stdout,
    )
    if begun:
        on_stdout(b"\n")
    tail.extend(_text(finished.stderr).splitlines()[-_TAIL_LINES:])
    return Ended(
        finished=finished,
        tail=public("\n".join(tail).strip()),
    )


def _text(output: bytes | bytearray) -> str:
    return decoded(bytes(output)).rstrip("\n")
