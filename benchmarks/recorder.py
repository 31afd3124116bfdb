"""Recording one job: the product's own paired run of the embedded engine against itself."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.jobs import Job
from benchmarks.strata import STRATA
from perf_smoke.compare.samples import pairs_of
from perf_smoke.engines import embedded
from perf_smoke.engines.base import Engine, EngineSetup, Request
from perf_smoke.measure import machine
from perf_smoke.measure.schedule import Plan, Progress, Recording, measure_pairs
from perf_smoke.models.fetch import fetch
from perf_smoke.preparation import DEFAULT_MODEL

PROMPT = "2+2="


def find_model() -> Path:
    """The built-in model, fetched if it is not in the user's cache yet.

    Raises:
        Unmeasured: it cannot be had.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "perf-smoke"
    return fetch(
        DEFAULT_MODEL,
        sha256="",
        cache=cache,
        environment=os.environ,
        progress=lambda *_: None,
        base_directory=Path.cwd(),
    ).path


def record(
    model: Path,
    stratum: str,
    *,
    budget_s: float,
    tokens: int,
    head_threads: int | None,
    watch: Callable[[Progress], None],
) -> Job:
    """One job in the machine's present state, up to the end of its budget.

    Raises:
        Unmeasured: the engine did not start, or a step failed.
    """
    system = machine.System()
    cpus = machine.available_cpus(system)
    threads = STRATA[stratum].threads(cpus)
    recording = Recording()
    elapsed_ms: list[int] = []

    def note(progress: Progress) -> None:
        elapsed_ms.append(round(progress.elapsed_s * 1e3))
        watch(progress)

    before = machine.state(system)
    started = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
    with tempfile.TemporaryDirectory() as folder:
        head = _engine(model, Path(folder), tokens, head_threads or threads)
        base = _engine(model, Path(folder), tokens, threads)
        plan = Plan(
            request=_request(tokens, threads),
            warmup=1,
            runs=0,
            budget_s=budget_s,
            timeout_s=120.0,
            order_seed=secrets.randbits(31),
        )
        measure_pairs(head, base, plan, recording, lambda _: False, note)
    if recording.warmup_counted:  # nobody is told of that pair: it took longer than the budget
        elapsed_ms.append(round((recording.load_s + recording.steps_s) * 1e3))
    described = machine.identify(
        system, os.environ, before=before, measuring=None, after=machine.state(system)
    )
    pairs = pairs_of(recording.samples["base"], recording.samples["head"], "e2e")
    return Job(
        stratum=stratum,
        started=started,
        cpu_model=described.cpu_model,
        threads=threads,
        head_threads=head_threads or threads,
        tokens=tokens,
        budget_s=budget_s,
        planned=recording.pairs_planned,
        load_before=before.load_1min,
        steal=described.steal_fraction,
        idle=described.idle_fraction,
        cpus=cpus,
        start=[pair.head.restart for pair in pairs],
        head_first=[int(pair.head.order < pair.base.order) for pair in pairs],
        base_us=[_us(pair.base.e2e_ms) for pair in pairs],
        head_us=[_us(pair.head.e2e_ms) for pair in pairs],
        base_cpu_us=[_us(pair.base.cpu_ms) for pair in pairs],
        head_cpu_us=[_us(pair.head.cpu_ms) for pair in pairs],
        elapsed_ms=elapsed_ms,
    )


def _request(tokens: int, threads: int) -> Request:
    return Request(prompt=PROMPT, tokens=tokens, seed=42, threads=threads)


def _engine(model: Path, scratch: Path, tokens: int, threads: int) -> Engine:
    return embedded.prepare(
        EngineSetup(
            model=model,
            model_name="",
            tokenizer=None,
            binary="",
            command=(),
            endpoint="",
            metrics="",
            features=(),
            working_directory=scratch,
            scratch=scratch,
            environment=os.environ,
            start_timeout_s=300.0,
            request=_request(tokens, threads),
        )
    )


def _us(time_ms: float | None) -> int:
    if time_ms is None:
        raise ValueError("the embedded engine gives every time")
    return round(time_ms * 1e3)
