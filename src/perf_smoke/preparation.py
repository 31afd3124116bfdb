"""How each side comes to its engine: model fetched, program checked out, built and found."""

from __future__ import annotations

import dataclasses
import re
import time
from contextlib import ExitStack
from pathlib import Path

from perf_smoke.build_log import build_log
from perf_smoke.configuration import BaseProgram, Configuration, Unworkable, about
from perf_smoke.context import Context
from perf_smoke.deadline import Deadline
from perf_smoke.document import Draft, left_running
from perf_smoke.engines import registry
from perf_smoke.engines.base import Engine, EngineSetup
from perf_smoke.hashing import hashed
from perf_smoke.measure import machine
from perf_smoke.measure.schedule import BaseFailed
from perf_smoke.models.base import ModelFile, Patience
from perf_smoke.models.fetch import fetch
from perf_smoke.models.reference import beside
from perf_smoke.obstacles import absences, obstacles
from perf_smoke.pull_request import of_another
from perf_smoke.redaction import public
from perf_smoke.remarks import remarks
from perf_smoke.repository import Repository, UnknownRef
from perf_smoke.request import record_of
from perf_smoke.result import BASE, HEAD, EngineIdentity, Model, Side, Unmeasured
from perf_smoke.settings import Settings
from perf_smoke.sides import Checkout, names_files_of, run_build
from perf_smoke.tree import is_changed
from perf_smoke.worktree import worktree


