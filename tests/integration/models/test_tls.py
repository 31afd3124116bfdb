"""https with a certificate of the test's own."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.models.fetcher import Fetcher
from tests.integration.models.server import FileServer, running


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with the certificate and its key, for 127.0.0.1."""
    files = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"]
    try:
        subprocess.run(
            [*command, *names, "-keyout", files[0], "-out", files[1]],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("making a certificate needs the program openssl")
    files[1].write_text(files[1].read_text() + files[0].read_text())
    return files[1]


@pytest.fixture
def url(certificate: Path) -> Iterator[str]:
    server = FileServer()
    server.files["/tiny.gguf"] = b"abc"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with running(server):
        yield server.url("/tiny.gguf").replace("http://", "https://")


def test_an_unknown_certificate_is_refused_at_once(fetcher: Fetcher, url: str) -> None:
    failure = fetcher.refused(url).failure
    assert failure.reason == "model-download"
    assert "its certificate is not accepted" in failure.sentence
    assert fetcher.slept_s == []


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_jobs_certificates_are_used(
    fetcher: Fetcher, url: str, certificate: Path, name: str
) -> None:
    assert fetcher(url, **{name: str(certificate)}).bytes == 3
