"""The embedded engine, with the real library and the real model, and what may befall its worker."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from perf_smoke.engines import embedded
from perf_smoke.engines.base import EngineSetup, Reply, Request
from perf_smoke.engines.embedded import EmbeddedSession
from perf_smoke.processes.background import Background
from perf_smoke.processes.foreground import KEPT_BYTES
from perf_smoke.result import Failure, Unmeasured
from tests.integration.engines.setups import blank_setup, demonstration_model, wrong_model

TIMEOUT_S = 120.0
REQUEST = Request(prompt="2+2=", tokens=4, seed=42, threads=1)


def setup_in(folder: Path, **changes: Any) -> EngineSetup:
    return blank_setup(folder, **{"model": demonstration_model(), "request": REQUEST, **changes})


def opened(setup: EngineSetup, **environment: str) -> EmbeddedSession:
    return embedded.prepare(setup).open(environment)


def failure_of(setup: EngineSetup) -> Failure:
    with pytest.raises(Unmeasured) as caught:
        opened(setup)
    return caught.value.failure


def worker_of(session: EmbeddedSession) -> psutil.Process:
    return psutil.Process(session._worker.pid)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """After each test: as many open files as before, and no new child."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - of one process at one moment
    children = set(psutil.Process().children(recursive=True))
    yield
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    assert set(psutil.Process().children(recursive=True)) <= children


@pytest.fixture
def session(tmp_path: Path) -> Iterator[EmbeddedSession]:
    """A worker with the model loaded."""
    with closing(opened(setup_in(tmp_path))) as session:
        yield session


def good(session: EmbeddedSession, request: Request = REQUEST) -> Reply:
    reply = session.step(request, TIMEOUT_S)
    assert reply.failure is None, reply.failure
    return reply


def test_the_engine_tells_its_version_and_the_hash_of_its_library(tmp_path: Path) -> None:
    identity = embedded.prepare(setup_in(tmp_path)).identity
    assert identity.id == "embedded"
    assert identity.version.startswith("xllamacpp 20")
    assert len(identity.binary_sha256) == 64


def test_each_step_says_the_same_and_nothing_comes_from_a_cache(session: EmbeddedSession) -> None:
    assert session.load_ms is not None
    assert session.load_ms > 0
    assert session.pids == (worker_of(session).pid,)
    replies = [good(session) for _ in range(3)]
    assert [reply.text for reply in replies] == ["11, so"] * 3
    for reply in replies:
        sample = reply.sample
        assert (sample.n_prompt, sample.n_prompt_cached, sample.n_out) == (4, 0, 4)
        assert sample.finish_reason == "length"
        assert sample.load_ms is None
        assert None not in (sample.prompt_ms, sample.decode_ms, sample.ttft_ms, sample.cpu_ms)


def test_requests_of_any_shape_are_answered_to_the_token(tmp_path: Path) -> None:
    long = Request(prompt="one two three four five " * 150, tokens=64, seed=1, threads=1)
    with closing(opened(setup_in(tmp_path, request=long))) as session:
        reply = good(session, long)
        assert reply.sample.n_out == 64
        assert reply.sample.n_prompt is not None
        assert reply.sample.n_prompt > 600
        for prompt in ('"quotes" \\ and\nlines', "Größe 日本語 \U0001f600", " ", "<|im_end|>"):
            assert good(session, replace(REQUEST, prompt=prompt)).sample.n_out == 4
        one = good(session, replace(REQUEST, tokens=1)).sample
        assert (one.n_out, one.decode_ms) == (1, None)


def test_the_peak_is_the_workers_and_not_ours(session: EmbeddedSession) -> None:
    peak_kib = good(session).sample.peak_rss_kib
    assert peak_kib is not None
    assert peak_kib > demonstration_model().stat().st_size // 1024


def test_a_request_that_is_refused_is_a_failure_and_the_next_one_is_answered(
    session: EmbeddedSession,
) -> None:
    refused = session.step(replace(REQUEST, prompt="many words " * 1000), TIMEOUT_S)
    assert refused.failure is not None
    assert refused.failure.reason == "engine-output"
    assert "context" in refused.failure.tail
    assert refused.sample.wall_ms is not None
    assert good(session).text == "11, so"


def test_features_are_refused(tmp_path: Path) -> None:
    failure = failure_of(setup_in(tmp_path, features=("avx2", "cuda")))
    assert failure.reason == "features-unknown"
    assert "`avx2, cuda`" in failure.sentence


def test_a_package_that_is_not_installed_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "PACKAGE", "not_installed_anywhere")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "not_installed_anywhere").mkdir()  # a folder of the caller's is no package
    failure = failure_of(setup_in(tmp_path))
    assert failure.reason == "engine-missing"
    assert "pip install" in failure.sentence


def test_a_file_that_is_no_model_is_a_reason_with_the_librarys_own_words(tmp_path: Path) -> None:
    failure = failure_of(setup_in(tmp_path, model=wrong_model(tmp_path)))
    assert failure.reason == "model-unusable"
    assert "not-a-model.gguf" in failure.sentence
    assert "magic" in failure.tail


def test_a_truncated_model_is_a_reason(tmp_path: Path) -> None:
    short = tmp_path / "short.gguf"
    with demonstration_model().open("rb") as file:
        short.write_bytes(file.read(20_000_000))
    failure = failure_of(setup_in(tmp_path, model=short))
    assert failure.reason == "model-unusable"
    assert failure.tail


def test_a_model_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    assert failure_of(setup_in(tmp_path, start_timeout_s=0.05)).reason == "engine-timeout"


