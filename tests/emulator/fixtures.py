"""The emulated GitHub as pytest fixtures: `emulator`, `proxy`, `pull_request`, `refused_url`;
and the `authority` of a server of somebody's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.certificates import Authority
from tests.emulator.proxy import Proxy
from tests.emulator.server import Emulator, PullRequest, free_port, running


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for all tests; each test opens pull requests of its own in it."""
    with running(tmp_path_factory.mktemp("emulator")) as emulator:
        yield emulator


@pytest.fixture
def proxy(emulator: Emulator) -> Iterator[Proxy]:
    """A proxy in front of the emulator, without any fault yet."""
    with Proxy(emulator.url).running() as proxy:
        yield proxy


@pytest.fixture
def pull_request(emulator: Emulator) -> PullRequest:
    """A new open pull request."""
    return emulator.open_pull_request()


@pytest.fixture
def refused_url() -> str:
    """An address at which every connection is refused."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Vouches for servers; nobody trusts it unasked."""
    return Authority.founded_in(tmp_path_factory.mktemp("authority"))
