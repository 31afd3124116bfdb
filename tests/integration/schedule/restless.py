"""A warm program that goes on spinning when its step has ended, as engines' thread pools do."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from perf_smoke.engines.base import Reply, Request
from perf_smoke.result import EngineIdentity, Process, Sample

_PROGRAM = """
import json, sys, threading, time
def spin(until_s):
    while time.monotonic() < until_s:
        pass
    return time.monotonic()
spins_s = float(sys.argv[1])
if spins_s == float("inf"):
    threading.Thread(target=spin, args=(spins_s,), daemon=True).start()
    spins_s = 0.0
for line in sys.stdin:
    began_s = time.monotonic()
    spin(began_s + 0.001)
    print("stepped", flush=True)
    awake_until_s = spin(time.monotonic() + spins_s)
    with open(sys.argv[2], "a") as log:
        print(json.dumps([began_s, awake_until_s]), file=log)
"""


@dataclass(frozen=True)
class Awake:
    """From when on a step ran, and until when its program went on spinning."""

    began_s: float
    until_s: float


@dataclass(kw_only=True)
class Restless:
    """An engine whose program spins for so long after each step."""

    log: str
    spins_s: float
    """Infinity: on a thread of its own, always."""
    process: Process = "start"
    identity: EngineIdentity = EngineIdentity(id="restless")  # noqa: RUF009 - it is frozen

    def open(self, environment: Mapping[str, str]) -> RestlessSession:
        return RestlessSession(self, environment)

    def awake(self) -> list[Awake]:
        """Of each step that has been followed by sleep."""
        with open(self.log, encoding="ascii") as log:  # noqa: PTH123 - a name for the program too
            return [Awake(*json.loads(line)) for line in log]


class RestlessSession:
    """The program while it runs."""

    def __init__(self, engine: Restless, environment: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(engine.spins_s), engine.log],
                env={**os.environ, **environment},
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
            )
        self._answers = self._socket.makefile("r")
        self.pids = (self._child.pid,)
        self.load_ms: float | None = 1.0

    def step(self, _request: Request, _timeout_s: float) -> Reply:
        started_s = time.monotonic()
        self._socket.sendall(b"step\n")
        assert self._answers.readline() == "stepped\n"
        wall_ms = (time.monotonic() - started_s) * 1e3
        # longer than it is, so that there is one request in each step
        return Reply(sample=Sample(ok=True, n_out=4, wall_ms=wall_ms + 50.0), text="11")

    def close(self) -> None:
        self._child.kill()
        self._child.wait()
        self._answers.close()
        self._socket.close()
