"""The README's table of events: each row is what comes of a payload of GitHub's own shape."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf_smoke.github.event import read_event
from perf_smoke.result import Result
from tests.emulator.payloads import Payload, payload
from tests.emulator.proxy import Proxy, answer
from tests.integration.test_legs_step import Job, job

__all__ = ["job"]

README = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
TABLE = re.search(r"<!-- events -->\n\|.*?\n\|.*?\n(.*?)<!-- /events -->", README, re.DOTALL)
ROWS = {
    event: (base, comment)
    for event, base, comment in (
        re.split(r" \| ", row.strip("| ")) for row in (TABLE[1] if TABLE else "").splitlines()
    )
}
"""What the base is and what becomes of the comment, by event."""
READ_ONLY = "read-only token"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """One row: what GitHub sends, and what the runner sets beside it."""

    name: str
    event: Callable[[Job], Payload]
    environ: Callable[[Job], dict[str, str]] = lambda _: {}
    leg: Callable[[Job], Result | None] = lambda job: job.leg()
    """What was measured; None: nothing yet."""


def pull_request(change: Callable[[Payload], object] = lambda _: None, **wanted: Any) -> Any:
    """An event of a pull request, of the one that the emulator has."""

    def made(job: Job) -> Payload:
        event = payload("pull_request", **wanted)
        pull = event["pull_request"]
        pull["number"] = event["number"] = job.pull_request.number
        pull["head"].update(sha=job.pull_request.sha, ref=job.pull_request.branch)
        pull["head"]["repo"]["full_name"] = "acme/engine"
        change(event)
        return event

    return made


def workflow_run(
    change: Callable[[Payload], object] = lambda _: None, action: str = "completed"
) -> Any:
    """What becomes of a run on the emulator's pull request."""

    def made(job: Job) -> Payload:
        event = payload("workflow_run", action=action)
        run = event["workflow_run"]
        run.update(
            id=7,
            event="pull_request",
            head_sha=job.pull_request.sha,
            head_branch=job.pull_request.branch,
            pull_requests=[],
        )
        run["head_repository"]["full_name"] = "acme/engine"
        change(event)
        return event

    return made


def without_its_branch(job: Job) -> Payload:
    """With the branch GitHub closes the pull request."""
    job.emulator.close_pull_request(job.pull_request.number)
    event: Payload = workflow_run()(job)
    return event


def push(**changes: Any) -> Any:
    """A push to `main` of another commit than the emulator's pull request has."""
    return lambda _: {**payload("push", ref="refs/heads/master"), "before": "9" * 40, **changes}


def of_tag(**changes: Any) -> Any:
    """A push of a tag."""
    return lambda _: {**payload("push", ref="refs/tags/simple-tag", deleted=False), **changes}


def elsewhere(ref: str) -> dict[str, Any]:
    """What a run has that is of another commit than the emulator's pull request."""
    environ = {"GITHUB_REF": ref, "GITHUB_SHA": "5" * 40}
    return {"environ": lambda _: environ, "leg": lambda job: job.leg_of("5" * 40)}


def on_its_branch(job: Job) -> dict[str, str]:
    """A push of the pull request's commit."""
    return {
        "GITHUB_REF": f"refs/heads/{job.pull_request.branch}",
        "GITHUB_SHA": job.pull_request.sha,
    }


def from_fork(event: Payload) -> None:
    event["pull_request"]["head"]["repo"]["full_name"] = "somebody/engine"


def of_deleted_fork(event: Payload) -> None:
    event["pull_request"]["head"]["repo"] = None


def by_dependabot(event: Payload) -> None:
    event["sender"] = {"login": "dependabot[bot]", "type": "Bot"}


