"""Runs as the product leaves them: steps from a simulated machine, summed up and decided upon by
the product's own functions. Each is a golden report (golden.py)."""

from __future__ import annotations

import functools
import hashlib
import os
import random
import shlex
import signal
import tempfile
import unittest.mock
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import perf_smoke.run
from perf_smoke import compare, job, measure_step, result_file, settings
from perf_smoke.cancel import Cancelled
from perf_smoke.configuration import about
from perf_smoke.context import Context
from perf_smoke.deadline import Deadline
from perf_smoke.engines import failures
from perf_smoke.measure.checks import mark_short, notes_on_tokens
from perf_smoke.measure.summary import summarise
from perf_smoke.models.fetch import fetch
from perf_smoke.pull_request import of_another
from perf_smoke.result import (
    BASE,
    HEAD,
    WORKLOAD,
    Cost,
    EngineIdentity,
    Failure,
    Leg,
    Machine,
    MachineState,
    Measurement,
    Model,
    Output,
    Process,
    Prompt,
    RequestPart,
    RequestRecord,
    Result,
    Rule,
    Sample,
    Series,
    Side,
    Tier,
    Tool,
    Unmeasured,
    Workload,
)
from perf_smoke.sides import Checkout, run_build

COMMITS = {
    HEAD: "3f1c9ab27d5e4c6f8a9b0c1d2e3f405162738495",
    BASE: "9d8c7b6a5f4e3d2c1b0a99887766554433221100",
    "release": "1dbec34f00c4e1d2b3a495867768594a3b2c1d0e",
}
TIERS: dict[str, Tier] = dict.fromkeys(("e2e_ms", "ttft_ms", "prompt_ms", "decode_ms"), "A")
STREAMED: dict[str, Tier] = dict.fromkeys(("e2e_ms", "ttft_ms", "decode_ms"), "C")
"""As a server that is only spoken to is timed."""
PRINTED: dict[str, Tier] = dict.fromkeys(("e2e_ms", "prompt_ms", "decode_ms", "load_ms"), "D")
BITNET_LACKS = frozenset(("prompt_ms", "load_ms"))
ALL: tuple[RequestPart, ...] = ("prompt", "tokens", "seed", "threads", "features")

BITNET = EngineIdentity(
    id="bitnet-rs", version="0.9.1", binary="target/release/bitnet", binary_sha256="c2" * 32
)
EMBEDDED = EngineIdentity(
    id="embedded", version="xllamacpp 2026.10.1", binary="xllamacpp", binary_sha256="b1" * 32
)
LLAMA = EngineIdentity(
    id="llama-completion", version="b7190", binary="build/bin/llama-cli", binary_sha256="e5" * 32
)
SERVER = replace(LLAMA, id="llama-server", binary="build/bin/llama-server")
BENCH = EngineIdentity(id="command", binary="/opt/bench", binary_sha256="f6" * 32)
BITNET_MODEL = Model(reference="models/ggml-model-i2_s.gguf", sha256="d4" * 32, bytes=1_187_801_280)
DEMONSTRATION = Model(reference="smollm2-135m", sha256="a3" * 32, bytes=98_362_432)
SETTINGS = {
    "engine": "bitnet-rs",
    "model": "models/ggml-model-i2_s.gguf",
    "build": "cargo build --release --locked -p bitnet-cli",
    "features": "cpu,avx2",
}


def rounds(
    count: int,
    *latencies_ms: float,
    noise: float = 0.03,
    tokens: int = 4,
    starts: int = 0,
    seed: int = 1,
    gone: frozenset[str] = BITNET_LACKS,
    **given: Any,
) -> list[tuple[Sample, ...]]:
    """Steps of one side per latency, one of each side in every round, in random order.

    Args:
        starts: how often each side was started; 0: for every step.
        gone: fields that the engine does not give.
        given: fields that are the same in every step.
    """
    dice = random.Random(seed)
    sides: list[list[Sample]] = [[] for _ in latencies_ms]
    for number in range(count):
        for place, side in enumerate(dice.sample(range(len(sides)), len(sides))):
            start = number * (starts or count) // count
            e2e = latencies_ms[side] * dice.lognormvariate(0, noise)
            first = e2e * (0.44 if tokens > 1 else 1.0)
            values: dict[str, Any] = {
                "n_prompt": 5,
                "n_prompt_cached": 0,
                "n_out": tokens,
                "load_ms": 212 + 9 * dice.random()
                if start == len({s.start for s in sides[side]})
                else None,
                "prompt_ms": first * 0.97,
                "ttft_ms": first,
                "decode_ms": e2e - first if tokens > 1 else None,
                "e2e_ms": e2e,
                "wall_ms": e2e + 0.2,
                "cpu_ms": e2e * 3.9,
                "peak_rss_kib": 169_000 + dice.randrange(400),
                "start": start,
                "order": number * len(sides) + place,
                "round": number if len(sides) > 1 else None,
            }
            known = {name: value for name, value in values.items() if name not in gone}
            sides[side].append(Sample(ok=True, **{**known, **given}))
    return [tuple(side) for side in sides]