def test_an_interruption_while_the_model_loads_leaves_no_worker(tmp_path: Path) -> None:
    class Passing(BaseException):
        pass

    def interrupt(_number: int, _frame: object) -> None:
        raise Passing

    engine = embedded.prepare(setup_in(tmp_path))
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)  # it takes longer to start Python alone
    try:
        with pytest.raises(Passing):
            engine.open({})
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_worker_that_cannot_be_started_is_a_reason(tmp_path: Path) -> None:
    failure = failure_of(setup_in(tmp_path, scratch=tmp_path / "gone"))
    assert failure.reason == "engine-missing"
    assert str(tmp_path / "gone") in failure.sentence


def test_nothing_of_the_callers_is_imported_into_the_worker(tmp_path: Path) -> None:
    setup = setup_in(tmp_path)
    for folder in (setup.working_directory, setup.scratch):
        (folder / "json.py").write_text("raise SystemExit('imported')")
    hostile = {"PYTHONPATH": str(setup.scratch), "PYTHONSTARTUP": str(setup.scratch / "json.py")}
    with closing(opened(setup, **hostile)) as session:
        assert good(session).text == "11, so"


def test_extra_variables_reach_the_worker(tmp_path: Path) -> None:
    with closing(opened(setup_in(tmp_path), PERF_SMOKE_PADDING="xxx")) as session:
        assert worker_of(session).environ()["PERF_SMOKE_PADDING"] == "xxx"


def test_a_step_that_takes_too_long_is_killed_and_so_is_the_session(
    session: EmbeddedSession,
) -> None:
    worker = worker_of(session)
    reply = session.step(replace(REQUEST, tokens=400), 0.05)
    assert reply.failure is not None
    assert reply.failure.reason == reply.sample.error == "engine-timeout"
    assert reply.sample.wall_ms is not None
    assert reply.sample.n_out is None
    assert not worker.is_running()
    assert session.step(REQUEST, TIMEOUT_S).failure is not None


@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGKILL, "engine-killed"), (signal.SIGSEGV, "engine-crashed")],
)
def test_a_worker_that_dies_between_steps_is_a_failure(
    session: EmbeddedSession, number: signal.Signals, reason: str
) -> None:
    good(session)
    os.kill(session._worker.pid, number)
    reply = session.step(REQUEST, TIMEOUT_S)
    assert reply.failure is not None
    assert reply.failure.reason == reason
    assert number.name in reply.failure.sentence


def test_a_worker_that_dies_in_the_middle_of_a_step_is_a_failure(session: EmbeddedSession) -> None:
    worker = worker_of(session)
    spent_s = worker.cpu_times().user

    def kill_when_busy() -> None:
        while worker.cpu_times().user < spent_s + 0.1:
            time.sleep(0.01)
        worker.send_signal(signal.SIGABRT)

    killer = threading.Thread(target=kill_when_busy)
    killer.start()
    reply = session.step(replace(REQUEST, tokens=400), TIMEOUT_S)
    killer.join()
    assert reply.failure is not None
    assert reply.failure.reason == "engine-crashed"
    assert "SIGABRT" in reply.failure.sentence


def test_what_the_worker_prints_is_bounded_and_shown_when_it_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flooding = tmp_path / "worker.py"
    flooding.write_text(
        "import os, sys\nfor _ in range(1000): os.write(2, b'x' * 65536)\n"
        "os.write(2, b'\\nlast words\\n'); sys.exit(7)"
    )
    monkeypatch.setattr(embedded, "_WORKER", flooding)
    failure = failure_of(setup_in(tmp_path))
    assert failure.reason == "engine-crashed"
    assert "exited with code 7" in failure.sentence
    assert failure.tail.endswith("last words")
    assert len(failure.tail) < KEPT_BYTES


def test_the_worker_answers_line_by_line_and_ends_with_its_socket(tmp_path: Path) -> None:
    setup = setup_in(tmp_path)
    loading = {"model": str(demonstration_model()), "threads": 1, "context_tokens": 512}
    asking = {"prompt": "2+2=", "tokens": 4, "seed": 1}
    broken = {**loading, "model": str(wrong_model(tmp_path))}
    ours, theirs = socket.socketpair()
    with ours, ours.makefile("rw") as lines, theirs:
        argv = [sys.executable, "-I", str(embedded._WORKER), str(theirs.fileno())]
        worker = Background(
            argv,
            cwd=setup.scratch,
            environment=setup.environment,
            pass_fds=(theirs.fileno(),),
        )
        theirs.close()

        def answer(order: dict[str, Any]) -> dict[str, Any]:
            lines.write(json.dumps(order) + "\n")
            lines.flush()
            told: dict[str, Any] = json.loads(lines.readline())
            return told

        assert answer(broken).keys() == {"error"}
        assert answer(loading).keys() == {"load_ms"}
        assert answer({**asking, "prompt": "many words " * 1000}).keys() == {"error"}
        assert answer(asking)["text"] == "11, so"
    assert worker.wait(60.0) == 0
    worker.kill()


def test_a_worker_without_us_ends_by_itself(session: EmbeddedSession) -> None:
    good(session)
    session._socket.close()  # as when this process is killed
    assert session._worker.wait(60.0) == 0


def test_closing_twice_is_fine_and_restarting_leaks_nothing(tmp_path: Path) -> None:
    setup, me = setup_in(tmp_path), psutil.Process()
    held = []
    for _ in range(3):
        session = opened(setup)
        session.close()
        session.close()
        held.append((me.num_fds(), me.num_threads(), me.children()))
    assert held[2] == held[1]  # the first start may load a library
    assert held[2][2] == held[0][2]