class Preparation:
    """Both sides of one run; what is known on the way goes into the draft at once."""

    def __init__(self, settings: Settings, context: Context, draft: Draft) -> None:
        """Find out which engine is meant, and what is asked of it.

        Raises:
            Unworkable: `engine-unclear`.
            Unmeasured: the endpoint does not tell.
        """
        self._settings = settings
        self._context = context
        self._draft = draft
        self.deadlines = {
            HEAD: context.deadline,
            BASE: context.deadline.keeping(min(settings.budget_s, context.deadline.left_s / 2)),
        }
        """When the measuring of each side must have ended: head alone can be measured after a base
        that was given up."""
        cpus = machine.available_cpus(machine.System())
        if context.deadline.left_s < settings.budget_s <= settings.deadline_s:
            draft.notes.append("`deadline` leaves less time than `budget` asks for.")
        with context.deadline.waiting_for("what answers at `endpoint`"):
            self._configuration = Configuration.of(settings, context.environment, cpus=cpus)
        self._engine = self._configuration.engine
        self._repository = Repository(
            self._configuration.directory, context.environment, self.deadlines[BASE]
        )
        with context.deadline.waiting_for("git"):
            ours = self._configuration.measures_checkout(self._repository)  # else none tells of it
            self._here = Checkout(
                directory=self._configuration.directory,
                commit=self._repository.head() if ours else "",
                name=self._repository.branch() if ours else "",
            )
            callers = self._configuration.runs_callers_program
            self._is_changed = callers and is_changed(self._repository)
        self._head = EngineIdentity(id=self._engine.id)
        self._model: ModelFile | None = None
        self._tokenizer: ModelFile | None = None
        self._base: BaseProgram | None = None
        self._lost_base: Unmeasured | None = None
        self.request = self._configuration.request
        if self._here.commit:  # also where head comes to nothing, it is known whose failure it is
            draft.sides[HEAD] = self._side_of(self._here)
        draft.engine = self._engine
        draft.request = record_of(self.request, self._engine, settings)
        draft.notes += remarks(self._configuration, cpus)

    def refuse_what_cannot_work(self) -> None:
        """Look at everything that can be known before anything is fetched, built or started.

        Raises:
            Unworkable: with all that cannot work.
        """
        with self.deadlines[HEAD].waiting_for("what head's program says of itself"):
            found = [*obstacles(self._configuration)]
        try:
            with self.deadlines[BASE].waiting_for("git to bring the base"):
                self._base = self._configuration.base(self._repository, self._context.merge_target)
        except Unmeasured as error:
            self._lost_base = error
            # Whoever mistypes it wants no build without it; where nothing is built, head is had
            # for nothing.
            found += [error] if self._settings.build and isinstance(error, UnknownRef) else []
        if found:
            lost = [*filter(None, [self._lost_base])]
            raise Unworkable([*found, *absences(self._configuration), *lost])

    def head(self) -> Engine:
        """The engine of head, its files fetched.

        Raises:
            Unmeasured: it cannot be had.
        """
        self._fetch_files()
        if self._is_changed:
            self._draft.notes.append(
                "Head is the working tree as it is: it has changes that are not committed."
            )
        engine = self._prepared(HEAD, self._here)
        self._head = engine.identity
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
            self._expect_the_pull_requests_code()
            with self.deadlines[BASE].waiting_for("git to bring the base"):
                checkout = self._base_checkout(cleanup)
            engine = self._prepared(BASE, checkout) if checkout else None
        except Unmeasured as error:
            self._expect_head_as_it_was()
            raise BaseFailed.of(error.failure) from error
        self._expect_head_as_it_was()
        return engine

    def _expect_the_pull_requests_code(self) -> None:
        event = self._context.leg.event if self._context.leg else ""
        head, asked_for = self._draft.sides[HEAD], self._context.pull_request_head
        if stranger := of_another(head, asked_for, event):
            raise Unmeasured.of(stranger)

    def _base_checkout(self, cleanup: ExitStack) -> Checkout | None:
        if self._lost_base:
            raise self._lost_base
        if (base := self._base) is None:
            return None
        if not base.commit:
            self._configuration.check_base_program()
            return Checkout(directory=self._configuration.directory, commit="", name=base.name)
        if base.commit == self._here.commit and self._is_changed is False:
            self._expect_comparison_with_itself(base.commit)
        place = self._context.scratch / "base-checkout"
        return cleanup.enter_context(worktree(self._repository, base.commit, place, base.name))

    def _expect_comparison_with_itself(self, commit: str) -> None:
        """That one commit on both sides is what `base-ref` says, not where a branch happens to be.

        Raises:
            Unmeasured: `base-is-head`.
        """
        said = re.split(r"[~^]", self._settings.base_ref)[0]
        if said in ("HEAD", "@") or (len(said) > 6 and commit.startswith(said)):
            self._draft.notes.append(
                f"Head and base are one commit, as `base-ref: {self._settings.base_ref}` says: it "
                "is compared with itself (A/A)."
            )
            return
        raise Unmeasured(
            "base-is-head",
            f"head and base are one commit, {commit[:12]}, and nothing is changed in the tree.",
        )

    def _prepared(self, side: str, checkout: Checkout) -> Engine:
        """Build and find the engine of one side."""
        scratch = self._context.scratch / side
        scratch.mkdir()
        setup = self._configuration.setup(
            side=side,
            directory=checkout.directory,
            scratch=scratch,
            model=self._model.path if self._model else None,
            tokenizer=self._tokenizer.path if self._tokenizer else None,
            deadline=self.deadlines[side],
        )
        is_of_base = checkout.directory != self._configuration.directory
        if self._settings.build and (side == HEAD or is_of_base):
            setup = self._built(side, setup, checkout, self.deadlines[side])
        if is_of_base:
            self._expect_program(setup)
        with self.deadlines[side].waiting_for(f"what {side}'s program says of itself"):
            engine = registry.prepare(self._engine.id, setup)
        if is_of_base:
            self._expect_own(Path(engine.identity.binary))
        self._draft.sides[side] = dataclasses.replace(
            self._side_of(checkout), engine=engine.identity, process=engine.process
        )
        return engine

    def _side_of(self, checkout: Checkout) -> Side:
        """A side of which the engine is not known yet."""
        parents = self._repository.parents(checkout.commit)
        return Side(ref=checkout.name, commit=checkout.commit, parents=parents)

    def _built(
        self, side: str, setup: EngineSetup, checkout: Checkout, deadline: Deadline
    ) -> EngineSetup:
        """The setup after the build of its side, which no measurement times."""
        context = self._context
        context.watcher.phase(" ".join(filter(None, ("Building", side, checkout.commit[:12]))))
        started_s = time.monotonic()
        try:
            with (
                deadline.waiting_for(f"the build of {checkout.shown}"),
                build_log(side, context.folder, context.build_line) as log,
            ):
                if self._settings.build == "auto":
                    logged = dataclasses.replace(setup, on_build_output=log.stderr)
                    program = registry.build(self._engine.id, logged, timeout_s=deadline.left_s)
                    return dataclasses.replace(setup, binary=str(program))
                left = run_build(
                    self._settings.build,
                    checkout,
                    environment=context.environment,
                    timeout_s=deadline.left_s,
                    on_stdout=log.stdout,
                    on_stderr=log.stderr,
                )
            if left:
                self._draft.notes.append(left_running(f"The build of {checkout.shown}", left))
        finally:
            self._draft.build_s += time.monotonic() - started_s
        return setup

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
        self._context.watcher.phase(f"Looking for {public(reference)}")
        deadline = self._context.deadline
        with about(name), deadline.waiting_for(reference):
            file = fetch(
                reference,
                sha256=sha256,
                cache=self._context.cache,
                environment=self._context.environment,
                progress=self._context.watcher.download,
                base_directory=self._configuration.directory,
                patience=Patience(total_s=deadline.left_s),
            )
        self._draft.download_s += file.download_s
        self._draft.notes += file.notes
        return file
