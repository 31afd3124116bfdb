"""What engines do wrong, in sentences that say what to do."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from perf_smoke.engines import failures
from perf_smoke.engines.identity import find_program
from perf_smoke.processes.foreground import run_process
from perf_smoke.result import Unmeasured
from tests.unit.engines.finished import finished

KILLED = (
    "`bitnet` was killed (SIGKILL) after 0.4 s: most often the machine was out of memory; try a "
    "smaller model or a larger runner."
)


@pytest.mark.parametrize(
    ("exit_code", "reason", "sentence"),
    [
        (1, "engine-crashed", "`bitnet` exited with code 1 after 0.4 s."),
        (0, "engine-crashed", "`bitnet` exited with code 0 after 0.4 s."),
        (-signal.SIGSEGV, "engine-crashed", "`bitnet` crashed (SIGSEGV) after 0.4 s."),
        (-99, "engine-crashed", "`bitnet` crashed (signal 99) after 0.4 s."),
        (-signal.SIGKILL, "engine-killed", KILLED),
        (137, "engine-killed", KILLED),
        (143, "engine-crashed", "`bitnet` exited with code 143 after 0.4 s."),
    ],
)
def test_how_a_program_ended_is_said_in_words(exit_code: int, reason: str, sentence: str) -> None:
    failure = failures.exited("bitnet", exit_code, 0.4, "one\ntwo\n")
    assert (failure.reason, failure.sentence, failure.tail) == (reason, sentence, "one\ntwo")


def test_a_program_that_was_killed_inside_a_script_is_told_alike(tmp_path: Path) -> None:
    script = ["bash", "-c", "bash -c 'kill -KILL $$'; exit $?"]
    ended = run_process(
        script, timeout_s=60.0, cwd=tmp_path, environment={"PATH": os.environ["PATH"]}
    )
    failure = failures.process_failure("bench", ended)
    assert failure is not None
    assert failure.reason == "engine-killed"


def test_a_good_end_is_no_failure() -> None:
    assert failures.process_failure("x", finished()) is None


def test_a_timeout_says_what_was_done_and_how_to_give_more_time() -> None:
    failure = failures.process_failure("x", finished(exit_code=-9, timed_out=True))
    assert failure is not None
    assert failure.reason == "engine-timeout"
    assert "longer than 5 s" in failure.sentence
    assert "raise `timeout`" in failure.sentence


@pytest.mark.parametrize(
    ("stdout", "stderr", "tail"),
    [
        (b"out", b"err", "err"),
        (b"out", b"", "out"),
        (b"out", b" \n", "out"),
        (b"", b"\x1b[31mcaf\xe9\x00\x1b[0m", "caf\ufffd\ufffd"),
    ],
)
def test_the_tail_is_what_the_program_complained_about(
    stdout: bytes, stderr: bytes, tail: str
) -> None:
    failure = failures.process_failure("x", finished(stdout, stderr, 2))
    assert failure is not None
    assert failure.tail == tail


def test_an_output_that_says_nothing_is_a_failure_with_what_was_missing() -> None:
    failure = failures.unreadable("x", "it printed no timings", "all\nthat it said")
    assert failure.reason == "engine-output"
    assert failure.sentence == "`x` ended well, but it printed no timings."


def test_a_failed_step_keeps_what_was_measured_of_it() -> None:
    reply = failures.failed_step(failures.timed_out("x", 1.0, ""), wall_ms=1000.0)
    assert (reply.sample.ok, reply.sample.error) == (False, "engine-timeout")
    assert reply.sample.wall_ms == 1000.0
    assert reply.failure is not None


def test_a_program_is_called_by_its_name() -> None:
    assert failures.program_name("/a/b/llama-cli") == "llama-cli"
    assert failures.program_name("/") == "/"


def refusal(argv: list[str], cwd: Path) -> str:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - whichever the system gives
        run_process(argv, timeout_s=60.0, cwd=cwd, environment={})
    failure = failures.not_started("x", caught.value).failure
    assert failure.reason == "engine-missing"
    return failure.sentence


def test_what_the_system_refused_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert refusal([str(missing)], tmp_path) == (
        f"`x` cannot be started: No such file or directory: {missing}."
    )
    assert str(missing) in refusal(["/bin/true"], missing)


def test_a_program_for_another_system_is_told_from_a_missing_one(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/nowhere/interpreter\n")
    script.chmod(0o755)
    assert "built for another system?" in refusal([str(script)], tmp_path)


def test_an_error_without_a_name_is_told_too() -> None:
    error = OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
    sentence = failures.not_started("x", error).failure.sentence
    assert sentence == "`x` cannot be started: Cannot allocate memory."


def program(folder: Path, name: str, mode: int = 0o755) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def find(binary: str, working_directory: Path, path: str = "") -> Path:
    return find_program(binary, working_directory=working_directory, environment={"PATH": path})


def not_found(binary: str, working_directory: Path, path: str = "") -> str:
    with pytest.raises(Unmeasured) as caught:
        find(binary, working_directory, path)
    assert caught.value.failure.reason == "engine-missing"
    return caught.value.failure.sentence


def test_a_bare_name_is_looked_up_on_path_alone(tmp_path: Path) -> None:
    there = program(tmp_path, "bin/engine")
    program(tmp_path, "engine")
    assert find("engine", tmp_path, str(there.parent)) == there
    assert "on PATH" in not_found("engine", tmp_path)
    assert "on PATH" in not_found("", tmp_path, str(there.parent))


def test_a_path_counts_from_the_working_directory(tmp_path: Path) -> None:
    there = program(tmp_path, "target/release/engine")
    assert find("target/release/engine", tmp_path) == there
    assert find("./engine", there.parent).samefile(there)
    assert find(str(there), Path("/")) == there


def test_a_missing_program_is_named_with_its_place(tmp_path: Path) -> None:
    assert f"at {tmp_path}/build/engine" in not_found("build/engine", tmp_path)
    (tmp_path / "build" / "engine").mkdir(parents=True)
    assert "There is no program" in not_found("build/engine", tmp_path)


def test_the_remedy_names_what_its_reader_has_written(tmp_path: Path) -> None:
    assert not_found("engine", tmp_path).endswith("install it before, or set `binary`.")
    with pytest.raises(Unmeasured, match="build or install it before, or correct the command"):
        find_program(
            "./bnech", working_directory=tmp_path, environment={}, otherwise="correct the command"
        )


def test_a_program_that_lost_its_permission_is_told_from_a_missing_one(tmp_path: Path) -> None:
    program(tmp_path, "engine", mode=0o644)
    assert "`chmod +x`" in not_found("./engine", tmp_path)


def test_a_path_that_is_relative_on_path_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "bin/engine")
    monkeypatch.chdir(tmp_path)
    assert find("engine", Path("/"), "bin") == tmp_path / "bin" / "engine"
