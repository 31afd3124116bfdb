"""Whatever GitHub does, the call returns in time with a status and a sentence."""

from __future__ import annotations

import dataclasses
import time

import pytest

from perf_smoke.github.client import Patience
from perf_smoke.github.comment import CommentOutcome
from perf_smoke.secret import Secret
from tests.emulator.proxy import (
    Fault,
    after_write,
    answer,
    cut,
    delay,
    drop,
    hang,
    nothing,
    page,
    reset,
    trickle,
)
from tests.integration.github.job import QUICK, Job, event_for

COMMENTS = r"/issues/\d+/comments(\?|$)"
ONE_COMMENT = r"/issues/comments/\d+$"

FORBIDDEN = answer(403, {"message": "Resource not accessible by integration"})
RATE_LIMIT = answer(403, {"message": "You have exceeded a secondary rate limit. Please wait."})

SHORT = Patience(request_s=1, total_s=2.5, tries=2, pause_s=0.01)


def test_a_token_that_may_only_read_is_told_which_permission_is_missing(job: Job) -> None:
    job.proxy.when("POST", COMMENTS, FORBIDDEN)

    outcome = job.write()

    assert outcome.status == "forbidden"
    assert "`permissions: pull-requests: write`" in outcome.sentence
    assert "fork" in outcome.sentence
    assert "(403: Resource not accessible by integration)" in outcome.sentence
    assert len(job.proxy.asked("POST")) == 1


def test_a_fork_pull_request_is_told_that_this_is_as_it_should_be(job: Job) -> None:
    job.proxy.when("POST", COMMENTS, FORBIDDEN)
    event = dataclasses.replace(event_for(job.proxy.url, job.number), from_fork=True)

    outcome = job.write(event=event)

    assert outcome.status == "forbidden"
    assert "a pull request from a fork always gets a token that may only read" in outcome.sentence
    assert "job summary" in outcome.sentence


def test_a_token_that_github_refuses_is_called_wrong_or_expired(job: Job) -> None:
    job.proxy.when("GET", r".", answer(401, {"message": "Bad credentials"}))

    outcome = job.write()

    assert outcome.status == "forbidden"
    assert "(401: Bad credentials): it is wrong or has expired" in outcome.sentence


def test_a_pull_request_that_is_not_there_is_named_so(job: Job) -> None:
    job.proxy.when("GET", COMMENTS, answer(404, {"message": "Not Found"}))

    outcome = job.write()

    assert outcome.status == "failed"
    assert "acme/engine has no such pull request" in outcome.sentence


def test_a_comment_that_github_refuses_is_not_sent_twice(job: Job) -> None:
    job.proxy.when("POST", COMMENTS, answer(422, {"message": "Body is too long."}))

    outcome = job.write()

    assert outcome.status == "failed"
    assert outcome.sentence.endswith("(422: Body is too long).")
    assert len(job.proxy.asked("POST")) == 1


def test_a_comment_that_keeps_vanishing_ends_as_failed(job: Job) -> None:
    job.write("first", run_id=7)
    job.proxy.when("PATCH", ONE_COMMENT, answer(404, {"message": "Not Found"}))

    assert job.write("second", run_id=8).status == "failed"


@pytest.mark.parametrize("status", [429, 500, 502, 503])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/user$"), ("GET", COMMENTS), ("PATCH", ONE_COMMENT)]
)
def test_what_may_be_asked_again_is(job: Job, method: str, path: str, status: int) -> None:
    job.write("first", run_id=7)
    job.proxy.when(method, path, answer(status), times=2)

    assert job.write("second", run_id=8).status == "updated"
    assert job.bodies() == ["second"]


