"""Results as real runs leave them, to be reported."""

from __future__ import annotations

import dataclasses
import hashlib
import random
import statistics
from typing import Any

from perf_smoke.result import (
    Comparison,
    Cost,
    EngineIdentity,
    Failure,
    Guard,
    Machine,
    MachineState,
    MetricSummary,
    Model,
    Output,
    Result,
    Sample,
    Series,
    Side,
    Tier,
    Tool,
)

HEAD = "3f1c9ab27d5e4c6f8a9b0c1d2e3f405162738495"
BASE = "9d8c7b6a5f4e3d2c1b0a99887766554433221100"
_TIERS: dict[str, Tier] = {
    "e2e_ms": "C",
    "ttft_ms": "C",
    "prompt_ms": "A",
    "decode_ms": "A",
    "wall_ms": "E",
    "cpu_ms": "E",
    "load_ms": "E",
    "peak_rss_kib": "E",
}
_SOURCES = {"prefill_tps": "prompt_ms", "tpot_ms": "decode_ms", "decode_tps": "decode_ms"}

EMBEDDED = EngineIdentity(
    id="embedded", version="xllamacpp 2026.10.1", binary="xllamacpp", binary_sha256="b1" * 32
)
BITNET = EngineIdentity(
    id="bitnet-rs", version="0.9.1", binary="target/release/bitnet", binary_sha256="c2" * 32
)
BITNET_BEFORE = dataclasses.replace(BITNET, binary_sha256="b4" * 32)
DEMONSTRATION = Model(reference="smollm2-135m", sha256="a3" * 32, bytes=98_362_432)
BITNET_MODEL = Model(reference="models/ggml-model-i2_s.gguf", sha256="d4" * 32, bytes=1_187_801_280)


def machine(**changes: Any) -> Machine:
    values: dict[str, Any] = {
        "cpu_model": "AMD EPYC 7763 64-Core Processor",
        "flags_hash": "77aa55ee",
        "cpus": 4,
        "memory_mib": 15_989,
        "os": "Ubuntu 24.04.3 LTS",
        "kernel": "6.11.0-1018-azure",
        "arch": "x86_64",
        "image": "ubuntu24 20261116.1",
        "before": MachineState(load_1min=0.21, cpu_ticks=100_000, steal_ticks=10),
        "after": MachineState(load_1min=1.94, cpu_ticks=112_000, steal_ticks=34),
    }
    return Machine(**{**values, **changes})


def samples(
    *,
    count: int,
    e2e_ms: float = 54.9,
    spread: float = 0.03,
    n_out: int = 4,
    pairs: bool = False,
    restarts: int = 4,
    seed: int = 1,
    **changes: Any,
) -> tuple[Sample, ...]:
    """Steps of one side: lognormal noise around the given latency, 40 % of it before the first
    token."""
    noise = random.Random(seed)
    steps = []
    for index in range(count):
        e2e = e2e_ms * noise.lognormvariate(0, spread)
        first = e2e * 0.44
        restart = index * restarts // count
        starting = index == 0 or restart != (index - 1) * restarts // count
        values: dict[str, Any] = {
            "ok": True,
            "n_prompt": 5,
            "n_prompt_cached": 0,
            "n_out": n_out,
            "load_ms": 212.0 + noise.uniform(0, 9) if starting else None,
            "prompt_ms": first * 0.97,
            "ttft_ms": first,
            "decode_ms": e2e - first if n_out > 1 else None,
            "e2e_ms": e2e,
            "wall_ms": e2e + 0.2,
            "cpu_ms": e2e * 1.95,
            "peak_rss_kib": 169_000 + noise.randrange(400),
            "text_sha256": "e" * 64,
            "tiers": _TIERS,
            "restart": restart,
            "order": index,
            "pair": index if pairs else None,
        }
        steps.append(Sample(**{**values, **changes}))
    return tuple(steps)


def side(steps: tuple[Sample, ...], *, engine: EngineIdentity = EMBEDDED, ref: str = HEAD) -> Side:
    return Side(ref=ref, engine=engine, samples=steps, summary=_summary(steps))


