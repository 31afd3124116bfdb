"""How bytes come off a connection: within a deadline, and stamped when they leave the kernel.

Built on http.client, on which requests and urllib3 are built, for reasons that only matter where
the exchange itself is timed: each piece carries the moment at which it left the kernel rather than
the one at which it was parsed; one deadline holds for headers and body together, however slowly
they trickle; and less of our own time is in the timing (to llama-server's first token, requests
takes 1.7 ms longer: a twentieth of a small model's).
"""

from __future__ import annotations

import base64
import io
import re
import selectors
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection, IncompleteRead
from typing import Any
from urllib.parse import unquote, urlsplit

from perf_smoke.network import ca_bundle, is_loopback, proxies_for

MOST_BYTES = 64 * 1024 * 1024
"""The most that is read of one answer. The longest honest one (100,000 tokens, an event each)
has about 35 MB."""
MOST_PIECES = 400_000
"""And in how many pieces: each costs memory of its own."""
_LONGEST_PIECE = 64 * 1024
_LINGER_S = 0.5
"""How long after `[DONE]` the end of the answer is waited for, to keep the connection."""
_DONE = re.compile(rb"(?:^|[\r\n])data: ?\[DONE\]\s*$")
_TAIL_BYTES = 32
"""So much of the end is looked at: `[DONE]` may come in two pieces."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Some bytes of an answer, and when they left the kernel (perf_counter_ns)."""

    arrived_ns: int
    data: bytes


class TooLong(Exception):
    """The answer has more than MOST_BYTES, or MOST_PIECES."""


class _Clock(io.RawIOBase):
    """Reads a socket until a deadline, and knows when the last bytes came out of the kernel."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw
        self.arrived_ns = 0
        self.deadline_ns = time.perf_counter_ns() + int((sock.gettimeout() or 0.0) * 1e9)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(left_s(self.deadline_ns))
        count: int | None = self._raw.readinto(buffer)
        self.arrived_ns = time.perf_counter_ns()
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class TimedResponse(HTTPResponse):
    """An answer read through a _Clock; its deadline is the socket's timeout, from now on."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.clock = _Clock(sock, self.fp.detach())
        self.fp = io.BufferedReader(self.clock)


class _PlainConnection(HTTPConnection):
    response_class = TimedResponse


class _TlsConnection(HTTPSConnection):
    response_class = TimedResponse


def connect(url: str, environment: Mapping[str, str], deadline_ns: int) -> HTTPConnection:
    """A connection to the server, or to the proxy before it.

    Raises:
        OSError, HTTPException: it cannot be had.
        ValueError: the address cannot be meant.
    """
    parts = urlsplit(url)
    proxy = urlsplit(proxy_for(url, environment))
    host = proxy.hostname or parts.hostname or ""
    port = proxy.port if proxy.hostname else parts.port
    connection: HTTPConnection
    if parts.scheme == "http":
        connection = _PlainConnection(host, port or 80)
    else:
        context = ssl.create_default_context(cafile=ca_bundle(environment) or None)
        connection = _TlsConnection(host, port or 443, context=context)
        if proxy.hostname:
            headers = proxy_headers(url, environment)
            connection.set_tunnel(parts.hostname or "", parts.port or 443, headers)
    connection.timeout = left_s(deadline_ns)
    try:
        connection.connect()
    except BaseException:  # also a cancel: nobody else can close it yet
        connection.close()
        raise
    return connection


def send(
    connection: HTTPConnection,
    method: str,
    target: str,
    body: bytes | None,
    headers: Mapping[str, str],
) -> TimedResponse:
    """Send a request and wait for the headers of its answer."""
    connection.request(method, target, body, dict(headers))
    response = connection.getresponse()
    if not isinstance(response, TimedResponse):  # pragma: no cover - response_class says so
        raise TypeError(response)
    return response


def receive(response: TimedResponse) -> tuple[list[Piece], bool]:
    """All pieces of the body, and whether it was whole. What came together (in one packet, or while
    nobody looked) is one piece, however the server has cut it.

    Raises:
        TimeoutError: the deadline passed first.
        TooLong: there are more than MOST_BYTES, or MOST_PIECES.
    """
    pieces: list[Piece] = []
    size = 0
    tail = b""
    done = False
    try:
        while data := response.read1(_LONGEST_PIECE):
            size += len(data)
            tail = (tail + data)[-_TAIL_BYTES:]
            last = pieces[-1] if pieces else None
            if (
                last
                and last.arrived_ns == response.clock.arrived_ns
                and len(last.data) + len(data) <= _LONGEST_PIECE
            ):
                pieces[-1] = replace(last, data=last.data + data)
            else:
                pieces.append(Piece(arrived_ns=response.clock.arrived_ns, data=data))
            if size > MOST_BYTES or len(pieces) > MOST_PIECES:
                raise TooLong
            if _DONE.search(tail):
                done = True
                linger_ns = time.perf_counter_ns() + int(_LINGER_S * 1e9)
                response.clock.deadline_ns = min(response.clock.deadline_ns, linger_ns)
    except TimeoutError:
        if not done:
            raise
        return pieces, False  # all was said, but the answer is kept open
    except (OSError, IncompleteRead):
        return pieces, False
    return pieces, not response.length


def is_idle(connection: HTTPConnection) -> bool:
    """Whether a kept connection can be used again: open, and with nothing to read from it.
    Between two answers only its end can come."""
    if connection.sock is None:
        return False
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return not selector.select(0)


def left_s(deadline_ns: int) -> float:
    """Until the deadline (perf_counter_ns); never 0, which would mean not to wait at all.

    Raises:
        TimeoutError: it has passed.
    """
    left = (deadline_ns - time.perf_counter_ns()) / 1e9
    if left <= 0:
        raise TimeoutError
    return left


def proxy_headers(url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """What the proxy for this address is told of its user, where its own address names one."""
    proxy = urlsplit(proxy_for(url, environment))
    if proxy.username is None:
        return {}
    user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"}


def proxy_for(url: str, environment: Mapping[str, str]) -> str:
    """The proxy for this address, or nothing. What is on this machine is asked directly."""
    return "" if is_loopback(url) else next(iter(proxies_for(url, environment).values()), "")
