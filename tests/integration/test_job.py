"""One run with its files: real engines, real folders, full disks and runs beside each other."""

from __future__ import annotations

import hashlib
import io
import math
import os
import resource
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from rich.console import Console

from perf_smoke import job, result, result_file
from perf_smoke.cancel import Signals
from perf_smoke.result import HEAD, WORKLOAD, Measurement, Output, Result, Workload
from perf_smoke.result_file import UnreadableResult
from perf_smoke.settings import parse
from tests import results
from tests.integration.models.server import FileServer, running

OURS = {"result.json", "report.md"}


@pytest.fixture
def signals() -> Iterator[Signals]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield Signals()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def temp(tmp_path: Path) -> Path:
    """RUNNER_TEMP."""
    folder = tmp_path / "temp"
    folder.mkdir()
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """64 KB, full but for the first few bytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root and the right to mount")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def measure(
    signals: Signals, environ: Mapping[str, str], console: Console | None = None, **inputs: str
) -> Result:
    given = {name.replace("_", "-"): text for name, text in inputs.items()}
    return job.measure(
        parse({"command": "true", "warmup": "0", "runs": "1", "baseline": "none", **given}),
        {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environ},
        runtime="host",
        merge_target="",
        console=console or Console(file=io.StringIO()),
        signals=signals,
    )


def a_result(text: str = "measured") -> Result:
    said = Measurement(output=Output(text=text, sha256="", stable=True))
    """A document; the text tells it from others."""
    return Result(
        status="measured",
        started="2026-01-01T00:00:00+00:00",
        tool=result.Tool(version="0", runtime="cli"),
        settings={},
        cost=result.Cost(total_s=1.0),
        workloads={WORKLOAD: Workload(metrics=("e2e",), measurements={HEAD: said})},
    )


@dataclass(frozen=True, kw_only=True)
class Files:
    """What became of both files."""

    result: Path | None = None
    report: Path | None = None
    problems: tuple[str, ...] = ()


def written(found: Result, markdown: str, folder: Path) -> Files:
    files = (job.write_result(found, folder), job.write_report(markdown, folder))
    return Files(
        result=files[0].path,
        report=files[1].path,
        problems=tuple(file.problem for file in files if file.problem),
    )


def fill(disk: Path) -> None:
    with suppress(OSError), (disk / "full").open("wb", buffering=0) as file:
        while file.write(b"x" * 1024):
            pass


def test_a_run_has_a_folder_of_its_own_in_the_runners_and_leaves_nothing_there(
    signals: Signals, temp: Path, tmp_path: Path
) -> None:
    (temp / "another step's").touch()
    seen = tmp_path / "seen"
    look = shlex.quote(f'ls "$RUNNER_TEMP" >{seen}; cd "$RUNNER_TEMP"/perf-smoke-*; mkdir a')

    found = measure(signals, {"RUNNER_TEMP": str(temp)}, command=f"sh -c {look}")

    assert found.status == "measured", found.failure
    ours, others = sorted(seen.read_text().splitlines(), key=lambda name: name.startswith("a"))
    assert ours.startswith("perf-smoke-")
    assert others == "another step's"
    assert [path.name for path in temp.iterdir()] == ["another step's"]


def test_without_a_temporary_folder_the_reason_is_a_result_like_any_other(
    signals: Signals, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    found = measure(signals, {"RUNNER_TEMP": str(tmp_path / "file"), "ImageOS": "ubuntu24"})

    assert (found.status, found.reason) == ("failed", "scratch-unusable")
    assert found.failure is not None
    assert found.failure.sentence == (
        f"No temporary folder can be made in {tmp_path}/file: Not a directory."
    )
    assert found.settings["command"] == "true"
    assert found.machine is not None
    assert found.machine.image == "ubuntu24"
    assert found.head is None


def test_a_user_without_a_home_fetches_a_model_for_this_run_alone(
    signals: Signals, temp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)  # nobody has this number
    seen = tmp_path / "seen"
    with running(FileServer()) as server:
        server.files["/tiny.gguf"] = b"GGUF, more or less"
        found = measure(
            signals,
            {"RUNNER_TEMP": str(temp), "HOME": ""},
            command=f"sh -c 'echo $1 >{seen}' sh {{model}}",
            model=server.url("/tiny.gguf"),
            model_sha256=hashlib.sha256(server.files["/tiny.gguf"]).hexdigest(),
        )

    assert found.status == "measured", found.failure
    assert Path(seen.read_text()).is_relative_to(temp)
    assert list(temp.iterdir()) == []


def test_our_inputs_and_the_runners_credentials_reach_no_engine(
    signals: Signals, temp: Path, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    secret = {"INPUT_GITHUB_TOKEN": "s3cret", "ACTIONS_RUNTIME_TOKEN": "s3cret"}

    found = measure(signals, {"RUNNER_TEMP": str(temp), **secret}, command=f"sh -c 'env >{seen}'")

    assert found.status == "measured", found.failure
    assert "RUNNER_TEMP" in seen.read_text()
    assert "s3cret" not in seen.read_text()


class Unreadable(io.StringIO):
    """A log on a full disk: nothing can be added to it."""

    def write(self, text: str, /) -> int:
        raise OSError("No space left on device")


def test_a_log_that_takes_nothing_more_costs_no_measurement(signals: Signals, temp: Path) -> None:
    console = Console(file=Unreadable())
    found = measure(signals, {"RUNNER_TEMP": str(temp)}, console, runs="3")
    assert found.status == "measured", found.failure
    assert len(results.steps(found)) == 3


def test_what_an_earlier_run_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (*OURS, "other.json"):
        (tmp_path / name).write_text("an earlier run's")
    assert job.remove_old_files(tmp_path) == ""
    assert [path.name for path in tmp_path.iterdir()] == ["other.json"]


def test_a_link_to_an_earlier_result_is_removed_and_not_what_it_leads_to(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text("an earlier run's")
    (tmp_path / "result.json").symlink_to(kept)
    assert job.remove_old_files(tmp_path) == ""
    assert [path.name for path in tmp_path.iterdir()] == ["kept.json"]


def test_where_no_run_was_there_is_nothing_to_say(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path, tmp_path / "missing", tmp_path / "file" / "below"):
        assert job.remove_old_files(folder) == ""


def test_what_cannot_be_removed_is_told_and_the_rest_is_removed(tmp_path: Path) -> None:
    (tmp_path / "result.json").mkdir()
    (tmp_path / "report.md").touch()
    sentence = f"{tmp_path}/result.json of an earlier run cannot be removed: Is a directory."
    assert job.remove_old_files(tmp_path) == sentence
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


def test_an_earlier_result_that_cannot_be_removed_is_not_given_out_as_this_ones(
    small_disk: Path,
) -> None:
    for name in OURS:
        (small_disk / name).write_text("an earlier run's")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    left = job.remove_old_files(small_disk)
    files = written(a_result(), "report", small_disk)

    assert left.count("of an earlier run cannot be removed: Read-only file system.") == len(OURS)
    assert (files.result, files.report) == (None, None)
    assert [problem.split(": ")[1] for problem in files.problems] == ["Read-only file system."] * 2


def test_while_it_runs_no_earlier_result_lies_where_its_own_will(tmp_path: Path) -> None:
    (tmp_path / "perf-smoke-out").mkdir()
    for name in OURS:
        (tmp_path / "perf-smoke-out" / name).write_text("an earlier run's")

    done = perf_smoke(tmp_path, "--command", "sh -c '! ls perf-smoke-out/* >&2'")

    assert done.returncode == 0, done.stdout
    assert {path.name for path in (tmp_path / "perf-smoke-out").iterdir()} == OURS


def test_both_files_are_written_into_a_folder_made_for_them(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    files = written(a_result(), "# Report", folder)
    assert (files.result, files.report) == (folder / "result.json", folder / "report.md")
    assert files.problems == ()
    assert result_file.read(folder / "result.json") == a_result()
    assert (folder / "report.md").read_text("utf-8") == "# Report"
    assert {path.name for path in folder.iterdir()} == OURS


def test_files_may_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        written(a_result(), "report", tmp_path)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o644}


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    files = written(a_result(), "report", tmp_path / "file" / "below")
    why = f"{tmp_path}/file/below cannot be made: Not a directory."
    assert files == Files(problems=(why, why))


@pytest.mark.parametrize("blocked", sorted(OURS))
def test_one_file_that_cannot_be_written_does_not_stop_the_other(
    tmp_path: Path, blocked: str
) -> None:
    (tmp_path / blocked).mkdir()
    files = written(a_result(), "report", tmp_path)
    names = [path.name for path in (files.result, files.report) if path]
    assert names == sorted(OURS - {blocked})
    assert files.problems == (f"{tmp_path}/{blocked} cannot be written: Is a directory.",)
    assert {path.name for path in tmp_path.iterdir()} == OURS, "a draft was left"


def test_on_a_full_disk_nothing_half_written_is_left(small_disk: Path) -> None:
    fill(small_disk)
    files = written(a_result(), "report", small_disk)
    assert (files.result, files.report) == (None, None)
    assert [problem.split(": ")[1] for problem in files.problems] == [
        "No space left on device."
    ] * 2
    assert [path.name for path in small_disk.iterdir()] == ["full"]


def test_a_report_that_does_not_fit_leaves_the_result_whole(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        files = written(a_result(), "report " * 10_000, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert result_file.read(tmp_path / "result.json") == a_result()
    assert files.report is None
    assert files.problems == (f"{tmp_path}/report.md cannot be written: File too large.",)
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


def test_a_number_that_is_none_is_told_and_not_written(tmp_path: Path) -> None:
    broken = replace(a_result(), cost=result.Cost(total_s=math.nan))
    files = written(broken, "report", tmp_path)
    assert files.result is None
    assert files.report == tmp_path / "report.md"
    (problem,) = files.problems
    assert problem.startswith(f"{tmp_path}/result.json cannot be written: ")
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]


def test_a_bug_in_the_report_loses_nothing_that_was_measured(tmp_path: Path) -> None:
    broken = (
        "import perf_smoke.report.markdown as markdown, perf_smoke.cli as cli\n"
        "markdown.render = lambda *_: 1 / 0\n"
        "cli.main(['run', '--command', 'true', '--runs', '2'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", broken], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "ZeroDivisionError" in done.stderr
    assert result_file.read(tmp_path / "perf-smoke-out" / "result.json").status == "measured"


def test_whoever_reads_while_many_write_reads_one_whole_document(tmp_path: Path) -> None:
    """Threads of one process race for the same files as processes do."""
    texts = ["a" * 10, "b" * 200_000, "c" * 2_000]
    problems: list[str] = []
    written(a_result(texts[0]), texts[0], tmp_path)

    def write(text: str) -> None:
        for _ in range(60):
            problems.extend(written(a_result(text), text, tmp_path).problems)

    writers = [threading.Thread(target=write, args=(text,)) for text in texts]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        try:
            found = result_file.read(tmp_path / "result.json")
        except UnreadableResult as error:
            problems.append(str(error))
            break
        seen.add(results.output(found).text)
        seen.add((tmp_path / "report.md").read_text("utf-8"))
    for writer in writers:
        writer.join()
    assert problems == []
    assert seen <= set(texts)
    assert {path.name for path in tmp_path.iterdir()} == OURS


def perf_smoke(folder: Path, *inputs: str, **io_: object) -> subprocess.CompletedProcess[str]:
    """One step of this command, in a process of its own."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **io_}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        command_of(*inputs), cwd=folder, check=False, timeout=240, **options
    )


