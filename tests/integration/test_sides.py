"""The base's checkout and build, in real git repositories of all shapes."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from perf_smoke import environment
from perf_smoke import git as asked_git
from perf_smoke import repository as history
from perf_smoke.repository import Repository
from perf_smoke.result import Failure, Unmeasured
from perf_smoke.sides import Checkout, run_build
from perf_smoke.tree import is_changed
from perf_smoke.worktree import worktree

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(folder: Path, *arguments: str) -> str:
    """Run git as its user would."""
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(folder: Path, text: str) -> str:
    """Write the text into file.txt and commit it."""
    (folder / "sub").mkdir(exist_ok=True)
    (folder / "file.txt").write_text(text)
    (folder / "sub" / "inner.txt").write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", text)
    return git(folder, "rev-parse", "HEAD")


def state(folder: Path) -> object:
    """Everything of a repository that is its owner's: tree, index, branches and worktrees."""
    folder_of_git = Path(git(folder, "rev-parse", "--absolute-git-dir"))
    return (
        {
            path.relative_to(folder): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and folder_of_git not in path.parents
        },
        (folder_of_git / "index").read_bytes(),
        git(folder, "for-each-ref"),
        (folder_of_git / "HEAD").read_text(),
        git(folder, "worktree", "list"),
        git(folder, "config", "--local", "--list"),
    )


def refused(folder: Path, ref: str) -> Failure:
    with pytest.raises(Unmeasured) as caught:
        Repository(folder, ENVIRONMENT).commit(ref)
    assert caught.value.failure.reason == "base-missing"
    return caught.value.failure


class Origin:
    """main has five commits; a pull request left it at the third."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        git(folder, "init", "--quiet", "--initial-branch=main")
        self.main = [commit(folder, f"main {number}") for number in range(3)]
        git(folder, "checkout", "--quiet", "-b", "feature")
        self.feature = commit(folder, "feature")
        git(folder, "checkout", "--quiet", "main")
        self.main += [commit(folder, f"main {number}") for number in range(3, 5)]
        tree = git(folder, "rev-parse", "feature^{tree}")
        parents = ("-p", "main", "-p", "feature")
        self.merge = git(folder, "commit-tree", "-m", "merge", *parents, tree)
        git(folder, "update-ref", "refs/pull/1/merge", self.merge)
        git(folder, "update-ref", "refs/pull/1/head", self.feature)
        git(folder, "branch", "--quiet", "-D", "feature")
        git(folder, "tag", "-a", "v1", "-m", "v1", self.main[1])
        git(folder, "branch", "group/main", self.main[0])

    @property
    def url(self) -> str:
        return f"file://{self.folder}"

    def clone(self, place: Path, *options: str) -> Path:
        git(self.folder, "clone", "--quiet", *options, self.url, str(place))
        return place

    def checkout(self, place: Path, depth: int, commit: str = "") -> Path:
        """As the checkout step of a pull request's workflow leaves it."""
        place.mkdir()
        git(place, "init", "--quiet")
        git(place, "remote", "add", "origin", self.url)
        name = "refs/remotes/pull/1/merge"
        refspec = f"+{commit or self.merge}:{name}"
        options = ("--no-tags", "--prune", f"--depth={depth}") if depth else ("--no-tags",)
        git(place, "fetch", "--quiet", *options, "origin", refspec)
        git(place, "checkout", "--quiet", "--force", name)
        return place


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "origin")


