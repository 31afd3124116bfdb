"""How the client behaves with servers that behave, and with all the others."""

from __future__ import annotations

import base64
import resource
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from perf_smoke.engines import events, wire
from perf_smoke.engines.http_client import Answer, Client, RequestRefused
from perf_smoke.result import Failure, Unmeasured
from perf_smoke.secret import Secret
from tests.emulator.certificates import Authority
from tests.emulator.tunnel import Tunnel
from tests.integration.engines.http_server import Exchange, Handler, HttpServer, answering

TIMEOUT_S = 60.0
SHORT_S = 0.5
DONE = b"data: [DONE]\n\n"
KEY_HINT = " Is OPENAI_API_KEY set, and right, in this step's env?"


def client_of(server: HttpServer, **changes: object) -> Client:
    arguments = {"name": "The server", "environment": {}, **changes}
    return Client(server.url, **arguments)  # type: ignore[arg-type] # as the tests give them


def post(handler: Handler, timeout_s: float = TIMEOUT_S) -> Answer:
    with HttpServer({"/x": handler}) as server, closing(client_of(server)) as client:
        return client.post("/x", {"a": 1}, timeout_s)


def failure_of(handler: Handler, timeout_s: float = TIMEOUT_S) -> Failure:
    with pytest.raises(Unmeasured) as caught:
        post(handler, timeout_s)
    return caught.value.failure


def test_the_answer_and_its_moments_come_back() -> None:
    answer = post(answering({"b": 2}))
    assert answer.document() == {"b": 2}
    assert answer.complete
    assert answer.status == 200
    assert 0 < answer.wall_ms < TIMEOUT_S * 1e3


def test_all_requests_share_one_connection() -> None:
    with HttpServer({"/x": answering({})}) as server, closing(client_of(server)) as client:
        for _ in range(3):
            client.post("/x", {}, TIMEOUT_S)
            client.get("/x", TIMEOUT_S)
        assert client.get("/missing", TIMEOUT_S).status == 404
        assert server.connections == 1


def test_a_connection_that_the_server_ended_meanwhile_is_made_anew_before_the_clock_starts() -> (
    None
):
    def once(exchange: Exchange) -> None:
        exchange.reply({})
        exchange.drop()

    with HttpServer({"/x": once}) as server, closing(client_of(server)) as client:
        client.post("/x", {}, TIMEOUT_S)
        wait_until_ended(client)
        assert client.post("/x", {}, TIMEOUT_S).complete
        assert server.connections == 2


def test_a_connection_that_ends_at_the_moment_of_use_is_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def once(exchange: Exchange) -> None:
        exchange.reply({})
        exchange.drop()

    with HttpServer({"/x": once}) as server, closing(client_of(server)) as client:
        client.post("/x", {}, TIMEOUT_S)
        wait_until_ended(client)
        looks = iter([True])
        monkeypatch.setattr(wire, "is_idle", lambda _connection: next(looks, False))
        assert client.post("/x", {}, TIMEOUT_S).complete
        assert server.connections == 2


def test_an_answer_that_ends_the_connection_is_whole_and_the_next_one_makes_another() -> None:
    with HttpServer({"/x": answering({"b": 2}, Connection="close")}) as server:
        with closing(client_of(server)) as client:
            for _ in range(2):
                assert client.post("/x", {}, TIMEOUT_S).document() == {"b": 2}
        assert server.connections == 2


def hang_before_headers(exchange: Exchange) -> None:
    exchange.released.wait(TIMEOUT_S)
    exchange.drop()


def hang_in_the_body(exchange: Exchange) -> None:
    exchange.begin()
    exchange.chunk(b"data: {}\n\n")
    hang_before_headers(exchange)


def dribble_headers(exchange: Exchange) -> None:
    exchange.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not exchange.released.wait(0.05):
        exchange.wfile.write(b"x")
    exchange.drop()


def dribble_the_body(exchange: Exchange) -> None:
    exchange.begin()
    while not exchange.released.wait(0.05):
        exchange.chunk(b": still thinking\n\n")
    exchange.drop()


def close_delimited_hang(exchange: Exchange) -> None:
    exchange.wfile.write(b"HTTP/1.0 200 OK\r\n\r\nhalf")
    hang_before_headers(exchange)


