"""An engine that is added as docs/ENGINES.md says is known everywhere, without further edits."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.engines.test_registry import launchs_choice

ROOT = Path(__file__).parents[3]
WHISPER = """#!/bin/sh
[ "$1" != --version ] || { echo whisper.cpp 1.8.2; exit; }
cat "$7"
printf 'whisper_print_timings:     load time =    1.50 ms\\n' >&2
printf 'whisper_print_timings:   encode time =    2.00 ms /     1 runs\\n' >&2
printf 'whisper_print_timings:    total time =    3.75 ms\\n' >&2
"""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A copy of the package, and a folder with the engine's program, a model and a recording."""

    source: Path
    work: Path

    def perf_smoke(self, *arguments: str, path: Path | None = None) -> tuple[int, str]:
        """The exit code, and what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "perf_smoke", *arguments],
            cwd=self.work,
            env={
                "PYTHONPATH": str(self.source),
                "PATH": f"{path or self.work / 'nowhere'}:/usr/bin:/bin",
                "HOME": str(self.work),
                "COLUMNS": "200",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def doctor(self, *arguments: str) -> list[str]:
        """What it says, a sentence each."""
        return self.perf_smoke("doctor", *arguments)[1].splitlines()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """With the documented file and the documented row."""
    folder = tmp_path_factory.mktemp("copy")
    engines = folder / "src" / "perf_smoke" / "engines"
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    document = (ROOT / "docs" / "ENGINES.md").read_text("utf-8")
    file, row = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    (name,) = re.findall(r"\*\*1\. The file\*\*, `src/perf_smoke/engines/(\w+\.py)`", document)
    (engines / name).write_text(file, "utf-8")
    table = engines / "table.py"
    before, head, rows = table.read_text("utf-8").partition("ROWS: tuple[Row, ...] = (\n")
    table.write_text(f"{before}{head}{row},{rows}", "utf-8")
    work = folder / "work"
    work.mkdir()
    program = work / "whisper-cli"
    program.write_text(WHISPER)
    program.chmod(0o755)
    (work / "tiny.bin").write_bytes(b"ggml")
    (work / "jfk.wav").write_text("ask not what\n")
    return Copy(source=folder / "src", work=work)


WORKS = ("--binary", "./whisper-cli", "--model", "tiny.bin", "--prompt", "jfk.wav")


def test_it_is_listed_with_what_is_here(copy: Copy) -> None:
    code, listed = copy.perf_smoke("engines", path=copy.work)
    assert code == 0
    (line,) = (line for line in listed.splitlines() if line.startswith("whisper-cli"))
    assert "whisper.cpp: transcribes the recording" in line
    assert f"{copy.work}/whisper-cli whisper.cpp 1.8.2" in " ".join(listed.split())


def test_the_doctor_knows_it_by_its_program(copy: Copy) -> None:
    code, said = copy.perf_smoke("doctor", *WORKS, "--threads", "1")
    assert said == "OK: whisper-cli `./whisper-cli` with tiny.bin, 1 thread; base: none.\n"
    assert code == 0
    (said,) = copy.doctor(*WORKS, "--base-binary", "./whisper-cli")
    assert said.endswith("; base: `./whisper-cli`.")


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        (["--binary", "./whisper-cli"], "Engine `whisper-cli` needs a model"),
        ([*WORKS, "--tokenizer", "t"], "engine `whisper-cli` does not look at it"),
        ([*WORKS, "--metric", "ttft"], "does not give; it gives e2e, wall, cpu."),
        ([*WORKS, "--build", "auto"], "knows how to build bitnet-rs only: give the commands"),
        (
            ["--engine", "whisper-cli", "--model", "tiny.bin"],
            "There is no program `whisper-cli` on PATH",
        ),
        (["--binary", "./jfk.wav"], "whisper-cli (whisper-cli)"),
        (["--engine", "whisper-cli", "--endpoint", "http://x"], "`whisper-cli` asks no server"),
        (["--engine", "whisper"], "perhaps `whisper-cli` is meant"),
    ],
)
def test_the_doctor_says_what_would_not_work_with_it(
    copy: Copy, inputs: list[str], sentence: str
) -> None:
    (said,) = copy.doctor(*inputs)
    assert sentence in said


def test_it_runs_where_the_callers_programs_run() -> None:
    assert launchs_choice("whisper-cli") == "theirs"


def test_it_is_measured_compared_and_reported(copy: Copy) -> None:
    code, said = copy.perf_smoke(
        *("run", *WORKS, "--runs", "11", "--base-binary", "./whisper-cli"),
        *("--threads", "1"),
    )
    assert code == 0, said
    result = json.loads((copy.work / "perf-smoke-out" / "result.json").read_text("utf-8"))
    head, workload = result["sides"]["head"], result["workloads"]["default"]
    assert (head["engine"]["id"], head["process"]) == ("whisper-cli", "step")
    assert head["engine"]["version"] == "whisper.cpp 1.8.2"
    assert workload["request"]["passed"] == ["prompt", "threads"]
    measured = workload["measurements"]["head"]
    assert measured["output"]["text"] == "ask not what"
    assert (measured["summary"]["e2e_ms"]["median"], measured["summary"]["e2e_ms"]["tier"]) == (
        2.25,
        "D",
    )
    (comparison,) = result["comparisons"]
    assert (comparison["metric"], comparison["verdict"]) == ("e2e", "no-change")
    report = (copy.work / "perf-smoke-out" / "report.md").read_text("utf-8")
    assert "whisper-cli" in report
    assert "E2E" in report
    assert "4 tokens" not in report, "it is never told how many"
