"""How a run is shown while it goes on: quiet in a log, one line on a terminal."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from perf_smoke import watchers
from perf_smoke.measure.schedule import Progress
from perf_smoke.result import Sample
from perf_smoke.watchers import LogWatcher, TerminalWatcher, watching


def progress(steps: int, *, pairs: int = 0, elapsed_s: float = 4.0, **sample: float) -> Progress:
    return Progress(
        steps=steps,
        pairs=pairs,
        elapsed_s=elapsed_s,
        budget_s=10.0,
        sample=Sample(ok=True, **sample),  # type: ignore[arg-type] # durations
    )


def a_console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=100, color_system=None)
    return console, text


def is_always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchers, "LOG_EVERY_S", 0.0)
    monkeypatch.setattr(watchers, "DRAW_EVERY_S", 0.0)


def test_a_log_gets_each_phase_and_no_line_per_step() -> None:
    console, text = a_console(terminal=False)
    with watching(console) as watcher:
        assert isinstance(watcher, LogWatcher)
        watcher.phase("Looking for [bold]the model[/bold]")
        for steps in range(1, 100):
            watcher.step(progress(steps, e2e_ms=50.0))
            watcher.download(steps, 100)
    assert text.getvalue() == "Looking for [bold]the model[/bold] …\n"


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    is_always_due(monkeypatch)
    console, text = a_console(terminal=False)
    with watching(console) as watcher:
        watcher.download(12_000_000, 98_400_000)
        watcher.download(12_000_000, None)
        watcher.step(progress(1, e2e_ms=50.0, wall_ms=60.0))
        watcher.step(progress(2, wall_ms=70.0))
        watcher.step(progress(6, pairs=3, elapsed_s=11.0))
        watcher.step(progress(7, e2e_ms=2_460.0))
        watcher.step(progress(8, e2e_ms=2_460.0))
        watcher.step(progress(9, e2e_ms=2_460.0))
    assert text.getvalue().splitlines() == [
        "Fetching the model: 12 of 98 MB",
        "Fetching the model: 12 MB",
        "Measuring: 1 step, median 50.0 ms, at most 6 s left",
        "Measuring: 2 steps, median 60.0 ms, at most 6 s left",
        "Measuring: 3 pairs, median 50.0 ms",
        "Measuring: 7 steps, median 60.0 ms, at most 6 s left",
        "Measuring: 8 steps, median 70.0 ms, at most 6 s left",
        "Measuring: 9 steps, median 1.26 s, at most 6 s left",
    ]


@pytest.mark.parametrize(
    ("elapsed_s", "runs", "end"),
    [
        (3.0, 0, "3 pairs, median 50.0 ms, at most 7 s left"),
        (9.4, 0, "3 pairs, median 50.0 ms, at most 1 s left"),
        (9.6, 0, "3 pairs, median 50.0 ms"),
        (12.0, 0, "3 pairs, median 50.0 ms"),
        (3.0, 200, "3 of 200 pairs, median 50.0 ms"),
    ],
)
def test_no_line_promises_what_the_budget_does_not(
    monkeypatch: pytest.MonkeyPatch, elapsed_s: float, runs: int, end: str
) -> None:
    is_always_due(monkeypatch)
    console, text = a_console(terminal=False)
    with watching(console) as watcher:
        shown = progress(6, pairs=3, elapsed_s=elapsed_s, e2e_ms=50.0)
        watcher.step(dataclasses.replace(shown, runs=runs))
    assert text.getvalue() == f"Measuring: {end}\n"


def test_what_a_build_prints_is_no_command_to_the_runner() -> None:
    console, text = a_console(terminal=False)
    with watching(console) as watcher:
        watcher.phase("Building head 3f1c9ab27d5e")
        for line in ("::error::x", "##[error]y", "[red]z"):
            watcher.build_line(line)
    assert text.getvalue().splitlines() == [
        "Building head 3f1c9ab27d5e …",
        "  | ::error::x",
        "  | # #[error]y",
        "  | [red]z",
    ]


def test_a_terminal_shows_the_latest_line_of_a_build() -> None:
    console, text = a_console(terminal=True)
    with watching(console) as watcher:
        watcher.phase("Building base 9d8c7b6a5f4e")
        watcher.build_line("[ 45%] Building CXX object")
    assert "Building base 9d8c7b6a5f4e: [ 45%] Building CXX object" in text.getvalue()


def test_a_terminal_shows_one_line_that_is_gone_afterwards() -> None:
    console, text = a_console(terminal=True)
    with watching(console) as watcher:
        assert isinstance(watcher, TerminalWatcher)
        watcher.phase("Looking for the model")
        watcher.step(progress(1, e2e_ms=50.0))
        watcher.step(progress(2, e2e_ms=50.0))  # too soon to be drawn
    shown = text.getvalue()
    assert "Looking for the model …" in shown
    assert "Measuring: 1 step, median 50.0 ms, at most 6 s left" in shown
    assert "2 steps" not in shown
    assert shown.endswith("\x1b[2K")  # the line is wiped


@pytest.mark.parametrize(
    ("done", "total", "bar"),
    [
        (0, 60, "╌" * 30),
        (30, 60, "━" * 15 + "╌" * 15),
        (60, 60, "━" * 30),
        (5, None, "╌" * 30),
        (5, 0, "╌" * 30),
    ],
)
def test_a_terminal_shows_a_download_as_a_bar(
    monkeypatch: pytest.MonkeyPatch, done: int, total: int | None, bar: str
) -> None:
    is_always_due(monkeypatch)
    console, text = a_console(terminal=True)
    with watching(console) as watcher:
        watcher.download(done, total)
    assert f"{bar}  Fetching the model: 0" in text.getvalue()


def test_the_line_is_wiped_when_the_run_fails() -> None:
    console, text = a_console(terminal=True)

    def fail() -> None:
        with watching(console) as watcher:
            watcher.phase("Measuring")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert text.getvalue().endswith("\x1b[2K")


class Gone(io.StringIO):
    """A terminal that was closed after what it has taken until then."""

    def __init__(self, takes: int) -> None:
        super().__init__()
        self.left = takes

    def write(self, text: str, /) -> int:
        self.left -= 1
        if self.left < 0:
            raise OSError("Input/output error")
        return super().write(text)


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("takes", range(1, 5))
def test_a_terminal_that_goes_away_ends_nothing(
    takes: int, *, terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_always_due(monkeypatch)
    gone = Gone(takes)
    with watching(Console(file=gone, force_terminal=terminal)) as watcher:
        watcher.phase("Measuring")
        watcher.step(progress(1, e2e_ms=50.0))
        watcher.download(1, 2)
    watcher.phase("Going on")
    assert gone.left <= 0 or not terminal