@pytest.mark.parametrize(
    "handler",
    [
        hang_before_headers,
        hang_in_the_body,
        dribble_headers,
        dribble_the_body,
        close_delimited_hang,
    ],
)
def test_a_stalled_or_dribbling_answer_ends_at_the_timeout(handler: Handler) -> None:
    started_s = time.monotonic()
    failure = failure_of(handler, SHORT_S)
    assert failure.reason == "engine-timeout"
    assert failure.sentence == (
        "The server did not finish its answer within 0.5 s; raise `timeout` if it may take longer."
    )
    assert SHORT_S <= time.monotonic() - started_s < TIMEOUT_S / 2


def test_no_time_at_all_is_no_time_to_connect() -> None:
    failure = failure_of(answering({}), 0.0)
    assert failure.reason == "endpoint-unreachable"
    assert "did not accept a connection in time" in failure.sentence


def test_after_a_timeout_the_late_answer_is_not_taken_for_the_next_one() -> None:
    late = threading.Event()

    def handler(exchange: Exchange) -> None:
        if exchange.document["number"] == 1:
            late.wait(TIMEOUT_S)
        exchange.reply({"number": exchange.document["number"]})

    with HttpServer({"/x": handler}) as server, closing(client_of(server)) as client:
        with pytest.raises(Unmeasured):
            client.post("/x", {"number": 1}, SHORT_S)
        late.set()
        assert client.post("/x", {"number": 2}, TIMEOUT_S).document() == {"number": 2}


def test_what_is_kept_open_after_the_last_event_is_taken_as_it_is() -> None:
    def handler(exchange: Exchange) -> None:
        exchange.begin()
        exchange.chunk(DONE)
        hang_before_headers(exchange)

    started_s = time.monotonic()
    answer = post(handler)
    assert time.monotonic() - started_s < TIMEOUT_S / 2
    assert answer.body == DONE
    assert not answer.complete


def test_a_server_that_drops_the_request_is_told_of() -> None:
    failure = failure_of(Exchange.drop)
    assert failure.reason == "connection-lost"
    assert failure.sentence == "The server closed the connection without an answer."


@pytest.mark.parametrize(
    "begun",
    [
        b"Content-Length: 100\r\n\r\nhalf",
        b"Transfer-Encoding: chunked\r\n\r\n64\r\nhalf",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ],
)
def test_what_had_come_before_the_connection_broke_is_kept(begun: bytes) -> None:
    def handler(exchange: Exchange) -> None:
        exchange.wfile.write(b"HTTP/1.1 200 OK\r\n" + begun)
        exchange.drop()

    answer = post(handler)
    assert answer.body == b"half"
    assert not answer.complete


@pytest.mark.parametrize("nonsense", [b"\x00\xff\x13" * 50, b"SSH-2.0-OpenSSH_9.2\r\n"])
def test_something_else_than_http_is_called_so(nonsense: bytes) -> None:
    def handler(exchange: Exchange) -> None:
        exchange.wfile.write(nonsense)
        exchange.drop()

    failure = failure_of(handler)
    assert failure.reason == "engine-output"
    assert "does not speak HTTP" in failure.sentence


def test_an_endless_answer_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MOST_BYTES", 2 * 2**20)

    def handler(exchange: Exchange) -> None:
        exchange.begin()
        while not exchange.released.is_set():
            exchange.chunk(b"x" * 65536)

    failure = failure_of(handler)
    assert failure.reason == "engine-output"
    assert "more than 2 MiB" in failure.sentence


def test_chunks_of_one_byte_cost_no_more_memory_than_they_hold() -> None:
    def handler(exchange: Exchange) -> None:
        exchange.begin()
        for _ in range(30):
            exchange.wfile.write(b"1\r\nx\r\n" * 10_000)
        exchange.end()

    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = post(handler)
    assert answer.body == b"x" * 300_000
    assert len(answer.pieces) < 30_000
    # 300,000 pieces took 80 MB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 20_000


def test_more_pieces_than_anybody_needs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MOST_PIECES", 10)

    def handler(exchange: Exchange) -> None:
        exchange.begin()
        while not exchange.released.is_set():
            exchange.chunk(b"x")
            time.sleep(0.01)

    failure = failure_of(handler)
    assert failure.reason == "engine-output"
    assert "10 pieces" in failure.sentence


