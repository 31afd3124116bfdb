"""Runs that end in the middle, and runs beside each other: real processes and signals."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import perf_smoke
from perf_smoke.models.store import Entry
from tests.integration.models.fetcher import Fetcher
from tests.integration.models.packages import REFERENCE
from tests.integration.models.server import FileServer, Handler

CONTENT = os.urandom(2_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PATH = "/tiny.gguf"
PROGRAM = """
import os, sys
from pathlib import Path
from perf_smoke.models.fetch import fetch
reference, sha256, cache = sys.argv[1:]
print("begun", flush=True)
model = fetch(
    reference, sha256=sha256, cache=Path(cache), environment=os.environ,
    progress=lambda done, total: print(done, flush=True), base_directory=Path("/"),
)
print(model.from_cache, model.sha256, flush=True)
"""


class Gate:
    """Lets half of a file through, and the rest when it is opened."""

    def __init__(self) -> None:
        self.half_is_out = threading.Event()
        self.open = threading.Event()

    def __call__(self, handler: Handler) -> None:
        content = handler.server.files[handler.path]
        headers = {"ETag": handler.server.etag, "Content-Length": str(len(content))}
        handler.begin(200, headers)
        handler.wfile.write(content[: len(content) // 2])
        self.half_is_out.set()
        self.open.wait(60)
        handler.wfile.write(content[len(content) // 2 :])


@pytest.fixture
def gate(server: FileServer) -> Iterator[Gate]:
    server.files[PATH] = CONTENT
    gate = Gate()
    server.faults.append(gate)
    yield gate
    gate.open.set()


def begin(fetcher: Fetcher, reference: str, sha256: str = "") -> subprocess.Popen[str]:
    """Another process that fetches; returns when it is about to."""
    source = Path(perf_smoke.__file__).parent.parent
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, reference, sha256, str(fetcher.cache)],
        env={**fetcher.environment, "PYTHONPATH": str(source)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def until_some_is_written(fetcher: Fetcher) -> None:
    while not any(path.stat().st_size for path in fetcher.cache.rglob("*.part")):
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_a_part_that_the_next_one_continues(
    server: FileServer, fetcher: Fetcher, gate: Gate, number: signal.Signals
) -> None:
    process = begin(fetcher, server.url(PATH))
    until_some_is_written(fetcher)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert fetcher.kept() == [".tiny.gguf.part", ".tiny.gguf.part.json"]
    assert fetcher(server.url(PATH)).path.read_bytes() == CONTENT
    assert int(server.seen[1].headers["range"][len("bytes=") : -1]) > 0


def test_two_runs_at_once_fetch_once(server: FileServer, fetcher: Fetcher, gate: Gate) -> None:
    url = server.url(PATH)
    first = begin(fetcher, url, SHA256)
    assert gate.half_is_out.wait(60)
    second = begin(fetcher, url, SHA256)
    gate.open.set()
    told = {process.communicate(timeout=60)[0].splitlines()[-1] for process in (first, second)}
    assert told == {f"False {SHA256}", f"True {SHA256}"}
    assert len(server.seen) == 1


def test_a_run_that_waits_goes_on_where_a_killed_one_stopped(
    server: FileServer, fetcher: Fetcher, gate: Gate
) -> None:
    url = server.url(PATH)
    first = begin(fetcher, url, SHA256)
    until_some_is_written(fetcher)
    second = begin(fetcher, url, SHA256)
    first.kill()
    first.communicate(timeout=60)
    told = second.communicate(timeout=60)[0].splitlines()[-1]
    assert told == f"False {SHA256}"
    assert [int("range" in seen.headers) for seen in server.seen] == [0, 1]
    assert fetcher.kept() == [".tiny.gguf.json", "tiny.gguf"]


def test_a_run_does_not_wait_forever_for_another(fetcher: Fetcher) -> None:
    entry = Entry(fetcher.cache, sha256=SHA256, identity="")
    fetcher.total_s = 0
    with entry.locked(fetcher.patience()):
        failure = fetcher.refused("http://127.0.0.1:9/tiny.gguf", sha256=SHA256).failure
    assert failure.reason == "model-busy"


def test_a_server_that_only_trickles_is_given_up(
    server: FileServer, fetcher: Fetcher, gate: Gate
) -> None:
    gate.open.set()
    fetcher.total_s = 0
    failure = fetcher.refused(server.url(PATH)).failure
    assert failure.reason == "model-download"
    assert "it takes too long" in failure.sentence


def test_an_interrupted_pip_leaves_nothing(
    index: FileServer, fetcher: Fetcher, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    fetcher.environment["TMPDIR"] = str(temporary)
    gate = Gate()
    page = index.files["/simple/tiny-model/"]
    index.faults.append(lambda handler: handler.give(200, {"Content-Type": "text/html"}, page))
    index.faults.append(gate)
    process = begin(fetcher, REFERENCE)
    assert gate.half_is_out.wait(60)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    gate.open.set()
    assert process.returncode != 0
    assert fetcher.kept() == []
    assert list(temporary.iterdir()) == []
    commands = [" ".join(other.info["cmdline"] or ()) for other in psutil.process_iter(["cmdline"])]
    assert not [command for command in commands if str(fetcher.cache) in command]


def test_a_pip_that_hangs_is_ended(index: FileServer, fetcher: Fetcher) -> None:
    gate = Gate()
    index.faults.append(gate)
    index.files["/simple/tiny-model/"] = bytes(1_000_000)
    fetcher.total_s = 3
    failure = fetcher.refused(REFERENCE).failure
    gate.open.set()
    assert failure.reason == "model-download"
    assert "pip took longer than 3 s" in failure.sentence
    assert fetcher.kept() == []
