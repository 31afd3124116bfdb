"""What the inputs of one run mean to the engine that they name: files, program, sides.

Whatever cannot be had is raised as the Unmeasured that its reader sees, by `perf-smoke run` and by
`perf-smoke doctor` alike: obstacles.py lists it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from perf_smoke.deadline import Deadline
from perf_smoke.engines import registry
from perf_smoke.engines.base import EngineSetup, Request
from perf_smoke.engines.identity import find_program
from perf_smoke.engines.table import Row
from perf_smoke.inputs import invalid_inputs
from perf_smoke.models import hub
from perf_smoke.models.reference import Hub, parse
from perf_smoke.repository import Repository
from perf_smoke.request import request_of
from perf_smoke.result import HEAD, Unmeasured
from perf_smoke.settings import Settings
from perf_smoke.sides import refuse_shared

MERGE_BASE = "merge-base"
"""As `base-ref`: the commit at which head left the branch that it is meant for."""


class Unworkable(Unmeasured):
    """Inputs with which nothing can be measured, whatever is fetched, built or started."""

    def __init__(self, errors: Sequence[Unmeasured]) -> None:
        """Args:
        errors: all that is wrong, at least one.
        """
        failures = tuple({error.failure.sentence: error.failure for error in errors}.values())
        self.sentences = tuple(failure.sentence for failure in failures)
        only = failures[0] if len(failures) == 1 else invalid_inputs(self.sentences)
        super().__init__(only.reason, only.sentence, only.tail)


@dataclass(frozen=True, kw_only=True)
class BaseProgram:
    """Where the base's program comes from."""

    name: str
    """As the report calls it: a branch or tag, `base-binary`; empty for the merge base."""
    commit: str = ""
    """What is checked out for it; empty where it is there already."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """The inputs of one run, the engine that they mean, and what it is asked."""

    settings: Settings
    engine: Row
    request: Request
    environment: Mapping[str, str]
    """What child processes see."""
    prompt_missing: Unmeasured | None = None
    """Why the prompt cannot be had; the request has another one then."""

    @classmethod
    def of(cls, settings: Settings, environment: Mapping[str, str], *, cpus: int) -> Configuration:
        """Find out which engine is meant.

        Args:
            cpus: how many may be used.

        Raises:
            Unworkable: `engine-unclear`.
            Unmeasured: the endpoint does not tell.
        """
        prompt_missing = None
        try:
            request = request_of(settings, cpus=cpus)
        except Unmeasured as error:
            prompt_missing = error
            request = request_of(replace(settings, prompt_file=""), cpus=cpus)
        try:
            engine = registry.resolve(
                settings.engine,
                command=settings.command,
                endpoint=settings.endpoint,
                binary=settings.binary,
                environment=environment,
            )
        except Unmeasured as error:
            if settings.endpoint:
                raise
            raise Unworkable([*filter(None, [prompt_missing]), error]) from error
        return cls(
            settings=settings,
            engine=engine,
            request=request,
            environment=environment,
            prompt_missing=prompt_missing,
        )

    @property
    def directory(self) -> Path:
        """Where head's program runs."""
        return self.settings.working_directory.absolute()

    @property
    def runs_callers_program(self) -> bool:
        """Whether what is measured was made in the caller's checkout, or may have been."""
        return self.engine.owner(self.settings.endpoint) == "caller's"

    def measures_checkout(self, repository: Repository) -> bool:
        """Whether what is measured is of head's checkout: built in it, or a program in it.

        Of an interpreter it is a file of the checkout that it is given.
        """
        settings = self.settings
        if not self.runs_callers_program or settings.build or settings.base_ref:
            return self.runs_callers_program
        words = [self.program, *(settings.command[1:] if self.engine.shares_program else ())]
        with suppress(Unmeasured):  # whoever needs it says that it is missing
            words.append(str(self._find(self.program, self.directory)))
        tree = repository.root().resolve()
        paths = (self.directory / word for word in filter(None, words))
        return any(path.exists() and path.resolve().is_relative_to(tree) for path in paths)

    @property
    def reads_files(self) -> bool:
        """Whether the engine is given a model file; a server holds its own."""
        return not self.settings.endpoint and self.engine.model != "server's"

    @property
    def program(self) -> str:
        """Head's program as it is named; empty where the engine has none."""
        names = (*self.settings.command[:1], self.settings.binary, *self.engine.programs)
        return next(filter(None, names), "")

    def model(self) -> str:
        """The reference of the model file; empty where none is read.

        Raises:
            Unmeasured: `model-missing`, `invalid-reference`, `hub-library-missing`.
        """
        reference = self.settings.model or self.engine.default_model
        if self.reads_files and not reference and self.engine.model == "needed":
            raise Unmeasured(
                "model-missing",
                f"Engine `{self.engine.id}` needs a model: give `model` a path or a reference.",
            )
        return _obtainable("model", reference) if self.reads_files else ""

    def tokenizer(self) -> str:
        """The reference of the tokenizer; empty where none is named, or read.

        Raises:
            Unmeasured: `invalid-reference`, `hub-library-missing`.
        """
        is_read = self.reads_files and "tokenizer" in self.engine.reads
        return _obtainable("tokenizer", self.settings.tokenizer) if is_read else ""

    def expected(self) -> EngineSetup:
        """What head's engine would be prepared with, as far as that can be known now."""
        settings = self.settings
        return self.setup(
            scratch=Path(),
            model=Path(settings.model) if settings.model else None,
            tokenizer=Path(settings.tokenizer) if settings.tokenizer else None,
        )

    def setup(
        self,
        *,
        scratch: Path,
        model: Path | None = None,
        tokenizer: Path | None = None,
        side: str = HEAD,
        directory: Path | None = None,
        deadline: Deadline | None = None,
    ) -> EngineSetup:
        """What the engine of one side is prepared with.

        Args:
            deadline: of its starts; where it is None, all that the input gives.
            directory: where the side's program runs; head's where it is None.
        """
        settings = self.settings
        binary, command = settings.binary, settings.command
        if side != HEAD:
            binary, command = settings.base_binary or binary, settings.base_command or command
        return EngineSetup(
            model=model,
            model_name=settings.model,
            tokenizer=tokenizer,
            binary=binary,
            command=command,
            endpoint=settings.endpoint,
            metrics=settings.metrics,
            features=settings.features,
            working_directory=directory or self.directory,
            scratch=scratch,
            environment=self.environment,
            start_timeout_s=deadline.left_s if deadline else settings.deadline_s,
            request=self.request,
        )

    def base(self, repository: Repository, merge_target: str) -> BaseProgram | None:
        """Where the base's program comes from; None where no base is asked for.

        Args:
            merge_target: the commit that head was made upon, as the event has it, or one of the
                branch where it was; empty where the event knows none.

        Raises:
            UnknownRef: `base-missing`: `base-ref` names nothing.
            Unmeasured: `base-missing`: it is asked for and cannot be had.
        """
        settings = self.settings
        if settings.baseline == "none":
            return None
        if named := self._named_base:
            return BaseProgram(name=named[0])
        if self.runs_callers_program and settings.base_ref == MERGE_BASE:
            commit = repository.merge_base(merge_target or repository.default_branch())
        elif self.runs_callers_program and settings.base_ref:
            commit = repository.commit(settings.base_ref)
        elif self.runs_callers_program and settings.build and merge_target:
            commit = repository.merge_base(merge_target)
        elif settings.baseline == "ref" or settings.base_ref:
            raise Unmeasured(
                "base-missing",
                "There is no verdict without a base, and a base needs `base-binary`, "
                "`base-command`, or an engine of yours with `base-ref` (on a pull request, a push "
                "and in a merge queue: with `build`).",
            )
        else:
            return None
        self._refuse_heads_program(repository.root())
        return BaseProgram(name=settings.base_ref, commit=commit)

    def check_base_program(self) -> None:
        """That the program of `base-binary` or `base-command` is there.

        Raises:
            Unmeasured: `engine-missing`.
        """
        if named := self._named_base:
            name, program = named
            self._find(program, self.directory, otherwise=f"correct `{name}`")

    @property
    def _named_base(self) -> tuple[str, str] | None:
        """The input that names the base's program, and the program."""
        settings = self.settings
        programs = {
            "base-binary": settings.base_binary,
            "base-command": next(iter(settings.base_command), ""),
        }
        return next(((name, program) for name, program in programs.items() if program), None)

    def refuse_shared(self, program: Path, tree: Path) -> None:
        """Refuse a program that both sides would run.

        Raises:
            Unmeasured: `base-missing`.
        """
        refuse_shared(program, tree, may_lie_elsewhere=self.engine.shares_program)

    def _refuse_heads_program(self, tree: Path) -> None:
        """Refuse a base in a checkout of its own that would run head's program."""
        program = self.program
        if self.settings.build == "auto" or ("/" in program and not program.startswith("/")):
            return  # each checkout has one
        with suppress(Unmeasured):  # a build may still make it
            program = str(self._find(program, tree))
        if program.startswith("/"):
            self.refuse_shared(Path(program), tree)

    def _find(self, program: str, directory: Path, otherwise: str = "set `binary`") -> Path:
        return find_program(
            program,
            working_directory=directory,
            environment=self.environment,
            otherwise=otherwise,
        )


@contextmanager
def about(name: str) -> Iterator[None]:
    """Say of which input it is that something cannot be had."""
    try:
        yield
    except Unmeasured as error:
        failure = error.failure
        raise Unmeasured(failure.reason, f"`{name}`: {failure.sentence}", failure.tail) from error


def _obtainable(name: str, reference: str) -> str:
    """The reference, if it is understood and the library that it needs is installed."""
    with about(name):
        if (
            reference
            and isinstance(parse(reference).place, Hub)
            and importlib.util.find_spec(hub.LIBRARY) is None
        ):
            raise Unmeasured("hub-library-missing", hub.WITHOUT_LIBRARY)
    return reference
