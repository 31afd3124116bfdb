"""Nothing is published on a pull request that was measured of other code than its own."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from perf_smoke import result_file
from perf_smoke.result import BASE
from tests.emulator.server import Emulator, PullRequest
from tests.integration.test_action import Job, Step, warnings

BUILD = "printf '#!/bin/sh\\necho %s\\n' \"$(cat content)\" >engine; chmod +x engine"
OWN = {"command": "./engine", "build": BUILD, "runs": "2", "warmup": "0"}


@dataclass(frozen=True, kw_only=True)
class Checkout(Job):
    """A job whose working directory is a repository, of what an event says."""

    document: object

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def git(self, *arguments: str, given: str = "") -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        command = ["git", "-C", str(self.work), *who, *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, content: str) -> str:
        (self.work / "content").write_text(content)
        self.git("add", "content")
        self.git("commit", "--quiet", "-m", content)
        return self.git("rev-parse", "HEAD")

    def check_out_commit_on(self, *parents: str) -> str:
        """A commit whose parents need not be here, as in a shallow clone."""
        lines = [f"tree {self.git('rev-parse', 'HEAD^{tree}')}", *(f"parent {p}" for p in parents)]
        lines += ["author a <a@b> 0 +0000", "committer a <a@b> 0 +0000", "", "merge", ""]
        made = self.git(
            "hash-object", "--literally", "-t", "commit", "-w", "--stdin", given="\n".join(lines)
        )
        self.git("update-ref", "--no-deref", "HEAD", made)
        return made

    def measure(self, event: str, **inputs: Any) -> Step:
        run_id = len(list(self.folder.iterdir()))  # each step leaves a folder
        return self.step(run_id, event, working_directory=str(self.work), **inputs)

    def _event(self, *, fork: bool) -> object:
        return self.document


@pytest.fixture
def checkout(tmp_path: Path, emulator: Emulator, pull_request: PullRequest) -> Checkout:
    (tmp_path / "work").mkdir()
    job = Checkout(folder=tmp_path, emulator=emulator, pull_request=pull_request, document={})
    job.git("init", "--quiet", "--initial-branch=main")
    return job


def about(checkout: Checkout, head: str, base: str) -> Checkout:
    """The job of an event that carries the pull request."""
    pull = {
        "number": checkout.pull_request.number,
        "head": {"sha": head, "repo": {"full_name": checkout.emulator.repository}},
        "base": {"sha": base, "ref": "main"},
    }
    return replace(checkout, document={"pull_request": pull})


def assert_of_another(
    step: Step, head: str, ref: str = "ref: ${{ github.event.pull_request.head.sha }}"
) -> None:
    """Head is measured, under its own commit; there is no verdict."""
    assert step.exit_code == 0
    assert (step.outputs["status"], step.outputs["verdict"]) == ("measured", "not-comparable")
    assert float(step.outputs["wall-ms"]) > 0
    assert step.outputs["change"] == ""
    assert (
        f"{head[:12]}` is checked out" in step.summary or f"{head[:12]} is checked" in step.summary
    )
    assert ref in step.summary
    found = result_file.read(Path(step.outputs["result-json"]))
    assert found.head is not None
    assert found.head.commit == head
    assert (found.comparisons, found.lost_bases[BASE].reason) == ((), "other-checkout")


def test_pull_request_target_with_the_base_checked_out_has_no_verdict(checkout: Checkout) -> None:
    base, head = checkout.commit("base"), checkout.commit("head")
    checkout.git("checkout", "--quiet", base)
    step = about(checkout, head, base).measure("pull_request_target", **OWN)

    assert_of_another(step, base)
    assert len(warnings(step)) == 1
    assert step.outputs["comment-status"] == "skipped"
    assert checkout.comments() == []


def test_nor_is_its_failure_told_on_the_pull_request(checkout: Checkout) -> None:
    base, head = checkout.commit("base"), checkout.commit("head")
    checkout.git("checkout", "--quiet", base)
    step = about(checkout, head, base).measure("pull_request_target", **{**OWN, "build": "exit 3"})

    assert (step.outputs["status"], step.outputs["reason"]) == ("failed", "build-failed")
    assert "is checked out" in step.summary
    assert checkout.comments() == []


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target"])
def test_the_head_and_a_merge_of_it_are_the_pull_requests_code(
    checkout: Checkout, event: str
) -> None:
    base, head = checkout.commit("base"), checkout.commit("head")
    job = about(checkout, head, base)
    assert job.measure(event, **OWN).outputs["verdict"] == "inconclusive"

    checkout.check_out_commit_on(base, head)
    step = job.measure(event, **OWN)
    assert step.outputs["verdict"] == "inconclusive"
    assert len(checkout.comments()) == 1


@pytest.mark.parametrize("inputs", [{"command": "true"}, {"command": "cat /dev/null"}])
def test_what_is_of_no_checkout_is_published_whatever_is_checked_out(
    checkout: Checkout, inputs: dict[str, str]
) -> None:
    base = checkout.commit("base")
    job = about(checkout, "ab" * 20, base)
    step = job.measure("pull_request_target", **inputs)

    assert (step.outputs["verdict"], step.outputs["comment-status"]) == ("no-baseline", "created")
    found = result_file.read(Path(step.outputs["result-json"]))
    assert found.head is not None
    assert found.head.commit == ""


def test_a_program_in_the_checkout_is_of_the_checkout_also_where_nothing_is_built(
    checkout: Checkout,
) -> None:
    base = checkout.commit("base")
    subprocess.run(["bash", "-c", BUILD], cwd=checkout.work, check=True)
    step = about(checkout, "ab" * 20, base).measure("pull_request", command="./engine")
    assert_of_another(step, base)

    step = about(checkout, "ab" * 20, base).measure("pull_request", command="cat content")
    assert_of_another(step, base)


def test_a_comments_event_has_github_asked_for_the_head(checkout: Checkout) -> None:
    number, sha = checkout.pull_request.number, checkout.pull_request.sha
    checkout.commit("base")
    elsewhere = checkout.commit("elsewhere")
    document = {"issue": {"number": number, "pull_request": {}}}
    job = replace(checkout, document=document)
    step = job.measure("issue_comment", **OWN, base_ref="HEAD~1")
    merge = "`ref: refs/pull/${{ github.event.issue.number }}/merge`"
    assert_of_another(step, elsewhere, merge)
    assert checkout.comments() == []

    checkout.check_out_commit_on(elsewhere, sha)
    step = job.measure("issue_comment", **OWN, base_ref=elsewhere)
    assert (step.outputs["verdict"], step.outputs["comment-status"]) == ("inconclusive", "created")


def test_so_it_is_for_a_pull_request_that_an_input_names(checkout: Checkout) -> None:
    elsewhere = checkout.commit("elsewhere")
    number = str(checkout.pull_request.number)
    step = checkout.measure("workflow_dispatch", **OWN, pr_number=number)
    assert_of_another(step, elsewhere, "or check it out")
    assert checkout.comments() == []


def test_without_a_token_nobody_can_be_asked_and_nothing_is_commented(checkout: Checkout) -> None:
    checkout.commit("elsewhere")
    number = str(checkout.pull_request.number)
    step = checkout.measure("workflow_dispatch", **OWN, pr_number=number, github_token="")
    assert step.outputs["comment-status"] == "no-token"


def test_a_push_is_not_commented_where_something_else_was_checked_out(checkout: Checkout) -> None:
    base = checkout.commit("base")
    checkout.commit("elsewhere")
    step = checkout.measure("push", **OWN, base_ref=base)

    assert step.outputs["verdict"] == "inconclusive", "it is of the commits that it names"
    assert step.outputs["comment-status"] == "skipped"
    assert checkout.comments() == []


def test_a_merge_queue_is_compared_with_what_it_merges_into(checkout: Checkout) -> None:
    base = checkout.commit("base")
    checkout.commit("head")
    document = {"merge_group": {"base_sha": base, "head_sha": "", "base_ref": "refs/heads/main"}}
    job = replace(checkout, document=document)
    step = job.measure("merge_group", **OWN)
    assert step.outputs["verdict"] == "inconclusive"
    found = result_file.read(Path(step.outputs["result-json"]))
    assert found.sides[BASE].commit == base


def test_a_push_is_compared_with_what_was_there_before(checkout: Checkout) -> None:
    base = checkout.commit("base")
    checkout.commit("head")
    step = replace(checkout, document={"before": base}).measure("push", **OWN)
    assert step.outputs["verdict"] == "inconclusive"
    found = result_file.read(Path(step.outputs["result-json"]))
    assert found.sides[BASE].commit == base