@pytest.fixture
def clone(origin: Origin, tmp_path: Path) -> Path:
    """A whole clone, as on somebody's desk."""
    return origin.clone(tmp_path / "clone")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Where the base goes; it must be gone at the end of every test."""
    path = tmp_path / "scratch" / "base-checkout"
    path.parent.mkdir()
    yield path
    assert not path.exists()


def test_head_is_the_commit_that_is_checked_out(clone: Path, origin: Origin) -> None:
    assert Repository(clone, ENVIRONMENT).head() == origin.main[4]
    assert Repository(clone / "sub", ENVIRONMENT).head() == origin.main[4]


def test_outside_a_repository_there_is_no_head(tmp_path: Path) -> None:
    assert Repository(tmp_path, ENVIRONMENT).head() == ""
    assert Repository(tmp_path / "missing", ENVIRONMENT).head() == ""
    assert "not a git repository" in refused(tmp_path, "main").tail


def test_nor_is_there_a_merge_base_and_depth_is_no_remedy(tmp_path: Path) -> None:
    with pytest.raises(Unmeasured) as caught:
        Repository(tmp_path, ENVIRONMENT).merge_base("ab" * 20)
    assert "fetch-depth" not in caught.value.failure.sentence
    assert caught.value.failure.tail.startswith("fatal: not a git repository")


def test_a_folder_outside_a_repository_has_no_changes(tmp_path: Path) -> None:
    assert not is_changed(Repository(tmp_path, ENVIRONMENT))


def test_before_the_first_commit_there_is_no_head(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert Repository(tmp_path, ENVIRONMENT).head() == ""
    assert refused(tmp_path, "HEAD~1").reason == "base-missing"


def test_without_git_the_reason_says_so(clone: Path, tmp_path: Path) -> None:
    repository = Repository(clone, {**ENVIRONMENT, "PATH": str(tmp_path)})
    assert repository.head() == ""
    with pytest.raises(Unmeasured) as caught:
        repository.commit("main")
    assert caught.value.failure.tail == "git: No such file or directory"


def test_a_checkout_of_another_user_is_read(clone: Path, origin: Origin) -> None:
    if os.getuid() == 0:
        os.chown(clone, 12345, 12345)
    assert Repository(clone, ENVIRONMENT).head() == origin.main[4]


_MALFORMED = (
    *("--upload-pack=touch pwned", "-x", "^main", "main:main", "a b", "", "\n", "main\n", "a\x00b"),
    *("+refs/heads/*:refs/heads/*", "main:refs/heads/mine", ":main", "refs/heads/*", "main/"),
    *("main^{tree}", "main..v1", "a//b", ".a", "a.lock", "main^{/text}", ":/text", "~1", "a\\b"),
)


@pytest.mark.parametrize(
    "ref",
    ["main~2", "HEAD^^", "@~1", "v1^{commit}", "v1^{}", "main@{0}", "v1", "origin/main", "HEAD~0"],
)
def test_whatever_names_a_commit_here_is_understood(clone: Path, ref: str) -> None:
    expected = git(clone, "rev-parse", f"{ref}^{{commit}}")
    assert Repository(clone, ENVIRONMENT).commit(ref) == expected


def test_a_bare_repository_has_commits_too(origin: Origin, tmp_path: Path, place: Path) -> None:
    bare = origin.clone(tmp_path / "bare.git", "--bare")
    repository = Repository(bare, ENVIRONMENT)
    assert repository.commit("v1") == origin.main[1]
    with worktree(repository, origin.main[1], place) as base:
        assert (base.directory / "file.txt").read_text() == "main 1"


@pytest.mark.parametrize(
    ("ref", "remedy"),
    [
        *((ref, "fetch-depth: 0") for ref in ("nothing", "HEAD~99", "0" * 40, "@{-1}", "a@{u}")),
        *((ref, "is not the form") for ref in _MALFORMED),
    ],
)
def test_a_ref_that_names_no_commit_is_a_reason_and_changes_nothing(
    clone: Path, ref: str, remedy: str
) -> None:
    before = state(clone)
    failure = refused(clone, ref)
    assert f"`{ref}`" in failure.sentence
    assert remedy in failure.sentence
    assert state(clone) == before
    assert not (clone / "pwned").exists()


@pytest.mark.parametrize("ref", ["main", "v1", "refs/pull/1/head"])
def test_what_a_shallow_checkout_lacks_is_fetched(origin: Origin, tmp_path: Path, ref: str) -> None:
    shallow = origin.checkout(tmp_path / "job", depth=1)
    before = state(shallow)
    expected = git(origin.folder, "rev-parse", f"{ref}^{{commit}}")
    assert Repository(shallow, ENVIRONMENT).commit(ref) == expected
    assert state(shallow) == before


def test_a_commit_by_its_hash_is_fetched(origin: Origin, tmp_path: Path) -> None:
    shallow = origin.checkout(tmp_path / "job", depth=1)
    assert Repository(shallow, ENVIRONMENT).commit(origin.main[1]) == origin.main[1]


def test_fetching_does_not_shorten_the_history_that_is_there(
    origin: Origin, tmp_path: Path
) -> None:
    shallow = origin.checkout(tmp_path / "job", depth=3)
    before = git(shallow, "rev-list", "HEAD")
    assert origin.main[3] in before
    assert Repository(shallow, ENVIRONMENT).commit("main") == origin.main[4]
    assert git(shallow, "rev-list", "HEAD") == before


def test_fetching_does_not_make_a_whole_clone_shallow(origin: Origin, clone: Path) -> None:
    newer = commit(origin.folder, "newer")
    git(origin.folder, "branch", "newer")
    before = state(clone)
    assert Repository(clone, ENVIRONMENT).commit("newer") == newer
    assert git(clone, "rev-parse", "--is-shallow-repository") == "false"
    assert git(clone, "rev-list", "--count", newer) == "6"
    assert state(clone) == before


@pytest.mark.parametrize("ref", ["HEAD~1", "HEAD^2", "HEAD^1~2"])
def test_a_parent_beyond_the_end_of_a_shallow_clone_is_fetched(
    origin: Origin, tmp_path: Path, ref: str
) -> None:
    shallow = origin.checkout(tmp_path / "job", depth=1)
    expected = git(origin.folder, "rev-parse", ref.replace("HEAD", origin.merge))
    assert Repository(shallow, ENVIRONMENT).commit(ref) == expected


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_the_merge_base_of_a_pull_request_is_found_at_any_depth(
    origin: Origin, tmp_path: Path, depth: int
) -> None:
    job = origin.checkout(tmp_path / "job", depth)
    tree = (job / "file.txt").read_text()
    assert Repository(job, ENVIRONMENT).merge_base(origin.main[4]) == origin.main[4]
    assert Repository(job, ENVIRONMENT).merge_base(origin.main[2]) == origin.main[2]
    assert (job / "file.txt").read_text() == tree
    assert git(job, "status", "--porcelain") == ""


def test_the_merge_base_of_the_branch_itself_is_where_it_left(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "DEEPER", (["--deepen=1"], ["--deepen=1"], ["--unshallow"]))
    job = origin.checkout(tmp_path / "job", depth=1, commit=origin.feature)
    assert Repository(job, ENVIRONMENT).merge_base(origin.main[4]) == origin.main[2]


def test_a_clone_without_the_newest_commits_fetches_them(origin: Origin, clone: Path) -> None:
    newer = commit(origin.folder, "newer")
    assert Repository(clone, ENVIRONMENT).merge_base(newer) == origin.main[4]


def test_histories_that_never_meet_are_a_reason(origin: Origin, tmp_path: Path) -> None:
    git(origin.folder, "checkout", "--quiet", "--orphan", "other")
    other = commit(origin.folder, "other")
    for depth in (0, 1):
        job = origin.checkout(tmp_path / f"job{depth}", depth)
        with pytest.raises(Unmeasured) as caught:
            Repository(job, ENVIRONMENT).merge_base(other)
        assert caught.value.failure.reason == "base-missing"
        assert other[:12] in caught.value.failure.sentence


def test_history_that_cannot_be_fetched_is_a_reason(origin: Origin, tmp_path: Path) -> None:
    job = origin.checkout(tmp_path / "job", depth=1)
    origin.folder.rename(tmp_path / "gone")
    with pytest.raises(Unmeasured, match="history does not reach"):
        Repository(job, ENVIRONMENT).merge_base(origin.main[2])
    assert "gone" not in refused(job, "main").sentence
    assert "does not appear to be a git repository" in refused(job, "main").tail


def test_the_base_is_checked_out_elsewhere_and_nothing_of_the_caller_changes(
    origin: Origin, clone: Path, place: Path
) -> None:
    (clone / "file.txt").write_text("not committed")
    (clone / "new.txt").write_text("not even added")
    (clone / "staged.txt").write_text("staged")
    git(clone, "add", "staged.txt")
    before = state(clone)
    with worktree(Repository(clone, ENVIRONMENT), origin.main[1], place) as base:
        assert (base.directory, base.commit) == (place, origin.main[1])
        assert (base.directory / "file.txt").read_text() == "main 1"
        assert not (base.directory / "new.txt").exists()
        (base.directory / "built").write_text("by the build")
    assert state(clone) == before
    assert not (clone / ".git" / "worktrees").exists()


def test_the_working_directory_is_the_same_inside(origin: Origin, clone: Path, place: Path) -> None:
    with worktree(Repository(clone / "sub", ENVIRONMENT), origin.main[0], place) as base:
        assert base.directory == place / "sub"
        assert (base.directory / "inner.txt").read_text() == "main 0"


def test_the_worktree_is_gone_after_an_exception(origin: Origin, clone: Path, place: Path) -> None:
    class Passing(BaseException):
        pass

    def fail() -> None:
        with worktree(Repository(clone, ENVIRONMENT), origin.main[1], place):
            raise Passing

    before = state(clone)
    with pytest.raises(Passing):
        fail()
    assert state(clone) == before


def test_the_worktree_is_gone_whatever_the_build_made_of_it(
    origin: Origin, clone: Path, place: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    before = state(clone)
    with worktree(Repository(clone, ENVIRONMENT), origin.main[1], place) as base:
        (base.directory / ".git").unlink()
        (base.directory / "link").symlink_to(outside)
        (base.directory / "cache" / "deep").mkdir(parents=True)
        (base.directory / "cache" / "deep" / "file").touch()
        (base.directory / "cache" / "deep").chmod(0o500)
        (base.directory / "cache").chmod(0o500)
    assert state(clone) == before
    assert outside.stat().st_mode & 0o777 == 0o755


def test_other_worktrees_of_the_caller_stay_known_also_where_their_disk_is_away(
    origin: Origin, clone: Path, place: Path, tmp_path: Path
) -> None:
    git(clone, "worktree", "add", "--quiet", "--detach", str(tmp_path / "usb"), "HEAD")
    (tmp_path / "usb").rename(tmp_path / "unplugged")
    with worktree(Repository(clone, ENVIRONMENT), origin.main[1], place):
        pass
    assert str(tmp_path / "usb") in git(clone, "worktree", "list")


def test_a_worktree_that_cannot_be_made_is_a_reason_and_leaves_nothing(
    origin: Origin, clone: Path, place: Path
) -> None:
    before = state(clone)
    with pytest.raises(Unmeasured) as caught, ExitStack() as stack:
        stack.enter_context(worktree(Repository(clone, ENVIRONMENT), "0" * 40, place))
    assert caught.value.failure.reason == "base-missing"
    assert "000000000000" in caught.value.failure.sentence
    assert caught.value.failure.tail
    assert state(clone) == before


def test_the_callers_hooks_do_not_run(origin: Origin, clone: Path, place: Path) -> None:
    hook = clone / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {clone}/hooked\n")
    hook.chmod(0o755)
    with worktree(Repository(clone, ENVIRONMENT), origin.main[1], place):
        pass
    assert not (clone / "hooked").exists()


def test_inside_a_hook_of_the_caller_his_index_stays_his(
    origin: Origin, clone: Path, place: Path, tmp_path: Path
) -> None:
    before = state(clone)
    inside_a_hook = {
        **ENVIRONMENT,
        "GIT_DIR": str(clone / ".git"),
        "GIT_WORK_TREE": str(clone),
        "GIT_INDEX_FILE": str(clone / ".git" / "index"),
    }
    seen = environment.for_children(inside_a_hook)
    with worktree(Repository(clone, seen), origin.main[1], place) as base:
        assert (base.directory / "file.txt").read_text() == "main 1"
    assert state(clone) == before


class WithSubmodule:
    """A clone whose commits hold a submodule."""

    def __init__(self, origin: Origin, folder: Path) -> None:
        self.environment = {
            **ENVIRONMENT,
            # git refuses submodules from files unless it is told so
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "protocol.file.allow",
            "GIT_CONFIG_VALUE_0": "always",
        }
        self.library = folder / "library"
        self.library.mkdir()
        git(self.library, "init", "--quiet")
        commit(self.library, "library")
        allowed = ("-c", "protocol.file.allow=always")
        git(origin.folder, *allowed, "submodule", "--quiet", "add", f"file://{self.library}", "lib")
        self.commit = commit(origin.folder, "with submodule")
        self.clone = origin.clone(folder / "job")

    def initialise(self) -> None:
        allowed = ("-c", "protocol.file.allow=always")
        git(self.clone, *allowed, "submodule", "--quiet", "update", "--init")


@pytest.fixture
def with_submodule(origin: Origin, tmp_path: Path) -> WithSubmodule:
    return WithSubmodule(origin, tmp_path)


def test_submodules_are_checked_out_where_head_has_them(
    with_submodule: WithSubmodule, place: Path
) -> None:
    with_submodule.initialise()
    before = state(with_submodule.clone)
    repository = Repository(with_submodule.clone, with_submodule.environment)
    with worktree(repository, with_submodule.commit, place) as base:
        assert (base.directory / "lib" / "file.txt").read_text() == "library"
    assert state(with_submodule.clone) == before


def test_submodules_that_head_does_without_are_not_fetched(
    with_submodule: WithSubmodule, place: Path
) -> None:
    with_submodule.library.rename(with_submodule.library.with_name("private"))
    repository = Repository(with_submodule.clone, with_submodule.environment)
    with worktree(repository, with_submodule.commit, place) as base:
        assert (base.directory / "file.txt").read_text() == "with submodule"


def test_a_git_that_hangs_is_given_up_with_its_children(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked_git, "GIT_TIMEOUT_S", 1.0)
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    ssh.chmod(0o755)
    git(clone, "remote", "set-url", "origin", "ssh://host/repository")
    with pytest.raises(Unmeasured) as caught:
        Repository(clone, {**ENVIRONMENT, "GIT_SSH": str(ssh)}).commit("elsewhere")
    assert re.fullmatch(
        r"git took longer than [\d.]+ s and was killed\.", caught.value.failure.tail
    )
    pid = int((tmp_path / "pid").read_text())
    deadline_s = time.monotonic() + 60
    while Path(f"/proc/{pid}/cmdline").exists() and time.monotonic() < deadline_s:
        if not Path(f"/proc/{pid}/cmdline").read_bytes():
            break  # killed, and not yet reaped
        time.sleep(0.01)
    else:
        assert not Path(f"/proc/{pid}").exists()


def build(script: str, folder: Path, *, timeout_s: float = 60.0) -> None:
    checkout = Checkout(directory=folder, commit="a" * 40)
    run_build(script, checkout, environment=ENVIRONMENT, timeout_s=timeout_s)


def build_failure(script: str, folder: Path, **options: float) -> Failure:
    with pytest.raises(Unmeasured) as caught:
        build(script, folder, **options)
    assert caught.value.failure.reason == "build-failed"
    return caught.value.failure


@pytest.mark.parametrize("depth", [1, 0])
def test_the_parents_of_a_commit_are_known_in_a_shallow_clone_too(
    origin: Origin, tmp_path: Path, depth: int
) -> None:
    repository = Repository(origin.checkout(tmp_path / "shallow", depth), ENVIRONMENT)
    assert repository.parents(repository.head()) == (origin.main[-1], origin.feature)
    assert repository.parents("") == ()
    assert Repository(tmp_path, ENVIRONMENT).parents(origin.merge) == ()


def test_a_build_runs_in_its_checkout(tmp_path: Path) -> None:
    build('[[ "$PWD" == */* ]]\necho built > out', tmp_path)
    assert (tmp_path / "out").read_text() == "built\n"


@pytest.mark.parametrize(
    "script", ["false\ntouch went-on", "(exit 1)\ntouch went-on", "false | cat\ntouch went-on"]
)
def test_a_build_stops_at_its_first_error(tmp_path: Path, script: str) -> None:
    assert "exited with code 1." in build_failure(script, tmp_path).sentence
    assert not (tmp_path / "went-on").exists()


def test_a_build_runs_as_a_step_with_shell_bash_does(tmp_path: Path) -> None:
    """Scripts for a shell, such as oneAPI's setvars.sh, are not written for `set -u`."""
    (tmp_path / "setvars.sh").write_text('export PATHS="$NOBODY_SETS_THIS:lib"\nreturn 0\n')
    build('source ./setvars.sh\necho "$PATHS $- ${#BASH_SOURCE}" > out', tmp_path)
    assert (tmp_path / "out").read_text().startswith(":lib ehB ")
    build(f"true '{'x' * 200_000}'", tmp_path)


def test_a_failed_build_shows_its_last_lines(tmp_path: Path) -> None:
    failure = build_failure("seq 100; printf '\\033[31merror\\033[0m: no\\n' >&2; exit 3", tmp_path)
    assert failure.sentence == "The build of aaaaaaaaaaaa exited with code 3."
    assert failure.tail.splitlines()[-2:] == ["100", "error: no"]
    assert len(failure.tail.splitlines()) == 20


def test_a_build_that_is_killed_or_hangs_is_a_reason(tmp_path: Path) -> None:
    assert "was killed (SIGKILL)" in build_failure("kill -KILL $$", tmp_path).sentence
    assert "longer than 0.5 s" in build_failure("sleep 600", tmp_path, timeout_s=0.5).sentence


def test_a_build_that_cannot_be_started_is_a_reason(tmp_path: Path) -> None:
    assert f"{tmp_path}/gone" in build_failure("true", tmp_path / "gone").sentence
