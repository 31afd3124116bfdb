"""What lies in a checkout that is more than its commit's bytes: files that a filter has made,
submodules, changes?"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from perf_smoke.git import Git
from perf_smoke.repository import Repository

_MOST_PATHS = 1000
"""In one command line."""


@dataclass(frozen=True, kw_only=True)
class Blob:
    """A file as it was committed."""

    hash: str
    size_bytes: int | None
    """None where it is not here (a partial clone)."""


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A commit's files, and its submodules' commits, by path."""

    files: Mapping[str, Blob]
    submodules: Mapping[str, str]

    @classmethod
    def of(cls, git: Git, commit: str) -> Tree:
        """As the repository has it; empty where it has no such commit."""
        files, submodules = {}, {}
        listed = git.work("ls-tree", "-r", "-z", "--long", "--full-tree", commit)
        for entry in listed.items:
            facts, _, path = entry.partition("\t")
            mode, _, its_hash, size = facts.split()
            if mode == "160000":
                submodules[path] = its_hash
            elif mode != "120000":  # a link goes through no filter
                size_bytes = int(size) if size.isdecimal() else None
                files[path] = Blob(hash=its_hash, size_bytes=size_bytes)
        return cls(files=files, submodules=submodules)


def is_changed(repository: Repository) -> bool:
    """Whether files that git tracks differ from the commit that is checked out.

    Of a file that a filter has made only the filter could tell, and it is not run for a question.
    """
    asked = ("status", "--porcelain=v1", "-z", "--untracked-files=no", "--ignore-submodules=dirty")
    changes = repository.git.ask(*asked).items
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
    if not (root / ".gitmodules").is_file():
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


def _is_raw(path: Path, blob: Blob) -> bool:
    """Whether the file holds just what was committed."""
    if blob.size_bytes is not None and path.stat().st_size != blob.size_bytes:
        return False
    content = path.read_bytes()
    digest = hashlib.sha1 if len(blob.hash) == 40 else hashlib.sha256
    return digest(b"blob %d\0" % len(content) + content).hexdigest() == blob.hash
