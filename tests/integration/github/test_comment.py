"""One comment per job: created once, then brought up to date."""

from __future__ import annotations

import dataclasses
import datetime as dt
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perf_smoke.github.comment import BODY_ROOM, CommentOutcome, Policy
from perf_smoke.github.event import Head
from perf_smoke.github.marker import CommentKey, mark, read_marked
from perf_smoke.secret import Secret
from tests.emulator.proxy import answer, meanwhile
from tests.integration.github.job import KEY, Job, event_for, stamp

COMMENTS = r"/issues/\d+/comments(\?|$)"
ONE_COMMENT = r"/issues/comments/\d+$"


def test_the_first_run_creates_the_comment_and_links_to_it(job: Job) -> None:
    outcome = job.write("### verdict")

    assert outcome.status == "created"
    assert outcome.url.endswith(f"/acme/engine/issues/{job.number}#issuecomment-{_ids(job)[0]}")
    assert job.comments()[0]["body"] == mark(KEY, stamp(7), "### verdict")
    assert job.comments()[0]["user"]["login"] == "github-actions[bot]"


def test_the_next_run_updates_the_same_comment(job: Job) -> None:
    first = job.write("first", run_id=7)

    assert job.write("second", run_id=8) == dataclasses.replace(
        first, status="updated", sentence="The comment was updated."
    )
    assert job.bodies() == ["second"]


def test_the_same_run_with_the_same_text_writes_nothing(job: Job) -> None:
    job.write("text", run_id=7)
    job.proxy.requests.clear()

    assert job.write("text", run_id=7).status == "unchanged"
    assert [request.method for request in job.proxy.requests] == ["GET", "GET"]


def test_a_newer_run_with_the_same_text_moves_the_stamp_so_that_a_run_between_cannot_win(
    job: Job,
) -> None:
    job.write("text", run_id=7)

    assert job.write("text", run_id=9).status == "unchanged"
    assert job.write("stale", run_id=8).status == "superseded"
    assert job.bodies() == ["text"]


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        pytest.param(stamp(8), stamp(7), id="run"),
        pytest.param(stamp(8, 2), stamp(8, 1), id="attempt"),
        pytest.param(stamp(8), stamp(7, 3), id="re-run of an older run"),
    ],
)
def test_an_older_run_that_ends_later_leaves_a_newer_comment_alone(
    job: Job, newer: object, older: object
) -> None:
    created = job.write("newer", stamp=newer)

    outcome = job.write("older", stamp=older)

    assert outcome.status == "superseded"
    assert outcome.url == created.url
    assert job.bodies() == ["newer"]


@pytest.mark.parametrize("run_id", [9_999_999_999_999, 10**19])
def test_a_marker_of_a_run_that_cannot_be_silences_nobody(job: Job, run_id: int) -> None:
    body = mark(KEY, stamp(run_id), "of nowhere")
    job.emulator.add_comment(job.number, body, job.emulator.bot_token)

    assert job.write("one", run_id=7).status == "updated"
    assert job.write("two", run_id=8).status == "updated"
    assert job.bodies() == ["two"]


@pytest.mark.parametrize(
    ("hours", "status"),
    [
        pytest.param(1, "updated", id="of before this run"),
        pytest.param(-1, "superseded", id="of meanwhile"),
    ],
)
def test_a_newer_run_cannot_have_written_before_this_one_began(
    job: Job, hours: int, status: str
) -> None:
    job.write("of a wrong number", run_id=9000)
    began = dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=hours)
    event = dataclasses.replace(event_for(job.proxy.url, job.number), began=began)

    assert job.write("real", run_id=7, event=event).status == status


@pytest.mark.parametrize("first_line", ["<!-- perf-smoke key= -->", "<!-- perf-smoke", ""])
def test_beside_a_broken_marker_there_is_a_comment_all_the_same(job: Job, first_line: str) -> None:
    job.emulator.add_comment(job.number, f"{first_line}\nold", job.emulator.bot_token)

    assert job.write("one", run_id=7).status == "created"
    assert job.write("two", run_id=8).status == "updated"


