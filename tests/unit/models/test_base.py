"""Progress that is bearable, and hashes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from perf_smoke.hashing import hashed
from perf_smoke.models.base import Throttled


def test_progress_is_told_ten_times_a_second_first_and_last_always() -> None:
    told: list[tuple[int, int | None]] = []
    now_s = iter([5.0, 5.05, 5.11, 5.12, 5.13, 5.14])
    throttled = Throttled(lambda done, total: told.append((done, total)), lambda: next(now_s))
    for done in (0, 1, 2, 3):
        throttled(done, 4)
    throttled(4, 4)
    throttled(5, None)
    assert told == [(0, 4), (2, 4), (4, 4)]


def test_a_file_of_any_size_is_hashed_to_its_end(tmp_path: Path) -> None:
    for size in (0, 1, 1 << 20, (1 << 20) + 1):
        content = os.urandom(size)
        (tmp_path / "m").write_bytes(content)
        file = hashed(tmp_path / "m")
        assert (file.sha256, file.bytes) == (hashlib.sha256(content).hexdigest(), size)
