"""What a program leaves running ends with it, and so takes no part in what is measured next."""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

import psutil
import pytest

from perf_smoke import result_file
from perf_smoke.result import Result

METRICS = "json r.json:\n e2e_ms /ms"


@pytest.fixture
def name() -> str:
    """By which what was started is found again."""
    return f"left-{uuid.uuid4().hex}"


def run(folder: Path, *inputs: str) -> Result:
    """`perf-smoke run` in a folder."""
    command = [sys.executable, "-m", "perf_smoke", "run", "--warmup", "0", *inputs]
    subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return result_file.read(folder / "perf-smoke-out" / "result.json")


def program(folder: Path, script: str) -> str:
    """A program of bash, by its name."""
    path = folder / "engine"
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)
    return "./engine"


def is_running(name: str) -> bool:
    return any(name in (one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"]))


def daemon(name: str, script: str) -> str:
    """A script that goes on in a session and under a parent of its own, without the environment."""
    return f"(setsid env -i PATH=/usr/bin:/bin bash -c '{script}' {name} >/dev/null 2>&1 &)"


def test_a_daemon_of_the_base_gives_head_no_numbers(tmp_path: Path, name: str) -> None:
    writes = daemon(name, 'while :; do echo "{\\"ms\\": 111}" >r.json; sleep 0.002; done')
    of_base = f'[ "$1" = base ] || {{ sleep 0.05; exit 0; }}\n{writes}\nsleep 0.05'
    command = program(tmp_path, of_base)
    sides = ("--command", f"{command} head", "--base-command", f"{command} base")

    for _ in range(3):  # in whichever order
        result = run(tmp_path, *sides, "--metrics", METRICS, "--runs", "3")
        assert result.status == "failed"
        assert result.failure is not None
        assert "`engine` ended well, but it did not write its result file r.json" in (
            result.failure.sentence
        )
        assert not is_running(name)


def test_a_daemon_of_a_step_is_told_once(tmp_path: Path, name: str) -> None:
    stays = daemon(name, f": >{tmp_path}/up; sleep 600; :")
    # Ended before it is itself, it would have the name of what starts it.
    waits = "until [ -e up ]; do sleep 0.01; done; rm up"
    command = program(tmp_path, f"{stays}\n{waits}")
    result = run(tmp_path, "--command", command, "--runs", "3")
    assert result.status == "measured"
    assert not is_running(name)
    notes = [note for note in result.notes if "running" in note]
    assert len(notes) == 1
    assert notes[0].startswith("A step left `bash`")
    assert notes[0].endswith("which were ended before anything else was measured.")


def test_a_daemon_of_a_build_is_gone_before_anything_is_measured(tmp_path: Path, name: str) -> None:
    command = program(tmp_path, f"pgrep -f {name} >>seen; exit 0")
    # In a file: on a command line, perf-smoke's own would be found too.
    (tmp_path / "build").write_text(daemon(name, "sleep 600; :"))
    result = run(tmp_path, "--command", command, "--build", "bash build", "--runs", "2")
    assert result.status == "measured"
    assert (tmp_path / "seen").read_text() == ""
    assert [note for note in result.notes if note.startswith("The build of head left `")]


def test_what_does_not_descend_from_a_run_is_never_touched(tmp_path: Path, name: str) -> None:
    with subprocess.Popen(["bash", "-c", "sleep 600; :", name], start_new_session=True) as other:
        result = run(tmp_path, "--command", program(tmp_path, ""), "--runs", "2")
        assert (result.status, other.poll()) == ("measured", None)
        other.kill()


def test_a_file_that_git_tracks_is_no_result_file(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"ms": 5}')
    for arguments in (["init", "-q"], ["add", "r.json"]):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    result = run(tmp_path, "--command", program(tmp_path, ""), "--metrics", METRICS)
    assert result.failure is not None
    assert "`metrics` reads `r.json`, which git tracks" in result.failure.sentence
    assert (tmp_path / "r.json").read_text() == '{"ms": 5}'


def test_a_file_that_was_there_before_is_kept_and_gives_no_numbers(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"ms": 5}')
    result = run(tmp_path, "--command", program(tmp_path, ""), "--metrics", METRICS)
    assert result.status == "failed"
    assert (tmp_path / "r.json.before-perf-smoke").read_text() == '{"ms": 5}'


def test_a_file_that_was_there_before_and_cannot_be_kept_is_not_removed(tmp_path: Path) -> None:
    theirs = tmp_path / f"{'r' * 240}.json"  # no name is left for a copy
    theirs.write_text('{"ms": 5}')
    metrics = f"json {theirs.name}:\n e2e_ms /ms"
    result = run(tmp_path, "--command", program(tmp_path, ""), "--metrics", metrics)
    assert result.failure is not None
    assert result.reason == "engine-output"
    assert "is there before the first step, and cannot be kept as" in result.failure.sentence
    assert theirs.read_text() == '{"ms": 5}'


def test_a_link_to_an_older_file_is_no_new_one(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text('{"ms": 5}')
    command = program(tmp_path, "sleep 0.05; ln -s old.json r.json")
    result = run(tmp_path, "--command", command, "--metrics", METRICS)
    assert result.failure is not None
    assert "leads to one that is older than the step" in result.failure.sentence
