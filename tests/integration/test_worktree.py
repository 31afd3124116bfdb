"""The base is had wherever head builds, and checked out as head is: with real git and git-lfs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from perf_smoke.result import BASE, Result
from tests import results
from tests.integration.test_run import TEXT, Place
from tests.programs_of_debian import git_lfs, old_git

BUILD = "{{ cat {file}; }} | tr -d '\\n' >made"
ASKED = {"command": "cat made", "metrics": TEXT, "runs": "1"}


class Site:
    """Repositories of somebody, and a job's checkout of one of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = Place(folder)
        self.variables = self.place.environment() | {
            # git refuses submodules from files unless it is told so
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "protocol.file.allow",
            "GIT_CONFIG_VALUE_0": "always",
        }

    def git(self, name: str, *arguments: str) -> str:
        """Run git in one of them as its user would."""
        done = subprocess.run(
            ["git", "-C", str(self.folder / name), *arguments],
            env={**self.variables, **self.place.variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def make(self, name: str) -> Path:
        (self.folder / name).mkdir()
        self.git(name, "init", "--quiet", "--initial-branch=main")
        return self.folder / name

    def commit(self, name: str, path: str, text: str) -> str:
        (self.folder / name / path).write_text(text)
        self.git(name, "add", ".")
        self.git(name, "commit", "--quiet", "-m", text)
        return self.git(name, "rev-parse", "HEAD")

    def clone(self, *options: str, name: str = "origin") -> None:
        """The job's checkout."""
        self.git("", "clone", "--quiet", *options, f"file://{self.folder / name}", "work")

    def hide(self, name: str) -> None:
        """Nobody has the right to read it any more."""
        shutil.move(self.folder / name, self.folder / f"{name}-hidden")

    def run(self, file: str, **inputs: str) -> Result:
        """Head and base are what one file holds in their checkouts."""
        given = {**ASKED, "build": BUILD.format(file=file), "base_ref": "HEAD~1", **inputs}
        before = self.state()
        found = self.place.run(**given)
        (self.folder / "work" / "made").unlink(missing_ok=True)
        assert self.state() == before
        return found

    def state(self) -> object:
        """What of head's checkout is its owner's; objects may come."""
        work = self.folder / "work"
        files = {
            path.relative_to(work): path.read_bytes()
            for path in sorted(work.rglob("*"))
            if path.is_file() and not {"objects", "lfs", "FETCH_HEAD", "shallow"} & set(path.parts)
        }
        assert not list(work.rglob("worktrees"))
        return files


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def texts(found: Result) -> tuple[str, str]:
    """Of base and head, between which there is a verdict."""
    assert found.lost_bases == {}
    assert found.verdict == "inconclusive"
    return results.output(found, BASE).text, results.output(found).text


def complaint(found: Result) -> str:
    return f"{found.lost_bases[BASE].sentence}\n{found.lost_bases[BASE].tail}"


@pytest.mark.parametrize(
    "options",
    [
        ["--depth=1"],
        ["--filter=blob:none"],
        ["--filter=tree:0", "--no-checkout"],
        ["--depth=1", "--filter=blob:none"],
    ],
)
def test_a_shallow_and_a_partial_clone_have_a_base(site: Site, options: list[str]) -> None:
    site.make("origin")
    site.git("origin", "config", "uploadpack.allowFilter", "true")
    site.commit("origin", "content", "old")
    site.commit("origin", "content", "new")
    site.clone(*options)
    site.git("work", "checkout", "--quiet", "main")
    assert texts(site.run("content")) == ("old", "new")


def test_a_sparse_checkout_has_a_base(site: Site) -> None:
    site.make("origin")
    for folder in ("in", "out"):
        (site.folder / "origin" / folder).mkdir()
        site.commit("origin", f"{folder}/content", folder)
    site.commit("origin", "in/content", "new")
    site.clone("--sparse")
    site.git("work", "sparse-checkout", "set", "in")
    assert not (site.folder / "work" / "out").exists()
    assert texts(site.run("in/content; [ ! -e out ]")) == ("in", "new")


def test_a_sparse_checkout_of_a_partial_clone_has_a_base(site: Site) -> None:
    """As a checkout step with `sparse-checkout` leaves it."""
    site.make("origin")
    site.git("origin", "config", "uploadpack.allowFilter", "true")
    for folder in ("in", "out"):
        (site.folder / "origin" / folder).mkdir()
        (site.folder / "origin" / folder / ".gitattributes").write_text("content filter=none\n")
        site.commit("origin", f"{folder}/content", folder)
    site.commit("origin", "in/content", "new")
    site.clone("--sparse", "--filter=blob:none")
    site.git("work", "config", "filter.none.smudge", "tr a-z A-Z")
    site.git("work", "sparse-checkout", "set", "in")
    assert texts(site.run("in/content; [ ! -e out ]")) == ("IN", "NEW")


def test_a_worktree_and_a_detached_head_have_a_base(site: Site) -> None:
    site.make("origin")
    site.commit("origin", "content", "old")
    site.commit("origin", "content", "new")
    site.git("origin", "worktree", "add", "--quiet", "--detach", str(site.folder / "work"), "main")
    found = site.place.run(**ASKED, build=BUILD.format(file="content"), base_ref="HEAD~1")
    assert texts(found) == ("old", "new")
    assert len(site.git("origin", "worktree", "list").splitlines()) == 2


class WithLfs(Site):
    """A file whose content Git LFS keeps elsewhere."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "gitconfig").write_text("")
        self.place.variables = {
            "PATH": f"{git_lfs()}:{os.environ['PATH']}",
            "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        }
        self.make("origin")
        self.git("", "lfs", "install", "--skip-repo")
        self.git("origin", "lfs", "track", "*.bin")
        self.commit("origin", "model.bin", "old")
        self.commit("origin", "model.bin", "new")


@pytest.fixture
def with_lfs(tmp_path: Path) -> WithLfs:
    return WithLfs(tmp_path)


def test_pointers_stay_pointers_where_head_has_pointers(with_lfs: WithLfs) -> None:
    with_lfs.place.variables["GIT_LFS_SKIP_SMUDGE"] = "1"
    with_lfs.clone()
    with_lfs.hide("origin")
    del with_lfs.place.variables["GIT_LFS_SKIP_SMUDGE"]
    base, head = texts(with_lfs.run("model.bin"))
    assert base.startswith("version https://git-lfs.github.com/spec/v1")
    assert head.startswith("version https://git-lfs.github.com/spec/v1")
    assert base != head


def test_content_is_there_where_head_has_content(with_lfs: WithLfs) -> None:
    with_lfs.clone()
    assert texts(with_lfs.run("model.bin")) == ("old", "new")


def test_content_that_cannot_be_had_is_a_reason_with_gits_complaint(with_lfs: WithLfs) -> None:
    with_lfs.clone()
    with_lfs.hide("origin")
    found = with_lfs.run("model.bin")
    assert found.verdict == "no-baseline"
    assert "by the filter `lfs`" in complaint(found)
    assert "\nfatal: model.bin: smudge filter lfs failed" in complaint(found)


def test_each_file_is_as_it_is_in_head(with_lfs: WithLfs) -> None:
    with_lfs.commit("origin", "other.bin", "other")
    with_lfs.commit("origin", "content", "content")
    with_lfs.place.variables["GIT_LFS_SKIP_SMUDGE"] = "1"
    with_lfs.clone()
    del with_lfs.place.variables["GIT_LFS_SKIP_SMUDGE"]
    with_lfs.git("work", "lfs", "pull", "--include=model.bin")
    base, head = texts(with_lfs.run("model.bin other.bin"))
    assert base == head
    assert base.startswith("newversion https://git-lfs")


def test_any_other_filter_runs_in_the_base_where_it_has_made_heads_file(site: Site) -> None:
    site.make("origin")
    (site.folder / "origin" / ".gitattributes").write_text("secret filter=rot13\n")
    site.commit("origin", "secret", "byq")
    site.commit("origin", "secret", "arj")
    site.clone()
    ran = site.folder / "ran"
    rot13 = f"echo >>{ran}; tr a-z n-za-m"
    site.git("work", "config", "filter.rot13.smudge", rot13)
    site.git("work", "config", "filter.rot13.clean", rot13)
    site.git("work", "config", "filter.rot13.required", "true")
    assert texts(site.run("secret")) == ("byq", "arj"), "head is locked"
    assert not ran.exists()

    (site.folder / "work" / "secret").unlink()
    site.git("work", "checkout", "--", "secret")
    ran.unlink()
    assert texts(site.run("secret")) == ("old", "new")
    assert ran.read_text() == "\n", "it ran once, in the base's checkout"


class WithSubmodules(Site):
    """Two submodules, one of which has one of its own; head and base differ in their commits."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for name in ("inner", "first", "second", "origin"):
            self.make(name)
        self.commit("inner", "content", "inner old")
        self.git("first", "submodule", "--quiet", "add", f"file://{folder}/inner", "inner")
        self.commit("first", "content", "old")
        self.commit("second", "content", "second")
        for name in ("first", "second"):
            self.git(
                "origin", "submodule", "--quiet", "add", f"file://{folder}/{name}", f"lib/{name}"
            )
        self.commit("origin", "content", "one")
        self.commit("inner", "content", "inner new")
        self.git("first/inner", "pull", "--quiet", "origin", "main")
        self.commit("first", "content", "new")
        self.git("origin/lib/first", "pull", "--quiet", "origin", "main")
        self.commit("origin", "content", "two")

    def initialise(self, *what: str) -> None:
        self.git("work", "submodule", "--quiet", "update", "--init", *what)


@pytest.fixture
def with_submodules(tmp_path: Path) -> WithSubmodules:
    return WithSubmodules(tmp_path)


FILES = "lib/first/content lib/first/inner/content"


def test_private_submodules_come_from_heads_own_copy(with_submodules: WithSubmodules) -> None:
    with_submodules.clone()
    with_submodules.initialise("--recursive")
    for name in ("inner", "first", "second", "origin"):
        with_submodules.hide(name)
    assert texts(with_submodules.run(FILES)) == ("oldinner old", "newinner new")


def test_submodules_are_there_only_as_head_has_them(with_submodules: WithSubmodules) -> None:
    with_submodules.clone()
    with_submodules.initialise("lib/first")
    for name in ("inner", "second"):
        with_submodules.hide(name)
    listed = "lib/first/content; ls -A lib/second lib/first/inner"
    empty = "lib/first/inner:lib/second:"
    assert texts(with_submodules.run(listed)) == (f"old{empty}", f"new{empty}")


def test_a_submodules_commit_that_is_not_here_is_fetched(with_submodules: WithSubmodules) -> None:
    with_submodules.clone()
    with_submodules.initialise("--recursive", "--depth=1")
    assert texts(with_submodules.run(FILES)) == ("oldinner old", "newinner new")


def test_a_submodule_that_has_moved_is_found_by_its_name(with_submodules: WithSubmodules) -> None:
    with_submodules.git("origin", "mv", "lib/first", "lib/moved")
    with_submodules.commit("origin", "content", "three")
    with_submodules.clone()
    with_submodules.initialise("--recursive")
    with_submodules.hide("first")
    assert texts(with_submodules.run("lib/*/content")) == ("newsecond", "newsecond")


def test_one_that_cannot_be_had_is_a_reason_with_gits_complaint(
    with_submodules: WithSubmodules,
) -> None:
    with_submodules.clone()
    with_submodules.initialise("--depth=1", "lib/first")
    with_submodules.hide("first")
    found = with_submodules.run("content")
    assert found.verdict == "no-baseline"
    assert "The base's submodule `lib/first` is at" in complaint(found)
    assert "\nfatal: " in complaint(found)


def test_a_change_in_a_submodule_is_one_of_the_tree(with_submodules: WithSubmodules) -> None:
    with_submodules.clone()
    with_submodules.initialise("lib/first")
    assert with_submodules.run("content").notes == ()
    (with_submodules.folder / "work" / "lib" / "first" / "content").write_text("edited")
    (note,) = with_submodules.run("content").notes
    assert "changes that are not committed" in note


def test_an_old_git_does_all_that_too(with_submodules: WithSubmodules) -> None:
    with_submodules.clone()
    with_submodules.initialise("--recursive")
    for name in ("inner", "first"):
        with_submodules.hide(name)
    path = f"{old_git(with_submodules.folder)}:{os.environ['PATH']}"
    with_submodules.place.variables["PATH"] = path
    assert with_submodules.git("work", "--version") == "git version 2.30.2"
    assert texts(with_submodules.run(FILES)) == ("oldinner old", "newinner new")