def test_the_pull_requests_run_of_a_commit_stays_when_the_pushs_is_newer(job: Job) -> None:
    created = job.write("compared", stamp=stamp(7))

    outcome = job.write("not compared", stamp=stamp(8, event="push"))

    assert outcome == CommentOutcome(
        status="superseded",
        sentence="The comment tells of the pull request's run of this commit: left alone.",
        url=created.url,
    )
    assert job.bodies() == ["compared"]


def test_the_pull_requests_run_of_a_commit_replaces_the_pushs_also_where_it_is_older(
    job: Job,
) -> None:
    job.write("not compared", stamp=stamp(8, event="push"))

    assert job.write("compared", stamp=stamp(7)).status == "updated"
    assert job.bodies() == ["compared"]


def test_a_push_of_a_newer_commit_replaces_what_was_said_of_the_older(job: Job) -> None:
    job.write("old", stamp=stamp(7))

    newer = stamp(8, head_sha="def456", event="push")
    assert job.write("new", stamp=newer).status == "updated"
    assert job.bodies() == ["new"]


def test_another_run_of_the_same_number_may_update(job: Job) -> None:
    """Runners that count no runs give each the number 1."""
    job.write("one", run_id=1)

    assert job.write("two", run_id=1).status == "updated"


@pytest.mark.parametrize("part", ["workflow", "job", "matrix", "label"])
def test_every_part_of_the_key_has_a_comment_of_its_own(job: Job, part: str) -> None:
    job.write("one")

    assert job.write("two", key=dataclasses.replace(KEY, **{part: "other"})).status == "created"
    assert job.bodies() == ["one", "two"]


def test_a_hostile_name_cannot_break_the_marker(job: Job) -> None:
    key = CommentKey(workflow="--> <b>", job="\n<!--", matrix='{"a":"-->"}', label="@all \ud800")
    job.write("one", key=key)

    assert job.write("two", key=key).status == "updated"
    first_line, _, rest = job.comments()[0]["body"].partition("\n")
    assert first_line.startswith("<!-- perf-smoke key=")
    assert first_line.count("-->") == 1
    assert rest == "two"


def test_hostile_text_arrives_as_it_is_and_forges_no_marker(job: Job) -> None:
    text = f"### x\n{mark(KEY, stamp(99), 'forged')}\n::error::boom\n\u202eabc \U0001f680 é\n"
    job.write(text)

    assert job.write("after").status == "updated"
    assert job.bodies() == ["after"]


def test_the_marker_of_another_author_is_not_ours(job: Job) -> None:
    copied = mark(KEY, stamp(99), "copied")
    job.emulator.add_comment(job.number, copied, job.emulator.stranger_token)

    assert job.write("ours").status == "created"
    assert job.bodies() == ["copied", "ours"]


def test_a_marker_below_the_first_line_is_not_ours(job: Job) -> None:
    quoted = "> quoting\n" + mark(KEY, stamp(99), "quoted")
    job.emulator.add_comment(job.number, quoted, job.emulator.bot_token)

    assert job.write("ours").status == "created"


def test_ours_is_found_behind_more_than_a_page_of_other_comments(job: Job) -> None:
    for number in range(120):
        job.emulator.add_comment(job.number, f"chat {number}", job.emulator.stranger_token)
    job.write("first", run_id=7)

    assert job.write("second", run_id=8).status == "updated"
    assert len(job.comments()) == 121
    assert job.bodies()[-1] == "second"
    assert all("per_page=100" in request.path for request in job.proxy.asked("GET", COMMENTS))


def test_of_our_own_copies_the_oldest_is_kept_with_the_newest_text(job: Job) -> None:
    for run_id in (3, 5, 4):
        body = mark(KEY, stamp(run_id), f"run {run_id}")
        job.emulator.add_comment(job.number, body, job.emulator.bot_token)
    oldest = _ids(job)[0]

    assert job.write("run 6", run_id=6).status == "updated"
    assert _ids(job) == [oldest]
    assert job.bodies() == ["run 6"]


def test_an_older_run_also_tidies_up_without_losing_the_newest_text(job: Job) -> None:
    for run_id in (3, 9):
        body = mark(KEY, stamp(run_id), f"run {run_id}")
        job.emulator.add_comment(job.number, body, job.emulator.bot_token)

    assert job.write("run 6", run_id=6).status == "superseded"
    assert job.bodies() == ["run 9"]


