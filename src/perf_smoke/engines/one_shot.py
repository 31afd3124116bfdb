"""Engines that start a process for every step: what they share.

Such an engine says how it is called and how its output is read. Everything else is here: the
clock around the process, what went wrong with it, and that a result file is this step's own.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NoReturn

from perf_smoke.engines import failures
from perf_smoke.engines.base import EngineSetup, Evidence, Reply, Request
from perf_smoke.printable import decoded
from perf_smoke.processes.foreground import Finished, run_process
from perf_smoke.result import EngineIdentity, Failure, Process, Sample, Tier, Unmeasured

RESULT_BYTES = 16 * 1024 * 1024
"""The largest result file that is read."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a program says of itself in one step. Durations in ms; None is "not said"."""

    n_prompt: int | None = None
    n_prompt_cached: int | None = None
    n_out: int | None = None
    load_ms: float | None = None
    prompt_ms: float | None = None
    ttft_ms: float | None = None
    decode_ms: float | None = None
    e2e_ms: float | None = None
    text: str = ""
    finish_reason: str = ""
    tiers: Mapping[str, Tier] = field(default_factory=dict)
    """Of the durations above."""
    told: Mapping[str, Evidence] = field(default_factory=dict)
    """See Reply.told."""


_CLOCK_OF_FILES_NS = 20_000_000
"""Files get the time of the kernel's last tick."""


class Unreadable(Exception):
    """The program ended well, but what it left is not what was expected.

    Its text ends the sentence "`program` ended well, but …".
    """


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one engine's program is called and read."""

    arguments: Callable[[Request], Sequence[str]]
    """Behind the program's own name."""
    read: Callable[[Finished, bytes, Request], Reading]
    """From what it printed and from its result file (empty without one).

    Raises Unreadable, or Unmeasured where the sentence is already whole."""
    result_file: Path | None = None
    """Where it writes its result; removed before each step."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that it needs."""
    explain: Callable[[Failure, Finished], Failure] = lambda failure, _finished: failure
    """Says more about an exit code than that it is not 0."""


class OneShotEngine:
    """A program that was found, ready to be run once per step."""

    process: Process = "step"

    def __init__(self, identity: EngineIdentity, setup: EngineSetup, recipe: Recipe) -> None:
        self.identity = identity
        self._setup = setup
        self._recipe = recipe
        self._is_new = True

    def open(self, environment: Mapping[str, str]) -> OneShotSession:
        """Nothing is started: each step starts its own process.

        Raises:
            Unmeasured: `engine-output`: what lies in the place of its result cannot be kept.
        """
        if self._is_new and self._recipe.result_file:
            _set_aside(self._recipe.result_file)
        self._is_new = False
        extra = {**self._setup.environment, **self._recipe.environment, **environment}
        return OneShotSession(self.identity.binary, self._setup, self._recipe, extra)


class OneShotSession:
    """Steps that know nothing of each other."""

    load_ms: float | None = None

    def __init__(
        self, program: str, setup: EngineSetup, recipe: Recipe, environment: Mapping[str, str]
    ) -> None:
        self._program = program
        self._setup = setup
        self._recipe = recipe
        self._environment = environment

    def step(self, request: Request, timeout_s: float) -> Reply:
        """Start the program, wait for its end, read what it left."""
        name = failures.program_name(self._program)
        command = [self._program, *self._recipe.arguments(request)]
        if failure := _remove(self._recipe.result_file):
            return failures.failed_step(failure)
        started_ns = time.time_ns()
        try:
            finished = run_process(
                command,
                timeout_s=timeout_s,
                cwd=self._setup.working_directory,
                environment=self._environment,
            )
        except OSError as error:
            return failures.failed_step(failures.not_started(name, error).failure)
        if failure := failures.process_failure(name, finished):
            return _failed(self._recipe.explain(failure, finished), finished)
        try:
            content = _content(self._recipe.result_file, started_ns)
            reading = self._recipe.read(finished, content, request)
        except Unreadable as error:
            printed = decoded(finished.stderr) or decoded(finished.stdout)
            return _failed(failures.unreadable(name, str(error), printed), finished)
        except Unmeasured as error:
            return _failed(error.failure, finished)
        return _reply(reading, finished)

    def close(self) -> None:
        """No process is left to end."""


def _set_aside(path: Path) -> None:
    """What lies there before the first step may be somebody's only copy: the first such file is
    kept beside it. What lies there at a later run is most likely a step's.

    Raises:
        Unmeasured: it cannot be kept, and each step would remove it.
    """
    kept = path.with_name(f"{path.name}.before-perf-smoke")
    if path.is_file() and not os.path.lexists(kept):
        try:
            path.rename(kept)
        except OSError as error:
            raise Unmeasured(
                "engine-output",
                f"The result file {path} is there before the first step, and cannot be kept as "
                f"{kept.name}: {error.strerror}. Move it away, or name another file.",
            ) from error


def _remove(path: Path | None) -> Failure | None:
    """Make sure that nothing lies there, so that what lies there later is this step's own."""
    try:
        if path:
            path.unlink(missing_ok=True)
    except OSError as error:
        return Failure(
            reason="engine-output",
            sentence=f"The result file {path} cannot be removed before a step, so that what lies "
            f"there afterwards might be an earlier one: {error.strerror}.",
        )
    return None


def strict_json(content: bytes | str, where: str) -> Any:
    """A JSON document: no NaN, no Infinity, which JSON does not have.

    Raises:
        Unreadable: it is none; says where it was looked for.
    """
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{where} is no JSON ({error})") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _content(path: Path | None, started_ns: int) -> bytes:
    """What the step wrote there, which it began at `started_ns` of the clock of files."""
    if path is None:
        return b""
    try:
        if not path.is_file():
            raise Unreadable(f"it did not write its result file {path.name}")
        if path.is_symlink() and path.stat().st_ctime_ns < started_ns - _CLOCK_OF_FILES_NS:
            raise Unreadable(
                f"its result file {path.name} leads to one that is older than the step"
            )
        with path.open("rb") as file:
            content = file.read(RESULT_BYTES + 1)
    except OSError as error:
        raise Unreadable(f"its result file {path.name} cannot be read: {error.strerror}") from error
    if len(content) > RESULT_BYTES:
        raise Unreadable(f"its result file {path.name} is larger than 16 MiB")
    return content


_MEASURED_HERE: dict[str, Tier] = {"wall_ms": "E", "cpu_ms": "E", "peak_rss_kib": "E"}
_OF_THE_REPLY = ("text", "tiers", "told")
_SAME_NAMES = tuple(each.name for each in fields(Reading) if each.name not in _OF_THE_REPLY)


def _reply(reading: Reading, finished: Finished) -> Reply:
    return Reply(
        text=reading.text,
        told=reading.told,
        left_running=finished.left_running,
        sample=Sample(
            ok=True,
            wall_ms=finished.wall_ms,
            cpu_ms=finished.cpu_ms,
            peak_rss_kib=finished.peak_rss_kib,
            **{name: getattr(reading, name) for name in _SAME_NAMES},
        ),
        tiers={**_MEASURED_HERE, **reading.tiers},
    )


def _failed(failure: Failure, finished: Finished) -> Reply:
    return failures.failed_step(
        failure,
        wall_ms=finished.wall_ms,
        cpu_ms=finished.cpu_ms,
        peak_rss_kib=finished.peak_rss_kib,
    )
