"""What is asked of git runs no program that somebody's configuration names."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from perf_smoke.git import Git
from perf_smoke.repository import Repository
from perf_smoke.result import BASE, Unmeasured
from perf_smoke.tree import is_changed
from tests.integration.engines.http_server import HttpServer, answering
from tests.integration.test_run import Place
from tests.programs_of_debian import old_git

COMMANDS = (
    *("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass"),
    *("core.gitProxy", "core.alternateRefsCommand", "credential.helper", "sequence.editor"),
    *("credential.https://127.0.0.1.helper", "diff.external", "diff.trap.textconv"),
    *("diff.trap.command", "filter.trap.clean", "filter.trap.smudge", "filter.trap.process"),
    *("filter.a=b.clean", "filter.a=b.smudge", "remote.origin.uploadpack", "gpg.program"),
    *(
        "remote.origin.vcs",
        "uploadpack.packObjectsHook",
        "interactive.diffFilter",
        "gc.recentObjectsHook",
    ),
)
"""Keys of a repository's configuration that name a program."""
ALIASES = ("rev-parse", "status", "fetch", "symbolic-ref", "worktree", "ls-remote")
HOOKS = ("post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "work").mkdir()
    return Place(tmp_path)


class Trapped:
    """A repository in which every key that names a program names one that leaves a trace."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.sprung = place.folder / "sprung"
        self.trap = place.folder / "trap"
        self.trap.write_text(f'#!/bin/sh\necho "$0 $*" >>{self.sprung}\nexit 1\n')
        self.trap.chmod(0o755)
        self.base, self.head = place.commits("old", "new")
        (place.work / ".gitattributes").write_text(
            "content filter=trap diff=trap\nother filter=a=b\n"
        )
        (place.work / "other").write_text("other")
        place.git("add", ".")
        place.git("commit", "--quiet", "-m", "attributes")

    def set(self) -> None:
        config = self.place.work / ".git" / "config"
        for key in COMMANDS:
            if key != "remote.origin.vcs":
                self.place.git("config", "--file", str(config), key, str(self.trap))
        for name in ALIASES:
            self.place.git("config", "--file", str(config), f"alias.{name}", f"!{self.trap}")
        self.place.git("config", "--file", str(config), "filter.trap.required", "true")
        self.place.git("config", "--file", str(config), "protocol.ext.allow", "always")
        for name in HOOKS:
            shutil.copy(self.trap, self.place.work / ".git" / "hooks" / name)
        # Nothing of the index is known to be as it should be.
        os.utime(self.place.work / "content", (0, 0))
        os.utime(self.place.work / "other", (0, 0))

    def assert_none_sprung(self) -> None:
        assert not self.sprung.exists(), self.sprung.read_text()


@pytest.fixture
def trapped(place: Place) -> Trapped:
    return Trapped(place)


def test_no_program_of_the_repositorys_configuration_runs(trapped: Trapped) -> None:
    place = trapped.place
    trapped.set()
    found = place.run(command="cat content", base_ref="HEAD~2", build="true", runs="1")
    assert found.sides[BASE].commit == trapped.base
    assert found.comparisons
    trapped.assert_none_sprung()


def test_the_traps_would_be_seen(trapped: Trapped) -> None:
    trapped.set()
    subprocess.run(
        ["git", "status"],
        cwd=trapped.place.work,
        env=trapped.place.environment(),
        check=False,
    )
    assert "trap" in trapped.sprung.read_text()


@pytest.mark.parametrize(
    "address",
    [
        "ssh://127.0.0.1:1/repository",
        "git://127.0.0.1:1/repository",
        "https://127.0.0.1:1/repository",
        "ext::{trap} %S",
        "{trap}::repository",
        "file://{folder}/nowhere",
    ],
)
def test_nor_does_one_when_origin_is_asked(trapped: Trapped, address: str) -> None:
    place = trapped.place
    url = address.format(trap=trapped.trap, folder=place.folder)
    place.git("remote", "add", "origin", url)
    trapped.set()
    repository = Repository(place.work, {**place.environment(), "SSH_ASKPASS": str(trapped.trap)})
    with pytest.raises(Unmeasured) as caught:
        repository.commit("elsewhere")
    assert caught.value.failure.tail.startswith("fatal: ")
    trapped.assert_none_sprung()


def test_nor_does_one_where_a_password_is_wanted(trapped: Trapped) -> None:
    place = trapped.place
    locked = answering({}, 401, **{"WWW-Authenticate": 'Basic realm="trap"'})
    with HttpServer({"/repository/info/refs?service=git-upload-pack": locked}) as server:
        place.git("remote", "add", "origin", f"{server.url}/repository")
        place.git("config", f"credential.{server.url}.helper", str(trapped.trap))
        trapped.set()
        environment = {**place.environment(), "SSH_ASKPASS": str(trapped.trap)}
        with pytest.raises(Unmeasured) as caught:
            Repository(place.work, environment).commit("elsewhere")
    assert "could not read Username" in caught.value.failure.tail
    trapped.assert_none_sprung()


def test_what_can_be_fetched_is_fetched_without_any(trapped: Trapped) -> None:
    place, origin = trapped.place, trapped.place.folder / "origin"
    place.git("clone", "--quiet", ".", str(origin))
    place.git("clone", "--quiet", ".", str(place.folder / "store"))
    (place.work / ".git" / "objects" / "info" / "alternates").write_text(
        f"{place.folder}/store/.git/objects\n"
    )
    place.git("-C", str(origin), "commit", "--quiet", "--allow-empty", "-m", "new")
    place.git("-C", str(origin), "branch", "elsewhere")
    place.git("remote", "add", "origin", str(origin))
    trapped.set()
    found = Repository(place.work, place.environment()).commit("elsewhere")
    assert found == place.git("-C", str(origin), "rev-parse", "HEAD")
    trapped.assert_none_sprung()


def test_a_remote_with_a_helper_of_its_own_is_not_asked_through_it(trapped: Trapped) -> None:
    place = trapped.place
    helper = place.folder / "git-remote-trap"
    shutil.copy(trapped.trap, helper)
    place.git("remote", "add", "origin", "file:///nowhere")
    place.git("config", "remote.origin.vcs", "trap")
    path = f"{place.folder}:{os.environ['PATH']}"
    with pytest.raises(Unmeasured):
        Repository(place.work, {**place.environment(), "PATH": path}).commit("elsewhere")
    trapped.assert_none_sprung()


def test_a_commands_of_the_users_own_environment_are_his(trapped: Trapped) -> None:
    place = trapped.place
    place.git("remote", "add", "origin", "ssh://127.0.0.1:1/repository")
    environment = {**place.environment(), "GIT_SSH_COMMAND": str(trapped.trap)}
    with pytest.raises(Unmeasured):
        Repository(place.work, environment).commit("elsewhere")
    assert "127.0.0.1" in trapped.sprung.read_text()


def test_whether_a_filtered_file_has_changed_is_asked_of_no_filter(trapped: Trapped) -> None:
    repository = Repository(trapped.place.work, trapped.place.environment())
    trapped.set()
    assert not is_changed(repository)
    (trapped.place.work / "other").write_text("what a filter would have made")
    assert not is_changed(repository)
    (trapped.place.work / ".gitattributes").write_text("* text")
    assert is_changed(repository)
    trapped.assert_none_sprung()


def give_away(folder: Path) -> None:
    """As in a container, whose checkout is the runner's."""
    if os.getuid():
        pytest.skip("giving a repository to another user takes root")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 1001, 1001, follow_symlinks=False)


