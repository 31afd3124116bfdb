"""The fixture `job`: a job whose GitHub can go wrong."""

from __future__ import annotations

import pytest

from tests.emulator.proxy import Proxy
from tests.emulator.server import Emulator, PullRequest
from tests.integration.github.job import Job


@pytest.fixture
def job(proxy: Proxy, emulator: Emulator, pull_request: PullRequest) -> Job:
    """A job on a new pull request."""
    return Job(proxy=proxy, emulator=emulator, pull_request=pull_request)
