"""How is git asked, so that no program runs which somebody's configuration names?

A repository's configuration can name programs for almost everything that git does, and below
another user's repository it is another user's. What we ask needs none of them; the filters that
make head's files what they are run in the base's checkout alone, by name (`worktree.py`).
"""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import weakref
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from perf_smoke.deadline import Deadline
from perf_smoke.printable import decoded, last_lines
from perf_smoke.processes.foreground import run_process

GIT_TIMEOUT_S = 300.0
"""For bringing a base, where there is no deadline."""
QUESTION_TIMEOUT_S = 10.0
"""For what is asked about the checkout that is here: a run goes on without answers."""

_CLOSED = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "",
    "core.alternateRefsCommand": "true",  # empty would be a command too
    "credential.helper": "",  # the list of helpers begins anew
    "gc.auto": "0",  # no clearing up while we measure
    "maintenance.auto": "false",
    "fetch.prune": "false",  # nothing of the caller's goes
    "fetch.pruneTags": "false",
    "fetch.writeCommitGraph": "false",
    "submodule.recurse": "false",
    "status.renames": "false",
    "safe.directory": "*",  # in a container the checkout often belongs to another user
}
"""Configuration that is stronger than any file's."""
_VARIABLES = {
    "GIT_ASKPASS": "",  # the password is asked of nobody: no program, no terminal
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PROXY_COMMAND": "",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "LC_ALL": "C",
}
"""What holds for a question that is answered from what is here."""
_PROTOCOLS = "file:git:http:https:ssh"
"""By which a remote may be reached; `ext::` and its like are programs."""
_PLAIN_SSH = "ssh -o BatchMode=yes"
_PROGRAMS = ("GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "SSH_ASKPASS")
"""Variables that name programs which no question needs."""
_DISTRUST = "safe.directory"
"""In the complaint of a git that does not trust a repository of another user."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What git said."""

    ok: bool
    text: str
    """Empty where it failed."""
    complaint: str
    """Its last lines, the one that says what is wrong first."""

    @property
    def items(self) -> list[str]:
        """Of a list whose items end with NUL."""
        return self.text.split("\0")[:-1]


class Git:
    """git in one folder."""

    def __init__(
        self, directory: Path, environment: Mapping[str, str], deadline: Deadline | None = None
    ) -> None:
        """Nothing is asked yet.

        Args:
            deadline: when a base must be here that is asked for.
        """
        self.directory = directory
        self.environment = environment
        self.deadline = deadline or Deadline.within(GIT_TIMEOUT_S)
        self._question_s = QUESTION_TIMEOUT_S

    def elsewhere(self, directory: Path) -> Git:
        """The same git in another folder."""
        return Git(directory, self.environment, self.deadline)

    def ask(self, *arguments: str) -> Answer:
        """A question about what is here, which has no long answer: no filter runs, and no remote is
        reached."""
        return self._run(arguments, self._quiet, self._variables)

    def work(self, *arguments: str) -> Answer:
        """The same of what may take long, as far as it brings a base."""
        return self._run(arguments, self._quiet, self._variables, self._left_s)

    def reach(self, *arguments: str, filters: Collection[str] = ()) -> Answer:
        """The same where a remote may have to be reached.

        Args:
            filters: those that run, by name.
        """
        variables = {**self._variables, "GIT_NO_LAZY_FETCH": "0"}
        variables["GIT_ALLOW_PROTOCOL"] = self.environment.get("GIT_ALLOW_PROTOCOL", _PROTOCOLS)
        if "GIT_SSH" not in variables:
            variables.setdefault("GIT_SSH_COMMAND", _PLAIN_SSH)
        settings = {**_CLOSED, **self._without(self.filters.difference(filters))}
        return self._run(arguments, settings, variables, self._left_s)

    @property
    def _left_s(self) -> float:
        return max(0.1, round(self.deadline.left_s, 1))

    @property
    def _quiet(self) -> Mapping[str, str]:
        return {**_CLOSED, **self._without(self.filters)}

    @functools.cached_property
    def filters(self) -> frozenset[str]:
        """The names of the filters that are configured."""
        asked = ("config", "--null", "--name-only", "--get-regexp", r"^filter\..*\.")
        keys = self._run(asked, _CLOSED, self._variables).items
        return frozenset(key.partition(".")[2].rpartition(".")[0] for key in keys)

    @staticmethod
    def _without(filters: Collection[str]) -> dict[str, str]:
        """Settings under which none of them runs, and none is missed."""
        off = {"clean": "", "smudge": "", "process": "", "required": "false"}
        return {f"filter.{name}.{key}": value for name in filters for key, value in off.items()}

    @functools.cached_property
    def _variables(self) -> Mapping[str, str]:
        variables = {**self.environment, **_VARIABLES}
        if _DISTRUST in self._run(("rev-parse", "--git-dir"), _CLOSED, variables).complaint:
            return {**variables, **self._trusting()}
        return variables

    def _trusting(self) -> dict[str, str]:
        """Variables for a git that heeds `safe.directory` in the user's own files alone, as every
        git before 2.38 does: files of ours that include his."""
        folder = Path(tempfile.mkdtemp(prefix="perf-smoke-git-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        given = self.environment
        home = given.get("XDG_CONFIG_HOME") or f"{given.get('HOME', '')}/.config"
        (folder / "git").mkdir()
        for name in ("attributes", "ignore"):
            (folder / "git" / name).symlink_to(Path(home, "git", name))
        named = given.get("GIT_CONFIG_GLOBAL")
        for path, his in (
            (folder / "git" / "config", f"{home}/git/config"),
            (folder / "all", named),
        ):
            quoted = (his or os.devnull).replace("\\", "\\\\").replace('"', '\\"')
            path.write_text(f'[include]\n\tpath = "{quoted}"\n[safe]\n\tdirectory = *\n', "utf-8")
        variables = {"XDG_CONFIG_HOME": str(folder)}
        return variables | ({"GIT_CONFIG_GLOBAL": str(folder / "all")} if named else {})

    def _run(
        self,
        arguments: Collection[str],
        settings: Mapping[str, str],
        variables: Mapping[str, str],
        timeout_s: float | None = None,
    ) -> Answer:
        options: list[str] = []
        environment = {k: v for k, v in variables.items() if k not in _PROGRAMS}
        for key, value in settings.items():
            if "=" not in key:
                options += ["-c", f"{key}={value}"]
                continue
            given = environment.get("GIT_CONFIG_COUNT", "")  # -c ends a key at its first `=`
            count = int(given) if given.isdecimal() else 0
            environment[f"GIT_CONFIG_KEY_{count}"] = key
            environment[f"GIT_CONFIG_VALUE_{count}"] = value
            environment["GIT_CONFIG_COUNT"] = str(count + 1)
        pieces: list[bytes] = []
        try:
            finished = run_process(
                ["git", "--no-pager", *options, *arguments],
                timeout_s=timeout_s or self._question_s,
                cwd=self.directory,
                environment=environment,
                on_stdout=pieces.append,
            )
        except OSError as error:
            return Answer(ok=False, text="", complaint=f"git: {error.strerror}")
        complaint = decoded(finished.stderr)
        if finished.timed_out:
            complaint += f"\ngit {finished.how}."
            self._question_s = 1.0  # where one question hangs, so may the next
        return Answer(
            ok=not finished.failed,
            text="" if finished.failed else os.fsdecode(b"".join(pieces)).strip("\n"),
            complaint=_gravest_first(complaint),
        )


def _gravest_first(complaint: str) -> str:
    """What is wrong before what led to it; of a long complaint the end."""
    lines = [line for line in complaint.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith("fatal:")][:2]
    return last_lines("\n".join([*fatal, *[line for line in lines if line not in fatal][-10:]]))
