"""A real HTTP server for one set of files, and the faults that servers have."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias, TypeVar
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Seen:
    """One request that came in."""

    method: str
    path: str
    headers: Mapping[str, str]


class Handler(BaseHTTPRequestHandler):
    """Answers with a file, unless a fault is due."""

    protocol_version = "HTTP/1.1"
    server: FileServer

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append(Seen(self.command, self.path, headers))
        if self.server.faults:
            self.server.faults.popleft()(self)
        else:
            self.give_file()

    do_HEAD = do_GET  # noqa: N815 — the name that http.server calls

    def give_file(self) -> None:
        """The whole file, the rest of it, or the word that it has not changed."""
        # A proxy is asked for whole addresses.
        content = self.server.files.get(urlsplit(self.path).path)
        if content is None:
            self.give(404)
            return
        etag = self.server.etag
        headers = {"ETag": etag} if etag else {}
        if kind := self.server.content_types.get(urlsplit(self.path).path):
            headers["Content-Type"] = kind
        if self.server.last_modified:
            headers["Last-Modified"] = self.server.last_modified
        unchanged = (
            etag and self.headers.get("If-None-Match") == etag
        ) or self.server.last_modified == self.headers.get("If-Modified-Since", "never")
        if unchanged:
            self.give(304, headers)
            return
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range") in (etag, self.server.last_modified)
        if wanted and same and self.server.resumes:
            start = int(wanted[1])
            if start >= len(content):
                self.give(416)
                return
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.give(206, headers, content[start:])
        else:
            self.give(200, headers, content)

    def give(
        self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> None:
        """One whole answer; a Content-Length that is given stays, true or not."""
        headers = {"Content-Length": str(len(body)), **(headers or {})}
        self.begin(status, headers)
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — its name there
        """Tests print nothing."""


Fault: TypeAlias = Callable[[Handler], None]


class FileServer(ThreadingHTTPServer):
    """Its state is set and read by the tests."""

    daemon_threads = True
    handler: type[Handler] = Handler

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), self.handler)
        self.files: dict[str, bytes] = {}
        """By path."""
        self.content_types: dict[str, str] = {}
        self.etag = '"one"'
        self.last_modified = ""
        self.resumes = True
        self.faults: deque[Fault] = deque()
        """Taken one by one before any file is given."""
        self.seen: list[Seen] = []

    def url(self, path: str, *, user: str = "") -> str:
        host, port = self.server_address[:2]
        return f"http://{user and user + '@'}{host!s}:{port}{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away in the middle are part of the tests."""


AnyServer = TypeVar("AnyServer", bound=FileServer)


@contextmanager
def running(server: AnyServer) -> Iterator[AnyServer]:
    """Serve until the test is over."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def status(code: int, **headers: str) -> Fault:
    """Answer with a status; `retry_after` is the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.give(code, named)


def redirect(to: str) -> Fault:
    return lambda handler: handler.give(302, {"Location": to})


def cut_after(count: int, *, status: int = 200, etag: str | None = None) -> Fault:
    """Announce the whole file, give so many bytes of it, and hang up."""

    def fault(handler: Handler) -> None:
        content = handler.server.files[handler.path]
        tag = handler.server.etag if etag is None else etag
        headers = {"Content-Length": str(len(content)), **({"ETag": tag} if tag else {})}
        handler.begin(status, headers)
        handler.wfile.write(content[:count])
        handler.close_connection = True

    return fault


def rest_of(
    content: bytes, *, etag: str = '"one"', until: int | None = None, total: str = ""
) -> Fault:
    """Go on at the right place, but with this content, version, end or total."""

    def fault(handler: Handler) -> None:
        start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        whole = total or str(len(content))
        content_range = f"bytes {start}-{len(content) - 1}/{whole}"
        handler.give(206, {"ETag": etag, "Content-Range": content_range}, content[start:until])

    return fault


def hang_up(handler: Handler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def answer(
    code: int, body: bytes, headers: Mapping[str, str], *, without_length: bool = False
) -> Fault:
    """Any answer at all; without a length it ends with the connection."""

    def fault(handler: Handler) -> None:
        if without_length:
            handler.begin(code, {**headers, "Connection": "close"})
            handler.wfile.write(body)
            handler.close_connection = True
        else:
            handler.give(code, headers, body)

    return fault


def in_chunks(body: bytes, size: int = 60_000) -> Fault:
    """The transfer coding that tells its end, but not its length."""

    def fault(handler: Handler) -> None:
        handler.begin(200, {"Transfer-Encoding": "chunked"})
        for start in range(0, len(body), size):
            piece = body[start : start + size]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")

    return fault
