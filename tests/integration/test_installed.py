"""perf-smoke without a clone: installed from a wheel, and from a git address, into nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from perf_smoke import __version__, result_file
from perf_smoke.engines.table import ROWS

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
UNREACHABLE = r"error sending request|dns error|[Cc]onnection refused|offline|timed out"


def index() -> dict[str, str]:
    """The index that pip is told of here, as uv is told of it."""
    names = {
        "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
        "PIP_EXTRA_INDEX_URL": "UV_INDEX",
        "PIP_FIND_LINKS": "UV_FIND_LINKS",
    }
    told = {name: os.environ[pip] for pip, name in names.items() if pip in os.environ}
    return {**os.environ, "UV_SYSTEM_CERTS": "1", "UV_NO_CONFIG": "1", **told}


def uv(*arguments: object) -> str:
    """What it printed; where it reaches no index, the test is skipped."""
    done = subprocess.run(
        [str(UV), *map(str, arguments)],
        env=index(),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    if done.returncode and re.search(UNREACHABLE, done.stderr):
        pytest.skip(f"no package index can be reached: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = f"import flit_core.buildapi; flit_core.buildapi.build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=ROOT, check=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def perf_smoke(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command in an environment that holds the wheel, and what it asks for."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    uv("venv", "--quiet", "--python", sys.executable, folder)
    uv("pip", "install", "--quiet", "--python", folder / "bin" / "python", wheel)
    return folder / "bin" / "perf-smoke"


def answer(program: Path, *arguments: str, cwd: Path) -> tuple[int, str]:
    environment: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "HOME": str(cwd)}
    done = subprocess.run(
        [str(program), *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_wheel_brings_the_same_command(perf_smoke: Path, tmp_path: Path) -> None:
    ours = [sys.executable, "-m", "perf_smoke", "run", "--help"]
    here = subprocess.run(
        ours, env={**os.environ, "COLUMNS": "80"}, capture_output=True, text=True, check=True
    )
    code, told = answer(perf_smoke, "run", "--help", cwd=tmp_path)
    assert (code, told.split()) == (0, here.stdout.split())
    code, told = answer(perf_smoke, "run", "--command", "true", "--runs", "2", cwd=tmp_path)
    assert code == 0, told
    assert result_file.read(tmp_path / "perf-smoke-out" / "result.json").status == "measured"


def test_what_is_an_extra_is_told_before_anything_is_fetched(
    perf_smoke: Path, tmp_path: Path
) -> None:
    for options, missing in (
        ((), "`pip install xllamacpp`"),
        (("--command", "cat {model}", "--model", "hf://o/r/f"), "`pip install huggingface_hub`"),
    ):
        code, told = answer(perf_smoke, "run", *options, cwd=tmp_path)
        assert code == 2
        assert missing in " ".join(told.split())
        assert "Looking for" not in told


def test_each_extra_brings_its_package(wheel: Path, perf_smoke: Path) -> None:
    extras = {row.id: row.package for row in ROWS if row.package}
    extras["huggingface"] = "huggingface-hub"
    python = perf_smoke.with_name("python")
    named = f"{wheel}[{','.join(extras)}]"
    would = uv("pip", "install", "--dry-run", "--python", python, named)
    assert [package for package in extras.values() if f" + {package}==" not in would] == []


def test_a_git_address_brings_it_too(tmp_path: Path) -> None:
    repository = tmp_path / "perf-smoke-action"
    shutil.copytree(ROOT / "src", repository / "src")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, repository)
    git = ("git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@b")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "one")):
        subprocess.run([*git, *arguments], check=True)
    told = uv("tool", "run", "--from", f"git+file://{repository}", "perf-smoke", "--version")
    assert f"perf-smoke, version {__version__}" in told
