"""Which commits are head and base? Asked of the repository around a folder, and of its origin."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from perf_smoke.deadline import Deadline
from perf_smoke.git import Git
from perf_smoke.printable import one_line, printable
from perf_smoke.result import Unmeasured

DEEPER = (["--deepen=50"], ["--deepen=500"], ["--unshallow"])
"""How a shallow clone's history is fetched, round by round, until it reaches far enough."""

_FETCH = (
    *("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--refmap="),
    "--upload-pack=git-upload-pack",  # the configuration's may be any command
)
"""Commits come in; the caller's branches, also those that follow a remote, stay as they are."""
_NAME = r"(?![-+.])[^\x00-\x20\x7f~^:?*\[\\]+(?<![/.])"
"""A branch, a tag or a hash, as `git check-ref-format` has it."""
_REVISION = re.compile(rf"({_NAME}|@|(?=@))([~^]\d*|\^\{{(commit)?\}}|@\{{[^{{}}\x00-\x20]+\}})*")
"""The same, and what stands so many commits before it."""
_NO_NAME = re.compile(r"\.\.|@\{|//|/\.|\.lock(/|$)|^@$")
_NO_SUCH_REF = ("couldn't find remote ref", "not our ref")
"""What git says where origin has answered, in a locale of its own."""


class UnknownRef(Unmeasured):
    """No commit has this name, here or at origin: whoever asks again gets the same answer."""


