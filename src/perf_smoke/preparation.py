"""How each side comes to its engine: model fetched, program checked out, built and found."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from perf_smoke.context import Context
from perf_smoke.document import Draft
from perf_smoke.engines import cargo, registry
from perf_smoke.engines.base import Engine, EngineSetup, Request
from perf_smoke.engines.identity import file_sha256
from perf_smoke.measure import machine
from perf_smoke.measure.schedule import BaseFailed
from perf_smoke.models.base import ModelFile
from perf_smoke.models.fetch import fetch
from perf_smoke.models.reference import beside
from perf_smoke.result import Model, SideName, Unmeasured
from perf_smoke.settings import Settings
from perf_smoke.sides import Checkout, Repository, names_files_of, refuse_shared, run_build

START_TIMEOUT_S = 600.0
"""A worker or server may take so long until its model is loaded."""
BUILD_TIMEOUT_S = 3600.0
DEFAULT_MODEL = "smollm2-135m"
"""The embedded engine's, so that the action shows something without any input."""
WITHOUT_BASE = (
    "a base needs `base-binary`, `base-command`, or an engine of yours with `base-ref` (on a pull "
    "request: with `build`)."
)


class Preparation:
    """Both sides of one run; what is found on the way goes into the draft at once."""

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
        self.request = Request(
            prompt=settings.prompt,
            tokens=settings.tokens,
            seed=settings.seed,
            threads=settings.threads or machine.available_cpus(machine.System()),
        )
        self._model: ModelFile | None = None
        self._tokenizer: ModelFile | None = None
        draft.request = self.request

    def head(self) -> Engine:
        """The engine of head, its files fetched.

        Raises:
            Unmeasured: it cannot be had.
        """
        self._fetch_files()
        if self._engine.runtime == "host" and self._repository.is_changed():
            self._draft.notes.append(
                "Head is the working tree as it is: it has changes that are not committed."
            )
        return self._prepare("head", self._here)

    def base(self, cleanup: ExitStack) -> Engine | None:
        """The engine of the base; None where no base is asked for.

        Args:
            cleanup: its checkout is removed with it.

        Raises:
            BaseFailed: it is asked for and cannot be had.
            Unmeasured: `head-overwritten`: nor can head be measured any more.
        """
        try:
            checkout = self._base_checkout(cleanup)
            base = self._prepare("base", checkout) if checkout else None
        except Unmeasured as error:
            self._expect_head_as_it_was()
            raise BaseFailed.of(error.failure) from error
        self._expect_head_as_it_was()
        return base

    def _expect_head_as_it_was(self) -> None:
        """A build that writes outside its checkout has put base's program in head's place."""
        head = self._draft.engines["head"]
        program = Path(head.binary)
        if not (self._settings.build and head.binary_sha256 and program.is_absolute()):
            return
        try:
            unchanged = file_sha256(program) == head.binary_sha256
        except OSError:
            unchanged = False
        if not unchanged:
            raise Unmeasured(
                "head-overwritten",
                f"Building the base has replaced head's program `{program}`, so that head cannot "
                "be measured any more: have `build` make it inside the checkout, and give its path "
                "relative to the working directory.",
            )

    def _fetch_files(self) -> None:
        """The model and the tokenizer, where the engine reads files."""
        settings = self._settings
        reference = settings.model
        if self._engine.id == "embedded":
            reference = reference or DEFAULT_MODEL
        if settings.endpoint or not (self._engine.needs_model or self._engine.id == "command"):
            self._draft.model = Model(reference=reference) if reference else None
            return
        if not reference and self._engine.needs_model:
            raise Unmeasured(
                "model-missing",
                f"Engine `{self._engine.id}` needs a model: give `model` a path or a reference.",
            )
        if reference:
            self._model = self._fetch(reference, settings.model_sha256)
            self._draft.model = Model(
                reference=self._model.reference,
                sha256=self._model.sha256,
                bytes=self._model.bytes,
            )
        if settings.tokenizer:
            self._tokenizer = self._fetch(settings.tokenizer, "")
        elif reference and self._engine.takes_tokenizer:
            self._tokenizer = self._tokenizer_beside(reference)

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
        """Where the base's program runs; None where no base is asked for."""
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
            raise Unmeasured("base-missing", WITHOUT_BASE)
        return None

    def _check_out(self, cleanup: ExitStack) -> Checkout:
        settings = self._settings
        if settings.base_ref:
            commit = self._repository.commit(settings.base_ref)
        else:
            commit = self._repository.merge_base(self._context.merge_target)
        place = self._context.scratch / "base-checkout"
        return cleanup.enter_context(self._repository.worktree(commit, place))

    def _prepare(self, side: SideName, checkout: Checkout) -> Engine:
        """Build and find the engine of one side."""
        settings = self._settings
        scratch = self._context.scratch / side
        scratch.mkdir()
        binary, command = settings.binary, settings.command
        if side == "base":
            binary = settings.base_binary or binary
            command = settings.base_command or command
        if settings.build and checkout.ref not in ("base-binary", "base-command"):
            binary = self._build(checkout, scratch) or binary
        apart = checkout.directory != self._here.directory
        if apart:
            self._expect_program(checkout, (*command[:1], binary, *self._engine.programs))
        engine = self._engine.prepare(
            EngineSetup(
                model=self._model.path if self._model else None,
                model_name=settings.model,
                tokenizer=self._tokenizer.path if self._tokenizer else None,
                binary=binary,
                command=command,
                endpoint=settings.endpoint,
                metrics=settings.metrics,
                features=settings.features,
                working_directory=checkout.directory,
                scratch=scratch,
                environment=self._context.environment,
                start_timeout_s=START_TIMEOUT_S,
                request=self.request,
            )
        )
        if apart:
            self._expect_own(Path(engine.identity.binary))
        self._draft.engines[side] = engine.identity
        self._draft.refs[side] = checkout.ref
        return engine

    def _expect_program(self, checkout: Checkout, names: Iterable[str]) -> None:
        """The first name counts. A checkout of our own is gone when its place is read, so that
        only the name helps its reader."""
        program = next(filter(None, names), "")
        if "/" in program and not (checkout.directory / program).exists():
            remedy = "give `build`, which makes it on both sides"
            if self._settings.build:
                remedy = "`build` does not make it"
            raise Unmeasured("engine-missing", f"The base's checkout has no `{program}`: {remedy}.")

    def _expect_own(self, program: Path) -> None:
        """That the base does not run what head runs."""
        tree = self._repository.root()
        # The same name may lead to two files: a build may link to its own store from each checkout.
        if program.resolve() == Path(self._draft.engines["head"].binary).resolve():
            refuse_shared(program, tree, may_lie_elsewhere=self._engine.id == "command")
        if said := names_files_of(tree, self._settings.command):
            self._draft.notes.append(said)

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
