"""A hand-made clock in place of the real one."""

from __future__ import annotations

import pytest

from tests.integration.schedule.by_clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    clock.replace_time(monkeypatch)
    return clock
