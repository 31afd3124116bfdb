"""Head and base: where each side's program comes from, checked out and built.

The base of `base-ref` is a git worktree outside the caller's tree, removed at the end whatever
happens. The caller's working tree, index and branch are never touched.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from perf_smoke.measure.background import last_lines
from perf_smoke.measure.process import run_process
from perf_smoke.result import Unmeasured, printable

GIT_TIMEOUT_S = 300.0
DEEPER = (50, 500, 0)
"""Commits fetched beyond a shallow clone's end, step by step, to find the merge base; 0: all."""


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A folder with the caller's files, and what it is called in the report."""

    directory: Path
    ref: str


class Repository:
    """The git repository around a working directory."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        # Never ask for a password, never page, never open an editor.
        self._environment = {**environment, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}

    def head(self) -> str:
        """The commit that is checked out; empty outside a repository."""
        told = self._try("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return told or ""

    def commit(self, ref: str) -> str:
        """The commit that a ref names; fetched from origin where it is not here.

        Raises:
            Unmeasured: `base-missing`.
        """
        for name in (ref, f"origin/{ref}"):
            if found := self._try(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
            ):
                return found
        fetched = self._run(
            "fetch", "--quiet", "--no-tags", "--depth=1", "origin", "--end-of-options", ref
        )
        if fetched.returncode == 0 and (
            found := self._try("rev-parse", "--verify", "FETCH_HEAD^{commit}")
        ):
            return found
        raise Unmeasured(
            "base-missing",
            f"The base `{ref}` is neither a commit here nor can it be fetched from origin: check "
            "`base-ref`, and give the checkout step `fetch-depth: 0`.",
            last_lines(printable(fetched.stderr)),
        )

    def merge_base(self, commit: str) -> str:
        """Where head left the branch that `commit` is on; a shallow clone is deepened.

        Raises:
            Unmeasured: `base-missing`.
        """
        if found := self._try("merge-base", "HEAD", commit):
            return found
        for depth in DEEPER:
            how = f"--deepen={depth}" if depth else "--unshallow"
            # Both ends by name: the remote's own refspec would bring every branch there is.
            for end in (commit, self.head()):
                self._run("fetch", "--quiet", "--no-tags", how, "origin", end)
            if found := self._try("merge-base", "HEAD", commit):
                return found
        raise Unmeasured(
            "base-missing",
            f"The checkout's history does not reach the point where it left {commit[:12]}: give "
            "the checkout step `fetch-depth: 0`, or name the other side with `base-ref`.",
        )

    @contextmanager
    def worktree(self, commit: str, place: Path) -> Iterator[Checkout]:
        """A checkout of `commit` at `place`, with the same working directory inside.

        Raises:
            Unmeasured: `base-missing`: git could not check it out.
        """
        added = self._run("worktree", "add", "--quiet", "--detach", "--force", str(place), commit)
        try:
            if added.returncode != 0:
                raise Unmeasured(
                    "base-missing",
                    f"git cannot check out the base {commit[:12]}.",
                    last_lines(printable(added.stderr)),
                )
            self._check_out_submodules(place)
            inside = self._try("rev-parse", "--show-prefix") or "."
            yield Checkout(directory=place / inside, ref=commit)
        finally:
            self._run("worktree", "remove", "--force", str(place))
            shutil.rmtree(place, ignore_errors=True)
            self._run("worktree", "prune")

    def _check_out_submodules(self, place: Path) -> None:
        if not (place / ".gitmodules").is_file():
            return
        inside = Repository(place, self._environment)
        updated = inside._run(
            "submodule", "--quiet", "update", "--init", "--recursive", "--depth=1"
        )
        if updated.returncode != 0:
            raise Unmeasured(
                "base-missing",
                "The base's submodules cannot be fetched.",
                last_lines(printable(updated.stderr)),
            )

    def _try(self, *arguments: str) -> str | None:
        """What git says, or None where it fails."""
        done = self._run(*arguments)
        return done.stdout.strip() if done.returncode == 0 else None

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # In a container the checkout often belongs to another user than the one who reads it.
        command = ["git", "-c", "safe.directory=*", *arguments]
        try:
            return subprocess.run(
                command,
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=GIT_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            sentence = f"git {arguments[0]} took longer than {GIT_TIMEOUT_S:g} s"
            return subprocess.CompletedProcess(command, 1, "", sentence)
        except OSError as error:
            return subprocess.CompletedProcess(command, 127, "", f"git: {error.strerror}")


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
        how = (
            f"took longer than {timeout_s:g} s"
            if finished.timed_out
            else f"ended with code {finished.exit_code}"
        )
        output = (finished.stdout + finished.stderr).decode("utf-8", "replace")
        raise Unmeasured(
            "build-failed",
            f"The build of {checkout.ref[:12] or 'head'} {how}.",
            last_lines(printable(output), lines=20),
        )
