"""An HTTP server of the tests' own, that answers just as it is told, well or badly."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Exchange(BaseHTTPRequestHandler):
    """One connection; each request on it goes to the route of its path, or gets a 404."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Threads
    body: bytes = b""

    def do_GET(self) -> None:
        self._route()

    def do_POST(self) -> None:
        self._route()

    def do_CONNECT(self) -> None:
        self._route()

    @property
    def document(self) -> Any:
        """What the client sent."""
        return json.loads(self.body)

    @property
    def released(self) -> threading.Event:
        """Set when the test ends; a handler that hangs waits for it."""
        return self.server.owner.released

    def reply(self, content: Any, status: int = 200, **headers: str) -> None:
        """A whole answer: bytes as they are, anything else as JSON."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def begin(self, status: int = 200) -> None:
        """The headers of an answer in chunks."""
        self.send_response(status)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        """One chunk; an empty one ends the answer."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def event(self, content: Any) -> None:
        """One server-sent event in a chunk of its own."""
        self.chunk(b"data: " + json.dumps(content).encode() + b"\n\n")

    def end(self) -> None:
        """The end of an answer in chunks."""
        self.chunk(b"")

    def drop(self) -> None:
        """No more answer on this connection."""
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 — the parent's name
        """Nothing: pytest's output is for results."""

    def _route(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.owner.requests.append((self.path, dict(self.headers), self.body))
        handler = self.server.owner.routes.get(self.path)
        if handler:
            handler(self)
        else:
            self.reply({"error": {"message": "File Not Found"}}, 404)


Handler = Callable[[Exchange], None]


class _Threads(ThreadingHTTPServer):
    owner: HttpServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what many tests are about."""

    def get_request(self) -> Any:
        self.owner.connections += 1
        return super().get_request()


class HttpServer:
    """The server, in threads of this process, from `with` to its end."""

    def __init__(
        self, routes: Mapping[str, Handler], *, tls: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
        self.routes = dict(routes)
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        """Path, headers and body of each."""
        self.connections = 0
        self.released = threading.Event()
        self._server = _Threads(("127.0.0.1", port), Exchange)
        self._server.owner = self
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> HttpServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def answering(content: Any, status: int = 200, **headers: str) -> Handler:
    """A route that always gives this."""
    return lambda exchange: exchange.reply(content, status, **headers)


def streaming(*events: Any, done: bool = True) -> Handler:
    """A route that streams these, each in a chunk of its own."""

    def handler(exchange: Exchange) -> None:
        exchange.begin()
        for event in events:
            exchange.event(event)
        if done:
            exchange.chunk(b"data: [DONE]\n\n")
        exchange.end()

    return handler