def test_a_short_retry_after_is_waited_for(job: Job) -> None:
    job.proxy.when("GET", COMMENTS, answer(429, headers={"Retry-After": "1"}), times=1)
    started = time.monotonic()

    assert job.write().status == "created"
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(answer(429, headers={"Retry-After": "3600"}), id="429"),
        pytest.param(answer(403, headers={"Retry-After": "3600"}), id="403"),
        pytest.param(RATE_LIMIT, id="secondary rate limit"),
        pytest.param(answer(403, {"message": "API rate limit exceeded for 1.2.3.4"}), id="primary"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_long_wait_is_not_waited_for_and_not_called_a_permission(
    job: Job, method: str, fault: Fault
) -> None:
    job.proxy.when(method, COMMENTS, fault)

    outcome = job.write()

    assert outcome.status == "failed"
    assert "come back later" in outcome.sentence
    assert len(job.proxy.asked(method, COMMENTS)) == 1


@pytest.mark.parametrize("fault", [answer(502), drop], ids=["502", "dropped"])
def test_a_create_that_was_carried_out_all_the_same_is_not_repeated(job: Job, fault: Fault) -> None:
    job.proxy.when("POST", COMMENTS, after_write(fault))

    assert job.write("text").status == "created"
    assert job.bodies() == ["text"]
    assert len(job.proxy.asked("POST")) == 1


def test_a_create_that_timed_out_but_was_carried_out_is_not_repeated(job: Job) -> None:
    job.proxy.when("POST", COMMENTS, after_write(hang))
    patience = dataclasses.replace(QUICK, request_s=3)

    assert job.write("text", patience=patience).status == "created"
    assert job.bodies() == ["text"]


@pytest.mark.parametrize("fault", [answer(502), drop], ids=["502", "dropped"])
def test_a_create_that_was_not_carried_out_is_tried_once_more(job: Job, fault: Fault) -> None:
    job.proxy.when("POST", COMMENTS, fault, times=1)

    assert job.write("text").status == "created"
    assert job.bodies() == ["text"]


def test_after_the_second_failed_create_it_looks_once_more_and_gives_up(job: Job) -> None:
    job.proxy.when("POST", COMMENTS, answer(502, {"message": "Bad\n gateway"}))

    outcome = job.write()

    assert outcome == CommentOutcome(
        status="failed",
        sentence="No comment: GitHub's API answered with an error (502: Bad gateway).",
    )
    assert len(job.proxy.asked("POST")) == 2
    assert job.comments() == []


def test_a_second_create_that_was_carried_out_is_found_too(job: Job) -> None:
    job.proxy.when("POST", COMMENTS, answer(502), times=1)
    job.proxy.when("POST", COMMENTS, after_write(answer(502)), times=1)

    assert job.write("text").status == "created"
    assert job.bodies() == ["text"]


def test_an_api_that_refuses_connections_is_named_unreachable(job: Job, refused_url: str) -> None:
    outcome = job.write(event=event_for(refused_url, job.number))

    assert outcome.status == "failed"
    assert f"{refused_url} could not be reached (ConnectionError)" in outcome.sentence


def test_an_api_whose_name_does_not_exist_is_named_unreachable(job: Job) -> None:
    outcome = job.write(event=event_for("http://nowhere.invalid", job.number))

    assert outcome.status == "failed"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/user$"), ("GET", COMMENTS), ("POST", COMMENTS)]
)
def test_an_api_that_hangs_is_left_in_time(job: Job, method: str, path: str) -> None:
    job.proxy.when(method, path, hang)

    outcome, took_s = _timed(job)

    assert outcome.status == "failed"
    assert took_s < 20


def test_a_request_that_hangs_once_is_asked_again(job: Job) -> None:
    job.proxy.when("GET", COMMENTS, hang, times=1)

    # The client's own default of 15 s would take it all.
    assert job.write(patience=Patience(request_s=2, total_s=14, pause_s=0.01)).status == "created"


def test_an_answer_that_never_ends_is_left_in_time(job: Job) -> None:
    job.proxy.when("GET", COMMENTS, trickle(0.05))

    outcome, took_s = _timed(job)

    assert outcome.status == "failed"
    assert outcome.sentence.endswith("did not finish within 2.5 s.")
    assert took_s < 20


def test_after_its_time_no_further_request_is_started(job: Job) -> None:
    job.proxy.when("GET", COMMENTS, delay(3))

    outcome = job.write(patience=dataclasses.replace(SHORT, request_s=60))
    time.sleep(2)  # longer than the delayed answer takes from here

    assert outcome.status == "failed"
    assert job.proxy.asked("POST") == []


def test_a_slow_api_is_no_failure(job: Job) -> None:
    job.proxy.when("GET", COMMENTS, delay(0.3), times=1)

    assert job.write().status == "created"


@pytest.mark.parametrize(
    "body", ["<html>proxy login</html>", None, 5, [[]], {"message": ["x"]}, [{"id": "x"}]]
)
@pytest.mark.parametrize("status", [200, 302, 418])
@pytest.mark.parametrize("path", ["/user$", COMMENTS])
def test_no_answer_makes_it_raise(job: Job, path: str, status: int, body: object) -> None:
    job.proxy.when("GET", path, answer(status, body))

    assert job.write().status in ("failed", "created")


def test_a_redirect_to_another_host_is_not_followed(job: Job, refused_url: str) -> None:
    elsewhere = {"Location": refused_url.replace("127.0.0.1", "localhost")}
    job.proxy.when("GET", COMMENTS, answer(301, headers=elsewhere))

    outcome = job.write()

    assert outcome.status == "failed"
    assert "something unexpected (RuntimeError)" in outcome.sentence