CASES = {
    "`pull_request`: opened": Case(name="pull_request", event=pull_request(action="opened")),
    "`pull_request`: synchronize": Case(
        name="pull_request", event=pull_request(action="synchronize")
    ),
    "`pull_request`: reopened": Case(name="pull_request", event=pull_request(action="reopened")),
    "`pull_request`: labeled": Case(name="pull_request", event=pull_request(action="labeled")),
    "`pull_request` of a draft": Case(
        name="pull_request", event=pull_request(action="converted_to_draft")
    ),
    "`pull_request`: closed": Case(name="pull_request", event=pull_request(action="closed")),
    "`pull_request` from a fork": Case(
        name="pull_request", event=pull_request(from_fork, action="opened")
    ),
    "`pull_request` from a fork that is gone": Case(
        name="pull_request", event=pull_request(of_deleted_fork, action="closed")
    ),
    "`pull_request` of Dependabot": Case(
        name="pull_request", event=pull_request(by_dependabot, action="opened")
    ),
    "`merge_group`": Case(
        name="merge_group",
        event=lambda _: payload("merge_group"),
        environ=lambda _: {
            "GITHUB_REF": payload("merge_group")["merge_group"]["head_ref"],
            "GITHUB_SHA": payload("merge_group")["merge_group"]["head_sha"],
        },
        leg=lambda job: job.leg_of(payload("merge_group")["merge_group"]["head_sha"]),
    ),
    "`push` to the branch of an open pull request": Case(
        name="push", event=push(), environ=on_its_branch
    ),
    "`push` to another branch": Case(name="push", event=push(), **elsewhere("refs/heads/other")),
    "`push` of a new branch": Case(
        name="push", event=push(before="0" * 40), **elsewhere("refs/heads/other")
    ),
    "`push` of a new tag": Case(name="push", event=of_tag(), **elsewhere("refs/tags/v1")),
    "`push` of a tag that is moved": Case(
        name="push",
        event=of_tag(before="9" * 40, created=False, forced=True),
        **elsewhere("refs/tags/v1"),
    ),
    "`push` that deletes a branch or a tag": Case(
        name="push",
        event=lambda _: payload("push", ref="refs/tags/simple-tag", deleted=True),
        **elsewhere("refs/heads/main"),
    ),
    "`schedule`": Case(name="schedule", event=lambda _: {"schedule": "17 3 * * *"}),
    "`release`": Case(
        name="release",
        event=lambda _: payload("release", action="published"),
        **elsewhere("refs/tags/v1"),
    ),
    "`workflow_dispatch`": Case(
        name="workflow_dispatch", event=lambda _: payload("workflow_dispatch")
    ),
    "`issue_comment` on a pull request": Case(
        name="issue_comment",
        event=lambda job: {
            **payload("issue_comment"),
            "issue": {
                **payload("issue_comment")["issue"],
                "number": job.pull_request.number,
                "pull_request": {},
            },
        },
    ),
    "`workflow_run` after a pull request's run": Case(name="workflow_run", event=workflow_run()),
    "`workflow_run`, and the branch has moved on": Case(
        name="workflow_run",
        event=workflow_run(lambda event: event["workflow_run"].update(head_sha="a" * 40)),
        leg=lambda job: job.leg_of("a" * 40),
    ),
    "`workflow_run` of a fork that is gone": Case(
        name="workflow_run",
        event=workflow_run(lambda event: event["workflow_run"].update(head_repository=None)),
    ),
    "`workflow_run` of a branch that is gone": Case(name="workflow_run", event=without_its_branch),
    "`workflow_run`, and the run has only begun (`requested`)": Case(
        name="workflow_run", event=workflow_run(action="requested"), leg=lambda _: None
    ),
    "a reusable workflow": Case(
        name="pull_request",
        event=pull_request(action="synchronize"),
        environ=lambda _: {
            "GITHUB_WORKFLOW": "the caller's",
            "GITHUB_JOB": "its own",
            "GITHUB_WORKFLOW_REF": "acme/engine/.github/workflows/caller.yml@refs/heads/main",
            "PERF_SMOKE_JOB_WORKFLOW": "acme/engine/.github/workflows/perf.yml@refs/heads/main",
        },
    ),
    "a job that is run again": Case(
        name="pull_request",
        event=pull_request(action="synchronize"),
        environ=lambda _: {"GITHUB_RUN_ATTEMPT": "2"},
    ),
}


def test_the_table_has_a_row_for_each_of_these_cases_and_no_other() -> None:
    assert set(ROWS) == set(CASES)


@pytest.mark.parametrize("row", CASES)
def test_an_event_does_what_its_row_says(row: str, job: Job, proxy: Proxy, tmp_path: Path) -> None:
    case, (base, comment) = CASES[row], ROWS[row]
    event, environ = case.event(job), case.environ(job)
    if READ_ONLY in comment:
        proxy.when("POST", r"/issues/\d+/comments", answer(403))
        job = dataclasses.replace(job, url=proxy.url)
    leg = case.leg(job)
    step = job.step(case.name, event, *([leg] if leg else []), environ=environ)
    assert step.exit_code == 0, step.log
    wrote = marked(job)
    if comment.startswith("the pull request"):
        assert (step.outputs["comment-status"], len(wrote)) == ("created", 1), step.log
    elif READ_ONLY in comment:
        assert (step.outputs["comment-status"], wrote) == ("forbidden", [])
    else:
        assert comment.startswith("none"), comment
        status = "no-pull-request" if leg else "skipped"
        assert (step.outputs["comment-status"], wrote) == (status, [])
    if leg:
        assert step.outputs["status"] == "measured", step.log
        assert step.summary.startswith("### perf-smoke `gcc`: no change")
    target = read_event({**job.environment(case.name, event), **environ}).base_sha
    assert bool(target) == (base != "none")


def marked(job: Job) -> list[str]:
    """The comments of ours."""
    return [body for body in job.comments() if body.startswith("<!-- perf-smoke key=")]


def test_a_run_that_has_only_begun_leaves_what_is_there_and_is_told_what_to_change(
    job: Job,
) -> None:
    job.step("workflow_run", workflow_run()(job), job.leg())
    before = marked(job)
    step = job.step("workflow_run", workflow_run(action="requested")(job))
    assert marked(job) == before
    assert "`workflow_run` `types: [completed]`" in step.summary


def test_one_leg_that_is_run_again_replaces_what_it_said_and_the_others_stay(job: Job) -> None:
    event = pull_request(action="synchronize")(job)
    first = job.step("pull_request", event, job.leg("gcc", slower_by=0.3), job.leg("clang"))
    assert first.outputs["comment-status"] == "created"
    again = [job.leg("gcc", slower_by=0.3), job.leg("gcc", attempt=2), job.leg("clang")]
    second = job.step("pull_request", event, *again, environ={"GITHUB_RUN_ATTEMPT": "2"})
    assert (second.outputs["comment-status"], second.outputs["legs"]) == ("updated", "2")
    (comment,) = marked(job)
    assert "run=7 attempt=2 event=pull_request" in comment.splitlines()[0]
    assert comment.partition("\n")[2].startswith("### perf-smoke: 2 of 2 unchanged")
    assert "/actions/runs/7/attempts/2" in comment


def test_who_calls_a_reusable_workflow_is_told_apart_by_a_label_alone(job: Job) -> None:
    case = CASES["a reusable workflow"]
    event, environ = case.event(job), case.environ(job)
    without = job.step(case.name, event, job.leg(), environ=environ)
    assert "which cannot see the matrix of its caller" in without.log
    labelled = job.step(case.name, event, job.leg(), environ=environ, label="arm64")
    assert "which cannot see the matrix of its caller" not in labelled.log
    assert len(marked(job)) == 2
