"""Showing how a run goes on: one live line on a terminal, a line now and then in a log.

Drawn between steps by the measuring thread itself: a drawing thread would cost the measured
engine CPU time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from perf_smoke import numbers
from perf_smoke.measure.schedule import Progress
from perf_smoke.redaction import public

DRAW_EVERY_S = 0.2
LOG_EVERY_S = 10.0
_BAR_CELLS = 30


class LogWatcher:
    """For a log: each phase, and a line every ten seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next_s = time.monotonic() + LOG_EVERY_S
        self._times_ms: list[float] = []

    def phase(self, sentence: str) -> None:
        """A new part of the run begins."""
        self._print(f"{public(sentence)} …")

    def build_line(self, line: str) -> None:
        """What a build prints; set apart, so that no line of it is a command to the runner."""
        self._print(f"  | {line.replace('##[', '# #[')}")

    def download(self, done_bytes: int, total_bytes: int | None) -> None:
        """The model is coming."""
        if self._due():
            self._print(_download_words(done_bytes, total_bytes))

    def step(self, progress: Progress) -> None:
        """A step was counted."""
        self._times_ms.append(_step_ms(progress))
        if self._due():
            self._print(_step_words(progress, self._times_ms))

    def _due(self) -> bool:
        due = time.monotonic() >= self._next_s
        if due:
            self._next_s = time.monotonic() + LOG_EVERY_S
        return due

    def _print(self, line: str) -> None:
        with _whoever_sees_it(self._console):
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class TerminalWatcher:
    """For a terminal: fetching with a bar; then steps, running median and time left."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._next_s = 0.0
        self._times_ms: list[float] = []
        self._phase = ""

    def phase(self, sentence: str) -> None:
        """A new part of the run begins."""
        self._phase = sentence
        self._draw(f"{public(sentence)} …")

    def build_line(self, line: str) -> None:
        """What a build prints."""
        if self._due():
            self._draw(f"{self._phase}: {line}")

    def download(self, done_bytes: int, total_bytes: int | None) -> None:
        """The model is coming."""
        if self._due():
            filled = round(_BAR_CELLS * done_bytes / total_bytes) if total_bytes else 0
            bar = "━" * filled + "╌" * (_BAR_CELLS - filled)
            self._draw(f"{bar}  {_download_words(done_bytes, total_bytes)}")

    def step(self, progress: Progress) -> None:
        """A step was counted."""
        self._times_ms.append(_step_ms(progress))
        if self._due():
            self._draw(_step_words(progress, self._times_ms))

    def _due(self) -> bool:
        due = time.monotonic() >= self._next_s
        if due:
            self._next_s = time.monotonic() + DRAW_EVERY_S
        return due

    def _draw(self, line: str) -> None:
        text = Text(line, style="dim", overflow="ellipsis", no_wrap=True)
        with _whoever_sees_it(self._live.console):
            self._live.update(text, refresh=True)


@contextmanager
def watching(console: Console) -> Iterator[LogWatcher | TerminalWatcher]:
    """The watcher that fits the console; the live line is gone afterwards."""
    if not console.is_terminal:
        yield LogWatcher(console)
        return
    live = Live(console=console, auto_refresh=False, transient=True)
    live.start()
    try:
        yield TerminalWatcher(live)
    finally:
        with _whoever_sees_it(console):
            live.stop()


@contextmanager
def _whoever_sees_it(console: Console) -> Iterator[None]:
    """A reader who went away, or a full disk behind the log, ends the showing and not the run."""
    try:
        yield
    except (OSError, SystemExit):  # rich turns a broken pipe into SystemExit
        console.quiet = True


def _download_words(done_bytes: int, total_bytes: int | None) -> str:
    done = f"{done_bytes / 1e6:.0f}"
    of_all = f" of {total_bytes / 1e6:.0f}" if total_bytes else ""
    return f"Fetching the model: {done}{of_all} MB"


def _step_ms(progress: Progress) -> float:
    return progress.sample.e2e_ms or progress.sample.wall_ms or 0.0


def _step_words(progress: Progress, times_ms: list[float]) -> str:
    count, unit = (progress.pairs, "pair") if progress.pairs else (progress.steps, "step")
    of_all = f" of {progress.runs}" if progress.runs else ""
    median_ms = statistics.median(times_ms[-500:])
    median = numbers.quantity(median_ms, numbers.unit_for("ms", median_ms))
    plural = "" if (progress.runs or count) == 1 else "s"
    return f"Measuring: {count}{of_all} {unit}{plural}, median {median}{_left(progress)}"


def _left(progress: Progress) -> str:
    """How long it may take; nothing where a number of steps is asked for, however long they take,
    and where less than a second of the budget is left, as a step may be longer."""
    left_s = round(progress.budget_s - progress.elapsed_s)
    return "" if progress.runs or left_s < 1 else f", at most {left_s} s left"
