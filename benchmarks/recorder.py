"""Recording one job: the product's own paired run."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.built import LAYERS, SmallEngine, build_two
from benchmarks.jobs import Job
from benchmarks.kinds import Kind
from benchmarks.strata import STRATA
from perf_smoke.compare import Pairs
from perf_smoke.engines import registry, table
from perf_smoke.engines.base import Engine, EngineSetup, Request
from perf_smoke.measure import machine
from perf_smoke.measure.schedule import Plan, Progress, Recording, measure_pairs
from perf_smoke.models.fetch import fetch
from perf_smoke.result import BASE, HEAD

PROMPT = "2+2="
TOKENS = 4
_ENGINE = "embedded"


def find_model() -> Path:
    """The built-in model, fetched if it is not in the user's cache yet.

    Raises:
        Unmeasured: it cannot be had.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "perf-smoke"
    return fetch(
        table.row(_ENGINE).default_model,
        sha256="",
        cache=cache,
        environment=os.environ,
        progress=lambda *_: None,
        base_directory=Path.cwd(),
    ).path


def record(model: Path, kind: Kind, *, swapped: bool, watch: Callable[[Progress], None]) -> Job:
    """One job in the machine's present state, up to the end of its budget.

    Args:
        model: of the embedded engine.
        kind: what is recorded.
        swapped: whether the two sides change their names.
        watch: is told of each pair.

    Raises:
        Unmeasured: the engine did not start, or a step failed.
    """
    system = machine.System()
    cpus = machine.available_cpus(system)
    threads = STRATA[kind.stratum].threads(cpus)
    recording = Recording()
    elapsed_ms: list[int] = []

    def note(progress: Progress) -> None:
        elapsed_ms.append(round(progress.elapsed_s * 1e3))
        watch(progress)

    seed = secrets.randbits(31)
    before = machine.state(system)
    started = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
    with tempfile.TemporaryDirectory() as folder:
        one, other = _sides(kind, model, Path(folder), threads, seed)
        plan = Plan(
            request=_request(threads),
            warmup=1,
            runs=0,
            budget_s=kind.budget_s,
            timeout_s=120.0,
            order_seed=seed,
        )
        head, base = (other, one) if swapped else (one, other)
        measuring = machine.state(system)
        measure_pairs(head, base, plan, recording, lambda _: False, note)
    if recording.warmup_counted:  # nobody is told of that pair: it took longer than the budget
        elapsed_ms.append(round((recording.load_s + recording.steps_s) * 1e3))
    described = machine.describe(
        system, os.environ, before=before, measuring=measuring, after=machine.state(system)
    )
    pairs = Pairs.of(recording.samples[BASE], recording.samples[HEAD], "e2e")
    starts = list(dict.fromkeys(pairs.starts))
    rest = recording.rests.record
    work = 1 + kind.more_work
    return Job(
        stratum=kind.stratum,
        started=started,
        cpu_model=described.cpu_model,
        threads=threads,
        head_threads=threads,
        tokens=TOKENS,
        budget_s=kind.budget_s,
        planned=recording.pairs_planned,
        load_before=before.load_1min,
        steal=described.steal_fraction,
        idle=described.idle_fraction,
        cpus=cpus,
        start=[starts.index(start) for start in pairs.starts],
        head_first=list(map(int, pairs.head_first)),
        base_us=_us(pairs.base.time_s),
        head_us=_us(pairs.head.time_s),
        base_cpu_us=_us(pairs.base.cpu_s),
        head_cpu_us=_us(pairs.head.cpu_s),
        elapsed_ms=elapsed_ms,
        swapped=swapped,
        head_work=1 / work if swapped else work,
        built=kind.sides != "same",
        rests=rest.rests if rest else 0,
        vain_rests=rest.vain if rest else 0,
        rested_s=rest.rested_s if rest else 0.0,
        others=described.others_fraction,
    )


def _sides(kind: Kind, model: Path, folder: Path, threads: int, seed: int) -> tuple[Engine, Engine]:
    """The two sides, the one with more work first."""
    if kind.sides == "same":
        return _engine(model, folder, threads), _engine(model, folder, threads)
    one, other = build_two(folder, seed)
    return SmallEngine(one, round(LAYERS * (1 + kind.more_work))), SmallEngine(other)


def _request(threads: int) -> Request:
    return Request(prompt=PROMPT, tokens=TOKENS, seed=42, threads=threads)


def _engine(model: Path, scratch: Path, threads: int) -> Engine:
    return registry.prepare(
        _ENGINE,
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
            request=_request(threads),
        ),
    )


def _us(times_s: Sequence[float | None]) -> list[int]:
    if None in times_s:
        raise ValueError("the embedded engine gives every time")
    return [round(time_s * 1e6) for time_s in times_s if time_s is not None]