def result(**changes: Any) -> Result:
    """One side: the demonstration, as `make smoke` measures it."""
    values: dict[str, Any] = {
        "status": "measured",
        "started": "2026-11-23T08:30:00Z",
        "tool": Tool(version="0.1.0", runtime="docker"),
        "settings": {},
        "cost": Cost(total_s=13.4, download_s=1.2, load_s=0.43, steps_s=10.1),
        "series": Series(
            key="5b7f21c09a3e",
            parts={"engine": "embedded", "prompt": "2+2=", "tokens": "4", "threads": "4"},
        ),
        "machine": machine(),
        "model": DEMONSTRATION,
        "head": side(samples(count=182, restarts=1)),
        "comparison": Comparison(kind="none", metric="e2e", verdict="no-baseline"),
        "output": Output(text="11, so", sha256="e" * 64, stable=True),
    }
    return Result(**{**values, **changes})


def two_sides(
    *, slower_by: float = 0.002, pairs: int = 182, spread: float = 0.03, **comparison: Any
) -> Result:
    """Base and head of BitNet.rs in one job."""
    base = samples(count=pairs, pairs=True, seed=2, spread=spread)
    head = samples(count=pairs, pairs=True, seed=3, spread=spread, e2e_ms=54.9 * (1 + slower_by))
    decided: dict[str, Any] = {
        "kind": "paired",
        "metric": "e2e",
        "verdict": "no-change",
        "estimate": slower_by,
        "low": slower_by - 0.011,
        "high": slower_by + 0.010,
        "level": 0.99,
        "detectable": 0.0204,
        "pairs": pairs,
        "looks": (36, 60, 90, 135, 182),
        "stopped": "decided",
    }
    return result(
        settings={
            "engine": "bitnet-rs",
            "model": "models/ggml-model-i2_s.gguf",
            "binary": "target/release/bitnet",
            "build": "cargo build --release --locked -p bitnet-cli",
            "features": "cpu,avx2",
            "github-token": "",
            "comment": "changes",
        },
        series=Series(
            key="c0ffee123456",
            parts={"engine": "bitnet-rs", "prompt": "2+2=", "tokens": "4", "threads": "4"},
        ),
        model=BITNET_MODEL,
        cost=Cost(total_s=148.2, build_s=118.0, load_s=3.1, steps_s=21.3),
        tool=Tool(version="0.1.0", runtime="host"),
        head=side(head, engine=BITNET),
        base=side(base, engine=BITNET_BEFORE, ref=BASE),
        comparison=Comparison(**{**decided, **comparison}),
        output=Output(
            text="11, so", sha256="e" * 64, stable=True, base_text="11, so", matches_base=True
        ),
    )


def slower() -> Result:
    return two_sides(
        slower_by=0.068, verdict="slower", low=0.039, high=0.096, detectable=0.031, pairs=48
    )


def faster() -> Result:
    found = two_sides(slower_by=-0.12, verdict="faster", low=-0.131, high=-0.108, pairs=60)
    return dataclasses.replace(
        found,
        settings={**found.settings, "label": "nightly"},
        output=Output(
            text="4.", sha256="f" * 64, stable=True, base_text="11, so", matches_base=False
        ),
    )


def slower_within_margin() -> Result:
    return two_sides(slower_by=0.009, verdict="slower", low=0.006, high=0.012, detectable=0.011)


def cannot_tell() -> Result:
    found = two_sides(
        slower_by=0.025,
        spread=0.2,
        pairs=120,
        verdict="inconclusive",
        low=-0.04,
        high=0.09,
        level=0.9,
        detectable=0.103,
        pairs_needed=400,
        stopped="budget",
        guards=(
            Guard(
                name="steal",
                sentence="The hypervisor gave 14 % of the CPU time to others: measure on a "
                "quieter machine.",
            ),
        ),
    )
    busy = MachineState(load_1min=5.4, cpu_ticks=112_000, steal_ticks=1_690)
    return dataclasses.replace(found, machine=machine(after=busy))


def not_comparable() -> Result:
    found = two_sides(slower_by=-0.31, verdict="not-comparable", low=-0.33, high=-0.29)
    assert found.head
    short = samples(count=182, pairs=True, seed=3, e2e_ms=37.9, n_out=2)
    return dataclasses.replace(
        found,
        head=side(short, engine=BITNET),
        output=Output(
            text="11", sha256="f" * 64, stable=True, base_text="11, so", matches_base=False
        ),
        notes=("2 of 4 tokens were produced: the engine ends early.",),
    )