@pytest.mark.parametrize("line", [b"\n", b"data:\n", b": ping\n\n", b'data: {"a": 1}\n\n'])
def test_more_lines_than_anybody_needs_are_refused(line: bytes) -> None:
    answer = post(answering(line * 600_000))
    with pytest.raises(Unmeasured, match="more than 500,000 lines"):
        events.server_sent(answer)


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (
            {"error": {"message": "max_tokens is too large.", "type": "invalid"}},
            400,
            "The server refused the request (HTTP 400): max_tokens is too large.",
        ),
        (
            {"error": 'model "x" not found'},
            404,
            'The server refused the request (HTTP 404): model "x" not found.',
        ),
        (
            {"detail": [{"loc": ["body"], "msg": "required"}]},
            422,
            'The server refused the request (HTTP 422): [{"loc": ["body"], "msg": "required"}].',
        ),
        (
            b"upstream\n`died`\x07",
            502,
            "The server refused the request (HTTP 502): upstream 'died'\ufffd.",
        ),
        (b"", 500, "The server refused the request (HTTP 500)."),
        (
            {"error": {"message": "Invalid API Key"}},
            401,
            "The server refused the request (HTTP 401): Invalid API Key." + KEY_HINT,
        ),
    ],
)
def test_a_refusal_is_one_clear_sentence(body: object, status: int, sentence: str) -> None:
    failure = failure_of(answering(body, status))
    assert failure.reason == "request-refused"
    assert failure.sentence == sentence


def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else() -> None:
    with HttpServer({}) as other:
        redirect = answering({}, 307, Location=f"{other.url}/x")
        with (
            HttpServer({"/x": redirect}) as server,
            closing(client_of(server, api_key=Secret("sk-one"))) as client,
            pytest.raises(RequestRefused) as caught,
        ):
            client.post("/x", {}, TIMEOUT_S)
        assert other.requests == []
        assert caught.value.failure.sentence == (
            f"The server redirects to `{other.url}/x`: give that address as `endpoint`."
        )
        assert server.requests[0][1]["Authorization"] == "Bearer sk-one"


def test_a_key_that_the_server_repeats_is_not_passed_on() -> None:
    body = {"error": {"message": "Incorrect API key provided: sk-one"}}
    with (
        HttpServer({"/x": answering(body, 401, X="sk-one")}) as server,
        closing(client_of(server, api_key=Secret("sk-one"))) as client,
    ):
        answer = client.get("/x", TIMEOUT_S)
        assert "sk-one" not in repr(answer)
        with pytest.raises(RequestRefused) as caught:
            client.post("/x", {}, TIMEOUT_S)
        assert "sk-one" not in caught.value.failure.sentence


def test_a_key_that_no_header_can_hold_is_refused_at_once() -> None:
    with HttpServer({}) as server, pytest.raises(Unmeasured) as caught:
        client_of(server, api_key=Secret("sk-one\nsk-two"))
    assert "OPENAI_API_KEY holds characters that cannot be sent" in caught.value.failure.sentence


