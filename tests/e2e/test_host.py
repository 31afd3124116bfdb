"""The action on the host: perf-smoke in an environment of its own, the caller's untouched."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import NOBODY, MakeJob
from tests.e2e.job import ROOT, Job, stop_token, wait_until

QUICK = {"runtime": "host", "command": "true", "runs": "1", "warmup": "0"}
"""Measures a program that does nothing: for tests of the way there."""


def environments(tool_cache: Path) -> list[Path]:
    return [path for root in tool_cache.glob("perf-smoke-python-*") for path in root.iterdir()]


def test_the_built_in_model_is_measured_and_reported(job: Job) -> None:
    outcome = job.run({"runtime": "host", "runs": "2", "warmup": "0"})
    assert (outcome.code, outcome.status, outcome.reason) == (0, "measured", ""), outcome.log
    assert float(outcome.outputs["e2e-ms"]) > 0
    assert outcome.result().tool.runtime == "host"
    assert "| TTFT" in outcome.summary
    assert "perf-smoke: on the host, as asked" in outcome.log


def test_a_second_step_takes_the_environment_of_the_first(
    make_job: MakeJob, tmp_path: Path
) -> None:
    cache = tmp_path / "tools"
    first = make_job(tool_cache=cache).run(QUICK)
    (made,) = environments(cache)
    before = made.stat().st_ino
    second = make_job(tool_cache=cache).run(QUICK)
    assert [first.status, second.status] == ["measured", "measured"], second.log
    assert "installed in" in first.log
    assert "installed in" not in second.log
    assert [path.stat().st_ino for path in environments(cache)] == [before]


def test_the_files_that_a_step_names_stay_there_after_the_next(job: Job) -> None:
    steps = [job.run({**QUICK, "label": label}) for label in ("one", "two", "three")]
    for step, label in zip(steps, ("one", "two", "three"), strict=True):
        assert step.outputs["result-json"] == str(step.folder / "result.json")
        assert step.result().settings["label"] == label
        assert Path(step.outputs["report-md"]).read_text("utf-8").startswith("### perf-smoke")


def test_what_a_build_prints_stands_in_the_group_of_measuring_and_is_kept(job: Job) -> None:
    outcome = job.run({**QUICK, "build": "echo compiling; echo '::error::x'", "output-dir": "out"})
    assert outcome.status == "measured", outcome.log
    group, _, after = outcome.log.partition("::endgroup::")
    assert group.index("::group::perf-smoke: measuring") < group.index("  | compiling")
    assert "  | ::error::x" in group
    assert "compiling" not in after
    kept = job.workspace / "out" / "build-head.log"
    assert kept.read_text() == "compiling\n::error::x\n"

    again = job.run({**QUICK, "output-dir": "out"})
    assert again.status == "measured", again.log
    assert not kept.exists(), "it passes as this step's"


def test_two_first_steps_at_once_share_one_whole_environment(
    make_job: MakeJob, tmp_path: Path
) -> None:
    steps = [make_job(tool_cache=tmp_path / "tools").start(QUICK, {}) for _ in range(2)]
    outcomes = [step.wait() for step in steps]
    assert [outcome.status for outcome in outcomes] == ["measured", "measured"], outcomes
    (only,) = environments(tmp_path / "tools")
    assert not list(only.glob("*.part.*"))


def test_the_environment_of_a_removed_python_is_made_anew(
    make_job: MakeJob, tmp_path: Path
) -> None:
    cache = tmp_path / "tools"
    make_job(tool_cache=cache).run(QUICK)
    (broken,) = environments(cache)
    for name in broken.glob("bin/python*"):
        name.unlink()
    again = make_job(tool_cache=cache).run(QUICK)
    assert again.status == "measured", again.log


def damaged(tool_cache: Path) -> Path:
    """The only environment, without a module that nothing but the report needs."""
    (venv,) = environments(tool_cache)
    (module,) = venv.glob("lib/python3*/site-packages/pydantic/type_adapter.py")
    module.unlink()
    return module


def test_a_damaged_environment_is_replaced_once_and_told_in_a_line(
    make_job: MakeJob, tmp_path: Path
) -> None:
    cache = tmp_path / "tools"
    make_job(tool_cache=cache).run(QUICK)
    module = damaged(cache)
    again = make_job(tool_cache=cache).run(QUICK)
    assert again.status == "measured", again.log
    told = "perf-smoke: the environment of an earlier step is damaged and made anew: "
    assert again.log.count(told) == 1
    assert f"{told}lib/" in again.log
    assert module.exists()
    assert len(environments(cache)) == 1
    assert told not in make_job(tool_cache=cache).run(QUICK).log


def test_what_is_damaged_in_place_is_not_taken_from_the_installers_cache_again(
    make_job: MakeJob, tmp_path: Path
) -> None:
    cache, of_its_own = tmp_path / "tools", {"UV_CACHE_DIR": str(tmp_path / "uv")}
    make_job(tool_cache=cache).run(QUICK, of_its_own)
    (venv,) = environments(cache)
    (module,) = venv.glob("lib/python3*/site-packages/pydantic/type_adapter.py")
    module.write_bytes(b"")  # the installer's copy is the same file
    again = make_job(tool_cache=cache).run(QUICK, of_its_own)
    assert again.status == "measured", again.log
    assert module.stat().st_size > 0


def test_two_steps_at_once_replace_a_damaged_environment(make_job: MakeJob, tmp_path: Path) -> None:
    cache = tmp_path / "tools"
    make_job(tool_cache=cache).run(QUICK)
    damaged(cache)
    steps = [make_job(tool_cache=cache).start(QUICK, {}) for _ in range(2)]
    assert [step.wait().status for step in steps] == ["measured", "measured"]
    assert len(environments(cache)) == 1


def test_what_a_killed_install_left_goes_with_the_next_one(
    make_job: MakeJob, tmp_path: Path
) -> None:
    cache, job = tmp_path / "tools", make_job(tool_cache=tmp_path / "tools")
    uv = tmp_path / "hanging" / "uv"
    uv.parent.mkdir()
    uv.write_text("#!/bin/sh\nsleep 600\n", "utf-8")
    uv.chmod(0o755)
    step = job.start(QUICK, {"PATH": f"{uv.parent}:{job.path}"})
    wait_until(lambda: bool(list(cache.glob("*/*.part.*/bin/python"))))
    while processes := [pid for pid in psutil.pids() if session(pid) == step.process.pid]:
        for pid in processes:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        step.process.poll()
    outcome = make_job(tool_cache=cache).run(QUICK)
    assert outcome.status == "measured", outcome.log
    (only,) = environments(cache)
    assert ".part." not in only.name


def session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def test_without_uv_pip_does_it(make_job: MakeJob, tmp_path: Path) -> None:
    pythons_own = Path(sys.executable).resolve().parent
    outcome = make_job(tool_cache=tmp_path / "tools").run(
        QUICK, {"PATH": f"{pythons_own}:/usr/bin:/bin"}
    )
    assert outcome.status == "measured", outcome.log


def test_the_program_sees_the_callers_environment_and_nothing_of_ours(job: Job) -> None:
    seen = job.workspace / "seen"
    dump = job.workspace / "dump"
    dump.write_text(f'#!/bin/bash\nenv -0 >"{seen}"\n', "utf-8")
    dump.chmod(0o755)
    path = f"{job.workspace}:/usr/bin:/bin"
    outcome = job.run(
        {**QUICK, "command": "dump", "github-token": "a-secret"},
        {"PATH": path, "THEIRS": "kept", "PYTHONPATH": "/theirs"},
    )
    assert outcome.status == "measured", outcome.log
    found = dict(
        entry.split("=", 1) for entry in seen.read_text("utf-8").split("\0") if "=" in entry
    )
    assert (found["PATH"], found["THEIRS"], found["PYTHONPATH"]) == (path, "kept", "/theirs")
    assert not [name for name in found if name.startswith("INPUT_")]
    assert not {"VIRTUAL_ENV", "PYTHONHOME"} & set(found)
    assert "a-secret" not in "".join(found.values())
    assert stop_token(outcome.log) not in "".join(found.values())


def test_what_stops_commands_while_it_measures_is_new_for_each_step(job: Job) -> None:
    first, second = (stop_token(job.run(QUICK).log) for _ in range(2))
    assert first != second
    assert len(first) == 40


def test_python_variables_and_modules_of_the_caller_do_not_get_in(job: Job) -> None:
    (job.workspace / "perf_smoke").mkdir()
    for name in ("perf_smoke/__init__.py", "json.py", "sitecustomize.py"):
        (job.workspace / name).write_text("raise SystemExit('not ours')", "utf-8")
    outcome = job.run(QUICK, {"PYTHONPATH": str(job.workspace), "PYTHONHOME": "/nowhere"})
    assert outcome.status == "measured", outcome.log


def test_settings_of_pip_and_uv_that_point_elsewhere_do_not_get_in(
    make_job: MakeJob, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    outcome = make_job(tool_cache=tmp_path / "tools").run(
        QUICK,
        {
            "PIP_TARGET": str(elsewhere),
            "PIP_USER": "1",
            "UV_CONSTRAINT": "/nowhere",
            "UV_PYTHON": "2",
        },
    )
    assert outcome.status == "measured", outcome.log
    assert not elsewhere.exists()


def test_a_path_without_anything_on_it_is_no_obstacle(make_job: MakeJob) -> None:
    outcome = make_job().run({**QUICK, "command": "/bin/true"}, {"PATH": "/nowhere"})
    assert outcome.code == 0
    # Which Python the usual places hold, and whether it can install, is the machine's affair.
    assert (outcome.status, outcome.reason) in (
        ("measured", ""),
        ("failed", "install-failed"),
        ("failed", "python-missing"),
    ), outcome.log


@pytest.mark.parametrize("body", ["exit 1", "echo 99.9; exit 0", "echo /nowhere", "kill -9 $$"])
def test_a_broken_python_in_front_is_passed_over(job: Job, tmp_path: Path, body: str) -> None:
    shim = tmp_path / "shims" / "python3"
    shim.parent.mkdir()
    shim.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    shim.chmod(0o755)
    outcome = job.run(QUICK, {"PATH": f"{shim.parent}:{job.path}"})
    assert outcome.status == "measured", outcome.log


@pytest.mark.parametrize(
    "missing", ["RUNNER_TEMP", "RUNNER_TOOL_CACHE", "HOME", "GITHUB_EVENT_PATH"]
)
def test_what_a_runner_does_not_set_is_done_without(job: Job, missing: str) -> None:
    outcome = job.run(QUICK, {missing: None})
    assert outcome.status == "measured", outcome.log


@pytest.mark.skipif(os.getuid() != 0, reason="every other test here runs as a plain user already")
def test_a_plain_user_can_do_it_with_an_action_that_belongs_to_root(nobodys_job: Job) -> None:
    job = nobodys_job
    # root's own programs are closed to others, uv among them.
    programs = job.root.parent / "bin"
    programs.mkdir()
    shutil.copy2(Path(sys.executable).with_name("uv"), programs)
    env = {"HOME": str(job.root), "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin"}
    outcome = job.run(QUICK, env)
    assert outcome.status == "measured", outcome.log
    (made,) = environments(job.tool_cache)
    assert made.stat().st_uid == NOBODY
    assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700
    assert not list(job.action.rglob("__pycache__"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to somebody else")
def test_an_environment_that_somebody_else_left_there_is_not_run(
    make_job: MakeJob, tmp_path: Path
) -> None:
    theirs = tmp_path / "tools" / f"perf-smoke-python-{os.getuid()}"
    theirs.mkdir(parents=True)
    os.chown(theirs, NOBODY, NOBODY)
    outcome = make_job(tool_cache=tmp_path / "tools").run(QUICK)
    assert outcome.status == "measured", outcome.log
    assert list(theirs.iterdir()) == []


def test_a_tool_cache_that_can_only_be_read_is_done_without(
    make_job: MakeJob, tmp_path: Path, read_only: Callable[[Path], None]
) -> None:
    cache = tmp_path / "tools"
    cache.mkdir()
    read_only(cache)
    job = make_job(tool_cache=cache)
    outcome = job.run(QUICK)
    assert (outcome.status, outcome.result().tool.runtime) == ("measured", "host"), outcome.log
    assert environments(job.temp)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("locale", [{}, {"LC_ALL": "C"}, {"LANG": None, "LC_ALL": None}])
def test_letters_of_others_are_kept_in_every_locale(
    job: Job, locale: dict[str, str | None]
) -> None:
    program = job.workspace / "měření" / "prográm 1"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho $#\n", "utf-8")
    program.chmod(0o755)
    outcome = job.run({**QUICK, "command": '"měření/prográm 1" {prompt}', "label": "Žofie"}, locale)
    assert outcome.status == "measured", outcome.log
    result = outcome.result()
    assert result.settings["label"] == "Žofie"
    assert "Žofie" in outcome.summary
    assert result.head
    assert result.head.engine
    assert result.head.engine.binary.endswith("měření/prográm 1")


def test_make_smoke_uses_the_same_way_to_an_environment(tmp_path: Path) -> None:
    folder = tmp_path / "a b" / ".venv"
    subprocess.run([ROOT / "runtime" / "venv", folder, "runtime"], check=True)
    command: list[str | Path] = [folder / "bin" / "perf-smoke", "--version"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert shown.stdout.startswith("perf-smoke, version ")
