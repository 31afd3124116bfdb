"""Whether a Python environment is whole, and how a damaged one is replaced: the script itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "runtime" / "whole.py"


def whole(*arguments: str | Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", "-S", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


def installed(folder: Path, content: str = "x") -> Path:
    """Something like an environment, with its list."""
    packages = folder / "lib" / "site-packages"
    packages.mkdir(parents=True)
    for name in ("jinja2.py", "rich 2.py", "ü\udcff.py"):
        (packages / name).write_text(content, "utf-8")
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to("/usr/bin/python3")
    assert whole("list", folder) == (0, "")
    return folder


def test_one_that_nobody_touched_is_whole(tmp_path: Path) -> None:
    venv = installed(tmp_path / "venv")
    (venv / "lib" / "later.pyc").write_bytes(b"came later")
    assert whole("check", venv) == (0, "")


def test_bytecode_that_came_later_is_held_to_its_size_too(tmp_path: Path) -> None:
    venv = installed(tmp_path / "venv")
    compiled = venv / "lib" / "site-packages" / "__pycache__" / "jinja2.cpython-311.pyc"
    compiled.parent.mkdir()
    compiled.write_bytes(b"bytecode")
    assert whole("check", venv) == (0, "")
    os.utime(compiled, (1, 1))
    assert whole("check", venv) == (0, "")
    compiled.write_bytes(b"byte")
    assert whole("check", venv) == (1, f"{compiled.relative_to(venv)} is missing or changed")


def remove_a_folder(venv: Path) -> None:
    (venv / "lib").rename(venv / "lib2")


def of_another_time(venv: Path) -> None:
    os.utime(venv / "lib/site-packages/jinja2.py", (1, 1))


@pytest.mark.parametrize(
    "damage",
    [
        lambda venv: (venv / "lib/site-packages/jinja2.py").unlink(),
        lambda venv: (venv / "lib/site-packages/rich 2.py").write_bytes(b""),
        lambda venv: (venv / "lib/site-packages/rich 2.py").write_bytes(b"xx"),
        of_another_time,
        remove_a_folder,
        lambda venv: (venv / "bin/python").unlink(),
        lambda venv: (venv / "perf-smoke-files").unlink(),
        lambda venv: (venv / "perf-smoke-files").write_bytes(b""),
        lambda venv: (venv / "perf-smoke-files").write_bytes(b"\xff\x00 garbage"),
    ],
    ids=[
        *("missing", "emptied", "longer", "time", "folder", "python"),
        *("no-list", "empty-list", "garbled-list"),
    ],
)
def test_what_is_damaged_is_told(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    venv = installed(tmp_path / "venv")
    damage(venv)
    code, said = whole("check", venv)
    assert code == 1
    assert said.endswith(("is missing or changed", "cannot be read"))
    assert len(said.splitlines()) == 1


def test_a_damaged_one_is_replaced_and_a_whole_one_stays(tmp_path: Path) -> None:
    venv = installed(tmp_path / "venv")
    assert whole("place", installed(tmp_path / "venv.part.a", "new"), venv) == (0, "")
    assert (venv / "lib/site-packages/jinja2.py").read_text("utf-8") == "x"
    (venv / "lib/site-packages/jinja2.py").unlink()
    assert whole("place", installed(tmp_path / "venv.part.b", "new"), venv) == (0, "")
    assert (venv / "lib/site-packages/jinja2.py").read_text("utf-8") == "new"
    assert list(tmp_path.iterdir()) == [venv]


def test_many_that_place_theirs_at_once_leave_one_that_is_whole(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    drafts = [installed(tmp_path / f"venv.part.{number}") for number in range(8)]
    placing = [
        subprocess.Popen([sys.executable, "-I", "-S", SCRIPT, "place", draft, venv])
        for draft in drafts
    ]
    assert [process.wait() for process in placing] == [0] * 8
    assert whole("check", venv) == (0, "")
    assert list(tmp_path.iterdir()) == [venv]


def test_the_draft_of_a_killed_install_goes_and_that_of_another_stays(tmp_path: Path) -> None:
    venv = installed(tmp_path / "venv")
    hold = f'exec 5<"$0"; "{sys.executable}" -I -S "{SCRIPT}" hold "$0" && echo held && sleep 600'
    drafts = [tmp_path / "venv.part.killed", tmp_path / "venv.part.alive"]
    holders = []
    for draft in drafts:
        draft.mkdir()
        (draft / "file").write_bytes(b"x")
        holder = subprocess.Popen(
            ["bash", "-c", hold, draft], stdout=subprocess.PIPE, start_new_session=True
        )
        assert holder.stdout
        with holder.stdout as said:
            assert said.readline() == b"held\n"
        holders.append(holder)
    killed, alive = holders
    try:
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        end_s = time.monotonic() + 60  # its children end a moment later
        while drafts[0].exists():
            assert whole("check", venv) == (0, "")
            assert time.monotonic() < end_s
        assert (drafts[1] / "file").exists()
    finally:
        os.killpg(alive.pid, signal.SIGKILL)
        alive.wait()


def test_an_install_sees_nothing_of_the_callers_pip_uv_and_python_but_the_way_to_the_index() -> (
    None
):
    script = '. "$1"; keep_the_way_to_the_index; compgen -e'
    kept = {"PIP_INDEX_URL", "PIP_CERT", "PIP_PROXY", "PIP_CONFIG_FILE", "UV_INDEX_URL", "HOME"}
    taken = {"PIP_TARGET", "PIP_WHATEVER", "UV_PYTHON", "UV_PROJECT", "PYTHONHOME", "PYTHONPATH"}
    told = subprocess.run(
        ["bash", "-c", script, "bash", SCRIPT.with_name("venv")],
        env={"PATH": os.environ["PATH"], **dict.fromkeys(kept | taken, "x")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert kept <= set(told)
    assert not taken & set(told)


def test_a_check_takes_a_moment(tmp_path: Path) -> None:
    """Of as many files as a runner's environment has; with Python's start."""
    venv = tmp_path / "venv"
    for package in range(100):
        folder = venv / f"package-{package}"
        folder.mkdir(parents=True)
        for module in range(30):
            (folder / f"{module}.py").write_bytes(b"x")
    assert whole("list", venv) == (0, "")
    before = os.times()
    for _ in range(5):
        assert whole("check", venv) == (0, "")
    after = os.times()
    used_s = after.children_user + after.children_system
    used_s -= before.children_user + before.children_system
    assert used_s / 5 < 0.2  # 0.03 on an idle machine
