"""How is the GitHub API asked, so that no answer of it can hold the job up or write twice?

Imports PyGithub and requests: import this module after the measuring.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import requests
from github import Auth, Github, GithubException, RateLimitExceededException

from perf_smoke.deadline import Deadline
from perf_smoke.secret import Secret

T = TypeVar("T")

API_ERRORS = (GithubException, requests.RequestException)
"""What PyGithub raises when the API, or the way to it, fails."""

# GitHub asks for a minute where a secondary rate limit names no time of its own.
_SECONDARY_RATE_LIMIT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long the API is waited for."""

    request_s: int = 5
    """For a connection, and then for each piece of the answer (whole seconds: PyGithub's)."""
    total_s: float = 25.0
    """For everything together."""
    tries: int = 3
    """Per request, where it may be repeated."""
    pause_s: float = 0.5
    """Before the second try; doubled before each further one."""


class OutOfTime(Exception):
    """The time for talking to GitHub is used up."""


def in_time(deadline: Deadline) -> None:
    """Raise OutOfTime once it has passed."""
    if not deadline.left_s:
        raise OutOfTime


def connect(token: Secret, api_url: str, patience: Patience, ca_bundle: str = "") -> Github:
    """A client that asks once: what may be asked again goes through `patiently`.

    PyGithub's own retries are off, because they repeat a POST that may have been carried out,
    and wait as long as Retry-After says.

    Args:
        ca_bundle: file of the certificates to trust; empty: the usual ones. Of the variables that
            name one, requests does not know SSL_CERT_FILE.
    """
    return Github(
        auth=Auth.Token(token.reveal()),
        base_url=api_url,
        timeout=patience.request_s,
        verify=ca_bundle or True,
        retry=None,
        per_page=100,
        user_agent="perf-smoke-action",
        seconds_between_requests=None,
        seconds_between_writes=None,
        lazy=True,
    )


def patiently(call: Callable[[], T], deadline: Deadline, patience: Patience) -> T:
    """Make a call that may be repeated (never a create), again when the failure may pass.

    Raises:
        OutOfTime: before a try that would start after the deadline.
        GithubException, requests.RequestException: the last failure, when it does not pass, or
            when waiting as long as the API asks for would take longer than is left.
    """
    pause_s = patience.pause_s
    for _ in range(patience.tries - 1):
        in_time(deadline)
        try:
            return call()
        except API_ERRORS as error:
            if not may_pass(error) or not wait_for(error, pause_s, deadline):
                raise
        pause_s *= 2
    in_time(deadline)
    return call()


def may_pass(error: Exception) -> bool:
    """Whether a failure says nothing about the request itself.

    After such a failure of a create, it is also unknown whether the server carried it out.
    """
    if isinstance(error, GithubException):
        return error.status >= 500 or is_rate_limit(error)
    return isinstance(
        error,
        requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError,
    )


def wait_for(error: Exception, pause_s: float, deadline: Deadline) -> bool:
    """Wait before the next try, as long as the API asks for and at least `pause_s`.

    Returns:
        False, at once, when that would take longer than is left.
    """
    wait_s = max(pause_s, _asked_for_s(error))
    if wait_s >= deadline.left_s:
        return False
    time.sleep(wait_s)
    return True


def is_rate_limit(error: GithubException) -> bool:
    """Whether the API asks to come back later."""
    if isinstance(error, RateLimitExceededException) or error.status == 429:
        return True
    return error.status == 403 and "retry-after" in (error.headers or {})


def within(limit_s: float, work: Callable[[], T]) -> T:
    """Run work that never raises, and stop waiting for it after `limit_s` seconds.

    The timeouts of requests cover neither the look-up of a name nor an answer that comes byte
    by byte. The thread is a daemon's: whatever it still waits for ends with the process.

    Raises:
        OutOfTime: it did not finish in time.
    """
    answers: queue.SimpleQueue[T] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(work()), daemon=True, name="github").start()
    try:
        return answers.get(timeout=limit_s)
    except queue.Empty:
        raise OutOfTime from None


def _asked_for_s(error: Exception) -> float:
    """How long the API asks to wait."""
    if not isinstance(error, GithubException):
        return 0.0
    asked = (error.headers or {}).get("retry-after", "")
    if asked.isdecimal():
        return float(asked)
    return _SECONDARY_RATE_LIMIT_S if isinstance(error, RateLimitExceededException) else 0.0
