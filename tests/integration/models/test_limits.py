"""What has no end, or leads where nobody should go: slow drips, floods, pipes in a file's place."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from perf_smoke.models.store import Entry
from perf_smoke.network import is_machines_own
from tests.integration.models.fetcher import Fetcher
from tests.integration.models.server import Fault, FileServer, Handler, in_chunks, redirect

PATH = "/tiny.gguf"
CONTENT = b"GGUF" + bytes(range(256)) * 100
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def dripping(*starts: bytes) -> Fault:
    """The beginning of an answer, and then a byte now and then for ever."""

    def fault(handler: Handler) -> None:
        handler.close_connection = True
        with suppress(OSError):
            for start in starts:
                handler.wfile.write(start)
            while True:
                handler.wfile.write(b"1")
                handler.wfile.flush()
                time.sleep(0.2)

    return fault


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "starts",
    [
        (),
        (HEAD,),
        (HEAD, b"X-Name: "),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 1"),
        (HEAD, b"Content-Length: 100000\r\n\r\n"),
        (HEAD, b"Transfer-Encoding: chunked\r\n\r\n"),
        (HEAD, b"Transfer-Encoding: chunked\r\n\r\n", b"fffff\r\n"),
        (HEAD, b"Transfer-Encoding: chunked\r\n\r\n", b"1;"),
        (HEAD, b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nG\r\n0\r\nTrailer: "),
        (b"HTTP/1.1 302 Found\r\nLocation: /other\r\nTransfer-Encoding: chunked\r\n\r\n",),
    ],
    ids=[
        *("status", "no-header", "header", "continue", "body", "chunk-size", "chunk"),
        *("chunk-extension", "trailer", "redirect"),
    ],
)
def test_a_drip_ends_by_the_clock_between_any_two_bytes(
    server: FileServer, fetcher: Fetcher, starts: tuple[bytes, ...]
) -> None:
    server.faults.extend([dripping(*starts)] * 9)
    fetcher.total_s = 1
    started_s = time.monotonic()
    failure = fetcher.refused(server.url(PATH)).failure
    assert time.monotonic() - started_s < 20
    assert failure.reason in ("model-download", "model-offline", "model-missing")
    assert fetcher.kept() == []


def test_the_body_of_a_redirect_is_not_read(server: FileServer, fetcher: Fetcher) -> None:
    def flood(handler: Handler) -> None:
        handler.begin(302, {"Location": PATH, "Transfer-Encoding": "chunked"})
        handler.close_connection = True
        with suppress(OSError):
            for _ in range(20_000):
                handler.wfile.write(b"1\r\nx\r\n" * 1000)

    server.files[PATH] = CONTENT
    server.faults.append(flood)
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert fetcher(server.url("/elsewhere/tiny.gguf")).sha256 == SHA256
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 50_000


@pytest.mark.parametrize(
    "host",
    [
        *("169.254.169.254", "169.254.0.1", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376"),
        *("169.16689662", "[fe80::1]", "[febf::1]", "[::ffff:169.254.169.254]"),
        *("[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::1]", "[fd00:ec2::254]"),
        *("metadata.google.internal", "METADATA.google.internal.", "metadata", "100.100.100.200"),
    ],
)
@pytest.mark.parametrize("by", ["name", "redirect"])
def test_the_machines_own_link_is_nowhere_to_fetch_from(
    server: FileServer, fetcher: Fetcher, host: str, by: str
) -> None:
    address = f"http://{host}/latest/tiny.gguf"
    server.faults.append(redirect(address))
    failure = fetcher.refused(address if by == "name" else server.url(PATH), sha256=SHA256).failure
    assert failure.reason == "model-insecure"
    assert host.strip("[]").lower().rstrip(".") in failure.sentence.lower()
    assert "only the machine's own link or its cloud answers" in failure.sentence


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1"])
def test_a_name_that_leads_there_is_refused_before_anything_is_sent(
    fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    def resolved(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    failure = fetcher.refused("http://models.example/tiny.gguf", sha256=SHA256).failure
    assert failure.reason == "model-insecure"
    assert "models.example" in failure.sentence


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "8.8.8.8", "::1", "fd00::1", "models.example"]
)
def test_others_are_as_good_as_before(host: str) -> None:
    assert not is_machines_own(host)


def test_a_proxy_is_asked_wherever_it_is(server: FileServer, fetcher: Fetcher) -> None:
    server.files[PATH] = CONTENT
    proxied = fetcher(
        "http://models.example/tiny.gguf", sha256=SHA256, http_proxy=server.url(""), no_proxy=""
    )
    assert proxied.sha256 == SHA256
    failure = fetcher.refused(
        "http://169.254.169.254/tiny.gguf", http_proxy=server.url(""), no_proxy=""
    ).failure
    assert failure.reason == "model-insecure"


def fifo(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()
    (path / "inside").write_bytes(b"x")


def text(content: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(content)

    write.__name__ = content[:20]
    return write


BAD = [
    *(fifo, folder, text("garbage"), text("[" * 100_000), text("{}"), text("[]"), text("null")),
    *(text('{"sha256": %s}' % ("9" * 400)), text('{"sha256": %s}' % ("9" * 5000))),
    *(text(json.dumps({"etag": "a\nb", "sha256": SHA256})), text('{"etag": {"a": 1}}')),
    *(text('{"last_modified": 9' + "0" * 400 + "}"), text("x" * 1_000_000)),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
@pytest.mark.parametrize(
    "name", ["tiny.gguf", ".tiny.gguf.json", ".tiny.gguf.part", ".tiny.gguf.part.json", ".lock"]
)
@pytest.mark.parametrize("sha256", ["", SHA256], ids=["any", "pinned"])
def test_what_is_no_record_or_no_file_is_fetched_anew(
    server: FileServer, fetcher: Fetcher, bad: Callable[[Path], None], name: str, sha256: str
) -> None:
    server.files[PATH] = CONTENT
    url = server.url(PATH)
    entry = Entry(fetcher.cache, sha256=sha256, identity=url)
    fetcher(url, sha256=sha256)
    (entry.folder / name).unlink(missing_ok=True)
    bad(entry.folder / name)
    assert fetcher(url, sha256=sha256).path.read_bytes() == CONTENT


@pytest.mark.parametrize("bad", [fifo, folder], ids=["fifo", "folder"])
def test_a_pipe_in_a_cache_that_can_only_be_read_is_not_waited_for(
    server: FileServer,
    fetcher: Fetcher,
    read_only: Callable[[Path], None],
    bad: Callable[[Path], None],
) -> None:
    server.files[PATH] = CONTENT
    url = server.url(PATH)
    entry = Entry(fetcher.cache, sha256=SHA256, identity=url)
    fetcher(url, sha256=SHA256)
    for name in (".lock", ".tiny.gguf.json"):
        (entry.folder / name).unlink()
        bad(entry.folder / name)
    server.files.clear()
    read_only(fetcher.cache)
    assert fetcher.refused(url, sha256=SHA256).failure.reason == "cache-unusable"


def test_chunks_of_one_byte_are_a_file(server: FileServer, fetcher: Fetcher) -> None:
    server.faults.append(in_chunks(CONTENT, 1))
    assert fetcher(server.url(PATH)).sha256 == SHA256