def measured(
    steps: tuple[Sample, ...],
    text: str | None = "11, so",
    *,
    stable: bool = True,
    tiers: dict[str, Tier] | None = None,
) -> Measurement:
    """What a side gave, with its greedy text where it has one."""
    output = None
    if text is not None:
        digest = hashlib.sha256(text.encode()).hexdigest()
        steps = tuple(replace(step, text_sha256=digest) for step in steps)
        output = Output(text=text, sha256=digest, stable=stable)
    return Measurement(samples=steps, summary=summarise(steps, tiers or TIERS), output=output)


def asked(**changes: Any) -> RequestRecord:
    """`2+2=`, four tokens."""
    values: dict[str, Any] = {
        "prompt": Prompt(text="2+2=", characters=4, sha256="0" * 64),
        "tokens": 4,
        "seed": 42,
        "threads": 4,
        "features": ("cpu", "avx2"),
        "passed": ALL,
    }
    return RequestRecord(**{**values, **changes})


def machine(
    *, steal: float = 0.002, idle: float = 0.31, load_after: float = 3.94, **changes: Any
) -> Machine:
    """A hosted runner, for 12,000 ticks of its time."""
    values: dict[str, Any] = {
        "cpu_model": "AMD EPYC 7763 64-Core Processor",
        "flags_hash": "77aa55ee",
        "cpus": 4,
        "memory_mib": 15_989,
        "os": "Ubuntu 24.04.3 LTS",
        "kernel": "6.11.0-1018-azure",
        "arch": "x86_64",
        "image": "ubuntu24 20261116.1",
        "before": MachineState(load_1min=0.21, cpu_ticks=0, steal_ticks=0, idle_ticks=0),
        "after": MachineState(
            load_1min=load_after,
            cpu_ticks=12_000,
            steal_ticks=round(12_000 * steal),
            idle_ticks=round(12_000 * idle),
        ),
    }
    return Machine(**{**values, **changes})


def side(
    name: str, engine: EngineIdentity = BITNET, *, ref: str = "", process: Process = "step"
) -> Side:
    """Head, or a base that was built from another commit."""
    if name != HEAD and engine.binary_sha256:
        engine = replace(engine, binary_sha256=hashlib.sha256(name.encode()).hexdigest())
    return Side(ref=ref, commit=COMMITS[name], engine=engine, process=process)


def result(**changes: Any) -> Result:
    """A run of BitNet.rs in a workflow of which nothing is known yet but where it runs."""
    values: dict[str, Any] = {
        "status": "measured",
        "started": "2026-11-23T08:30:00+00:00",
        "tool": Tool(version="0.1.0", runtime="host"),
        "settings": SETTINGS,
        "cost": Cost(total_s=148.2, build_s=118.0, load_s=3.1, steps_s=21.3),
        "series": Series(key="c0ffee1234567890", parts={}),
        "machine": machine(),
        "model": BITNET_MODEL,
        "sides": {HEAD: side(HEAD)},
    }
    return Result(**{**values, **changes})


def run(
    measurements: dict[str, Measurement],
    *,
    metrics: tuple[str, ...] = ("e2e",),
    rule: Rule | None = None,
    stopped: str = "budget",
    looks: tuple[int, ...] = (),
    request: RequestRecord | None = None,
    decided: bool = True,
    warmup_counted: bool = False,
    **changes: Any,
) -> Result:
    """One workload, decided upon as a run does it."""
    names = list(measurements)
    settings: dict[str, Any] = {
        "sides": {name: side(name) for name in names},
        "workloads": {
            WORKLOAD: Workload(
                request=request or asked(),
                metrics=metrics,
                warmup=1,
                warmup_counted=warmup_counted,
                stopped=stopped,  # type: ignore[arg-type]
                order_seed=7,
                measurements=measurements,
            )
        },
    }
    document = result(**{**settings, **changes})
    rule = rule or Rule(floor=0.01)
    return decide(document, rule, looks) if decided else document


