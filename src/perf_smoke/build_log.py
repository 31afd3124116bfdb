"""What a build prints, as it comes: shown line by line, and kept in a file beside result.json."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from perf_smoke.printable import decoded
from perf_smoke.redaction import PublicLines
from perf_smoke.result import BASE, HEAD

NAMES = {side: f"build-{side}.log" for side in (HEAD, BASE)}
"""Of the files, by side."""
LONGEST_LINE = 4000
MOST_SHOWN = 1_000_000
"""Characters; what comes after stands in the file alone."""
MOST_KEPT = 16_000_000
"""Characters of the beginning that the file has; of what comes after, the last lines."""
_LAST_LINES = 1000


class BuildLog:
    """The log of one build."""

    def __init__(self, file: TextIO | None, show: Callable[[str], None]) -> None:
        self._file = file
        self._show = show
        self._shown = self._kept = 0
        self._left_out = 0
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        self._gate = PublicLines()
        self._begun = {"stdout": b"", "stderr": b""}

    def stdout(self, data: bytes) -> None:
        """The next piece of its standard output."""
        self._add("stdout", data)

    def stderr(self, data: bytes) -> None:
        """The next piece of its standard error."""
        self._add("stderr", data)

    def end(self) -> None:
        """What is left, and the last lines of a log that is too long."""
        for stream, rest in self._begun.items():
            self._begun[stream] = b""
            if rest:
                self._line(rest)
        if self._left_out > len(self._last):
            self._write(f"[… {self._left_out - len(self._last)} lines left out …]")
        for line in self._last:
            self._write(line)

    def _add(self, stream: str, data: bytes) -> None:
        *whole, rest = (self._begun[stream] + data).split(b"\n")
        for line in whole:
            self._line(line)
        if len(rest) > LONGEST_LINE:  # a progress bar, or no text at all
            self._line(rest)
            rest = b""
        self._begun[stream] = rest

    def _line(self, raw: bytes) -> None:
        # What a progress bar has written over is no line of its own: its last state is.
        text = self._gate.public(decoded(raw.rstrip(b"\r").rpartition(b"\r")[2][:LONGEST_LINE]))
        if self._shown < MOST_SHOWN:
            self._shown += len(text) + 1
            self._show(text)
            if self._shown >= MOST_SHOWN:
                self._show("[… more is in the file …]")
        if self._kept < MOST_KEPT:
            self._kept += len(text) + 1
            self._write(text)
        else:
            self._left_out += 1
            self._last.append(text)

    def _write(self, line: str) -> None:
        if self._file:
            try:
                self._file.write(line + "\n")
                self._file.flush()
            except OSError:  # a full disk ends the log and not the build
                self._file = None


@contextmanager
def build_log(side: str, folder: Path | None, show: Callable[[str], None]) -> Iterator[BuildLog]:
    """The log of this side's build, in a file of this folder if there can be one."""
    file = None
    if folder:
        with suppress(OSError):  # shown all the same; result.json will say why nothing can be kept
            folder.mkdir(parents=True, exist_ok=True)
            file = (folder / NAMES[side]).open("w", encoding="utf-8", errors="replace")
    log = BuildLog(file, show)
    try:
        yield log
    finally:
        log.end()
        if file:
            with suppress(OSError):  # a full disk: closing writes what is left
                file.close()
