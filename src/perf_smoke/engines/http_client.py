"""How a server is asked: one kept connection, one deadline per exchange, one sentence per failure.

Redirects are never followed, so that a key stays with the host that it was given for.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from perf_smoke import __version__
from perf_smoke.engines import wire
from perf_smoke.engines.wire import Piece
from perf_smoke.printable import one_line
from perf_smoke.result import Unmeasured
from perf_smoke.secret import Secret

_SAID_BYTES = 65536
"""So much of a refusal is looked into."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A server's answer to one request, as it arrived."""

    name: str
    """Who gave it, as a sentence starts: `The server at …`."""
    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    started_ns: int
    """Right before the request was sent, over a connection that was open already."""
    pieces: tuple[Piece, ...]
    complete: bool
    """False when the connection ended before the body did."""

    @property
    def body(self) -> bytes:
        """All pieces together."""
        return b"".join(piece.data for piece in self.pieces)

    @property
    def wall_ms(self) -> float:
        """From the request to the last byte of the body."""
        return self.ms_until(self.pieces[-1].arrived_ns if self.pieces else self.started_ns)

    def ms_until(self, moment_ns: int) -> float:
        """From the request to that moment."""
        return (moment_ns - self.started_ns) / 1e6

    def document(self) -> Any:
        """The body's JSON document, or None when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class RequestRefused(Unmeasured):
    """The server answered, but not with what was asked for."""

    def __init__(self, status: int, sentence: str, said: Any = "") -> None:
        super().__init__("request-refused", sentence)
        self.status = status
        self.said = said
        """The server's own words: a JSON document, or a text."""


