"""A local HTTP proxy in front of the emulator that can be told to go wrong.

    proxy.when("POST", r"/comments$", answer(502), times=1)

A rule holds for a method and a part of the path (a regular expression), for as many requests as
it says. Without a rule a request is passed on. Rules are tried in the order they were given.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# Passed on, `Keep-Alive` would have the client reuse connections that the proxy closes.
_OF_ONE_CONNECTION = ("connection", "keep-alive", "content-length", "transfer-encoding")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer of HTTP."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the proxy was asked."""

    method: str
    path: str
    """With its query."""
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request while it is being handled."""

    request: Request
    closing: threading.Event
    """Set when the proxy stops: whatever hangs must end then."""
    _handler: BaseHTTPRequestHandler
    _upstream: str
    _own: str
    _path: str

    def pass_on(self) -> Reply:
        """Ask the emulator."""
        address = urlsplit(self._upstream)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        try:
            request = self.request
            headers = {
                name: value
                for name, value in request.headers.items()
                if name.lower() not in ("host", "accept-encoding", *_OF_ONE_CONNECTION)
            }
            path = request.path.removeprefix(self._path)
            connection.request(request.method, path, request.body or None, headers)
            answer = connection.getresponse()
            # The client must come back through the proxy, also by the addresses in answers.
            body = answer.read().replace(self._upstream.encode(), self._own.encode())
            return Reply(
                status=answer.status,
                headers={
                    name: value.replace(self._upstream, self._own)
                    for name, value in answer.getheaders()
                    if name.lower() not in _OF_ONE_CONNECTION
                },
                body=body,
            )
        finally:
            connection.close()

    def send(self, reply: Reply) -> None:
        """Answer the client."""
        handler = self._handler
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        handler.wfile.write(reply.body)

    def send_beginning(self) -> None:
        """Promise an answer and give its first byte."""
        handler = self._handler
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"[")

    def reset(self) -> None:
        """Close without a farewell."""
        at_once = struct.pack("ii", 1, 0)
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        self._handler.connection.close()

    def send_slowly(self, byte_s: float) -> None:
        """Promise an answer and give one byte of it at a time, without an end."""
        handler = self._handler
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not self.closing.wait(byte_s):
            handler.wfile.write(b" ")
            handler.wfile.flush()


Fault = Callable[[Exchange], None]


def answer(status: int, body: object = None, *, headers: Mapping[str, str] | None = None) -> Fault:
    """Answer with a status and a JSON body, without asking the emulator."""
    document = {"message": f"Canned {status}"} if body is None else body
    reply = Reply(
        status=status,
        headers={"Content-Type": "application/json; charset=utf-8", **(headers or {})},
        body=json.dumps(document).encode(),
    )
    return lambda exchange: exchange.send(reply)


def page(status: int) -> Fault:
    """Answer with a page for people, as a gateway or a log-in in between does."""
    reply = Reply(
        status=status,
        headers={"Content-Type": "text/html"},
        body=b"<!DOCTYPE html><html><title>Sign in</title></html>",
    )
    return lambda exchange: exchange.send(reply)


def nothing(status: int) -> Fault:
    """Answer with a status alone."""
    return lambda exchange: exchange.send(Reply(status=status))


def cut(exchange: Exchange) -> None:
    """Promise more than comes."""
    exchange.send_beginning()


def reset(exchange: Exchange) -> None:
    """Break the connection off with a RST."""
    exchange.reset()


def after_write(fault: Fault) -> Fault:
    """Have the emulator carry the request out, and then go wrong all the same."""

    def act(exchange: Exchange) -> None:
        exchange.pass_on()
        fault(exchange)

    return act


def drop(_: Exchange) -> None:
    """Close the connection without an answer."""


def hang(exchange: Exchange) -> None:
    """Give no answer until the proxy stops."""
    exchange.closing.wait()


def trickle(byte_s: float) -> Fault:
    """Answer without an end, a byte at a time."""
    return lambda exchange: exchange.send_slowly(byte_s)


def delay(seconds: float) -> Fault:
    """Pass the request on later."""
    return meanwhile(lambda: time.sleep(seconds))


def meanwhile(action: Callable[[], object]) -> Fault:
    """Let something else happen first, then pass the request on."""

    def act(exchange: Exchange) -> None:
        action()
        exchange.send(exchange.pass_on())

    return act


@dataclass(kw_only=True)
class _Rule:
    method: str
    path: re.Pattern[str]
    fault: Fault
    left: int | None


class Proxy:
    """The running proxy."""

    def __init__(
        self,
        upstream: str,
        *,
        path: str = "",
        tls: ssl.SSLContext | None = None,
        host: str = "",
    ) -> None:
        """Listen; nothing is answered yet.

        Args:
            path: under which the API lies here, such as `/api/v3`.
            tls: with a certificate; None: plain http.
            host: the name by which it is known; empty: its address.
        """
        self.requests: list[Request] = []
        """All that it was asked, in the order of arrival."""
        self._upstream = upstream
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        self.port: int = self._server.server_address[1]
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._path = path
        self.url = f"{'https' if tls else 'http'}://{host or f'127.0.0.1:{self.port}'}{path}"
        """Its address."""

    def when(self, method: str, path: str, fault: Fault, *, times: int | None = None) -> None:
        """Let requests go wrong: the next `times` of them, or all."""
        with self._lock:
            rule = _Rule(method=method, path=re.compile(path), fault=fault, left=times)
            self._rules.append(rule)

    def heal(self) -> None:
        """Drop all rules."""
        with self._lock:
            self._rules.clear()

    def asked(self, method: str, path: str = "") -> list[Request]:
        """The requests of one method whose path matches."""
        with self._lock:
            return [
                request
                for request in self.requests
                if request.method == method and re.search(path, request.path)
            ]

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        length = int(handler.headers.get("Content-Length") or 0)
        request = Request(
            method=handler.command,
            path=handler.path,
            body=handler.rfile.read(length),
            headers=dict(handler.headers.items()),
        )
        exchange = Exchange(
            request=request,
            closing=self._closing,
            _handler=handler,
            _upstream=self._upstream,
            _own=self.url,
            _path=self._path,
        )
        fault = self._next_fault(request)
        # The client may have given up and gone; that is what many of these tests are about.
        with suppress(ConnectionError):
            fault(exchange)

    def _next_fault(self, request: Request) -> Fault:
        with self._lock:
            self.requests.append(request)
            for rule in self._rules:
                fits = rule.method == request.method and rule.path.search(request.path)
                if fits and rule.left != 0:
                    rule.left = None if rule.left is None else rule.left - 1
                    return rule.fault
        return meanwhile(lambda: None)

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """Serve until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="proxy")
        thread.start()
        try:
            yield self
        finally:
            self._closing.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    # Closing waits for the threads of the requests, so that none outlives its test.
    daemon_threads = False
    block_on_close = True


def _handler_of(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            proxy.handle(self)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle  # noqa: N815 - http.server's

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's
            """Say nothing: the requests are kept instead."""

    return Handler
