"""How a server of ours is started, waited for, watched and surely ended."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from perf_smoke.engines import failures
from perf_smoke.engines.http_client import Client
from perf_smoke.printable import last_lines
from perf_smoke.processes.background import Background, cpu_ms_of, peak_rss_kib_of
from perf_smoke.result import Failure, Unmeasured

HOST = "127.0.0.1"
_STARTS = 3
"""Between our choosing a free port and the server taking it, somebody else may take it."""
_POLL_S = 0.02
_ONE_ANSWER_S = 5.0
_END_S = 0.5
"""A server that cannot listen on its port ends within this."""


class StartedServer:
    """A server of ours that is ready for requests."""

    def __init__(
        self, program: str, background: Background, client: Client, *, port: int, load_ms: float
    ) -> None:
        self.client = client
        self.url = f"http://{HOST}:{port}"
        self.load_ms = load_ms
        """From its start to its first healthy answer."""
        self._program = program
        self._background = background
        self.pids = background.pids()
        self._pid = _listener(background.pid, port)
        self._started_s = time.monotonic() - load_ms / 1e3

    def cpu_ms(self) -> float | None:
        """CPU time, until now, of the process that listens; None where that is none of those
        which we started (but, say, in a container)."""
        return cpu_ms_of(self._pid) if self._pid else None

    def peak_rss_kib(self) -> int | None:
        """The largest resident set of that process until now."""
        return peak_rss_kib_of(self._pid) if self._pid else None

    def explained(self, failure: Failure, timeout_s: float) -> Failure:
        """Why a request really failed: how the server ended, if it did, and its log. One that was
        too slow is killed: it would go on with an answer that nobody waits for."""
        if failure.reason == "engine-timeout":
            self.close()
            return failures.timed_out(self._program, timeout_s, self._background.output())
        if failure.reason not in ("connection-lost", "endpoint-unreachable"):
            return failure
        exit_code = self._background.wait(_END_S)
        if exit_code is None:
            tail = last_lines(self._background.output())
            return Failure(reason=failure.reason, sentence=failure.sentence, tail=tail)
        self.close()
        after_s = time.monotonic() - self._started_s
        return failures.exited(self._program, exit_code, after_s, self._background.output())

    def log(self) -> str:
        """What it has printed until now."""
        return self._background.output()

    def close(self) -> None:
        """End it with all its children. May be called twice."""
        self.client.close()
        self._background.kill()


def start(
    argv_for: Callable[[int], Sequence[str]],
    client_for: Callable[[int], Client],
    *,
    program: str,
    cwd: Path,
    environment: Mapping[str, str],
    timeout_s: float,
) -> StartedServer:
    """Start a server and wait until it answers `GET /health` with 200.

    Args:
        argv_for: its command line, for a port of HOST.
        client_for: a client for that port.
        program: its name in sentences.
        timeout_s: for all of it.

    Raises:
        Unmeasured: it cannot be started, ended early, or was not ready in time; with its log.
    """
    deadline_s = time.monotonic() + timeout_s
    for starts_left in reversed(range(_STARTS)):
        port = _free_port()
        client = client_for(port)
        started_s = time.monotonic()
        try:
            background = Background(argv_for(port), cwd=cwd, environment=environment)
        except OSError as error:
            raise failures.not_started(program, error) from error
        try:
            healthy_s = _becomes_healthy(background, client, port, deadline_s)
            if healthy_s is not None:
                load_ms = (healthy_s - started_s) * 1e3
                return StartedServer(program, background, client, port=port, load_ms=load_ms)
        except BaseException:  # also a cancel: nobody else knows of the server yet
            client.close()
            background.kill()
            raise
        exit_code = background.exit_code()
        client.close()
        background.kill()
        if exit_code is None:
            break
        if not starts_left or not _is_taken(port):
            after_s = time.monotonic() - started_s
            raise Unmeasured.of(failures.exited(program, exit_code, after_s, background.output()))
    raise Unmeasured(
        "engine-timeout",
        f"`{program}` was not ready for requests within {timeout_s:g} s and was killed, with "
        "everything it had started; raise `timeout` if its model takes longer to load.",
        last_lines(background.output()),
    )


def _becomes_healthy(
    background: Background, client: Client, port: int, deadline_s: float
) -> float | None:
    """When it first answered (monotonic, s); None when it ended first, or the time did."""
    while (left_s := deadline_s - time.monotonic()) > 0 and background.exit_code() is None:
        healthy = False
        with contextlib.suppress(Unmeasured):  # it does not listen yet
            healthy = client.get("/health", min(_ONE_ANSWER_S, left_s)).status == 200
        if healthy:
            healthy_s = time.monotonic()
            # Whoever took our port first answers as well; then ours is about to end.
            ours = _listener(background.pid, port) or background.wait(_END_S) is None
            return healthy_s if ours else None
        time.sleep(_POLL_S)
    return None


def _listener(pid: int, port: int) -> int | None:
    """Which process of this one's tree listens on the port."""
    with contextlib.suppress(psutil.Error):  # it has ended, or the system does not tell
        own = psutil.Process(pid)
        for process in (own, *own.children(recursive=True)):
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                    return process.pid
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False
