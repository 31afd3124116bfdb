"""How files are asked for over HTTP: through the job's proxies, with its certificates, never in
the clear unless that cannot matter, and until the deadline at most.
"""

from __future__ import annotations

import contextlib
import io
import socket
from collections.abc import Callable, Mapping
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from perf_smoke import __version__
from perf_smoke.deadline import Deadline
from perf_smoke.network import ca_bundle, is_loopback, is_machines_own, proxies_for
from perf_smoke.result import Unmeasured

_MOST_REDIRECTS = 10


def session(
    environment: Mapping[str, str], *, pinned: bool, deadline: Deadline
) -> requests.Session:
    """A session that knows only what it is given: no netrc, no token, no ambient proxy.

    A user and password inside the address are sent to its host alone: requests drops them when
    a redirect leads to another host, port or scheme.

    Args:
        environment: `*_PROXY`, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE.
        pinned: the content is checked against a known sha256, so plain http does no harm.
        deadline: no byte is waited for any longer.
    """
    client = requests.Session()
    client.trust_env = False
    client.max_redirects = _MOST_REDIRECTS
    client.headers["User-Agent"] = f"perf-smoke-action/{__version__}"
    # A compressed transfer could be neither resumed nor compared with its announced length.
    client.headers["Accept-Encoding"] = "identity"
    client.verify = ca_bundle(environment) or True
    adapter = _Careful(environment, pinned, deadline)
    client.mount("https://", adapter)
    client.mount("http://", adapter)
    return client


class _Careful(HTTPAdapter):
    """Sees every hop, redirects included."""

    def __init__(self, environment: Mapping[str, str], pinned: bool, deadline: Deadline) -> None:
        self._pools = _pools(deadline)
        super().__init__()
        self._environment = environment
        self._pinned = pinned

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = self._pools
        return manager

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002 — decided here for each hop
    ) -> requests.Response:
        url = request.url or ""
        host = urlsplit(url).hostname or ""
        if is_machines_own(host):
            raise _machines_own(host)
        if not self._pinned:
            _refuse_plain_http(url)
        response = super().send(
            request, stream, timeout, verify, cert, proxies_for(url, self._environment)
        )
        if response.is_redirect:
            response.close()  # else requests reads its body to the end, however long that is
        return response


class _Clocked(io.RawIOBase):
    """Reads a socket, and waits for its next bytes until the deadline at most."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, deadline: Deadline) -> None:
        self._sock = sock
        self._raw = raw
        self._silence_s = sock.gettimeout()
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._deadline.left_s
        if not left_s:
            raise TimeoutError
        self._sock.settimeout(min(left_s, self._silence_s or left_s))
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def _pools(deadline: Deadline) -> dict[str, type[HTTPConnectionPool]]:
    """What urllib3 makes connections by, with our clock and our refusals."""

    class Response(HTTPResponse):
        def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
            super().__init__(sock, *arguments, **options)
            self.fp = io.BufferedReader(_Clocked(sock, self.fp.detach(), deadline))

    class Plain(HTTPConnection):
        response_class = Response

        def _new_conn(self) -> socket.socket:
            return _connected(self, super()._new_conn)

    class Tls(HTTPSConnection):
        response_class = Response

        def _new_conn(self) -> socket.socket:
            return _connected(self, super()._new_conn)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = Tls

    return {"http": PlainPool, "https": TlsPool}


def _connected(connection: HTTPConnection, connect: Callable[[], socket.socket]) -> socket.socket:
    """A socket to its host, wherever that name leads; to a proxy as it is."""
    host = connection.host
    if connection.proxy:
        return connect()
    with contextlib.suppress(OSError):  # then it cannot be reached either, and that tells why
        for *_, address in socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM):
            if is_machines_own(str(address[0])):
                raise _machines_own(host)
    sock = connect()
    if is_machines_own(sock.getpeername()[0]):  # the name has changed since
        sock.close()
        raise _machines_own(host)
    return sock


def _machines_own(host: str) -> Unmeasured:
    return Unmeasured(
        "model-insecure",
        f"The model would come from {host}, at which only the machine's own link or its cloud "
        "answers, with what is meant for nobody else: name another host.",
    )


def _refuse_plain_http(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or is_loopback(url):
        return
    raise Unmeasured(
        "model-insecure",
        f"The model would come from {parts.hostname or ''} over plain http, where anyone on the "
        "way could change it: use https, or give model-sha256.",
    )