def too_few_pairs() -> Result:
    """A slow engine: eight seconds a step."""
    found = two_sides(
        pairs=3,
        verdict="inconclusive",
        estimate=0.01,
        low=None,
        high=None,
        level=None,
        detectable=None,
        stopped="budget",
        looks=(),
    )
    slow: dict[str, Any] = {"count": 3, "pairs": True, "restarts": 1}
    return dataclasses.replace(
        found,
        head=side(samples(e2e_ms=24_300, seed=5, **slow), engine=BITNET),
        base=side(samples(e2e_ms=24_100, seed=6, **slow), engine=BITNET_BEFORE, ref=BASE),
        cost=Cost(total_s=280, build_s=118.0, load_s=9.1, steps_s=145.3),
    )


def slow_engine() -> Result:
    """One side, three steps of a slow engine, one of them too short."""
    steps = samples(count=3, e2e_ms=12_300, restarts=3)
    short = dataclasses.replace(steps[0], ok=False, error="short", n_out=2, restart=3)
    found = two_sides()
    return dataclasses.replace(
        found,
        head=side((*steps, short), engine=BITNET),
        base=None,
        comparison=Comparison(kind="none", metric="e2e", verdict="no-baseline"),
        notes=("1 of 4 steps gave another number of tokens than 4 and do not count.",),
        output=Output(text="11, so", sha256="e" * 64, stable=True),
    )


def base_not_built() -> Result:
    """Head measured; the base could not be had."""
    found = two_sides()
    return dataclasses.replace(
        found,
        base=None,
        comparison=Comparison(kind="none", metric="e2e", verdict="no-baseline"),
        output=Output(text="11, so", sha256="e" * 64, stable=True),
        notes=(
            "Nothing to compare with: `cargo build` exited with code 101 on base `9d8c7b6`.",
            "Part of the prompt came from a cache: prefill speed counts only the rest.",
        ),
    )


def base_died() -> Result:
    """The base crashed after some pairs; head has them still."""
    found = two_sides(pairs=23)
    return dataclasses.replace(
        found,
        comparison=Comparison(kind="none", metric="e2e", verdict="no-baseline"),
        notes=("Nothing to compare with: the base crashed at its step 24.",),
    )


def failed() -> Result:
    return result(
        status="failed",
        settings={
            "engine": "bitnet-rs",
            "model": "models/ggml-model-i2_s.gguf",
            "binary": "target/release/bitnet",
        },
        head=side(
            (Sample(ok=False, error="engine-crashed", wall_ms=402.0, restart=0),), engine=BITNET
        ),
        model=BITNET_MODEL,
        comparison=None,
        output=None,
        cost=Cost(total_s=0.9, steps_s=0.4),
        failure=Failure(
            reason="engine-crashed",
            sentence="`bitnet` exited with code 1 after 0.4 s, before the first token. Its last "
            "lines are below.",
            tail="loading models/ggml-model-i2_s.gguf\nerror: model file has wrong magic: "
            "expected 0x46554747 ('GGUF'), found 0x3c21444f",
        ),
    )


def failed_halfway() -> Result:
    """Two sides under way, and nobody came to compare them."""
    return dataclasses.replace(
        two_sides(pairs=23),
        status="failed",
        comparison=None,
        failure=Failure(
            reason="engine-killed",
            sentence="`bitnet` was killed by signal 9 (out of memory?) at step 47.",
        ),
    )


def cancelled() -> Result:
    return dataclasses.replace(
        two_sides(pairs=40),
        status="cancelled",
        comparison=None,
        failure=Failure(
            reason="cancelled", sentence="The run was cancelled before it had finished."
        ),
    )


def invalid() -> Result:
    return result(
        status="invalid",
        head=None,
        model=None,
        machine=None,
        series=None,
        comparison=None,
        output=None,
        cost=Cost(total_s=0.0),
        settings={"tokens": "four", "margin": "300%"},
        failure=Failure(
            reason="invalid-inputs",
            sentence="2 inputs are invalid.",
            tail="tokens must be a whole number from 1 to 100000 (it is `four`).\n"
            "margin must be from 0.1 % to 100 %, such as `5%` or `0.05` (it is `300%`).",
        ),
    )


