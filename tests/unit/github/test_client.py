"""What is asked again, how long is waited, and when it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from github import GithubException, RateLimitExceededException

from perf_smoke.deadline import Deadline
from perf_smoke.github.client import (
    OutOfTime,
    Patience,
    connect,
    is_rate_limit,
    may_pass,
    patiently,
    within,
)
from perf_smoke.secret import Secret

QUICK = Patience(total_s=30, pause_s=0.001)


class Failing:
    """Fails with the given errors in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def error(status: int, **headers: str) -> GithubException:
    return GithubException(status, {}, {k.replace("_", "-"): v for k, v in headers.items()})


def test_a_failure_that_may_pass_is_tried_three_times() -> None:
    assert patiently(Failing(error(502), error(500)), Deadline.within(30), QUICK) == "answer"

    call = Failing(error(502), error(503), error(500))
    with pytest.raises(GithubException) as caught:
        patiently(call, Deadline.within(30), QUICK)
    assert (call.calls, caught.value.status) == (3, 500)


@pytest.mark.parametrize(
    "failure",
    [error(401), error(403), error(404), error(422), requests.exceptions.InvalidURL("x")],
)
def test_a_failure_that_stays_is_not_tried_again(failure: Exception) -> None:
    call = Failing(failure)

    with pytest.raises(type(failure)):
        patiently(call, Deadline.within(30), QUICK)
    assert call.calls == 1


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (error(500), True),
        (error(429), True),
        (error(403, retry_after="5"), True),
        (RateLimitExceededException(403, {}, None), True),
        (requests.ConnectionError(), True),
        (requests.ReadTimeout(), True),
        (requests.exceptions.ChunkedEncodingError(), True),
        (error(403), False),
        (requests.exceptions.MissingSchema(), False),
        (ValueError(), False),
    ],
)
def test_which_failures_may_pass(failure: Exception, expected: bool) -> None:
    assert may_pass(failure) is expected


def test_a_missing_permission_is_no_rate_limit() -> None:
    assert not is_rate_limit(GithubException(403, {}, None))


@pytest.mark.parametrize(
    "failure",
    [
        error(429, retry_after="3600"),
        error(503, retry_after="31"),
        RateLimitExceededException(403, {}, {}),
    ],
)
def test_a_wait_beyond_the_deadline_is_not_begun(failure: Exception) -> None:
    call = Failing(failure)
    started = time.monotonic()

    with pytest.raises(type(failure)):
        patiently(call, Deadline.within(30), QUICK)
    assert call.calls == 1
    assert time.monotonic() - started < 20


def test_a_retry_after_that_is_a_date_counts_as_none() -> None:
    date = "Mon, 23 Nov 2026 08:00:00 GMT"

    assert patiently(Failing(error(503, retry_after=date)), Deadline.within(30), QUICK) == "answer"


def test_after_the_deadline_nothing_is_asked() -> None:
    call = Failing()

    with pytest.raises(OutOfTime):
        patiently(call, Deadline.within(0), QUICK)
    assert call.calls == 0


def test_work_that_does_not_end_is_left() -> None:
    with pytest.raises(OutOfTime):
        within(0.05, lambda: time.sleep(1))
    assert within(30, lambda: "answer") == "answer"


@pytest.mark.parametrize("show", [repr, str, lambda github: str(vars(github))])
def test_the_client_shows_no_token(show: Callable[[Any], str]) -> None:
    with connect(Secret("ghs_0123secret"), "http://127.0.0.1:9", QUICK) as github:
        assert "ghs_0123secret" not in show(github)