class Repository:
    """The git repository around a working directory."""

    def __init__(
        self, directory: Path, environment: Mapping[str, str], deadline: Deadline | None = None
    ) -> None:
        """Nothing is asked yet.

        Args:
            deadline: when a base must be here that is asked for.
        """
        self.git = Git(directory, environment, deadline)

    def within(self, directory: Path) -> Repository:
        """The repository of a folder in this one's checkout."""
        return Repository(directory, self.git.environment, self.git.deadline)

    def head(self) -> str:
        """The commit that is checked out; empty outside a repository."""
        return self.resolved("HEAD")

    def tracks(self, path: str) -> bool:
        """Whether this file, relative to the directory, is one of the repository's own."""
        return self.git.ask("ls-files", "--error-unmatch", "--", path).ok

    def branch(self) -> str:
        """The branch or tag that head is of; empty where neither git nor the workflow names one."""
        if branch := self.git.ask("symbolic-ref", "--quiet", "--short", "HEAD").text:
            return printable(branch)
        if self.git.environment.get("GITHUB_SHA") != self.head():
            return ""  # another commit, or another repository, than the workflow speaks of
        named = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME")
        return next(filter(None, (self.git.environment.get(name, "") for name in named)), "")

    def parents(self, commit: str) -> tuple[str, ...]:
        """The commits that it was made upon, also where a shallow clone does not hold them; none
        outside a repository, and of an empty name."""
        # As the object has it: the log of a shallow clone ends without a parent.
        headers = self.git.ask("cat-file", "commit", commit).text.partition("\n\n")[0]
        return tuple(re.findall(r"^parent ([0-9a-f]{40,64})$", headers, re.MULTILINE))

    def root(self) -> Path:
        """The folder of the whole checkout; outside a repository the directory itself."""
        return Path(self.git.ask("rev-parse", "--show-toplevel").text or self.git.directory)

    def commit(self, ref: str) -> str:
        """The commit that a ref names; fetched from origin where it is not here.

        Raises:
            UnknownRef: `base-missing`: there is none.
            Unmeasured: `base-missing`.
        """
        if not _is_revision(ref):
            raise UnknownRef(
                "base-missing",
                f"`base-ref`: `{ref}` is not the form of a branch, a tag or a commit.",
            )
        self._expect_repository(f"The base `{ref}` is neither a commit here nor can it be fetched")
        if commit := self.resolved(ref) or self.resolved(f"origin/{ref}"):
            return commit
        commit, complaint = self._fetched(ref) if _is_name(ref) else ("", "")
        if commit:
            return commit
        if re.search(r"[~^]", ref):  # HEAD~1 lies beyond the end of a shallow clone
            for failed in self._deepened(self.head()):
                complaint = failed or complaint
                if commit := self.resolved(ref):
                    return commit
        raise (UnknownRef if self._is_nowhere(complaint) else Unmeasured)(
            "base-missing",
            f"The base `{ref}` is neither a commit here nor can it be fetched from origin: check "
            "`base-ref`, and give the checkout step `fetch-depth: 0`.",
            complaint,
        )

    def _expect_repository(self, begins: str) -> None:
        """That git works here: where it does not, nothing helps that brings a commit.

        Args:
            begins: what comes of it, as the beginning of a sentence.

        Raises:
            Unmeasured: `base-missing`.
        """
        here = self.git.ask("rev-parse", "--git-dir")
        if not here.ok:
            why = "git reads no repository in the working directory"
            raise Unmeasured("base-missing", f"{begins}: {why}.", here.complaint)

    def _fetched(self, name: str) -> tuple[str, str]:
        """The commit of origin with this name or hash; and what git complains of where there is
        none."""
        refs = (f"refs/heads/{name}", f"refs/tags/{name}")
        tips = self.git.reach("ls-remote", "--upload-pack=git-upload-pack", "origin", *refs)
        # One that is here under no name: to fetch it would cut a shallow clone's history off at it.
        here = (self.resolved(line.split()[0]) for line in tips.text.splitlines())
        if commit := next(filter(None, here), ""):
            return commit, ""
        if not tips.ok:
            return "", tips.complaint
        depth = ["--depth=1"] if self._is_shallow() else []
        fetched = self.git.reach(*_FETCH, *depth, "origin", name)
        return self.resolved("FETCH_HEAD") if fetched.ok else "", fetched.complaint

    def bring(self, commit: str) -> str:
        """Have a commit here, by its hash.

        Returns:
            Git's complaint where it cannot be had; nothing when all is well.
        """
        depth = ["--depth=1"] if self._is_shallow() else []
        complaint = ""
        # A server may refuse a hash that no branch ends with, and have it in one all the same.
        for what in (commit, "refs/heads/*"):
            if self.resolved(commit):
                return ""
            fetched = self.git.reach(*_FETCH, *depth, "origin", what)
            complaint, depth = complaint or fetched.complaint, []
        return "" if self.resolved(commit) else complaint or f"fatal: no commit {commit}"

    def default_branch(self) -> str:
        """The commit of the branch that changes here are meant for: origin's default branch, or
        the one that is called so here.

        Raises:
            UnknownRef: `base-missing`.
        """
        for name in ("origin/HEAD", "origin/main", "origin/master", "main", "master"):
            if commit := self.resolved(name):
                return commit
        raise UnknownRef(
            "base-missing",
            "`base-ref: merge-base` finds no branch main or master here, nor origin's default "
            "branch: name the other side's branch, tag or commit.",
        )

    def merge_base(self, commit: str) -> str:
        """Where head left the branch that `commit` is on; a shallow clone is deepened.

        Args:
            commit: a whole hash.

        Raises:
            Unmeasured: `base-missing`.
        """
        if not _is_commit(commit):
            raise Unmeasured(
                "base-missing",
                f"`{one_line(commit, 60)}`, which the event names as the other side, is no commit.",
            )
        self._expect_repository("Where head left the other side is not known")
        asked = self.git.work("merge-base", "HEAD", commit)
        if asked.text:
            return asked.text
        complaint = asked.complaint
        # Both ends by name: the remote's own refspec would bring every branch there is.
        for failed in self._deepened(commit, self.head()):
            complaint = failed or complaint
            if fork := self.git.work("merge-base", "HEAD", commit).text:
                return fork
        raise Unmeasured(
            "base-missing",
            f"The checkout's history does not reach the point where it left {commit[:12]}: give "
            "the checkout step `fetch-depth: 0`, or name the other side with `base-ref`.",
            complaint,
        )

    def resolved(self, name: str) -> str:
        """The hash of the commit that this names, or nothing."""
        answer = self.git.ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").text
        return answer if _is_commit(answer) else ""

    def _deepened(self, *ends: str) -> Iterator[str]:
        """After each round the history of these commits reaches further back, or is all there: what
        git complains of, or nothing."""
        for how in DEEPER if self._is_shallow() else ([],):
            fetched = [self.git.reach(*_FETCH, *how, "origin", end) for end in ends]
            yield next((one.complaint for one in fetched if not one.ok), "")

    def _is_nowhere(self, complaint: str) -> bool:
        """Whether origin, asked for a ref, has answered that there is none; or there is no origin
        to be asked."""
        if any(answer in complaint for answer in _NO_SUCH_REF):
            return True
        origin = self.git.ask("remote", "get-url", "origin")
        return not origin.ok and "No such remote" in origin.complaint

    def _is_shallow(self) -> bool:
        return self.git.ask("rev-parse", "--is-shallow-repository").text == "true"


def _is_name(ref: str) -> bool:
    return bool(re.fullmatch(_NAME, ref)) and not _NO_NAME.search(ref)


def _is_revision(ref: str) -> bool:
    name = re.split(r"[~^]|@\{", ref, maxsplit=1)[0]
    return bool(_REVISION.fullmatch(ref)) and (name in ("", "@") or _is_name(name))


def _is_commit(text: str) -> bool:
    """Whether this is a commit's whole hash: no name, no option, nothing short."""
    return re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", text) is not None
