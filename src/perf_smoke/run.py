"""The path from Settings to Result: model, sides, engines, steps, comparison. Read top to bottom.

Whatever goes wrong on the way becomes the Result's failure, and what was measured until then
stays in it.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from perf_smoke import compare
from perf_smoke.cancel import Cancelled
from perf_smoke.document import Draft, finish, side
from perf_smoke.engines import cargo, registry
from perf_smoke.engines.base import Engine, EngineSetup, Request
from perf_smoke.measure import machine
from perf_smoke.measure.metrics import LEAST_FOR_SPREAD
from perf_smoke.measure.schedule import (
    BaseFailed,
    Plan,
    Progress,
    Recording,
    measure_alone,
    measure_pairs,
)
from perf_smoke.models.base import ModelFile
from perf_smoke.models.fetch import fetch
from perf_smoke.models.reference import beside
from perf_smoke.result import (
    Comparison,
    Failure,
    Model,
    Result,
    SideName,
    Unmeasured,
    printable,
    told_to_engine,
)
from perf_smoke.settings import Settings
from perf_smoke.sides import Checkout, Repository, run_build

START_TIMEOUT_S = 600.0
"""A worker or server may take so long until its model is loaded."""
BUILD_TIMEOUT_S = 3600.0
SAME_PROGRAM_FLOOR = 0.005
"""Changes below it are not called even when they are sure."""
REBUILT_FLOOR = 0.01
"""The same for two different programs: another layout of the code alone changes this much."""
DEFAULT_MODEL = "smollm2-135m"
"""The embedded engine's, so that the action shows something without any input."""