def decide(document: Result, rule: Rule, looks: tuple[int, ...] = ()) -> Result:
    """The document with every question answered; alpha is shared by them."""
    questions = [
        (name, workload, base, metric)
        for name, workload in document.workloads.items()
        for metric in workload.metrics
        for base in workload.measurements
        if base != HEAD and base not in document.lost_bases
    ]
    rule = replace(rule, alpha=rule.alpha / max(1, len(questions)))
    comparisons = tuple(
        compare.decide(
            compare.Pairs.of(
                workload.measurements[base].samples, workload.measurements[HEAD].samples, metric
            ),
            rule,
            looks=looks,
            stopped=workload.stopped,
            circumstances=compare.Circumstances.of(document.machine, workload.threads_passed),
            workload=name,
            base=base,
        )
        for name, workload, base, metric in questions
    )
    return replace(document, comparisons=comparisons)


TWO_SIDES = {HEAD: side(HEAD), BASE: side(BASE, ref="main")}


def two(
    *,
    slower_by: float = 0.0,
    pairs: int = 182,
    base_ms: float = 54.9,
    texts: tuple[str, str] = ("11, so", "11, so"),
    steps: dict[str, Any] | None = None,
    tiers: dict[str, Tier] | None = None,
    **changes: Any,
) -> Result:
    """Base and head of BitNet.rs in one job."""
    base, head = rounds(pairs, base_ms, base_ms * (1 + slower_by), **(steps or {}))
    measurements = {
        HEAD: measured(head, texts[1], tiers=tiers),
        BASE: measured(base, texts[0], tiers=tiers),
    }
    return run(measurements, **{"sides": TWO_SIDES, **changes})


def alone(
    count: int = 182,
    *,
    engine: EngineIdentity = BITNET,
    process: Process = "step",
    text: str | None = "11, so",
    steps: dict[str, Any] | None = None,
    tiers: dict[str, Tier] | None = None,
    **changes: Any,
) -> Result:
    """Head alone."""
    (head,) = rounds(count, (steps or {}).pop("ms", 54.9), **(steps or {}))
    sides = {HEAD: side(HEAD, engine, process=process)}
    return run({HEAD: measured(head, text, tiers=tiers)}, **{"sides": sides, **changes})


def demonstration(**changes: Any) -> Result:
    """As `make smoke` measures it."""
    values: dict[str, Any] = {
        "engine": EMBEDDED,
        "model": DEMONSTRATION,
        "settings": {},
        "request": asked(features=()),
        "tool": Tool(version="0.1.0", runtime="docker"),
        "cost": Cost(total_s=13.4, download_s=1.2, load_s=0.43, steps_s=10.1),
        "steps": {"starts": 1, "gone": frozenset()},
        "process": "start",
        "tiers": {**STREAMED, **dict.fromkeys(("prompt_ms", "decode_ms"), "A")},
    }
    return alone(**{**values, **changes})


def served(*, starts: int = 8, **changes: Any) -> Result:
    """Base and head of a server that is kept warm."""
    return two(
        **{
            "steps": {"starts": starts, "gone": frozenset()},
            "tiers": {**STREAMED, **dict.fromkeys(("prompt_ms", "decode_ms"), "B")},
            "sides": {
                HEAD: side(HEAD, SERVER, process="start"),
                BASE: side(BASE, SERVER, ref="v1.2", process="start"),
            },
            "settings": {
                "binary": "build/bin/llama-server",
                "build": "cmake --build build",
                "base-ref": "v1.2",
            },
            **changes,
        }
    )


def failure_of(do: Callable[[], object]) -> Failure:
    """What the product says of what it cannot do."""
    with pytest.raises(Unmeasured) as caught:
        do()
    return caught.value.failure


LAST_LINES = "loading models/ggml-model-i2_s.gguf\nthread 'main' panicked at kernels/i2s.rs:84"
CRASHED = failures.exited("bitnet", -signal.SIGSEGV, 0.402, LAST_LINES)
KILLED = failures.exited("bitnet", -signal.SIGKILL, 0.402, LAST_LINES)