@pytest.mark.parametrize("status", [401, 403, 404, 422, 500])
def test_the_token_is_in_no_sentence_and_in_no_log(
    job: Job, status: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    job.proxy.when("POST", COMMENTS, answer(status))

    outcome = job.write(token=Secret("ghs_0123456789secret"))

    printed = capfd.readouterr()
    everything = repr(outcome) + caplog.text + printed.out + printed.err
    assert "ghs_0123456789secret" not in everything


LATER = "GitHub asks to come back later"
AS_ANSWERED = {
    "gone (410)": (answer(410, {"message": "This issue was deleted"}), "failed", "410"),
    "locked": (
        answer(403, {"message": "Unable to create comment because issue is locked."}),
        "forbidden",
        "the conversation is locked",
    ),
    "abuse": (
        answer(
            403,
            {
                "message": "You have triggered an abuse detection mechanism. Please wait a few "
                "minutes before you try again."
            },
        ),
        "failed",
        LATER,
    ),
    "429 without Retry-After": (
        answer(429, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4000000000"}),
        "failed",
        LATER,
    ),
    "access to fine-grained tokens refused": (
        answer(403, {"message": "Resource not accessible by personal access token"}),
        "forbidden",
        "pull-requests: write",
    ),
    "single sign-on": (
        answer(403, {"message": "Resource protected by organization SAML enforcement."}),
        "forbidden",
        "SAML enforcement",
    ),
    "blocked user": (answer(422, {"message": "User is blocked"}), "failed", "User is blocked"),
    "conflict": (answer(409, {"message": "Conflict"}), "failed", "409"),
    "legal reasons": (answer(451, {"message": "Repository access blocked"}), "failed", "451"),
    "bad gateway for people": (page(502), "failed", "502"),
    "not found for people": (page(404), "failed", "404"),
    "log-in for people": (page(200), "failed", "unexpected"),
    "nothing but 200": (nothing(200), "created", "created"),
    "nothing but 204": (nothing(204), "created", "created"),
    "nothing but 500": (nothing(500), "failed", "500"),
    "cut short": (cut, "failed", "could not be reached"),
    "reset": (reset, "failed", "could not be reached"),
    "a way in a circle": (
        answer(302, headers={"Location": "/repos/acme/engine/issues/1/comments"}),
        "failed",
        "",
    ),
}
"""What GitHub, or what stands before it, answers to a list of comments: what comes of it, and words
of the sentence."""


@pytest.mark.parametrize("row", AS_ANSWERED)
def test_each_answer_comes_to_a_status_and_a_sentence(job: Job, row: str) -> None:
    fault, status, words = AS_ANSWERED[row]
    job.proxy.when("GET", COMMENTS, fault)
    outcome = job.write()
    assert outcome.status == status, outcome
    assert words in outcome.sentence
    assert "html" not in outcome.sentence.lower()
    assert len(job.comments()) == (status == "created")


@pytest.mark.parametrize("row", AS_ANSWERED)
def test_each_answer_to_a_create_leaves_one_comment_at_most(job: Job, row: str) -> None:
    fault, status, _ = AS_ANSWERED[row]
    job.proxy.when("POST", COMMENTS, fault)
    outcome = job.write()
    assert outcome.status == ("forbidden" if status == "forbidden" else "failed"), outcome
    assert outcome.sentence
    job.proxy.heal()
    assert job.write(run_id=8).status in ("created", "updated")
    assert len(job.comments()) == 1


class TestAnAppsToken:
    """GET /user refuses the token of an app; GraphQL names its bot."""

    @pytest.fixture(autouse=True)
    def no_user(self, job: Job) -> None:
        job.proxy.when("GET", "/user$", FORBIDDEN)

    def name_the_viewer(self, job: Job, login: object) -> None:
        job.proxy.when("POST", "/graphql$", answer(200, {"data": {"viewer": login}}))

    @pytest.mark.parametrize("login", ["github-actions[bot]", "github-actions"])
    def test_finds_its_comment_by_the_name_of_its_bot(self, job: Job, login: str) -> None:
        self.name_the_viewer(job, {"login": login})
        job.write("first", run_id=7)

        assert job.write("second", run_id=8).status == "updated"
        assert job.bodies() == ["second"]

    def test_of_another_app_does_not_touch_the_comments_of_the_jobs_own(self, job: Job) -> None:
        self.name_the_viewer(job, {"login": "github-actions[bot]"})
        job.write("first", run_id=7)
        job.proxy.heal()
        job.proxy.when("GET", "/user$", FORBIDDEN)
        self.name_the_viewer(job, {"login": "acme-app[bot]"})

        assert job.write("second", run_id=8).status == "created"
        assert job.bodies() == ["first", "second"]

    def test_is_taken_for_the_jobs_own_where_graphql_does_not_answer(self, job: Job) -> None:
        job.write("first", run_id=7)

        assert job.write("second", run_id=8).status == "updated"

    def test_is_taken_for_the_jobs_own_where_graphql_answers_nonsense(self, job: Job) -> None:
        self.name_the_viewer(job, None)
        job.write("first", run_id=7)

        assert job.write("second", run_id=8).status == "updated"


def _timed(job: Job) -> tuple[CommentOutcome, float]:
    started = time.monotonic()
    outcome = job.write(patience=SHORT)
    return outcome, time.monotonic() - started


def test_the_default_patience_stays_below_half_a_minute() -> None:
    assert Patience().total_s <= 30