def command_of(*inputs: str) -> list[str]:
    few = ("--warmup", "0", "--runs", "1")
    return [sys.executable, "-m", "perf_smoke", "run", *few, *inputs]


def test_two_runs_in_one_folder_leave_whole_files_and_none_of_their_own(
    tmp_path: Path, temp: Path
) -> None:
    # Neither engine ends before the other run has begun, too.
    wait = shlex.quote('touch here-$0; while ! [ -e "here-$1" ]; do sleep 0.01; done')
    environment = {**os.environ, "RUNNER_TEMP": str(temp)}
    runs = [
        subprocess.Popen(
            command_of("--command", f"sh -c {wait} {who}", "--label", who[0]),
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for who in ("a b", "b a")
    ]
    shown = [run.communicate(timeout=240)[0] for run in runs]

    assert [run.returncode for run in runs] == [0, 0], shown
    found = result_file.read(tmp_path / "perf-smoke-out" / "result.json")
    assert found.status == "measured"
    assert found.settings["label"] in ("a", "b")
    assert (tmp_path / "perf-smoke-out" / "report.md").read_text("utf-8").endswith("\n")
    assert {path.name for path in (tmp_path / "perf-smoke-out").iterdir()} == {*OURS, ".gitignore"}
    assert list(temp.iterdir()) == []


def test_a_reader_who_goes_away_costs_no_result(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = perf_smoke(tmp_path, "--command", "true", stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
    assert result_file.read(tmp_path / "perf-smoke-out" / "result.json").status == "measured"


def test_a_full_disk_behind_the_log_costs_no_result(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = perf_smoke(tmp_path, "--command", "true", stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, "")
    assert result_file.read(tmp_path / "perf-smoke-out" / "result.json").status == "measured"


def test_a_disk_that_is_full_before_the_report_is_shown_costs_no_result(tmp_path: Path) -> None:
    log, limit = tmp_path / "log", 1_000_000
    log.write_bytes(b"." * (limit - 100))
    with log.open("ab") as end:
        done = perf_smoke(
            tmp_path,
            *("--command", "true"),
            stdout=end,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
    assert log.stat().st_size == limit
    assert (done.returncode, done.stderr) == (0, "")
    assert result_file.read(tmp_path / "perf-smoke-out" / "result.json").status == "measured"
