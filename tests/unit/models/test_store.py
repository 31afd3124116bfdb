"""Where the cache is, and what it believes."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from perf_smoke.models.base import Patience
from perf_smoke.models.store import Entry, Validator, ensure_space, user_cache
from perf_smoke.result import Unmeasured

NOBODY = 2**31 - 2


@pytest.mark.parametrize(
    ("environment", "platform", "folder"),
    [
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "linux", "/x/perf-smoke"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "linux", "/h/.cache/perf-smoke"),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, "linux", "/h/.cache/perf-smoke"),
        ({"HOME": "/h"}, "darwin", "/h/Library/Caches/perf-smoke"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "darwin", "/x/perf-smoke"),
    ],
)
def test_the_cache_is_in_the_users_cache_folder(
    environment: dict[str, str], platform: str, folder: str
) -> None:
    assert user_cache(environment, user=NOBODY, platform=platform) == Path(folder)


def test_a_user_without_home_has_the_one_of_the_machine() -> None:
    found = user_cache({}, user=0, platform="linux")
    assert found.name == "perf-smoke"
    assert found.is_absolute()


def test_a_user_without_any_home_is_told_what_to_set() -> None:
    with pytest.raises(Unmeasured) as caught:
        user_cache({}, user=NOBODY, platform="linux")
    assert caught.value.failure.reason == "cache-unusable"
    assert "XDG_CACHE_HOME" in caught.value.failure.sentence


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    entry = Entry(tmp_path, sha256="", identity="x")
    with entry.locked(Patience()):
        pass
    return entry


def accept(entry: Entry, content: bytes) -> Path:
    draft = entry.folder / "draft"
    draft.write_bytes(content)
    return entry.accept(draft, "m", sha256="", validator=Validator(etag='"1"')).path


def test_an_accepted_file_is_held_with_its_version(entry: Entry) -> None:
    path = accept(entry, b"abc")
    held = entry.held("m")
    assert held is not None
    assert (held.file.path, held.file.bytes, held.validator) == (path, 3, Validator(etag='"1"'))


@pytest.mark.parametrize("record", ["", "not json", "[]", "{}", '{"sha256": 3}'])
def test_a_file_without_a_good_record_is_not_believed(entry: Entry, record: str) -> None:
    path = accept(entry, b"abc")
    (entry.folder / ".m.json").write_text(record)
    assert entry.held("m") is None
    assert not path.exists()


def test_a_record_without_its_file_is_not_believed(entry: Entry) -> None:
    accept(entry, b"abc").unlink()
    assert entry.held("m") is None
    assert not (entry.folder / ".m.json").exists()


def test_a_part_without_a_record_cannot_go_on(entry: Entry) -> None:
    part = entry.part("m")
    part.path.write_bytes(b"abc")
    assert part.resumable() is None
    assert not part.path.exists()


def test_a_part_goes_on_only_with_a_strong_version(entry: Entry) -> None:
    part = entry.part("m")
    for validator, resumable in (
        (Validator(etag='"1"'), True),
        (Validator(last_modified="Mon, 23 Nov 2026 08:00:00 GMT"), True),
        (Validator(etag='W/"1"', last_modified="Mon, 23 Nov 2026 08:00:00 GMT"), False),
        (Validator(), False),
    ):
        with part.writing("wb", validator) as file:
            file.write(b"abc")
        assert (part.resumable() == (3, validator)) is resumable


def test_an_empty_part_starts_anew(entry: Entry) -> None:
    part = entry.part("m")
    with part.writing("wb", Validator(etag='"1"')):
        pass
    assert part.resumable() is None


def test_a_folder_that_cannot_be_made_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "models").touch()
    with (
        pytest.raises(Unmeasured) as caught,
        Entry(tmp_path, sha256="", identity="x").locked(Patience()),
    ):
        os.abort()
    assert caught.value.failure.reason == "cache-unusable"


def test_a_file_system_that_cannot_lock_is_a_reason(
    entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", without_locks)
    with pytest.raises(Unmeasured) as caught, entry.locked(Patience()):
        os.abort()
    assert caught.value.failure.reason == "cache-unusable"
    assert "No locks available" in caught.value.failure.sentence


def test_what_cannot_be_removed_from_the_cache_is_a_reason(entry: Entry) -> None:
    (entry.folder / ".m.part").mkdir()
    with pytest.raises(Unmeasured) as caught:
        entry.part("m").resumable()
    assert caught.value.failure.reason == "cache-unusable"


def test_a_folder_that_is_gone_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(Unmeasured) as caught:
        ensure_space(tmp_path / "cleaned up", 1)
    assert caught.value.failure.reason == "cache-unusable"