def build_failed(commit: str) -> Failure:
    """A build script of the caller's that ends with an error."""
    says = "error[E0425]: cannot find value `tile` in this scope\n  --> src/kernels.rs:12:9"
    script = f"printf %s {shlex.quote(says)} >&2; exit 101"
    checkout = Checkout(directory=Path(), commit=commit)
    return failure_of(lambda: run_build(script, checkout, environment=os.environ, timeout_s=60))


def other_checkout() -> Failure:
    """On `pull_request_target`, where the base branch is checked out."""
    failure = of_another(side(HEAD), "ab" * 20, "pull_request_target")
    assert failure is not None
    return failure


def no_model() -> Failure:
    """The input `model` names a file that is not there."""

    def fetch_model() -> None:
        with about("model"):
            fetch(
                BITNET_MODEL.reference,
                sha256="",
                cache=Path("/nowhere"),
                environment={},
                progress=lambda _done, _total: None,
                base_directory=Path("/workspace"),
            )

    return failure_of(fetch_model)


def cancelled() -> Failure:
    """The first signal came before anything was measured."""
    nowhere = Path("/nowhere")
    context = Context(
        deadline=Deadline.within(600),
        environment={},
        cache=nowhere,
        scratch=nowhere,
        runtime="host",
        leg=None,
        merge_target="",
        watcher=unittest.mock.Mock(),
        interruptible=unittest.mock.Mock(side_effect=Cancelled),
    )
    failure = perf_smoke.run.run(settings.parse({}), context).failure
    assert failure
    return failure


def failed(failure: Failure, **changes: Any) -> Result:
    """A run that did not come to its end: what was asked is known, and no step was taken."""
    sides = changes.get("sides", {HEAD: side(HEAD)})
    asked_for = Workload(
        request=asked(),
        metrics=("e2e",),
        warmup=1,
        measurements={name: Measurement() for name in sides},
    )
    values: dict[str, Any] = {
        "status": "failed",
        "failure": failure,
        "workloads": {WORKLOAD: asked_for},
    }
    if HEAD not in sides:
        values["series"] = None
    return result(**{**values, **changes})


def ended_by(failure: Failure, name: str, document: Result) -> Result:
    """The document with a last step of this side that failed."""
    workload = document.workloads[WORKLOAD]
    found = workload.measurements[name]
    rounds_of = [step.round for step in found.samples if step.round is not None]
    bad = failures.failed_step(failure, wall_ms=402.0).sample
    bad = replace(
        bad, start=found.samples[-1].start, order=2 * len(rounds_of), round=len(rounds_of)
    )
    measurements = {
        **workload.measurements,
        name: replace(found, samples=(*found.samples, bad)),
    }
    return replace(document, workloads={WORKLOAD: replace(workload, measurements=measurements)})


def at_the_first_step() -> Result:
    """Head crashes in its warm-up, where base has answered."""
    base, _ = rounds(1, 54.9, 54.9)
    warm = tuple(replace(step, round=None) for step in base)
    return run(
        {HEAD: Measurement(), BASE: measured(warm)},
        sides=TWO_SIDES,
        decided=False,
        stopped="",
        status="failed",
        failure=CRASHED,
        cost=Cost(total_s=119, build_s=118.0, steps_s=0.5),
    )


def until(failure: Failure, **changes: Any) -> Result:
    """Two sides of which one failed, or was cancelled, before there was a verdict."""
    return two(**{"decided": False, "stopped": "", "failure": failure, **changes})


def one_thread() -> Result:
    """Its CPU was taken away by others."""
    return two(
        slower_by=0.02,
        pairs=120,
        steps={"noise": 0.25, "seed": 11, "cpu_ms": 33.0},
        machine=machine(idle=0.02),
        request=asked(threads=1),
    )


def short_steps() -> Result:
    """A slow command on one thread; one of its steps ended early."""
    (steps,) = rounds(4, 12_300, seed=4)
    steps = tuple(mark_short((*steps[:3], replace(steps[3], n_out=2)), 4))
    return run(
        {HEAD: measured(steps)},
        sides={HEAD: side(HEAD, BENCH, process="step")},
        settings={"command": "/opt/bench --prompt {prompt}"},
        request=asked(passed=("prompt",)),
        model=None,
        notes=tuple(notes_on_tokens(steps, 4)),
    )