class Watcher(Protocol):
    """Somebody who watches the run: a terminal, or the log of a workflow."""

    def phase(self, sentence: str, /) -> None:
        """A new part of the run begins."""
        ...

    def download(self, done_bytes: int, total_bytes: int | None, /) -> None:
        """The model is coming."""
        ...

    def step(self, progress: Progress, /) -> None:
        """A step was counted."""
        ...


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the run needs of the world outside."""

    environment: Mapping[str, str]
    """What child processes see."""
    cache: Path
    """Where fetched models stay."""
    scratch: Path
    """A folder for files of this run alone; it exists."""
    runtime: str
    """`docker`, `host` or `cli`."""
    merge_target: str
    """The commit that the pull request wants to merge into; empty outside a pull request."""
    watcher: Watcher
    interruptible: Callable[[], AbstractContextManager[None]]
    """Inside it, a signal raises Cancelled."""


def run(settings: Settings, context: Context) -> Result:
    """Measure what the settings ask for. Never raises for what goes wrong outside."""
    draft = Draft(settings=settings, runtime=context.runtime, environment=context.environment)
    try:
        with context.interruptible():
            _Run(settings, context, draft).measure()
    except Unmeasured as error:
        return finish(draft, "failed", error.failure)
    except Cancelled:
        _kill_children()
        sentence = "The run was cancelled before it had finished."
        return finish(draft, "cancelled", Failure(reason="cancelled", sentence=sentence))
    except Exception:  # noqa: BLE001 - promise 1: a bug of ours turns no job red, and is told
        failure = Failure(
            reason="internal-error",
            sentence="perf-smoke itself failed; please report it with these lines.",
            tail=printable(traceback.format_exc(limit=-5)),
        )
        return finish(draft, "failed", failure)
    return finish(draft, "measured", None)


class _Run:
    """One run under way; what it finds goes into the draft at once."""

    def __init__(self, settings: Settings, context: Context, draft: Draft) -> None:
        self._settings = settings
        self._context = context
        self._draft = draft
        self._engine = registry.row(
            registry.resolve(
                settings.engine,
                command=settings.command,
                endpoint=settings.endpoint,
                binary=settings.binary,
                environment=context.environment,
            )
        )
        self._repository = Repository(settings.working_directory.absolute(), context.environment)
        self._here = Checkout(
            directory=settings.working_directory.absolute(), ref=self._repository.head()
        )
        self._request = Request(
            prompt=settings.prompt,
            tokens=settings.tokens,
            seed=settings.seed,
            threads=settings.threads or machine.available_cpus(machine.System()),
        )
        self._looks: tuple[int, ...] = ()
        self._base_failed = False
        draft.request = self._request

    def measure(self) -> None:
        """From the model to the comparison.

        Raises:
            Unmeasured: head could not be measured.
        """
        settings, watcher = self._settings, self._context.watcher
        model, tokenizer = self._fetch_files()
        head = self._prepare("head", self._here, model, tokenizer)
        plan = Plan(
            request=self._request,
            warmup=settings.warmup,
            runs=settings.runs,
            budget_s=settings.budget_s,
            timeout_s=settings.timeout_s,
            seed=settings.seed,
        )
        with ExitStack() as cleanup:
            try:
                checkout = self._base_checkout(cleanup)
                if checkout:
                    base = self._prepare("base", checkout, model, tokenizer)
                    watcher.phase("Measuring head and base in random pairs")
                    measure_pairs(
                        head, base, plan, self._draft.recording, self._seen_enough, watcher.step
                    )
            except BaseFailed as error:
                self._go_on_without_base(error.failure)
        recording = self._draft.recording
        if not recording.stopped and len(recording.samples["head"]) < LEAST_FOR_SPREAD:
            watcher.phase("Measuring")
            measure_alone(head, plan, recording, watcher.step)
        self._draft.comparison = self._decide()

    def _fetch_files(self) -> tuple[ModelFile | None, ModelFile | None]:
        """The model and the tokenizer, where the engine reads files."""
        settings = self._settings
        reference = settings.model
        if self._engine.id == "embedded":
            reference = reference or DEFAULT_MODEL
        if settings.endpoint or not (self._engine.needs_model or self._engine.id == "command"):
            self._draft.model = Model(reference=reference) if reference else None
            return None, None
        if not reference and self._engine.needs_model:
            raise Unmeasured(
                "model-missing",
                f"Engine `{self._engine.id}` needs a model: give `model` a path or a reference.",
            )
        model = self._fetch(reference, settings.model_sha256) if reference else None
        if model:
            self._draft.model = Model(
                reference=model.reference, sha256=model.sha256, bytes=model.bytes
            )
        if settings.tokenizer:
            return model, self._fetch(settings.tokenizer, "")
        if model and self._engine.takes_tokenizer:
            return model, self._tokenizer_beside(reference)
        return model, None

    def _tokenizer_beside(self, reference: str) -> ModelFile | None:
        """The one in the model's folder; without it, the engine says whether it needs one."""
        try:
            return self._fetch(beside(reference, "tokenizer.json"), "")
        except Unmeasured as error:
            if error.failure.reason != "model-missing":
                self._draft.notes.append(f"No tokenizer was found: {error.failure.sentence}")
            return None

    def _fetch(self, reference: str, sha256: str) -> ModelFile:
        self._context.watcher.phase(f"Looking for {reference}")
        fetched = fetch(
            reference,
            sha256=sha256,
            cache=self._context.cache,
            environment=self._context.environment,
            progress=self._context.watcher.download,
            base_directory=self._here.directory,
        )
        self._draft.download_s += fetched.download_s
        self._draft.notes += fetched.notes
        return fetched

    def _base_checkout(self, cleanup: ExitStack) -> Checkout | None:
        """Where the base's program runs; None where no base is asked for.

        Raises:
            BaseFailed: it is asked for and cannot be had.
        """
        settings = self._settings
        if settings.baseline == "none":
            return None
        if settings.base_binary or settings.base_command:
            name = "base-binary" if settings.base_binary else "base-command"
            return Checkout(directory=self._here.directory, ref=name)
        wanted = settings.base_ref or (settings.build and self._context.merge_target)
        if wanted and self._engine.runtime == "host":
            return self._check_out(cleanup)
        if settings.baseline == "ref" or settings.base_ref:
            raise BaseFailed(
                "base-missing",
                "a base needs `base-binary`, `base-command`, or an engine of yours with "
                "`base-ref` (on a pull request: with `build`).",
            )
        return None

    def _check_out(self, cleanup: ExitStack) -> Checkout:
        settings = self._settings
        try:
            if settings.base_ref:
                commit = self._repository.commit(settings.base_ref)
            else:
                commit = self._repository.merge_base(self._context.merge_target)
            place = self._context.scratch / "base-checkout"
            return cleanup.enter_context(self._repository.worktree(commit, place))
        except Unmeasured as error:
            raise BaseFailed.of(error.failure) from error

    def _prepare(
        self,
        side: SideName,
        checkout: Checkout,
        model: ModelFile | None,
        tokenizer: ModelFile | None,
    ) -> Engine:
        """Build and find the engine of one side."""
        settings = self._settings
        scratch = self._context.scratch / side
        scratch.mkdir()
        binary, command = settings.binary, settings.command
        if side == "base":
            binary = settings.base_binary or binary
            command = settings.base_command or command
        try:
            if settings.build and checkout.ref not in ("base-binary", "base-command"):
                binary = self._build(checkout, scratch) or binary
            engine = self._engine.prepare(
                EngineSetup(
                    model=model.path if model else None,
                    model_name=settings.model,
                    tokenizer=tokenizer.path if tokenizer else None,
                    binary=binary,
                    command=command,
                    endpoint=settings.endpoint,
                    metrics=settings.metrics,
                    features=settings.features,
                    working_directory=checkout.directory,
                    scratch=scratch,
                    environment=self._context.environment,
                    start_timeout_s=START_TIMEOUT_S,
                    request=self._request,
                )
            )
        except Unmeasured as error:
            raise BaseFailed.of(error.failure) if side == "base" else error from error
        self._draft.engines[side] = engine.identity
        self._draft.refs[side] = checkout.ref
        return engine

    def _build(self, checkout: Checkout, scratch: Path) -> str:
        """Build one side, untimed by the measurement; the program, where the build names it."""
        self._context.watcher.phase(f"Building {checkout.ref[:12] or 'head'}")
        started_s = time.monotonic()
        try:
            if self._settings.build == "auto":
                return self._build_by_engine(checkout, scratch)
            run_build(
                self._settings.build,
                checkout,
                environment=self._context.environment,
                timeout_s=BUILD_TIMEOUT_S,
            )
        finally:
            self._draft.build_s += time.monotonic() - started_s
        return ""

    def _build_by_engine(self, checkout: Checkout, scratch: Path) -> str:
        if self._engine.id != "bitnet-rs":
            raise Unmeasured(
                "build-unknown",
                "`build: auto` knows how to build bitnet-rs only: give the commands that build "
                f"{self._engine.id}.",
            )
        program = cargo.build(
            working_directory=checkout.directory,
            features=self._settings.features,
            environment=self._context.environment,
            scratch=scratch,
            timeout_s=BUILD_TIMEOUT_S,
        )
        return str(program)

    def _seen_enough(self, recording: Recording) -> bool:
        """Whether a planned look decides."""
        if recording.pairs_planned and not self._looks:
            self._looks = compare.plan(recording.pairs_planned)
        if recording.pairs not in self._looks[:-1]:
            return False
        head, base = side(self._draft, "head").found, side(self._draft, "base").found
        if head is None or base is None:
            return False
        return compare.settled_by(
            base.samples,
            head.samples,
            metric=self._settings.metric,
            rule=self._rule(),
            looks=self._looks,
            threads=self._threads_told(),
            machine=self._draft.machine(),
        )

    def _decide(self) -> Comparison:
        draft = self._draft
        return compare.from_sides(
            None if self._base_failed else side(draft, "base").found,
            side(draft, "head").found,
            metric=self._settings.metric,
            rule=self._rule(),
            looks=self._looks,
            stopped=draft.recording.stopped,
            threads=self._threads_told(),
            machine=draft.machine(),
        )

    def _threads_told(self) -> int | None:
        told = told_to_engine(self._settings.given, "threads")
        return self._request.threads if told else None

    def _rule(self) -> compare.Rule:
        programs = {engine.binary_sha256 for engine in self._draft.engines.values()}
        return compare.Rule(
            alpha=self._settings.alpha,
            margin=self._settings.margin,
            floor=REBUILT_FLOOR if len(programs) > 1 else SAME_PROGRAM_FLOOR,
        )

    def _go_on_without_base(self, failure: Failure) -> None:
        """Head alone is still worth having, and is measured further where little was seen of it;
        the reader learns why there is no verdict."""
        self._base_failed = True
        self._draft.notes.append(f"Nothing to compare with: {failure.sentence}")


def _kill_children() -> None:
    """What the interrupted code may have started and not yet known of."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.kill()