def skipped() -> Result:
    return dataclasses.replace(
        invalid(),
        status="skipped",
        settings={},
        failure=Failure(
            reason="unsupported-platform",
            sentence="Windows is not supported: run this step on Linux or macOS.",
        ),
    )


def unstable_output() -> Result:
    found = two_sides()
    return dataclasses.replace(
        found,
        output=Output(
            text="The capital of France is Paris.\n\nIt is known for:\n\n1. The Eiffel Tower\n",
            sha256="e" * 64,
            stable=False,
            base_text="The capital of France is Paris.\n",
            matches_base=False,
        ),
    )


def one_token() -> Result:
    """One output token has no decode time; wall is the headline."""
    steps = samples(count=40, n_out=1, restarts=40, prompt_ms=None)
    return result(
        head=side(
            steps, engine=EngineIdentity(id="command", binary="/usr/bin/mybench", version="")
        ),
        model=None,
        settings={"command": "mybench --fast '{prompt}'", "metric": "wall"},
        comparison=Comparison(kind="none", metric="wall", verdict="no-baseline"),
        output=Output(text="", sha256=hashlib.sha256(b"").hexdigest(), stable=True),
    )


def pairs_file() -> Result:
    """Times from a plain file, decided upon."""
    found = two_sides(slower_by=0.068, pairs=48)
    engine = EngineIdentity(id="pairs")
    head, base = (
        side(
            tuple(
                Sample(ok=True, wall_ms=step.wall_ms, tiers={"wall_ms": "E"}, pair=step.pair)
                for step in (measured.samples if measured else ())
            ),
            engine=engine,
            ref=name,
        )
        for name, measured in (("head", found.head), ("base", found.base))
    )
    return result(
        tool=Tool(version="0.1.0", runtime="cli"),
        cost=Cost(total_s=0.0),
        series=None,
        machine=None,
        model=None,
        head=head,
        base=base,
        comparison=dataclasses.replace(
            _comparison(slower()), metric="wall", looks=(), stopped="runs"
        ),
        output=None,
    )


def every() -> dict[str, Result]:
    """All of them by name."""
    return {
        "demonstration": result(),
        "no-change": two_sides(),
        "slower": slower(),
        "faster": faster(),
        "slower-within-margin": slower_within_margin(),
        "cannot-tell": cannot_tell(),
        "not-comparable": not_comparable(),
        "too-few-pairs": too_few_pairs(),
        "slow-engine": slow_engine(),
        "base-not-built": base_not_built(),
        "base-died": base_died(),
        "pairs-file": pairs_file(),
        "failed": failed(),
        "failed-halfway": failed_halfway(),
        "cancelled": cancelled(),
        "invalid": invalid(),
        "skipped": skipped(),
        "unstable-output": unstable_output(),
        "one-token": one_token(),
    }


def _comparison(found: Result) -> Comparison:
    assert found.comparison
    return found.comparison


def _summary(steps: tuple[Sample, ...]) -> dict[str, MetricSummary]:
    columns: dict[str, list[float]] = {}
    for step in (step for step in steps if step.ok):
        values = {
            "e2e_ms": step.e2e_ms,
            "ttft_ms": step.ttft_ms,
            "wall_ms": step.wall_ms,
            "cpu_ms": step.cpu_ms,
            "load_ms": step.load_ms,
            "peak_rss_mib": step.peak_rss_kib / 1024 if step.peak_rss_kib else None,
            "prefill_tps": 5e3 / step.prompt_ms if step.prompt_ms else None,
        }
        if step.decode_ms and step.n_out and step.n_out > 1:
            values["tpot_ms"] = step.decode_ms / (step.n_out - 1)
            values["decode_tps"] = (step.n_out - 1) / step.decode_ms * 1e3
        for name, value in values.items():
            if value is not None:
                columns.setdefault(name, []).append(value)
    return {name: _metric(name, values) for name, values in columns.items()}


def _metric(name: str, values: list[float]) -> MetricSummary:
    low = high = None
    if len(values) >= 6:
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    source = _SOURCES.get(name, name)
    return MetricSummary(
        median=statistics.median(values),
        low=low,
        high=high,
        n=len(values),
        tier=_TIERS.get(source, "E"),
    )