def pairs_file(*last_ms: float) -> Result:
    """Times of a plain file, the last ones of head far out."""
    dice = random.Random(5)
    steps = [
        tuple(
            Sample(ok=True, wall_ms=ms * dice.lognormvariate(0, 0.03), round=n, start=n)
            for n in range(60)
        )
        for ms in (54.9, 58.6)
    ]
    for n, ms in enumerate(last_ms, start=1):
        steps[1] = (*steps[1][: 60 - n], replace(steps[1][60 - n], wall_ms=ms), *steps[1][61 - n :])
    return run(
        {HEAD: measured(steps[1], None), BASE: measured(steps[0], None)},
        origin="pairs-file",
        metrics=("wall",),
        stopped="runs",
        request=asked(passed=()),
        tool=Tool(version="0.1.0", runtime="cli"),
        cost=Cost(total_s=0.0),
        settings={},
        series=None,
        machine=None,
        model=None,
        sides={HEAD: Side(), BASE: Side()},
    )


def endpoint() -> Result:
    """A server that was running already."""
    engine = EngineIdentity(id="openai", version="vLLM 0.11.2")
    return alone(
        60,
        engine=engine,
        process="running",
        steps={
            "starts": 1,
            "gone": frozenset(("cpu_ms", "load_ms", "peak_rss_kib", "prompt_ms")),
        },
        tiers=STREAMED,
        model=Model(reference="HuggingFaceTB/SmolLM2-135M-Instruct"),
        settings={"endpoint": "http://127.0.0.1:8000", "engine": "openai"},
        request=asked(passed=("prompt", "tokens", "seed"), features=()),
        machine=machine(steal=0.143),
    )


def questions(*, noise: float = 0.012, new_text: str = "11, so", **changes: Any) -> Result:
    """Two workloads, two bases, two metrics each.

    Args:
        noise: of the first workload.
        new_text: what head says in the second.
    """
    workloads = {}
    plans = ("chat", 1.09, 4, noise, "11, so"), ("essay", 0.96, 64, 0.012, new_text)
    for number, (name, head, tokens, spread, text) in enumerate(plans):
        base, release, new = rounds(
            120,
            54.9,
            55.6,
            54.9 * head,
            noise=spread,
            tokens=tokens,
            seed=number,
            gone=frozenset(("ttft_ms",)),
        )
        workloads[name] = Workload(
            request=asked(tokens=tokens),
            metrics=("e2e", "decode"),
            warmup=1,
            stopped="budget",
            order_seed=7,
            measurements={
                HEAD: measured(new, text, tiers=PRINTED),
                BASE: measured(base, tiers=PRINTED),
                "release": measured(release, tiers=PRINTED),
            },
        )
    sides = {
        HEAD: side(HEAD, LLAMA),
        BASE: side(BASE, LLAMA, ref="main"),
        "release": side("release", LLAMA, ref="v1.2"),
    }
    settings = {"engine": "llama-completion", "fail-on": "slower"}
    values = {"sides": sides, "workloads": workloads, "settings": settings, **changes}
    return decide(result(**values), Rule(floor=0.01))


def not_comparable() -> Result:
    """Head says less."""
    base, _ = rounds(120, 54.9, 54.9)
    _, head = rounds(120, 54.9, 37.9, tokens=2)
    return run({HEAD: measured(head, "11"), BASE: measured(base)})


