"""The embedded engine: llama.cpp from the xllamacpp package, in a warm process of its own."""

from __future__ import annotations

import importlib.metadata
import json
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perf_smoke.engines import failures, table
from perf_smoke.engines.base import EngineSetup, Reply, Request
from perf_smoke.hashing import hashed
from perf_smoke.printable import last_lines
from perf_smoke.processes.background import Background
from perf_smoke.processes.python import ISOLATED, isolated
from perf_smoke.result import EngineIdentity, Failure, Process, Sample, Tier, Unmeasured

_ID = "embedded"
PACKAGE = table.row(_ID).package
_WORKER = Path(__file__).with_name("embedded_worker.py")
_NAME = "embedded engine"
_TIERS: dict[str, Tier] = {
    "load_ms": "E",
    "prompt_ms": "A",
    "decode_ms": "A",
    "ttft_ms": "C",
    "e2e_ms": "C",
    "wall_ms": "E",
    "cpu_ms": "E",
    "peak_rss_kib": "E",
}


def prepare(setup: EngineSetup) -> EmbeddedEngine:
    """Find the package and take its version.

    Raises:
        Unmeasured: `engine-missing`, or `features-unknown`: it has no features.
    """
    check_inputs(setup)
    installed = importlib.metadata.distribution(PACKAGE)
    libraries = sorted(Path(str(installed.locate_file(PACKAGE))).glob(f"{PACKAGE}*.so"))
    return EmbeddedEngine(
        setup,
        EngineIdentity(
            id=_ID,
            version=f"{PACKAGE} {installed.version}",
            binary=PACKAGE,
            binary_sha256=hashed(libraries[0]).sha256 if libraries else "",
        ),
    )


def check_inputs(setup: EngineSetup) -> None:
    """Refuse features, and a machine without the package.

    Raises:
        Unmeasured: `features-unknown`, `engine-missing`.
    """
    if setup.features:
        raise Unmeasured(
            "features-unknown",
            f"The embedded engine has no features, but `{', '.join(setup.features)}` is given: "
            "leave features empty.",
        )
    try:
        importlib.metadata.distribution(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        raise Unmeasured(
            "engine-missing",
            f"The embedded engine is not installed here: `pip install {PACKAGE}` in the "
            "environment that perf-smoke runs in, or choose another engine.",
        ) from None


class EmbeddedEngine:
    """The package that was found, ready to be started in a worker."""

    process: Process = "start"

    def __init__(self, setup: EngineSetup, identity: EngineIdentity) -> None:
        self._setup = setup
        self.identity = identity

    def open(self, environment: Mapping[str, str]) -> EmbeddedSession:
        """Start a worker and load the model in it.

        Raises:
            Unmeasured: the worker died or the model could not be loaded.
        """
        return EmbeddedSession(self._setup, {**self._setup.environment, **environment})


class EmbeddedSession:
    """One worker with its model loaded."""

    def __init__(self, setup: EngineSetup, environment: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair()
        try:
            with theirs:
                self._worker = Background(
                    [*ISOLATED, str(_WORKER), str(theirs.fileno())],
                    cwd=setup.scratch,
                    environment=isolated(environment),
                    pass_fds=(theirs.fileno(),),
                )
        except OSError as error:
            self._socket.close()
            raise failures.not_started(_NAME, error) from error
        order = {
            "model": str(setup.model),
            "threads": setup.request.threads,
            "context_tokens": setup.request.context_tokens,
        }
        try:
            answer = self._ask(order, setup.start_timeout_s)
        except BaseException:  # also a cancel: no worker outlives its session
            self.close()
            raise
        if isinstance(answer, Failure):
            self.close()
            raise Unmeasured.of(answer)
        if "error" in answer:
            self.close()  # first: then all that it printed has come
            raise Unmeasured(
                "model-unusable",
                f"The embedded engine cannot load {Path(str(setup.model)).name}: is it a GGUF file "
                "that llama.cpp knows?",
                last_lines(self._worker.output() or answer["error"]),
            )
        self.load_ms: float | None = answer["load_ms"]
        self.pids = self._worker.pids()

    def step(self, request: Request, timeout_s: float) -> Reply:
        """One completion in the warm worker."""
        order = {
            "prompt": request.prompt,
            "tokens": request.tokens,
            "seed": request.seed,
        }
        started_ns = time.perf_counter_ns()
        answer = self._ask(order, timeout_s)
        wall_ms = (time.perf_counter_ns() - started_ns) / 1e6
        if isinstance(answer, Failure):
            return failures.failed_step(answer, wall_ms=wall_ms)
        if "error" in answer:
            return failures.failed_step(
                failures.unreadable(_NAME, "it refused the request", answer["error"]),
                wall_ms=wall_ms,
            )
        usage, timings = answer["usage"], answer["timings"]
        return Reply(
            text=answer["text"],
            sample=Sample(
                ok=True,
                n_prompt=usage["prompt_tokens"],
                n_prompt_cached=timings["cache_n"],
                n_out=usage["completion_tokens"],
                prompt_ms=timings["prompt_ms"],
                ttft_ms=answer["ttft_ms"],
                decode_ms=timings["predicted_ms"] if usage["completion_tokens"] > 1 else None,
                e2e_ms=answer["e2e_ms"],
                wall_ms=wall_ms,
                cpu_ms=answer["cpu_ms"],
                peak_rss_kib=answer["peak_rss_kib"],
                finish_reason=answer["finish_reason"],
            ),
            tiers=_TIERS,
        )

    def close(self) -> None:
        """End the worker."""
        self._socket.close()
        self._worker.kill()

    def _ask(self, order: dict[str, Any], timeout_s: float) -> dict[str, Any] | Failure:
        """Send one line, wait for one line; a Failure says why there is none."""
        started_s = time.monotonic()
        received = bytearray()
        try:
            self._socket.settimeout(timeout_s)
            self._socket.sendall(json.dumps(order).encode() + b"\n")
            while not received.endswith(b"\n"):
                self._socket.settimeout(max(0.001, timeout_s - (time.monotonic() - started_s)))
                received += (data := self._socket.recv(65536))
                if not data:
                    break
        except TimeoutError:
            self._worker.kill()
            return failures.timed_out(_NAME, timeout_s, self._worker.output())
        except OSError:
            received.clear()  # the worker is gone: its exit code tells why
        if received.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(received)
            return answer
        exit_code = self._worker.wait(5.0)
        self._worker.kill()
        after_s = time.monotonic() - started_s
        return failures.exited(
            _NAME, -9 if exit_code is None else exit_code, after_s, self._worker.output()
        )
