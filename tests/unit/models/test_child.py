"""Programs that are run to their end, and not beyond."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from perf_smoke.models.child import Ended, run


def python(program: str, tmp_path: Path, most_s: float = 60) -> tuple[Ended, list[str]]:
    lines: list[str] = []

    def on_line(line: str) -> bool:
        lines.append(line)
        return line.startswith("progress")

    ended = run(
        [sys.executable, "-c", program],
        environment=os.environ,
        directory=tmp_path,
        on_line=on_line,
        most_s=most_s,
    )
    return ended, lines


def test_lines_are_handed_over_and_the_rest_is_kept_for_the_reader(tmp_path: Path) -> None:
    program = (
        "import sys; print('progress 1'); print('hello'); print('oh', file=sys.stderr); exit(3)"
    )
    ended, lines = python(program, tmp_path)
    assert lines == ["progress 1", "hello"]
    assert ended.finished.how == "exited with code 3"
    assert ended.tail == "hello\noh"


def test_a_program_that_takes_too_long_dies_with_its_children(tmp_path: Path) -> None:
    program = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
    ended, lines = python(program, tmp_path, most_s=3)
    assert ended.finished.how == "took longer than 3 s and was killed"
    until = time.monotonic() + 30
    while _lives(int(lines[0])) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _lives(int(lines[0]))


def test_an_exception_on_the_way_ends_the_program(tmp_path: Path) -> None:
    def on_line(line: str) -> bool:
        (tmp_path / "pid").write_text(line)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(
            [
                sys.executable,
                "-c",
                "import os, time; print(os.getpid(), flush=True); time.sleep(600)",
            ],
            environment=os.environ,
            directory=tmp_path,
            on_line=on_line,
            most_s=60,
        )
    assert not _lives(int((tmp_path / "pid").read_text()))


def test_only_the_last_lines_are_kept(tmp_path: Path) -> None:
    ended, _ = python("for n in range(1000): print(n)", tmp_path)
    assert ended.tail.splitlines()[0] == "980"


def test_the_last_line_counts_without_an_end(tmp_path: Path) -> None:
    ended, lines = python("import sys; sys.stdout.write('one\\ntwo')", tmp_path)
    assert lines == ["one", "two"]
    assert ended.tail == "one\ntwo"


def _lives(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
