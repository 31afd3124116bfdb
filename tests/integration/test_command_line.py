"""`perf-smoke` as somebody at a terminal meets it: a process of its own, the real engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perf_smoke import result
from perf_smoke.settings import INPUTS

BROKEN_MODEL = "broken.gguf"


def perf_smoke(
    *arguments: str, cwd: Path, timeout_s: float = 240
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "perf_smoke", *arguments],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def test_without_any_option_it_measures_the_demonstration_and_leaves_both_files(
    tmp_path: Path,
) -> None:
    done = perf_smoke("run", "--runs", "6", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    found = result.read(tmp_path / "perf-smoke-out" / "result.json")
    assert found.status == "measured"
    assert found.head is not None
    assert found.output is not None
    assert [sample.n_out for sample in found.head.samples] == [4] * 6
    assert found.output.text == "11, so"
    assert found.output.stable
    assert found.head.summary["e2e_ms"].n == 6
    assert found.head.summary["load_ms"].n == 1
    report = (tmp_path / "perf-smoke-out" / "report.md").read_text("utf-8")
    assert "smollm2-135m" in report
    assert "not your code" in done.stdout
    assert "perf-smoke-out/result.json" in done.stdout


def test_a_second_run_leaves_only_its_own_files(tmp_path: Path) -> None:
    folder = tmp_path / "perf-smoke-out"
    folder.mkdir()
    (folder / "result.json").write_text("an earlier run's")
    (folder / "report.md").write_text("an earlier run's")
    (tmp_path / BROKEN_MODEL).write_text("this is no model")

    done = perf_smoke("run", "--model", BROKEN_MODEL, cwd=tmp_path)

    assert done.returncode == 1
    found = result.read(folder / "result.json")
    assert (found.status, found.reason) == ("failed", "model-unusable")
    assert "an earlier run's" not in (folder / "report.md").read_text("utf-8")
    assert "invalid magic" in done.stdout, "the engine's own words are missing"


def test_all_invalid_options_are_told_at_once_and_nothing_runs(tmp_path: Path) -> None:
    done = perf_smoke("run", "--tokens", "many", "--margin", "-1", "--pr-number", "x", cwd=tmp_path)

    assert done.returncode == 2
    assert [line.split()[1] for line in done.stderr.splitlines()] == [
        "tokens",
        "margin",
        "pr-number",
    ]
    assert not (tmp_path / "perf-smoke-out").exists()


def test_a_missing_model_is_one_sentence_that_names_the_file(tmp_path: Path) -> None:
    done = perf_smoke("run", "--model", "no/such.gguf", cwd=tmp_path)

    assert done.returncode == 1
    assert "no/such.gguf" in done.stdout
    found = result.read(tmp_path / "perf-smoke-out" / "result.json")
    assert found.reason == "model-missing"
    assert found.head is None


def test_a_model_with_another_hash_is_refused(tmp_path: Path) -> None:
    done = perf_smoke("run", "--model-sha256", "0" * 64, cwd=tmp_path)

    assert done.returncode == 1
    assert result.read(tmp_path / "perf-smoke-out" / "result.json").reason == "model-hash"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_what_it_measured_and_leaves_no_engine(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "perf_smoke", "run", "--runs", "100000"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    engine = _wait_for_engine(process.pid)
    time.sleep(3.0)  # some steps
    process.send_signal(number)
    process.communicate(timeout=60)

    assert process.returncode == 130
    found = result.read(tmp_path / "perf-smoke-out" / "result.json")
    assert (found.status, found.reason) == ("cancelled", "cancelled")
    assert not Path(f"/proc/{engine}").exists(), "the engine's process survived"


def test_the_output_folder_may_be_anywhere_and_a_readonly_one_loses_no_report(
    tmp_path: Path,
) -> None:
    (tmp_path / "a file").write_text("in the way")

    done = perf_smoke("run", "--runs", "1", "--output-dir", "a file/out", cwd=tmp_path)

    assert done.returncode == 0
    assert "cannot be made" in done.stderr
    assert "E2E latency" in done.stdout


def test_help_lists_every_input_as_an_option(tmp_path: Path) -> None:
    done = perf_smoke("run", "--help", cwd=tmp_path)

    assert done.returncode == 0
    missing = [row.name for row in INPUTS if f"--{row.name} " not in done.stdout]
    assert missing == []


def _wait_for_engine(parent: int) -> int:
    import psutil

    for _ in range(600):
        children = psutil.Process(parent).children()
        if any("embedded_worker" in " ".join(child.cmdline()) for child in children):
            return children[0].pid
        time.sleep(0.1)
    raise AssertionError("no engine was started within a minute")
