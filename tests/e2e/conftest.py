"""Jobs, and the Docker engine with the image that is built for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.job import ROOT, Job

MakeJob = Callable[..., Job]

NOBODY = 65534


@pytest.fixture(scope="session")
def tool_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runner's tool cache, in which the first test leaves the virtual environment."""
    return tmp_path_factory.mktemp("tool cache, für alle")


@pytest.fixture(scope="session")
def action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The action as a runner has it, in a folder with spaces, a comma and letters of others."""
    return copy_of_the_action(tmp_path_factory.mktemp("_actions, of öthers") / "perf smoke")


@pytest.fixture
def make_job(tmp_path: Path, action: Path, tool_cache: Path) -> Iterator[MakeJob]:
    """Makes a job: `make_job(action=…, tool_cache=…)`."""
    jobs: list[Job] = []

    def make(*, action: Path = action, tool_cache: Path = tool_cache) -> Job:
        root = tmp_path / f"job {len(jobs)}"
        jobs.append(Job(root, action=action, tool_cache=tool_cache))
        return jobs[-1]

    yield make
    for job in jobs:
        job.close()


@pytest.fixture
def job(make_job: MakeJob) -> Job:
    """A job."""
    return make_job()


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory, action: Path, tool_cache: Path) -> None:
    """An environment that was used once, so that Python has compiled what it imports."""
    job = Job(tmp_path_factory.mktemp("warm"), action=action, tool_cache=tool_cache)
    job.run({"runtime": "host", "command": "true", "runs": "1", "warmup": "0"})
    job.close()


@pytest.fixture
def action_copy(tmp_path: Path, action: Path) -> Iterator[Path]:
    """A copy of the action that a test may change."""
    copy = copy_of_the_action(tmp_path / "action")
    yield copy
    client = shutil.which("docker")
    if client and tag_of(copy) != tag_of(action):
        # If the test built an image of it, nobody else will ever want that.
        subprocess.run([client, "image", "rm", tag_of(copy)], capture_output=True, check=False)


@pytest.fixture
def nobodys_job(tool_cache: Path) -> Iterator[Job]:
    """A job of a user who is not root, with an action that belongs to root."""
    # pytest's own folders are closed to others.
    root = Path(tempfile.mkdtemp(prefix="perf-smoke-test-", dir="/var/tmp"))
    root.chmod(0o755)
    tools = root / "tools"
    tools.mkdir()
    tools.chmod(0o777)
    job = Job(root, action=copy_of_the_action(root / "action"), tool_cache=tools, user=NOBODY)
    yield job
    job.close()
    shutil.rmtree(root)


def copy_of_the_action(folder: Path) -> Path:
    """Copy what a runner needs of this repository."""
    folder.mkdir(parents=True)
    for name in ("action.yml", "launch", "Dockerfile", ".dockerignore"):
        shutil.copy2(ROOT / name, folder)
    for name in ("runtime", "requirements", "src", "report"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="session")
def docker() -> str:
    """The docker client, with an engine that answers and has the base image.

    Without one the test is skipped. With PERF_SMOKE_REQUIRE_DOCKER, as in .ci/run, it fails.
    """
    client = shutil.which("docker")
    asked = [client or "docker", "image", "inspect", "debian:trixie-slim"]
    try:
        problem = subprocess.run(asked, capture_output=True, text=True, check=False).stderr
    except OSError as error:
        problem = str(error)
    if client and not problem.strip():
        return client
    sentence = (
        f"no Docker engine with debian:trixie-slim (scripts/docker-engine): {problem.strip()}"
    )
    if os.environ.get("PERF_SMOKE_REQUIRE_DOCKER"):
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def image(docker: str, action: Path) -> str:
    """The image of this checkout, built the first time it is asked for."""
    tag = tag_of(action)
    subprocess.run([docker, "build", "--quiet", "--tag", tag, action], check=True)
    return tag


def tag_of(action: Path) -> str:
    """What launch calls the image that it builds from this copy."""
    script = (
        'here=$1; . "$here/runtime/attend.bash"; . "$here/runtime/docker.bash"; hash_of_the_build'
    )
    told = subprocess.run(
        ["/bin/bash", "-c", script, "", action], capture_output=True, text=True, check=True
    )
    return f"perf-smoke:{told.stdout.strip()}"
