"""How each side comes to its engine: model fetched, program checked out, built and found."""

from __future__ import annotations

import dataclasses
import time
from contextlib import ExitStack
from pathlib import Path

from perf_smoke.configuration import Configuration, about
from perf_smoke.context import Context
from perf_smoke.document import Draft
from perf_smoke.engines import registry
from perf_smoke.engines.base import Engine, EngineSetup
from perf_smoke.hashing import hashed
from perf_smoke.measure import machine
from perf_smoke.measure.schedule import BaseFailed
from perf_smoke.models.base import ModelFile
from perf_smoke.models.fetch import fetch
from perf_smoke.models.reference import beside
from perf_smoke.request import asked, request_of
from perf_smoke.result import BASE, HEAD, EngineIdentity, Model, Process, Side, Unmeasured
from perf_smoke.settings import Settings
from perf_smoke.sides import Checkout, Repository, names_files_of, run_build

BUILD_TIMEOUT_S = 3600.0


class Preparation:
    """Both sides of one run; what is known on the way goes into the draft at once."""

    def __init__(self, settings: Settings, context: Context, draft: Draft) -> None:
        """Find out which engine is meant, and what is asked of it.

        Raises:
            Unmeasured: `engine-unclear`, or the endpoint does not tell.
        """
        self._settings = settings
        self._context = context
        self._draft = draft
        self._configuration = Configuration.of(settings, context.environment)
        self._engine = self._configuration.engine
        self._repository = Repository(self._configuration.directory, context.environment)
        self._head = EngineIdentity(id=self._engine.id)
        self._model: ModelFile | None = None
        self._tokenizer: ModelFile | None = None
        cpus = machine.available_cpus(machine.System())
        self.request = request_of(settings, cpus=cpus)
        draft.engine = self._engine
        draft.asked = asked(self.request, self._engine, settings)

    def head(self) -> Engine:
        """The engine of head, its files fetched.

        Raises:
            Unmeasured: it cannot be had.
        """
        commit = self._repository.head()
        checkout = Checkout(directory=self._configuration.directory, commit=commit)
        setup = self._setup(HEAD, checkout)
        if obstacle := next(self._configuration.obstacles(setup), None):
            raise obstacle
        self._fetch_files()
        if self._configuration.runs_callers_program and self._repository.is_changed():
            self._draft.notes.append(
                "Head is the working tree as it is: it has changes that are not committed."
            )
        setup = self._built(self._with_files(setup), checkout)
        engine = registry.prepare(self._engine.id, setup)
        self._head = engine.identity
        self._enter(HEAD, engine, checkout)
        return engine

    def base(self, cleanup: ExitStack) -> Engine | None:
        """The engine of the base; None where no base is asked for.

        Args:
            cleanup: its checkout is removed with it.

        Raises:
            BaseFailed: it is asked for and cannot be had.
            Unmeasured: `head-overwritten`: nor can head be measured any more.
        """
        try:
            engine = self._base_engine(cleanup)
        except Unmeasured as error:
            self._expect_head_as_it_was()
            raise BaseFailed.of(error.failure) from error
        self._expect_head_as_it_was()
        return engine

    def _base_engine(self, cleanup: ExitStack) -> Engine | None:
        base = self._configuration.base(self._repository, self._context.merge_target)
        if base is None:
            return None
        if not base.commit:
            checkout = Checkout(directory=self._configuration.directory, commit="", name=base.name)
            setup = self._with_files(self._setup(BASE, checkout))
            engine = registry.prepare(self._engine.id, setup)
            self._enter(BASE, engine, checkout)
            return engine
        place = self._context.scratch / "base-checkout"
        checkout = cleanup.enter_context(
            self._repository.worktree(base.commit, place, name=base.name)
        )
        setup = self._built(self._with_files(self._setup(BASE, checkout)), checkout)
        self._expect_program(setup)
        engine = registry.prepare(self._engine.id, setup)
        self._expect_own(Path(engine.identity.binary))
        self._enter(BASE, engine, checkout)
        return engine

    def _setup(self, side: str, checkout: Checkout) -> EngineSetup:
        """Without the files that are still to be fetched."""
        scratch = self._context.scratch / side
        scratch.mkdir()
        return self._configuration.setup(
            side=side,
            directory=checkout.directory,
            request=self.request,
            scratch=scratch,
            model=None,
            tokenizer=None,
        )

    def _with_files(self, setup: EngineSetup) -> EngineSetup:
        return dataclasses.replace(
            setup,
            model=self._model.path if self._model else None,
            tokenizer=self._tokenizer.path if self._tokenizer else None,
        )

    def _enter(self, side: str, engine: Engine, checkout: Checkout) -> None:
        """Enter a side into the draft."""
        longer: Process = "running" if self._settings.endpoint else "start"
        self._draft.sides[side] = Side(
            ref=checkout.name,
            commit=checkout.commit,
            parents=self._repository.parents(checkout.commit),
            engine=engine.identity,
            process="step" if engine.process_per_step else longer,
        )

    def _expect_head_as_it_was(self) -> None:
        """A build that writes outside its checkout has put base's program in head's place."""
        program = Path(self._head.binary)
        if not (self._settings.build and self._head.binary_sha256 and program.is_absolute()):
            return
        try:
            unchanged = hashed(program).sha256 == self._head.binary_sha256
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
        settings, draft = self._settings, self._draft
        if not self._configuration.reads_files:
            draft.model = Model(reference=settings.model) if settings.model else None
            return
        if reference := self._configuration.model():
            self._model = model = self._fetch("model", reference, settings.model_sha256)
            draft.model = Model(reference=model.reference, sha256=model.sha256, bytes=model.bytes)
        if tokenizer := self._configuration.tokenizer():
            self._tokenizer = self._fetch("tokenizer", tokenizer, "")
        elif reference and self._engine.tokenizer_beside:
            self._tokenizer = self._tokenizer_beside(reference)

    def _tokenizer_beside(self, reference: str) -> ModelFile | None:
        """The one in the model's folder; without it, the engine says whether it needs one."""
        try:
            return self._fetch("tokenizer", beside(reference, "tokenizer.json"), "")
        except Unmeasured as error:
            if error.failure.reason != "model-missing":
                self._draft.notes.append(f"No tokenizer was found: {error.failure.sentence}")
            return None

    def _fetch(self, name: str, reference: str, sha256: str) -> ModelFile:
        self._context.watcher.phase(f"Looking for {reference}")
        with about(name):
            file = fetch(
                reference,
                sha256=sha256,
                cache=self._context.cache,
                environment=self._context.environment,
                progress=self._context.watcher.download,
                base_directory=self._configuration.directory,
            )
        self._draft.download_s += file.download_s
        self._draft.notes += file.notes
        return file

    def _expect_program(self, setup: EngineSetup) -> None:
        """A checkout of our own is gone when its place is read, so that only the name of what it
        lacks helps a reader."""
        names = (*setup.command[:1], setup.binary, self._configuration.program)
        program = next(filter(None, names), "")
        if "/" in program and not (setup.working_directory / program).exists():
            remedy = "give `build`, which makes it on both sides"
            if self._settings.build:
                remedy = "`build` does not make it"
            raise Unmeasured("engine-missing", f"The base's checkout has no `{program}`: {remedy}.")

    def _expect_own(self, program: Path) -> None:
        """That the base does not run what head runs. The same name may lead to two files: a build
        may link to its own store from each checkout."""
        tree = self._repository.root()
        if program.resolve() == Path(self._head.binary).resolve():
            self._configuration.refuse_shared(program, tree)
        if sentence := names_files_of(tree, self._settings.command):
            self._draft.notes.append(sentence)

    def _built(self, setup: EngineSetup, checkout: Checkout) -> EngineSetup:
        """The setup after the build of its side, which no measurement times."""
        if not self._settings.build:
            return setup
        self._context.watcher.phase(f"Building {checkout.shown}")
        started_s = time.monotonic()
        try:
            if self._settings.build == "auto":
                program = registry.build(self._engine.id, setup, timeout_s=BUILD_TIMEOUT_S)
                return dataclasses.replace(setup, binary=str(program))
            run_build(
                self._settings.build,
                checkout,
                environment=self._context.environment,
                timeout_s=BUILD_TIMEOUT_S,
            )
        finally:
            self._draft.build_s += time.monotonic() - started_s
        return setup
