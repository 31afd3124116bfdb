"""How does the base get a checkout of its own, that is to its commit what head's is to head's?

A worktree outside the caller's tree, removed at the end whatever happens; the caller's tree, index
and branches are never touched. Nothing is fetched for it that head does without: a filter (Git LFS,
git-crypt) runs for the files that it has made in head, and a submodule is there where head has it,
out of head's own copy. What a run that was killed has left is removed by the next one.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from perf_smoke import tree
from perf_smoke.git import Answer, Git
from perf_smoke.repository import Repository
from perf_smoke.result import Unmeasured
from perf_smoke.sides import Checkout

_OURS = re.compile(r"^worktree ((.*/perf-smoke-[^/]+/base-checkout)(?:/.*)?)$", re.MULTILINE)
"""In git's list: one of a base or of a submodule in it, and the place of the base."""


@contextmanager
def worktree(
    repository: Repository, commit: str, place: Path, name: str = ""
) -> Iterator[Checkout]:
    """A checkout of `commit` at `place`, with the same working directory inside.

    Args:
        name: by which the commit was asked for.

    Raises:
        Unmeasured: `base-missing`: git could not check it out.
    """
    with _held(place), _checked_out(repository, commit, place):
        inside = repository.git.ask("rev-parse", "--show-prefix").text
        yield Checkout(directory=place / inside, commit=commit, name=name)


@contextmanager
def _checked_out(repository: Repository, commit: str, place: Path) -> Iterator[None]:
    _remove_abandoned(repository.git)
    with ExitStack() as cleanup:
        cleanup.callback(_remove_worktree, repository.git, place)
        # Without any filter: each file is as it was committed.
        added = repository.git.reach(
            *("worktree", "add", "--quiet", "--detach", "--force", str(place), commit)
        )
        _expect(added, f"git cannot check out the base {commit[:12]}.")
        own = repository.git.elsewhere(place)
        files = tree.Tree.of(own, commit)
        _apply_filters(repository, own, place, files)
        heads, names = tree.submodules(repository), tree.submodule_names(own)
        for path, wanted in files.submodules.items():
            if head := heads.get(names.get(path, path)):
                if complaint := head.bring(wanted):
                    raise Unmeasured(
                        "base-missing",
                        f"The base's submodule `{path}` is at {wanted[:12]}, which is neither in "
                        "head's copy of it nor can it be fetched: give the checkout step "
                        "`fetch-depth: 0`.",
                        complaint,
                    )
                cleanup.enter_context(_checked_out(head, wanted, place / path))
        yield


def _apply_filters(repository: Repository, own: Git, place: Path, files: tree.Tree) -> None:
    """Have the filters make those files of the base that they have made in head."""
    if not own.filters:
        return
    heads, made = tree.made_by_filters(repository)
    # A file that head has not is treated as all those that it has.
    everywhere = set(heads.values()) - {name for path, name in heads.items() if path not in made}
    wanted = {
        path: name
        for path, name in tree.filtered(own, files.files).items()
        if (path in made if path in heads else name in everywhere) and (place / path).is_file()
    }
    for part in tree.in_parts(wanted):
        for path in part:
            (place / path).unlink()  # git does not write what is as it should be
        names = {wanted[path] for path in part}
        written = own.reach(
            *("--literal-pathspecs", "checkout-index", "--force", "-u", "--quiet", "--", *part),
            filters=names,
        )
        filters = ", ".join(f"`{name}`" for name in sorted(names))
        _expect(
            written, f"The base's files cannot be had as head has them, by the filter {filters}."
        )


def _expect(answer: Answer, sentence: str) -> None:
    if not answer.ok:
        raise Unmeasured("base-missing", sentence, answer.complaint)


@contextmanager
def _held(place: Path) -> Iterator[None]:
    """Holds a lock for as long as this process lives and uses the place."""
    with _lock_of(place).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock_of(place: Path) -> Path:
    return place.with_name(f"{place.name}.lock")


def _remove_abandoned(git: Git) -> None:
    """Remove the worktrees of runs that were killed."""
    for path, place in _OURS.findall(git.ask("worktree", "list", "--porcelain").text):
        with suppress(BlockingIOError):  # that run goes on
            # Without a lock it was killed before it had one, or the folder is gone.
            with suppress(FileNotFoundError), _lock_of(Path(place)).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove_worktree(git, Path(path))


def _remove_worktree(git: Git, place: Path) -> None:
    """Again where it did not work: what a build has started may still write while it ends."""
    for _ in range(3):
        try:
            _remove(place)
        finally:
            # Forced twice: git locks a worktree while it makes it, and may be interrupted then.
            removed = git.ask("worktree", "remove", "--force", "--force", str(place))
        if removed.ok:
            return


def _remove(place: Path) -> None:
    """Remove a tree, also where a build has made folders read-only."""
    for folder, subfolders, _ in os.walk(place):
        for name in subfolders:
            path = Path(folder, name)
            with suppress(OSError):  # what stays read-only, rmtree leaves, and git is asked again
                if not path.is_symlink():
                    path.chmod(0o700)
    shutil.rmtree(place, ignore_errors=True)