class Client:
    """Asks one server, over one connection at a time. Not for several threads at once."""

    def __init__(
        self,
        url: str,
        *,
        name: str,
        environment: Mapping[str, str],
        api_key: Secret = Secret(""),  # noqa: B008 — frozen
        query: str = "",
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            url: scheme, host, port, and a path that all others are appended to.
            query: what stands behind every path.
            name: who is asked, as a sentence starts: "The server at …".
            environment: for `*_PROXY`, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE.
            api_key: sent as bearer token; empty: none.

        Raises:
            Unmeasured: the key cannot be sent.
        """
        self.name = name
        self._url = url.rstrip("/")
        self._query = f"?{query}" if query else ""
        self._environment = environment
        self._api_key = api_key
        self._connection: HTTPConnection | None = None
        self._headers = {
            "Accept-Encoding": "identity",  # unpacking would take time inside the timing
            "Content-Type": "application/json",
            "User-Agent": f"perf-smoke-action/{__version__}",
        }
        if url.startswith("http:"):  # else the proxy is asked for a tunnel, and told there
            self._headers |= wire.proxy_headers(url, environment)
        if api_key:
            if not (api_key.reveal().isascii() and api_key.reveal().isprintable()):
                raise Unmeasured(
                    "request-refused",
                    "OPENAI_API_KEY holds characters that cannot be sent: is it cut or quoted?",
                )
            self._headers["Authorization"] = f"Bearer {api_key.reveal()}"

    def get(self, path: str, timeout_s: float) -> Answer:
        """Whatever is answered to a GET, be it an error.

        Raises:
            Unmeasured: `endpoint-unreachable`, `engine-timeout`, `connection-lost`,
                `engine-output`.
        """
        return self._exchange("GET", path, None, timeout_s)

    def post(self, path: str, body: Mapping[str, Any], timeout_s: float) -> Answer:
        """The answer to a JSON document.

        Raises:
            RequestRefused: any status but 200; the sentence holds what the server said about it.
            Unmeasured: as `get`.
        """
        answer = self._exchange("POST", path, json.dumps(body).encode(), timeout_s)
        if answer.status != 200:
            raise self._refused(answer)
        return answer

    def close(self) -> None:
        """Drop the connection; the next request makes a new one."""
        if self._connection:
            self._connection.close()
        self._connection = None

    def _exchange(self, method: str, path: str, body: bytes | None, timeout_s: float) -> Answer:
        deadline_ns = time.perf_counter_ns() + int(timeout_s * 1e9)
        whole = False
        try:
            started_ns, response = self._send(method, self._target(path), body, deadline_ns)
            with closing(response):
                pieces, whole = wire.receive(response)
        except (OSError, HTTPException, wire.TooLong) as error:
            raise self._failed(error, timeout_s) from error
        finally:
            if not whole:
                self.close()
        return Answer(
            name=self.name,
            status=response.status,
            headers={
                name.lower(): self._scrubbed(value.encode("latin-1", "replace")).decode("latin-1")
                for name, value in response.getheaders()
            },
            started_ns=started_ns,
            pieces=tuple(map(self._scrubbed_piece, pieces)),
            complete=whole,
        )

    def _send(
        self, method: str, target: str, body: bytes | None, deadline_ns: int
    ) -> tuple[int, wire.TimedResponse]:
        """When it was sent, and the beginning of the answer.

        A server may end a kept connection in the very moment in which it is used again: then the
        request is sent once more, over a new one, and the clock starts there.
        """
        reused = bool(self._connection and wire.is_idle(self._connection))
        connection = self._connected(reused, deadline_ns)
        connection.sock.settimeout(wire.left_s(deadline_ns))
        try:
            started_ns = time.perf_counter_ns()
            return started_ns, wire.send(connection, method, target, body, self._headers)
        except ConnectionError:
            if not reused:
                raise
        self.close()
        return self._send(method, target, body, deadline_ns)

    def _connected(self, reused: bool, deadline_ns: int) -> HTTPConnection:
        """The connection of the last request, or a new one."""
        if not reused:
            self.close()
        if self._connection is None:
            try:
                self._connection = wire.connect(self._url, self._environment, deadline_ns)
            except (OSError, HTTPException, ValueError) as error:
                raise self._unreachable(error) from error
        return self._connection

    def _target(self, path: str) -> str:
        """The path as the request line names it; for a proxy of plain http the whole address."""
        address = self._url + path + self._query
        if address.startswith("http:") and wire.proxy_for(address, self._environment):
            return address
        parts = urlsplit(address)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def _unreachable(self, error: Exception) -> Unmeasured:
        if isinstance(error, ssl.SSLCertVerificationError):
            why = f"its certificate is not trusted ({error.verify_message})"
        elif isinstance(error, ssl.SSLError):
            why = "it does not speak TLS; should its address start with http://?"
        elif isinstance(error, TimeoutError):
            why = "it did not accept a connection in time"
        elif isinstance(error, (socket.gaierror, UnicodeError)):
            why = "there is no such host"
        else:
            why = getattr(error, "strerror", None) or str(error)
        return Unmeasured(
            "endpoint-unreachable",
            f"{self.name} cannot be reached: {one_line(why)}. Check `endpoint`, and that the "
            "server runs before this step.",
        )

    def _failed(self, error: Exception, timeout_s: float) -> Unmeasured:
        if isinstance(error, TimeoutError):
            return Unmeasured(
                "engine-timeout",
                f"{self.name} did not finish its answer within {timeout_s:g} s; raise `timeout` "
                "if it may take longer.",
            )
        if isinstance(error, wire.TooLong):
            return Unmeasured(
                "engine-output",
                f"{self.name} sent more than {wire.MOST_BYTES // 2**20} MiB or "
                f"{wire.MOST_PIECES:,} pieces as one answer; the rest was not read.",
            )
        if isinstance(error, OSError):
            return Unmeasured(
                "connection-lost", f"{self.name} closed the connection without an answer."
            )
        return Unmeasured(
            "engine-output", f"{self.name} does not speak HTTP: check the port in `endpoint`."
        )

    def _refused(self, answer: Answer) -> RequestRefused:
        status = answer.status
        if 300 <= status < 400:
            to = one_line(answer.headers.get("location", ""))
            sentence = f"{self.name} redirects to `{to}`: give that address as `endpoint`."
            return RequestRefused(status, sentence)
        said = error_message(answer).rstrip(".")
        sentence = f"{self.name} refused the request (HTTP {status}){': ' if said else ''}{said}."
        if status in (401, 403):
            sentence += " Is OPENAI_API_KEY set, and right, in this step's env?"
        text = answer.body[:_SAID_BYTES].decode("utf-8", "replace")
        return RequestRefused(status, sentence, answer.document() or text)

    def _scrubbed_piece(self, piece: Piece) -> Piece:
        data = self._scrubbed(piece.data)
        return piece if data == piece.data else replace(piece, data=data)

    def _scrubbed(self, data: bytes) -> bytes:
        """Without our key, which a server may repeat in a message that is shown later."""
        return data.replace(self._api_key.reveal().encode(), b"***") if self._api_key else data


def error_message(answer: Answer) -> str:
    """What the server said about an error, on one line: in the form of OpenAI, FastAPI or
    Ollama, or the start of a text."""
    document = answer.document()
    if document is None:
        return one_line(answer.body[:2000].decode("utf-8", "replace"))
    return stated_error(document)


def stated_error(document: Any) -> str:
    """The message of an error object, on one line; empty where the document states none."""
    for name in ("error", "detail", "message"):
        value = document.get(name) if isinstance(document, dict) else None
        if value:
            nested = stated_error(value)
            return nested or one_line(value if isinstance(value, str) else json.dumps(value))
    return ""