def test_a_copy_that_cannot_be_deleted_is_said_and_does_no_harm(job: Job) -> None:
    for run_id in (3, 4):
        job.emulator.add_comment(
            job.number, mark(KEY, stamp(run_id), "old"), job.emulator.bot_token
        )
    job.proxy.when("DELETE", ONE_COMMENT, answer(403))

    outcome = job.write("new", run_id=5)

    assert outcome.status == "updated"
    assert outcome.sentence.endswith("Copies of it that could not be deleted: 1.")
    assert job.bodies() == ["new", "old"]


def test_a_copy_that_another_run_deletes_first_is_no_problem(job: Job) -> None:
    for run_id in (3, 4):
        job.emulator.add_comment(
            job.number, mark(KEY, stamp(run_id), "old"), job.emulator.bot_token
        )
    job.proxy.when("DELETE", ONE_COMMENT, answer(404))

    assert job.write("new", run_id=5).sentence == "The comment was updated."


def test_a_comment_deleted_between_list_and_update_is_created_again(job: Job) -> None:
    job.write("first", run_id=7)
    job.proxy.when(
        "PATCH",
        ONE_COMMENT,
        meanwhile(lambda: job.emulator.delete_comments(job.number)),
        times=1,
    )

    assert job.write("second", run_id=8).status == "created"
    assert job.bodies() == ["second"]


def test_two_runs_that_create_at_once_end_with_one_comment(job: Job) -> None:
    both_have_listed = threading.Barrier(2)
    job.proxy.when("POST", COMMENTS, meanwhile(lambda: both_have_listed.wait(60)), times=2)

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(job.write, f"run {run_id}", run_id) for run_id in (7, 8)]
        statuses = {run.result().status for run in runs}

    assert statuses <= {"created", "updated", "unchanged", "superseded"}
    assert job.bodies() == ["run 8"]


def test_twenty_legs_that_comment_at_once_end_with_one_comment(job: Job) -> None:
    all_have_listed = threading.Barrier(20)
    job.proxy.when("POST", COMMENTS, meanwhile(lambda: all_have_listed.wait(60)), times=20)
    started = time.monotonic()

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(lambda leg: job.write(f"leg {leg}", 7), range(20)))

    assert time.monotonic() - started < 60
    assert {outcome.status for outcome in outcomes} <= {
        *("created", "updated", "unchanged", "superseded"),
    }
    assert len(job.proxy.asked("POST", COMMENTS)) == 20
    assert len(job.comments()) == 1


def test_two_processes_that_create_at_once_end_with_one_comment(job: Job) -> None:
    both_have_listed = threading.Barrier(2)
    job.proxy.when("POST", COMMENTS, meanwhile(lambda: both_have_listed.wait(60)), times=2)
    program = (
        "import sys; from perf_smoke.secret import Secret;"
        "from perf_smoke.github.comment import *; from tests.integration.github.job import *;"
        "url, number, run = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]);"
        "upsert(event_for(url, number), token=Secret('bot-token'), key=KEY, stamp=stamp(run),"
        " body=f'run {run}', policy=Policy.CREATE_OR_UPDATE)"
    )
    root = Path(__file__).parents[3]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, job.proxy.url, str(job.number), str(run_id)],
            cwd=root,
            env={"PYTHONPATH": f"{root}/src:{root}", "NO_PROXY": "127.0.0.1"},
        )
        for run_id in (7, 8)
    ]

    assert [process.wait(120) for process in processes] == [0, 0]
    assert len(job.proxy.asked("POST", COMMENTS)) == 2
    assert job.bodies() == ["run 8"]


def test_a_list_that_is_late_does_not_lead_to_a_second_comment(job: Job) -> None:
    job.proxy.when("GET", COMMENTS, answer(200, []), times=2)

    assert job.write("text").status == "created"
    assert job.bodies() == ["text"]


def test_a_list_that_fails_after_the_create_does_not_undo_it(job: Job) -> None:
    job.proxy.when("GET", COMMENTS, answer(200, []), times=1)
    job.proxy.when("GET", COMMENTS, answer(500))

    assert job.write("text").status == "created"
    assert job.bodies() == ["text"]


