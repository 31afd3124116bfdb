"""The Result while it grows, and how it is finished: sides summed up, series named, text kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from perf_smoke import __version__
from perf_smoke.engines.base import Request
from perf_smoke.measure import machine
from perf_smoke.measure.checks import settle_counts, text_sha256
from perf_smoke.measure.metrics import summarise
from perf_smoke.measure.schedule import Recording
from perf_smoke.result import (
    Comparison,
    Cost,
    EngineIdentity,
    Failure,
    Machine,
    MachineState,
    Model,
    Output,
    Result,
    Sample,
    Series,
    Side,
    SideName,
    Status,
    Tool,
)
from perf_smoke.settings import Settings

KEPT_TEXT = 20_000
"""Characters of the engine's output that the document keeps; the hash is of all of it."""


@dataclass(kw_only=True)
class Draft:
    """What is known of the run until now."""

    settings: Settings
    runtime: str
    environment: Mapping[str, str]
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
    request: Request | None = None
    model: Model | None = None
    engines: dict[SideName, EngineIdentity] = field(default_factory=dict)
    refs: dict[SideName, str] = field(default_factory=dict)
    recording: Recording = field(default_factory=Recording)
    comparison: Comparison | None = None
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def machine_watched(self) -> Iterator[None]:
        """The machine's state before and after what is done inside. Where a look decided, the
        state that it knew stays, so that whoever decides again knows the same."""
        self.measuring = self.measuring or machine.state(machine.System())
        try:
            yield
        finally:
            if self.recording.stopped != "decided":
                self.look_at_machine()

    def look_at_machine(self) -> None:
        """Its state until now."""
        self.after = machine.state(machine.System())

    def machine(self) -> Machine:
        """The machine, with its state when the run and its measuring began, and when it ended;
        where it has not ended, now."""
        system = machine.System()
        return machine.identify(
            system,
            self.environment,
            before=self.before,
            measuring=self.measuring,
            after=self.after or machine.state(system),
        )


@dataclass(frozen=True, kw_only=True)
class Settled:
    """One side as measured until now."""

    found: Side | None
    """None when no engine was found there; without samples when none of its steps ended."""
    notes: tuple[str, ...] = ()
    """What a reader should know of it."""


def finish(draft: Draft, status: Status, failure: Failure | None) -> Result:
    """The document, with all that the draft holds."""
    head, base = side(draft, "head"), side(draft, "base")
    notes = [*draft.notes, *head.notes, *(f"Base: {note}" for note in base.notes)]
    if draft.recording.warmup_counted:
        notes.append("No step after the warm-up fitted into the budget, so the warm-up counts.")
    return Result(
        status=status,
        failure=failure,
        started=draft.started.isoformat(timespec="seconds"),
        tool=Tool(version=__version__, runtime=draft.runtime),
        settings=dict(draft.settings.given),
        cost=Cost(
            total_s=time.monotonic() - draft.started_s,
            download_s=draft.download_s,
            build_s=draft.build_s,
            load_s=draft.recording.load_s,
            steps_s=draft.recording.steps_s,
        ),
        series=_series(draft),
        machine=draft.machine(),
        model=draft.model,
        head=head.found,
        base=base.found,
        comparison=draft.comparison,
        output=_output(draft, head.found, base.found),
        order_seed=draft.order_seed if base.found else None,
        notes=tuple(dict.fromkeys(notes)),
    )


def side(draft: Draft, name: SideName) -> Settled:
    """One side as measured until now: the steps that count, summed up."""
    if name not in draft.engines:
        return Settled(found=None)
    samples, notes = settle_counts(draft.recording.samples[name], draft.settings.tokens)
    if any(sample.n_prompt_cached for sample in samples):
        notes.append("Part of the prompt came from a cache: prefill speed counts only the rest.")
    found = Side(
        ref=draft.refs.get(name, ""),
        engine=draft.engines[name],
        samples=tuple(samples),
        summary=summarise(samples),
    )
    return Settled(found=found, notes=tuple(notes))


def _output(draft: Draft, head: Side | None, base: Side | None) -> Output | None:
    text = draft.recording.texts.get("head")
    if not head or not text:
        return None
    base_text = draft.recording.texts.get("base") if base else None
    sha256 = text_sha256(text)
    return Output(
        text=text[:KEPT_TEXT],
        sha256=sha256,
        stable=_texts(head.samples) == {sha256},
        base_text=None if base_text is None else base_text[:KEPT_TEXT],
        matches_base=None if not base or base_text is None else _texts(base.samples) == {sha256},
    )


def _texts(samples: tuple[Sample, ...]) -> set[str]:
    return {sample.text_sha256 for sample in samples if sample.ok}


def _series(draft: Draft) -> Series | None:
    """Results of the same parts may be compared over time. The embedded engine's version is one
    of them: a new release of ours is no change of theirs."""
    engine = draft.engines.get("head")
    if engine is None or draft.request is None:
        return None
    settings, request = draft.settings, draft.request
    parts = {
        "engine": engine.id,
        "model": (draft.model.sha256 or draft.model.reference) if draft.model else "",
        "features": ",".join(sorted(settings.features)),
        "tokens": str(request.tokens),
        "threads": str(request.threads),
        "prompt": request.prompt,
        "label": settings.label,
        "runtime": draft.runtime,
    }
    if engine.id == "embedded":
        parts["engine_version"] = engine.version
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    return Series(key=hashlib.sha256(canonical.encode()).hexdigest()[:16], parts=parts)