def test_nobody_at_the_address_is_told_with_what_to_check() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and never listens
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        client = Client(url, name="The server", environment={})
        with pytest.raises(Unmeasured) as caught:
            client.get("/x", TIMEOUT_S)
    assert caught.value.failure.reason == "endpoint-unreachable"
    assert caught.value.failure.sentence == (
        "The server cannot be reached: Connection refused. Check `endpoint`, and that the server "
        "runs before this step."
    )


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (TimeoutError(), "it did not accept a connection in time"),
        (socket.gaierror(-2, "Name or service not known"), "there is no such host"),
        (OSError("Tunnel connection failed: 407"), "Tunnel connection failed: 407"),
    ],
)
def test_why_there_is_no_connection_is_said_in_plain_words(
    error: Exception, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: object) -> None:
        raise error

    monkeypatch.setattr(wire, "connect", connect)
    with pytest.raises(Unmeasured) as caught:
        Client("http://127.0.0.1:9", name="It", environment={}).get("/", TIMEOUT_S)
    assert f"It cannot be reached: {why}." in caught.value.failure.sentence


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://127.0.0.1:port"])
def test_an_address_that_cannot_be_meant_is_unreachable_too(url: str) -> None:
    with pytest.raises(Unmeasured) as caught:
        Client(url, name="It", environment={}).get("/", TIMEOUT_S)
    assert caught.value.failure.reason == "endpoint-unreachable"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed, with its key in the same file."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl, to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    key, path = folder / "key.pem", folder / "certificate.pem"
    arguments = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(path)]
    subprocess.run(
        ["openssl", *arguments, "-nodes", "-days", "2", *subject, *files],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + key.read_text())
    return path


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[HttpServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HttpServer({"/x": answering({"b": 2})}, tls=context) as server:
        yield server


def test_a_certificate_of_the_jobs_own_authority_is_trusted(
    tls_server: HttpServer, certificate: Path
) -> None:
    client = client_of(tls_server, environment={"SSL_CERT_FILE": str(certificate)})
    with closing(client):
        assert client.post("/x", {}, TIMEOUT_S).document() == {"b": 2}
        assert client.post("/x", {}, TIMEOUT_S).document() == {"b": 2}
        assert tls_server.connections == 1


def test_an_unknown_certificate_is_not_trusted(tls_server: HttpServer) -> None:
    with pytest.raises(Unmeasured) as caught:
        client_of(tls_server).get("/x", TIMEOUT_S)
    assert "its certificate is not trusted" in caught.value.failure.sentence


def test_a_bundle_that_is_not_there_is_told(tls_server: HttpServer, tmp_path: Path) -> None:
    client = client_of(tls_server, environment={"SSL_CERT_FILE": str(tmp_path / "none.pem")})
    with pytest.raises(Unmeasured) as caught:
        client.get("/x", TIMEOUT_S)
    assert caught.value.failure.reason == "endpoint-unreachable"


def test_plain_http_behind_an_https_address_is_told() -> None:
    with HttpServer({"/x": answering({})}) as server:
        client = Client(server.url.replace("http:", "https:"), name="It", environment={})
        with pytest.raises(Unmeasured) as caught:
            client.get("/x", TIMEOUT_S)
    assert "should its address start with http://?" in caught.value.failure.sentence


def test_another_machine_is_asked_through_the_proxy_and_this_one_never() -> None:
    target = "http://model-server.invalid:8000/base/x"
    with HttpServer({target: answering({"b": 2}), "/x": answering({"c": 3})}) as proxy:
        environment = {"http_proxy": proxy.url}
        there = Client("http://model-server.invalid:8000/base", name="It", environment=environment)
        with closing(there):
            assert there.post("/x", {}, TIMEOUT_S).document() == {"b": 2}
        with closing(client_of(proxy, environment={"http_proxy": "http://127.0.0.1:9"})) as here:
            assert here.post("/x", {}, TIMEOUT_S).document() == {"c": 3}


def test_https_goes_through_a_tunnel_of_the_proxy() -> None:
    with HttpServer({"model-server.invalid:443": answering({}, 403)}) as proxy:
        client = Client(
            "https://model-server.invalid", name="It", environment={"HTTPS_PROXY": proxy.url}
        )
        with pytest.raises(Unmeasured) as caught:
            client.get("/x", TIMEOUT_S)
        assert proxy.requests[0][0] == "model-server.invalid:443"
    assert "Tunnel connection failed: 403" in caught.value.failure.sentence


def test_a_proxy_is_told_the_user_that_its_address_names(authority: Authority) -> None:
    target = "http://model-server.example:8000/x"
    with HttpServer({target: answering({"b": 2})}) as proxy:
        address = proxy.url.replace("http://", "http://maria:s3cret%2F@")
        environment = {"http_proxy": address}
        client = Client("http://model-server.example:8000", name="It", environment=environment)
        with closing(client):
            assert client.get("/x", TIMEOUT_S).document() == {"b": 2}
        (_, headers, _) = proxy.requests[0]
        told = {name.lower(): value for name, value in headers.items()}["proxy-authorization"]
        assert base64.b64decode(told.removeprefix("Basic ")) == b"maria:s3cret/"

    tls = authority.context("model-server.example")
    trust = {"SSL_CERT_FILE": str(authority.file)}
    with (
        HttpServer({"/x": answering({"c": 3})}, tls=tls) as server,
        Tunnel({"model-server.example:443": server.port}).running() as tunnel,
    ):
        for address in (tunnel.url, tunnel.url.removeprefix("http://")):
            environment = {**trust, "HTTPS_PROXY": address}
            client = Client("https://model-server.example", name="It", environment=environment)
            with closing(client):
                assert client.get("/x", TIMEOUT_S).document() == {"c": 3}
        ((_, headers, _), *_) = server.requests
        assert "proxy-authorization" not in {name.lower() for name in headers}


def wait_until_ended(client: Client) -> None:
    """Until the other end of the kept connection has arrived here."""
    deadline_s = time.monotonic() + TIMEOUT_S
    while client._connection and wire.is_idle(client._connection):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