def test_nor_below_a_repository_of_another_user(trapped: Trapped) -> None:
    trapped.set()
    give_away(trapped.place.work)
    found = trapped.place.run(command="cat content", base_ref="HEAD~2", build="true", runs="1")
    assert found.sides[BASE].commit == trapped.base
    trapped.assert_none_sprung()


@pytest.mark.parametrize("named", [False, True])
def test_a_git_that_heeds_only_the_users_own_files_reads_it_too(place: Place, named: bool) -> None:
    base, head = place.commits("old", "new")
    give_away(place.work)
    (place.folder / ".config" / "git").mkdir(parents=True)
    (place.folder / ".config" / "git" / "config").write_text("[user]\n\tname = his own\n")
    environment = {**place.environment(), "PATH": f"{old_git(place.folder)}:{os.environ['PATH']}"}
    if not named:
        del environment["GIT_CONFIG_GLOBAL"]
    refused = subprocess.run(
        ["git", "-c", "safe.directory=*", "rev-parse", "HEAD"],
        cwd=place.work,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert refused.returncode, "this git is not the one that it is about"

    git = Git(place.work, environment)
    assert git.ask("rev-parse", "HEAD").text == head
    assert named or git.ask("config", "user.name").text == "his own"
    place.variables = {"PATH": environment["PATH"]}
    found = place.run(command="cat content", base_ref="HEAD~1", build="true", runs="1")
    assert found.sides[BASE].commit == base
    assert found.comparisons


def test_what_git_complains_of_comes_first(tmp_path: Path) -> None:
    git = Git(
        tmp_path, {"PATH": os.environ["PATH"], "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    )
    answer = git.ask("rev-parse", "HEAD")
    assert (answer.ok, answer.text) == (False, "")
    assert answer.complaint.startswith("fatal: not a git repository")
