"""Engines that start a process for every step: what is theirs and what is shared."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from perf_smoke.engines import registry
from perf_smoke.engines.base import EngineSetup, Reply
from perf_smoke.result import Unmeasured
from tests.integration.engines.case_programs import JSON_METRICS, program_setup
from tests.integration.engines.setups import blank_setup

JSON_COMMAND = ("{model}", "{tokens}", "{prompt}", "result.json")


@contextmanager
def shell_command(folder: Path, script: str, metrics: str = "") -> Iterator[EngineSetup]:
    """Engine `command` with a script of sh."""
    yield blank_setup(folder, command=("sh", "-c", script), metrics=metrics)


def step(setup: EngineSetup, engine: str = "command", timeout_s: float = 60.0) -> Reply:
    session = registry.prepare(engine, setup).open({"ADDED": "by open"})
    return session.step(setup.request, timeout_s)


def test_a_leftover_of_an_earlier_run_is_never_read(tmp_path: Path) -> None:
    with shell_command(tmp_path, "true", "json out.json:\n n_out /n") as setup:
        (setup.working_directory / "out.json").write_text('{"n": 4}')
        reply = step(setup)
    assert reply.failure is not None
    assert reply.failure.reason == "engine-output"
    assert "did not write its result file out.json" in reply.failure.sentence
    assert not (setup.working_directory / "out.json").exists()


def test_a_result_file_that_cannot_be_removed_stops_the_step_before_it_starts(
    tmp_path: Path,
) -> None:
    with shell_command(tmp_path, "touch ran", "json out.json:\n n_out /n") as setup:
        (setup.working_directory / "out.json").mkdir()
        reply = step(setup)
    assert reply.failure is not None
    assert "cannot be removed before a step" in reply.failure.sentence
    assert not (setup.working_directory / "ran").exists()


@pytest.mark.parametrize("script", ["mkdir out.json", "mkfifo out.json", "ln -s nowhere out.json"])
def test_a_result_that_is_no_file_is_no_result(tmp_path: Path, script: str) -> None:
    with shell_command(tmp_path, script, "json out.json:\n n_out /n") as setup:
        reply = step(setup)
    assert reply.failure is not None
    assert "did not write its result file" in reply.failure.sentence


def test_a_result_file_that_cannot_be_read_is_a_failed_step(tmp_path: Path) -> None:
    # Nothing is at the beginning of a process's memory; root reads all that is a real file.
    script = "ln -s /proc/self/mem out.json"
    with shell_command(tmp_path, script, "json out.json:\n n_out /n") as setup:
        reply = step(setup)
    assert reply.failure is not None
    assert reply.failure.reason == "engine-output"
    assert "its result file out.json cannot be read: Input/output error" in reply.failure.sentence
    assert reply.sample.wall_ms is not None


def test_a_result_file_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    script = "truncate -s 1T out.json"
    with shell_command(tmp_path, script, "json out.json:\n n_out /n") as setup:
        reply = step(setup)
    assert reply.failure is not None
    assert "larger than 16 MiB" in reply.failure.sentence


def test_what_was_measured_of_a_failed_step_is_kept(tmp_path: Path) -> None:
    with shell_command(tmp_path, "echo no paper >&2; exit 3") as setup:
        reply = step(setup)
    assert reply.failure is not None
    assert reply.failure.sentence.startswith("`sh` exited with code 3 after ")
    assert reply.failure.tail == "no paper"
    assert reply.sample.wall_ms is not None
    assert reply.sample.cpu_ms is not None
    assert not reply.sample.ok


def test_programs_run_in_the_working_directory_with_the_environment_of_their_side(
    tmp_path: Path,
) -> None:
    script = 'pwd; echo "$ADDED $HOME $OWN"'
    with shell_command(tmp_path, script, "text stdout:\n (?s)(?P<text>.*)") as setup:
        reply = step(replace(setup, environment={**setup.environment, "OWN": "of the side"}))
    folder, added = reply.text.splitlines()
    assert Path(folder).samefile(setup.working_directory)
    assert added == f"by open {os.environ['HOME']} of the side"


def test_arguments_are_never_seen_by_a_shell(tmp_path: Path) -> None:
    setup = blank_setup(
        tmp_path,
        command=("printf", "%s", "{prompt}"),
        metrics="text stdout:\n (?s)(?P<text>.*)",
    )
    prompt = "$(touch hacked) `id` 'x' \"y\" ; & | \\n {seed}"
    reply = step(replace(setup, request=replace(setup.request, prompt=prompt)))
    assert reply.text == prompt


def test_an_argument_that_is_too_long_is_a_failed_step(tmp_path: Path) -> None:
    setup = blank_setup(tmp_path, command=("printf", "%s", "{prompt}"))
    reply = step(replace(setup, request=replace(setup.request, prompt="x" * 3_000_000)))
    assert reply.failure is not None
    assert reply.failure.reason == "engine-missing"
    assert "`printf` cannot be started: " in reply.failure.sentence


def test_a_hanging_program_is_killed_with_what_it_started(tmp_path: Path) -> None:
    script = "sleep 600 & echo $! > child; wait"
    with shell_command(tmp_path, script) as setup:
        reply = step(setup, timeout_s=1.0)
    assert reply.failure is not None
    assert reply.failure.reason == "engine-timeout"
    child = int((setup.working_directory / "child").read_text())
    if psutil.pid_exists(child):
        assert psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_all_that_is_wrong_with_command_and_metrics_is_said_at_once(tmp_path: Path) -> None:
    setup = blank_setup(tmp_path, command=("bench", "{speed}"), metrics="n_out /n")
    with pytest.raises(Unmeasured) as caught:
        registry.prepare("command", setup)
    assert caught.value.failure.reason == "command-invalid"
    assert "{speed}, which is no placeholder" in caught.value.failure.sentence
    assert "`metrics` cannot be used: `n_out /n` stands before" in caught.value.failure.sentence


def test_an_unknown_program_is_not_asked_for_its_version(tmp_path: Path) -> None:
    setup = blank_setup(tmp_path, command=("./launch-missiles",))
    program = setup.working_directory / "launch-missiles"
    program.write_text("#!/bin/sh\ntouch launched\n")
    program.chmod(0o755)
    identity = registry.prepare("command", setup).identity
    assert identity.version == ""
    assert len(identity.binary_sha256) == 64
    assert not (setup.working_directory / "launched").exists()


def test_the_base_side_has_a_result_file_of_its_own(tmp_path: Path) -> None:
    make = program_setup("fake_command", "bench", command=JSON_COMMAND, metrics=JSON_METRICS)
    for side in ("head", "base"):
        folder = tmp_path / side
        folder.mkdir()
        with make(folder, "") as setup:
            assert step(setup).failure is None
            assert (folder / "checkout" / "result.json").is_file()


def test_a_result_of_another_form_is_said(tmp_path: Path) -> None:
    setup = blank_setup(tmp_path, model=tmp_path / "m.gguf", binary="./bitnet")
    program = setup.working_directory / "bitnet"
    program.write_text(
        "#!/bin/sh\n"
        'while [ $# -gt 1 ]; do [ "$1" = --json-out ] && out="$2"; shift; done\n'
        '[ -z "$out" ] || echo \'{"tokens": "four"}\' > "$out"\n'
    )
    program.chmod(0o755)
    reply = step(setup, "bitnet-rs")
    assert reply.failure is not None
    assert reply.failure.reason == "engine-output"
    assert "`tokens` in a form that is not known" in reply.failure.sentence
    assert reply.sample.wall_ms is not None


def test_bitnet_rs_keeps_to_the_threads_and_never_makes_up_a_model(tmp_path: Path) -> None:
    setup = blank_setup(tmp_path, model=tmp_path / "m.gguf", binary="./bitnet")
    setup = replace(setup, environment={**setup.environment, "BITNET_ALLOW_MOCK": "true"})
    program = setup.working_directory / "bitnet"
    program.write_text(
        "#!/bin/sh\n"
        'while [ $# -gt 1 ]; do [ "$1" = --json-out ] && out="$2"; shift; done\n'
        'text="threads $RAYON_NUM_THREADS, mock $BITNET_ALLOW_MOCK"\n'
        'form=\'{"tokens": {"generated": 1}, "text": "%s"}\'\n'
        '[ -z "$out" ] || printf "$form" "$text" > "$out"\n'
    )
    program.chmod(0o755)
    assert step(setup, "bitnet-rs").text == f"threads {setup.request.threads}, mock false"