def test_a_long_report_is_cut_below_the_limit_and_keeps_marker_and_verdict(job: Job) -> None:
    long = "### slower by 6.8 %\n\n<details><summary>More</summary>\n\n```\n" + "a line\n" * 20_000

    assert job.write(long).status == "created"
    body = job.comments()[0]["body"]
    assert len(body) < BODY_ROOM + 200
    assert read_marked(body) is not None
    assert body.split("\n")[1] == "### slower by 6.8 %"
    assert body.count("```") == 2
    assert body.count("</details>") == 1


def test_update_only_creates_nothing_but_updates_what_is_there(job: Job) -> None:
    quiet = job.write("no change", policy=Policy.UPDATE_ONLY)
    assert quiet.status == "skipped"
    assert job.comments() == []

    job.write("slower", run_id=7)

    assert job.write("no change", run_id=8, policy=Policy.UPDATE_ONLY).status == "updated"
    assert job.bodies() == ["no change"]


def test_never_asks_nobody(job: Job) -> None:
    assert job.write(policy=Policy.NOTHING).status == "skipped"
    assert job.proxy.requests == []


def test_without_a_token_nothing_is_asked_and_the_sentence_says_what_to_give(job: Job) -> None:
    outcome = job.write(token=Secret(""))

    assert outcome.status == "no-token"
    assert "github-token" in outcome.sentence
    assert job.proxy.requests == []


def test_without_a_pull_request_nothing_is_asked(job: Job) -> None:
    outcome = job.write(event=event_for(job.proxy.url, None))

    assert outcome.status == "no-pull-request"
    assert job.proxy.requests == []


def test_without_a_repository_it_says_so(job: Job) -> None:
    event = dataclasses.replace(event_for(job.proxy.url, job.number), repository="")

    assert job.write(event=event) == CommentOutcome(
        status="failed", sentence="No comment: GITHUB_REPOSITORY does not name the repository."
    )


def test_the_input_pr_number_comes_before_the_event(job: Job) -> None:
    outcome = job.write(event=event_for(job.proxy.url, 999_999), pr_number=job.number)

    assert outcome.status == "created"
    assert job.bodies() == ["### verdict"]


def _ids(job: Job) -> list[int]:
    return [comment["id"] for comment in job.comments()]


class TestAPush:
    """A push does not say which pull request its branch belongs to."""

    def push(self, job: Job, **changes: str) -> CommentOutcome:
        given = {
            "repository": "acme/engine",
            "branch": job.pull_request.branch,
            "sha": job.pull_request.sha,
        }
        lookup = Head(**(given | changes))
        event = event_for(job.proxy.url, None)
        return job.write(event=dataclasses.replace(event, name="push", lookup=lookup))

    def test_to_the_branch_of_an_open_pull_request_writes_there(self, job: Job) -> None:
        assert self.push(job).status == "created"
        assert job.bodies() == ["### verdict"]

    def test_to_another_branch_writes_nowhere(self, job: Job) -> None:
        assert self.push(job, branch="main").status == "no-pull-request"
        assert job.proxy.asked("POST") == []

    def test_of_a_commit_that_is_not_the_pull_requests_head_writes_nowhere(self, job: Job) -> None:
        assert self.push(job, sha="0" * 40).status == "no-pull-request"

    def test_in_a_fork_with_a_branch_of_the_same_name_writes_nowhere(self, job: Job) -> None:
        assert self.push(job, repository="acme/engine-fork").status == "no-pull-request"

    def test_to_the_branch_of_a_closed_pull_request_writes_nowhere(self, job: Job) -> None:
        job.emulator.close_pull_request(job.number)

        assert self.push(job).status == "no-pull-request"

    def test_survives_a_pull_request_whose_fork_was_deleted(self, job: Job) -> None:
        head = {"ref": job.pull_request.branch, "sha": job.pull_request.sha, "repo": None}
        job.proxy.when("GET", r"/pulls\?", answer(200, [{"number": 1, "head": head}]))

        assert self.push(job).status == "no-pull-request"

    def test_offered_to_two_branches_writes_to_the_older_pull_request(self, job: Job) -> None:
        head = {
            "ref": job.pull_request.branch,
            "sha": job.pull_request.sha,
            "repo": {"full_name": "acme/engine"},
        }
        pulls = [{"number": number, "head": head} for number in (job.number + 1000, job.number)]
        job.proxy.when("GET", r"/pulls\?", answer(200, pulls))

        assert self.push(job).status == "created"
        assert job.bodies() == ["### verdict"]
