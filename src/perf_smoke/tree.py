"""What lies in a checkout that is more than its commit's bytes: files that a filter has made,
submodules, changes?"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from perf_smoke.git import Git
from perf_smoke.repository import Repository
from perf_smoke.result import Unmeasured

_MOST_PATHS = 1000
"""In one command line."""


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The hashes of a commit's files, and of its submodules' commits, by path."""

    files: Mapping[str, str]
    submodules: Mapping[str, str]

    @classmethod
    def of(cls, git: Git, commit: str) -> Tree:
        """As the repository has it.

        Raises:
            Unmeasured: `base-missing`: it has not all of it.
        """
        listed = git.work("ls-tree", "-r", "-z", "--full-tree", commit)
        if not listed.ok:
            raise Unmeasured(
                "base-missing", f"git cannot list the files of {commit[:12]}.", listed.complaint
            )
        files, submodules = {}, {}
        for entry in listed.items:
            facts, _, path = entry.partition("\t")
            mode, _, its_hash = facts.split()
            if mode == "160000":
                submodules[path] = its_hash
            elif mode != "120000":  # a link goes through no filter
                files[path] = its_hash
        return cls(files=files, submodules=submodules)


def is_changed(repository: Repository) -> bool | None:
    """Whether files that git tracks differ from the commit that is checked out; None where git does
    not tell.

    Of a file that a filter has made only the filter could tell, and it is not run for a question.
    """
    asked = ("status", "--porcelain=v1", "-z", "--untracked-files=no", "--ignore-submodules=dirty")
    answer = repository.git.ask(*asked)
    if not answer.ok:
        return None
    changes = answer.items
    edited = [change[3:] for change in changes if change.startswith(" M ")]
    if len(edited) < len(changes):
        return True
    if edited and len(filtered(repository.git.elsewhere(repository.root()), edited)) < len(edited):
        return True
    return any(map(is_changed, submodules(repository).values()))


def filtered(git: Git, paths: Collection[str]) -> dict[str, str]:
    """Which of these files go through a filter that is configured, and its name. Paths count from
    the folder of `git`."""
    if not git.filters:
        return {}
    names: dict[str, str] = {}
    for part in in_parts(paths):
        items = git.work("check-attr", "-z", "filter", "--", *part).items
        names |= dict(zip(items[::3], items[2::3], strict=True))
    return {path: name for path, name in names.items() if name in git.filters}


def made_by_filters(repository: Repository) -> tuple[dict[str, str], frozenset[str]]:
    """The files of a checkout that go through a filter, each with its name; and those of them that
    are not as they were committed, because it was run."""
    root = repository.root()
    files = Tree.of(repository.git, "HEAD").files
    here = [path for path in files if (root / path).is_file()]
    through = filtered(repository.git.elsewhere(root), here)
    return through, frozenset(path for path in through if not _is_raw(root / path, files[path]))


def submodules(repository: Repository) -> dict[str, Repository]:
    """Those that are checked out, by their names."""
    root = repository.root()
    if not (root / ".gitmodules").is_file() or not repository.head():
        return {}
    names = submodule_names(repository.git.elsewhere(root))
    return {
        names.get(path, path): repository.within(root / path)
        for path in Tree.of(repository.git, "HEAD").submodules
        if (root / path / ".git").exists()
    }


def submodule_names(git: Git) -> dict[str, str]:
    """What the submodules of a checkout are called, by their paths."""
    asked = ("config", "--null", "--file", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$")
    return {
        path: key.partition(".")[2].rpartition(".")[0]
        for key, _, path in (item.partition("\n") for item in git.ask(*asked).items)
    }


def in_parts(paths: Collection[str]) -> Iterator[list[str]]:
    """As many at once as a command line holds."""
    ordered = sorted(paths)
    yield from (ordered[at : at + _MOST_PATHS] for at in range(0, len(ordered), _MOST_PATHS))


def _is_raw(path: Path, its_hash: str) -> bool:
    """Whether the file holds just what was committed."""
    digest = (hashlib.sha1 if len(its_hash) == 40 else hashlib.sha256)()
    with path.open("rb") as file:
        digest.update(b"blob %d\0" % os.fstat(file.fileno()).st_size)
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest() == its_hash
