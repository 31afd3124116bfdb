"""Head and base: where each side's program comes from, checked out and built.

The base of `base-ref` is a git worktree outside the caller's tree, removed at the end whatever
happens. The caller's working tree, index and branches are never touched.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from perf_smoke.deadline import Deadline
from perf_smoke.printable import decoded, last_lines
from perf_smoke.processes.foreground import run_process
from perf_smoke.result import Unmeasured

GIT_TIMEOUT_S = 300.0
"""For bringing a base, where there is no deadline."""
QUESTION_TIMEOUT_S = 10.0
"""For all that is asked of git about the checkout that is here: a run goes on without answers."""
DEEPER = (["--deepen=50"], ["--deepen=500"], ["--unshallow"])
"""How a shallow clone's history is fetched, round by round, until it reaches far enough."""

_QUIET_GIT = (
    "git",
    *("-c", "safe.directory=*"),  # in a container the checkout often belongs to another user
    *("-c", "core.hooksPath=/dev/null"),  # the caller's hooks are meant for the caller's tree
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false"),  # no clearing up while we measure
)
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--refmap=")
"""Commits come in; the caller's branches, also those that follow a remote, stay as they are."""


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A folder with the caller's files."""

    directory: Path
    commit: str
    """What is checked out; empty where that is unknown, or has nothing to do with the program."""
    name: str = ""
    """By which it was asked for: a branch or tag, `base-binary`."""

    @property
    def shown(self) -> str:
        """What a sentence calls it."""
        return self.commit[:12] or "head"


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What git said."""

    ok: bool
    text: str
    complaint: str


class Repository:
    """The git repository around a working directory."""

    def __init__(
        self, directory: Path, environment: Mapping[str, str], deadline: Deadline | None = None
    ) -> None:
        """Nothing is asked yet.

        Args:
            deadline: when a base must be here that is asked for.
        """
        self._directory = directory
        self._deadline = deadline or Deadline.within(GIT_TIMEOUT_S)
        self._question_s = QUESTION_TIMEOUT_S
        self._last = _Answer(ok=False, text="", complaint="")
        self._environment = {**environment, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}

    def head(self) -> str:
        """The commit that is checked out; empty outside a repository."""
        return self._resolved("HEAD")

    def branch(self) -> str:
        """The branch or tag that head is of; empty where neither git nor the workflow names one."""
        if branch := self._git("symbolic-ref", "--quiet", "--short", "HEAD").text:
            return branch
        if self._environment.get("GITHUB_SHA") != self.head():
            return ""  # another commit, or another repository, than the workflow speaks of
        named = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME")
        return next(filter(None, (self._environment.get(name, "") for name in named)), "")

    def parents(self, commit: str) -> tuple[str, ...]:
        """The commits that it was made upon, also where a shallow clone does not hold them; none
        outside a repository, and of an empty name."""
        # As the object has it: the log of a shallow clone ends without a parent.
        headers = self._git("cat-file", "commit", commit).text.partition("\n\n")[0]
        return tuple(re.findall(r"^parent ([0-9a-f]{40,64})$", headers, re.MULTILINE))

    def root(self) -> Path:
        """The folder of the whole checkout; outside a repository the directory itself."""
        return Path(self._git("rev-parse", "--show-toplevel").text or self._directory)

    def is_changed(self) -> bool:
        """Whether files that git tracks differ from the commit that is checked out."""
        status = self._git("--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
        return bool(status.text)

    def commit(self, ref: str) -> str:
        """The commit that a ref names; fetched from origin where it is not here.

        Raises:
            Unmeasured: `base-missing`.
        """
        if commit := self._resolved(ref) or self._resolved(f"origin/{ref}"):
            return commit
        complaint = ""
        if re.match(r"[^-+][^:]*$", ref):  # neither an option nor an order to move a branch
            if commit := self._tip_that_is_here(ref):
                return commit
            depth = ["--depth=1"] if self._is_shallow() else []
            fetched = self._work(*_FETCH, *depth, "origin", ref)
            if fetched.ok and (commit := self._resolved("FETCH_HEAD")):
                return commit
            complaint = fetched.complaint
        if re.search(r"[~^]", ref):  # HEAD~1 lies beyond the end of a shallow clone
            for _ in self._deepened(self.head()):
                if commit := self._resolved(ref):
                    return commit
        raise Unmeasured(
            "base-missing",
            f"The base `{ref}` is neither a commit here nor can it be fetched from origin: check "
            "`base-ref`, and give the checkout step `fetch-depth: 0`.",
            complaint,
        )

    def merge_base(self, commit: str) -> str:
        """Where head left the branch that `commit` is on; a shallow clone is deepened.

        Raises:
            Unmeasured: `base-missing`.
        """
        if fork := self._work("merge-base", "HEAD", commit).text:
            return fork
        # Both ends by name: the remote's own refspec would bring every branch there is.
        for _ in self._deepened(commit, self.head()):
            if fork := self._work("merge-base", "HEAD", commit).text:
                return fork
        raise Unmeasured(
            "base-missing",
            f"The checkout's history does not reach the point where it left {commit[:12]}: give "
            "the checkout step `fetch-depth: 0`, or name the other side with `base-ref`.",
        )

    @contextmanager
    def worktree(self, commit: str, place: Path, name: str = "") -> Iterator[Checkout]:
        """A checkout of `commit` at `place`, with the same working directory inside.

        Args:
            name: by which the commit was asked for.

        Raises:
            Unmeasured: `base-missing`: git could not check it out.
        """
        try:
            self._check_out(commit, place)
            inside = self._git("rev-parse", "--show-prefix").text
            yield Checkout(directory=place / inside, commit=commit, name=name)
        finally:
            self._remove_worktree(place)

    def _remove_worktree(self, place: Path) -> None:
        """Again where it did not work: what a build has started may still write while it ends."""
        for _ in range(3):
            try:
                _remove(place)
            finally:
                # Forced twice: git locks a worktree while it makes it, and may be interrupted then.
                removed = self._git("worktree", "remove", "--force", "--force", str(place))
            if removed.ok:
                return

    def _check_out(self, commit: str, place: Path) -> None:
        added = self._work("worktree", "add", "--quiet", "--detach", "--force", str(place), commit)
        if not added.ok:
            raise Unmeasured(
                "base-missing", f"git cannot check out the base {commit[:12]}.", added.complaint
            )
        # Submodules as head has them: a caller who does without them may be unable to fetch them.
        if not self._git("config", "--local", "--get-regexp", r"^submodule\..*\.url$").ok:
            return
        updated = self._work(
            *("-C", str(place), "submodule", "--quiet"),
            *("update", "--init", "--recursive", "--depth=1"),
        )
        if not updated.ok:
            raise Unmeasured(
                "base-missing", "The base's submodules cannot be fetched.", updated.complaint
            )

    def _deepened(self, *ends: str) -> Iterator[None]:
        """After each round the history of these commits reaches further back, or is all there."""
        for how in DEEPER if self._is_shallow() else ([],):
            for end in ends:
                self._work(*_FETCH, *how, "origin", end)
            yield

    def _tip_that_is_here(self, ref: str) -> str:
        """The branch or tag of origin with this name, where its commit is here under no name:
        fetching it would cut the history of a shallow clone off at it."""
        tips = self._work("ls-remote", "origin", f"refs/heads/{ref}", f"refs/tags/{ref}").text
        here = (self._resolved(line.split()[0]) for line in tips.splitlines())
        return next(filter(None, here), "")

    def _is_shallow(self) -> bool:
        return self._git("rev-parse", "--is-shallow-repository").text == "true"

    def _resolved(self, name: str) -> str:
        """The hash of the commit that this names, or nothing."""
        if name.startswith("-"):
            return ""
        answer = self._git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").text
        return answer if re.fullmatch(r"[0-9a-f]{40,64}", answer) else ""

    def _work(self, *arguments: str) -> _Answer:
        """What brings a base, over the network perhaps; after the deadline what came last."""
        if left_s := self._deadline.left_s:
            self._last = self._git(*arguments, timeout_s=left_s)
        return self._last

    def _git(self, *arguments: str, timeout_s: float = 0.0) -> _Answer:
        try:
            finished = run_process(
                [*_QUIET_GIT, *arguments],
                timeout_s=timeout_s or self._question_s,
                cwd=self._directory,
                environment=self._environment,
            )
        except OSError as error:
            return _Answer(ok=False, text="", complaint=f"git: {error.strerror}")
        complaint = decoded(finished.stderr)
        if finished.timed_out:
            complaint += f"\ngit {finished.how}."
            self._question_s = 1.0  # where one question hangs, so may the next
        return _Answer(
            ok=not finished.failed,
            text="" if finished.failed else finished.stdout.decode("utf-8", "replace").strip(),
            complaint=last_lines(complaint.strip()),
        )


def refuse_shared(program: Path, tree: Path, *, may_lie_elsewhere: bool) -> None:
    """Refuse a program that head and base would both run: nothing would be compared.

    Args:
        program: what both would run, as an absolute path.
        tree: head's checkout.
        may_lie_elsewhere: whether one program outside of both checkouts will do. An interpreter
            will, for each side gives it files of its own.

    Raises:
        Unmeasured: `base-missing`.
    """
    # A virtual environment in head's checkout holds no program of the project, but an interpreter
    # and scripts for it.
    if may_lie_elsewhere and (program.parent.parent / "pyvenv.cfg").exists():
        return
    # Of a link the end counts: /usr/bin/python may be reached through one in head's checkout.
    if program.resolve().is_relative_to(tree.resolve()):
        raise Unmeasured(
            "base-missing",
            f"`{program}` lies in head's tree, so that the base would run head's program: give its "
            "path relative to the working directory.",
        )
    if not may_lie_elsewhere:
        raise Unmeasured(
            "base-missing",
            f"`{program}` lies in neither checkout, so that base and head would run the same "
            "program: give the path, relative to the working directory, of one that `build` makes, "
            "or the other side's with `base-binary`.",
        )


def names_files_of(tree: Path, command: Sequence[str]) -> str:
    """A sentence on arguments that name head's files, which a base in a checkout of its own would
    read too; empty where there are none."""
    place = re.compile(rf"{re.escape(str(tree))}(?![\w.-])")
    if not any(map(place.search, command[1:])):
        return ""
    return (
        "`command` names files in head's tree by an absolute path: both sides read those. A path "
        "relative to the working directory is each side's own."
    )


def run_build(
    script: str, checkout: Checkout, *, environment: Mapping[str, str], timeout_s: float
) -> None:
    """Run the caller's build script (bash, stopping at the first error), untimed.

    Raises:
        Unmeasured: `build-failed`, with its last lines.
    """
    try:
        finished = run_process(
            ["bash", "-euo", "pipefail", "-c", script],
            timeout_s=timeout_s,
            cwd=checkout.directory,
            environment=environment,
        )
    except OSError as error:
        raise Unmeasured(
            "build-failed", f"The build cannot be started: {error.strerror}: {error.filename}."
        ) from error
    if finished.failed:
        raise Unmeasured(
            "build-failed",
            f"The build of {checkout.shown} {finished.how}.",
            last_lines(decoded(finished.stdout + finished.stderr), lines=20),
        )


def _remove(place: Path) -> None:
    """Remove a tree, also where a build has made folders read-only."""
    for folder, subfolders, _ in os.walk(place):
        for name in subfolders:
            path = Path(folder, name)
            with suppress(OSError):
                if not path.is_symlink():
                    path.chmod(0o700)
    shutil.rmtree(place, ignore_errors=True)
