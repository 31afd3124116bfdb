"""The image of the docker runtime."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

pytestmark = pytest.mark.docker

BASE = "debian:trixie-slim"


def inspected(docker: str, image: str) -> dict[str, Any]:
    done = subprocess.run([docker, "image", "inspect", image], capture_output=True, check=True)
    (only,) = json.loads(done.stdout)
    assert isinstance(only, dict)
    return only


def printed(docker: str, image: str, program: str, *words: str) -> str:
    command = [docker, "run", "--rm", "--network", "none", "--entrypoint", program, image, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_it_is_at_most_150_mb_above_its_base(docker: str, image: str) -> None:
    added = inspected(docker, image)["Size"] - inspected(docker, BASE)["Size"]
    assert added <= 150_000_000


def test_it_is_not_root_and_starts_without_a_shell_in_front(docker: str, image: str) -> None:
    config = inspected(docker, image)["Config"]
    assert config["User"] == "65534:65534"
    assert config["Entrypoint"] == ["/usr/bin/tini", "--", "/opt/perf-smoke/bin/entrypoint"]
    assert not config["Cmd"]


def test_it_can_be_run_by_hand(docker: str, image: str) -> None:
    done = subprocess.run(
        [docker, "run", "--rm", "--network", "none", image, "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("perf-smoke, version ")


def test_every_engine_and_reference_that_needs_a_package_finds_it(docker: str, image: str) -> None:
    script = "import xllamacpp, huggingface_hub, pip, perf_smoke.cli; print('all')"
    assert printed(docker, image, "/opt/perf-smoke/bin/python", "-I", "-c", script) == "all\n"


def test_nothing_of_ours_is_compiled_at_a_start(docker: str, image: str) -> None:
    script = (
        "import perf_smoke.cli, pydantic, github, sys, pathlib\n"
        "files = [m.__spec__ for m in sys.modules.values() if getattr(m, '__spec__', None)]\n"
        "ours = [s.cached for s in files if s.cached and s.cached.startswith('/opt')]\n"
        "print(len(ours) > 100, [c for c in ours if not pathlib.Path(c).exists()])"
    )
    assert printed(docker, image, "/opt/perf-smoke/bin/python", "-I", "-c", script) == "True []\n"


def test_its_library_is_stripped(docker: str, image: str) -> None:
    find = "find /opt/perf-smoke -name 'xllamacpp*.so' -size -40M"
    assert printed(docker, image, "/bin/sh", "-c", find).count("\n") == 1
