"""The Result while it grows, and how it is finished: steps summed up, series named, text kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from perf_smoke import __version__, compare
from perf_smoke.engines.table import Row
from perf_smoke.measure import machine
from perf_smoke.measure.checks import mark_short, notes_on_tokens, text_sha256
from perf_smoke.measure.gpus import gpus
from perf_smoke.measure.schedule import Recording
from perf_smoke.measure.summary import summarise
from perf_smoke.redaction import public, published
from perf_smoke.result import (
    BASE,
    HEAD,
    WORKLOAD,
    Comparison,
    Cost,
    Failure,
    Leg,
    Machine,
    MachineState,
    Measurement,
    Model,
    Output,
    RequestRecord,
    Result,
    Sample,
    Series,
    Side,
    Status,
    Tool,
    Workload,
)
from perf_smoke.settings import Settings

LONGEST_TEXT = 20_000
"""Characters of the engine's output that the document keeps; the hash is of all of it."""


@dataclass(kw_only=True)
class Draft:
    """What is known of the run until now."""

    settings: Settings
    runtime: str
    environment: Mapping[str, str]
    leg: Leg | None = None
    before: MachineState = field(default_factory=lambda: machine.state(machine.System()))
    measuring: MachineState | None = None
    after: MachineState | None = None
    order_seed: int = field(default_factory=lambda: secrets.randbits(32))
    """Drawn anew for each run: with the same order every time, what an order favours by chance
    would be there every time, and no second run could tell."""
    started: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.timezone.utc))
    started_s: float = field(default_factory=time.monotonic)
    download_s: float = 0.0
    build_s: float = 0.0
    engine: Row | None = None
    """Which engine is meant."""
    request: RequestRecord | None = None
    model: Model | None = None
    sides: dict[str, Side] = field(default_factory=dict)
    """Those whose engine was found."""
    lost_base: Failure | None = None
    recording: Recording = field(default_factory=Recording)
    comparison: Comparison | None = None
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def machine_watched(self) -> Iterator[None]:
        """The machine's state before and after what is done inside."""
        gpus(machine.System().root, self.environment)  # asked now: later it would disturb
        self.measuring = self.measuring or machine.state(machine.System())
        try:
            yield
        finally:
            self.after = machine.state(machine.System())

    def machine(self) -> Machine:
        """The machine, with its state when the run and its measuring began, and when it ended;
        where it has not ended, now."""
        system = machine.System()
        return machine.describe(
            system,
            self.environment,
            before=self.before,
            measuring=self.measuring,
            after=self.after or machine.state(system),
        )

    def samples(self, name: str) -> tuple[Sample, ...]:
        """The steps of one side until now, those that are short marked."""
        return tuple(mark_short(self.recording.samples[name], self.settings.tokens))


def finish(draft: Draft, status: Status, failure: Failure | None) -> Result:
    """The document, with all that the draft holds and that may be published."""
    result = Result(
        status=status,
        failure=failure,
        started=draft.started.isoformat(timespec="seconds"),
        tool=Tool(version=__version__, runtime=draft.runtime),
        settings=dict(draft.settings.recorded),
        cost=Cost(
            total_s=time.monotonic() - draft.started_s,
            download_s=draft.download_s,
            build_s=draft.build_s,
            load_s=draft.recording.load_s,
            steps_s=draft.recording.steps_s,
        ),
        leg=draft.leg,
        series=_series(draft),
        machine=draft.machine(),
        model=draft.model,
        sides=dict(draft.sides),
        lost_bases={BASE: lost} if (lost := draft.lost_base or draft.recording.lost_base) else {},
        workloads={WORKLOAD: _workload(draft, draft.request)} if draft.request else {},
        comparisons=(draft.comparison,) if draft.comparison else (),
        notes=tuple(dict.fromkeys((*draft.notes, *_notes(draft)))),
    )
    return published(result)


def _workload(draft: Draft, request: RequestRecord) -> Workload:
    samples = {name: draft.samples(name) for name in draft.sides}
    return Workload(
        request=request,
        metrics=(compare.deciding_metric(draft.settings.metric, *samples.values()),),
        warmup=draft.settings.warmup,
        warmup_counted=draft.recording.warmup_counted,
        stopped=draft.recording.stopped,
        rest=draft.recording.rests.record,
        order_seed=draft.order_seed if BASE in draft.sides else None,
        measurements={name: _measurement(draft, name, steps) for name, steps in samples.items()},
    )


def _measurement(draft: Draft, name: str, samples: tuple[Sample, ...]) -> Measurement:
    text = draft.recording.texts.get(name)
    return Measurement(
        samples=samples,
        summary=summarise(samples, draft.recording.tiers[name]),
        output=_output(text, samples) if text else None,
    )


def _output(text: str, samples: tuple[Sample, ...]) -> Output:
    sha256 = text_sha256(text)
    hashes = {sample.text_sha256 for sample in samples if sample.ok}
    return Output(text=public(text)[:LONGEST_TEXT], sha256=sha256, stable=hashes == {sha256})


def _notes(draft: Draft) -> Iterator[str]:
    """What the steps themselves tell of how far the numbers can be trusted."""
    rest = draft.recording.rests.record
    if rest and rest.given_up:
        yield (
            "The engine's threads go on running when a step has ended: there was no rest between "
            "the steps, and they may disturb each other."
        )
    told = draft.recording.told
    if silent := ", ".join(f"`{name}`" for name, state in told.items() if state == "not told"):
        yield f"Whether {silent} took effect, the engine did not tell."
    for name in draft.sides:
        of_whom = "" if name == HEAD else "Base: "
        if left := draft.recording.left_running[name]:
            yield f"{of_whom}{left_running('A step', left)}"
        samples = draft.samples(name)
        for note in notes_on_tokens(samples, draft.settings.tokens):
            yield of_whom + note
        if any(sample.n_prompt_cached for sample in samples):
            yield (
                f"{of_whom}Part of the prompt came from a cache: prefill speed counts only the "
                "rest."
            )


def left_running(what: str, names: Iterable[str]) -> str:
    """A sentence on what something left running at its end."""
    counts = Counter(names)
    shown = ", ".join(f"`{name}`" for name in sorted(counts))
    total = sum(counts.values())
    ended = "1 process, which was" if total == 1 else f"{total} processes, which were"
    return f"{what} left {shown} running: {ended} ended before anything else was measured."


def _series(draft: Draft) -> Series | None:
    """Results of the same parts may be compared over time. The version of an engine that we bring
    is one of them: a new release of ours is no change of theirs. So is the rest before each step,
    where a program is kept running that can sleep."""
    head = draft.sides.get(HEAD)
    if head is None or head.engine is None or draft.request is None or draft.engine is None:
        return None
    request = draft.request
    parts = {
        "engine": head.engine.id,
        "model": (draft.model.sha256 or draft.model.reference) if draft.model else "",
        "features": ",".join(sorted(request.features)),
        "tokens": str(request.tokens),
        "threads": str(request.threads),
        "prompt": request.prompt.text or f"sha256:{request.prompt.sha256}",
        "label": draft.settings.label,
        "runtime": draft.runtime,
    }
    rest = draft.recording.rests.record
    if head.process == "start" and not (rest and rest.given_up):
        parts["rest"] = "asleep"
    if draft.engine.whose == "ours":
        parts["engine_version"] = head.engine.version
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    return Series(key=hashlib.sha256(canonical.encode()).hexdigest()[:16], parts=parts)