def invalid_inputs() -> Result:
    """Two of them."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {"PERF_SMOKE_FOLDER": folder, "PERF_SMOKE_RUNTIME": "host"}
        measure_step.measure({"tokens": "four", "margin": "300%"}, environ, print)
        document = result_file.read(Path(folder, job.RESULT_NAME))
    usual = result()
    return replace(document, started=usual.started, tool=usual.tool)


def llama_bench() -> Result:
    """Random tokens, no text, nothing but rates."""
    engine = replace(LLAMA, id="llama-bench", binary="build/bin/llama-bench")
    gone = frozenset(("e2e_ms", "ttft_ms", "load_ms", "peak_rss_kib"))
    base, head = rounds(60, 640.0, 671.0, tokens=64, noise=0.01, gone=gone)
    return run(
        {HEAD: measured(head, None), BASE: measured(base, None)},
        metrics=("decode",),
        sides={name: side(name, engine, process="step") for name in (HEAD, BASE)},
        settings={"binary": "build/bin/llama-bench", "base-binary": "old/llama-bench"},
        request=asked(tokens=64, passed=("tokens", "threads"), features=()),
    )


LEG = Leg(
    repository="o/r",
    event="pull_request",
    workflow="CI",
    job="bench",
    matrix='{"compiler":"gcc","os":"ubuntu-24.04-arm"}',
    run_id=1907,
    attempt=2,
)
NASTY = (
    "</details></summary> <script>alert(1)</script> @octocat #1 GH-2 o/r#3 deadbeefdeadbeef\n"
    "[a](https://evil.example) ```\n\n# title\n| a | b |\n\x1b[2J\u202e~~~ :tada: $x$ `y"
)


def long_texts() -> Result:
    """Everything that others write is long, and wants to act."""
    nasty = NASTY * 40
    document = two(slower_by=0.068, texts=(nasty + "!", nasty), pairs=60)
    return replace(
        document,
        settings={"label": NASTY, "prompt": NASTY},
        sides={
            HEAD: Side(ref=nasty, commit=nasty, engine=replace(BITNET, version=nasty)),
            BASE: Side(ref=nasty, commit=nasty, engine=replace(BITNET, binary=nasty)),
        },
        model=Model(reference=nasty, sha256=nasty, bytes=1),
        notes=(nasty,) * 9,
    )


@functools.cache
def every() -> dict[str, Result]:
    """All of them by the name of their golden files."""
    looks = compare.plan(240)
    noisy = {"noise": 0.25, "seed": 11}
    return {
        "demonstration": demonstration(),
        "no-change": served(pairs=looks[4], looks=looks, stopped="decided"),
        "no-change-beside-zero": two(slower_by=0.02, pairs=120, steps={"noise": 0.03}),
        "slower": two(slower_by=0.068, pairs=looks[1], looks=looks, stopped="decided"),
        "slower-within-the-margin": two(slower_by=0.032, steps={"noise": 0.005}),
        "faster-with-another-text": two(
            slower_by=-0.12,
            pairs=60,
            texts=("11, so", "4."),
            settings={**SETTINGS, "label": "nightly"},
        ),
        "cannot-tell-for-noise": two(
            slower_by=0.02, pairs=120, steps=noisy, machine=machine(idle=0.4)
        ),
        "cannot-tell-for-a-guard": two(slower_by=0.03, machine=machine(steal=0.143)),
        "too-few-pairs": two(pairs=3, base_ms=24_100),
        "not-comparable": not_comparable(),
        "one-thread-a-few-steps": short_steps(),
        "other-checkout": alone(lost_bases={BASE: other_checkout()}),
        "no-base-built": alone(lost_bases={BASE: build_failed(COMMITS[BASE])}),
        "base-crashed-on-the-way": ended_by(
            CRASHED, BASE, two(pairs=23, stopped="", lost_bases={BASE: CRASHED})
        ),
        "failed-no-model": failed(no_model(), sides={}, model=None, cost=Cost(total_s=0.4)),
        "failed-to-build": failed(
            build_failed(COMMITS[HEAD]), sides={}, cost=Cost(total_s=48.9, build_s=48.1)
        ),
        "failed-alone": failed(CRASHED, cost=Cost(total_s=0.9, steps_s=0.4)),
        "failed-at-the-first-step": at_the_first_step(),
        "failed-midway": ended_by(KILLED, HEAD, until(KILLED, pairs=23, status="failed")),
        "cancelled": until(cancelled(), pairs=40, status="cancelled"),
        "invalid-inputs": invalid_inputs(),
        "one-token": alone(
            40,
            engine=BENCH,
            process="step",
            steps={
                "tokens": 1,
                "gone": frozenset(("prompt_ms", "ttft_ms", "load_ms")),
            },
            settings={"command": "/opt/bench -n {tokens}", "tokens": "1"},
            request=asked(tokens=1, passed=("tokens",)),
            model=None,
        ),
        "one-start": served(pairs=40, starts=1),
        "the-warm-up-counts": alone(1, steps={"ms": 41_000}, warmup_counted=True),
        "llama-bench": llama_bench(),
        "pairs-file": pairs_file(870.0),
        "endpoint": endpoint(),
        "a-leg-of-a-matrix": two(
            pairs=60,
            leg=LEG,
            sides={HEAD: side(HEAD, ref="faster-kernels"), BASE: side(BASE, ref="main")},
        ),
        "a-fork": two(pairs=60, leg=replace(LEG, matrix=""), settings={**SETTINGS, "label": ""}),
        "one-thread-without-a-core": one_thread(),
        "long-texts": long_texts(),
        "questions": questions(),
        "questions-some-of-them-open": questions(noise=0.25, new_text="12."),
    }
