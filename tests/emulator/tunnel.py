"""A proxy as a company has one: it wants a password, and is the only way to some hosts.

It speaks CONNECT, which is all that https takes.
"""

from __future__ import annotations

import base64
import select
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

USER = "maria"
PASSWORD = "correct horse/battery@staple"


class Tunnel:
    """The running proxy."""

    def __init__(self, ways: Mapping[str, int]) -> None:
        """Listen; nobody is let through yet.

        Args:
            ways: for each `host:port`, the port of this machine that it leads to.
        """
        self.ways = dict(ways)
        self.asked: list[str] = []
        """The `host:port` of each tunnel that was made."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Its address, with the password."""
        return self.url_with(PASSWORD)

    def url_with(self, password: str) -> str:
        """Its address with any password."""
        port = self._server.server_address[1]
        return f"http://{USER}:{quote(password, safe='')}@127.0.0.1:{port}"

    @contextmanager
    def running(self) -> Iterator[Tunnel]:
        """Serve until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="tunnel")
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def secrets_of_the_tunnel() -> tuple[str, ...]:
    """The password in the forms in which it travels."""
    pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return PASSWORD, quote(PASSWORD, safe=""), pair


def _handler_of(tunnel: Tunnel) -> type[BaseHTTPRequestHandler]:
    wanted = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            if self.headers["Proxy-Authorization"] != wanted:
                self.send_response(407)
                self.send_header("Proxy-Authenticate", 'Basic realm="acme"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            tunnel.asked.append(self.path)
            if self.path not in tunnel.ways:
                self.send_error(502)
                return
            with socket.create_connection(("127.0.0.1", tunnel.ways[self.path])) as server:
                self.send_response(200)
                self.end_headers()
                with suppress(OSError):
                    _relay(self.connection, server)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's
            """Say nothing."""

    return Handler


def _relay(one: socket.socket, other: socket.socket) -> None:
    """Until one of the two ends."""
    to = {one: other, other: one}
    while True:
        for ready in select.select([one, other], [], [])[0]:
            data = ready.recv(65536)
            if not data:
                return
            to[ready].sendall(data)
