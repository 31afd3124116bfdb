"""What becomes of the pull-request comment, in one call that never raises and ends in time.

Imports PyGithub through client.py: import this module after the measuring.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import requests
from github import Github, GithubException

from perf_smoke.deadline import Deadline
from perf_smoke.github.client import (
    OutOfTime,
    Patience,
    connect,
    is_rate_limit,
    patiently,
    within,
)
from perf_smoke.github.event import Event
from perf_smoke.github.marker import CommentKey, Stamp, mark
from perf_smoke.github.pulls import find_pull_request
from perf_smoke.github.shorten import shorten
from perf_smoke.github.sticky import CommentOutcome, Policy, Sticky
from perf_smoke.printable import one_line
from perf_smoke.result import CommentWhen, Result
from perf_smoke.secret import Secret

__all__ = [
    "BODY_ROOM",
    "PATIENCE",
    "CommentOutcome",
    "Policy",
    "head_of_pull_request",
    "policy_for",
    "upsert",
]

Answer = TypeVar("Answer")

BODY_ROOM = 60_000
"""Of the 65,536 characters that a comment may have; the marker comes on top."""

JOB_TOKEN_LOGIN = "github-actions[bot]"  # noqa: S105 - the name of an account
"""Who a job's own GITHUB_TOKEN writes as."""

PATIENCE = Patience()

_NO_REPOSITORY = "GITHUB_REPOSITORY does not name the repository."
_TOKENLESS = (
    "No comment: `github-token` is empty. Give it `${{ github.token }}`, or say `comment: never`."
)


def policy_for(when: CommentWhen, result: Result) -> Policy:
    """What the input `comment` means for this result.

    `changes` creates a comment for what someone should look at (slower, faster, not comparable,
    not measured), but not for a run that was cancelled; it updates an existing one all the same.
    """
    if when == "never":
        return Policy.NOTHING
    if result.status == "measured":
        needs_a_look = any(
            comparison.verdict in ("slower", "faster", "not-comparable")
            for comparison in result.comparisons
        )
    else:
        needs_a_look = result.status != "cancelled"
    return Policy.CREATE_OR_UPDATE if when == "always" or needs_a_look else Policy.UPDATE_ONLY


def upsert(
    event: Event,
    *,
    token: Secret,
    key: CommentKey,
    stamp: Stamp,
    body: str,
    policy: Policy,
    pr_number: int | None = None,
    patience: Patience = PATIENCE,
) -> CommentOutcome:
    """Create or update the comment that has this key. Never raises.

    Args:
        event: where the comment goes: the API's address, the repository, the pull request.
        token: of the account that writes.
        key: what the comment is about.
        stamp: the run that the text tells of.
        body: markdown, its verdict in the first lines; cut at BODY_ROOM.
        policy: what may be written.
        pr_number: instead of the event's pull request.
        patience: bounds the time of the whole call.
    """
    if policy is Policy.NOTHING:
        return CommentOutcome(status="skipped", sentence="No comment was wanted.")
    where = pr_number or event.pull_request or event.lookup
    if where is None:
        return _no_pull_request()

    def write(github: Github, deadline: Deadline) -> CommentOutcome:
        number = (
            where
            if isinstance(where, int)
            else find_pull_request(github, event.repository, where, deadline, patience)
        )
        if number is None:
            return _no_pull_request()
        return Sticky(
            issue=github.get_repo(event.repository).get_issue(number),
            author=_author(github, deadline, patience),
            digest=key.digest,
            stamp=stamp,
            body=mark(key, stamp, shorten(body, BODY_ROOM)),
            may_create=policy is Policy.CREATE_OR_UPDATE,
            deadline=deadline,
            patience=patience,
            began=event.began,
        ).settle()

    return _asked(write, event, token, patience)


def head_of_pull_request(
    event: Event, *, token: Secret, number: int, patience: Patience
) -> str | CommentOutcome:
    """The commit that a pull request ends with now; where that cannot be had, why there will be no
    comment on it. Never raises."""

    def read(github: Github, deadline: Deadline) -> str:
        pull = github.get_repo(event.repository).get_pull(number)
        return patiently(lambda: pull.head.sha, deadline, patience)

    return _asked(read, event, token, patience)


def _asked(
    ask: Callable[[Github, Deadline], Answer], event: Event, token: Secret, patience: Patience
) -> Answer | CommentOutcome:
    """What GitHub answers; where it cannot be asked, why there will be no comment. Never raises."""
    if not event.repository:
        return _failed(_NO_REPOSITORY)
    if not token:
        return CommentOutcome(status="no-token", sentence=_TOKENLESS)
    deadline = Deadline.within(patience.total_s)

    def work() -> Answer | CommentOutcome:
        try:
            with connect(token, event.api_url, patience, event.ca_bundle) as github:
                return ask(github, deadline)
        # PyGithub also raises AssertionError, RuntimeError, TypeError, … on answers that it did
        # not expect, and no comment is worth the job.
        except Exception as error:  # noqa: BLE001 - said in the log, with its kind
            return _explained(error, event, patience)

    try:
        return within(deadline.left_s, work)
    except OutOfTime as error:
        return _explained(error, event, patience)


def _author(github: Github, deadline: Deadline, patience: Patience) -> str:
    """Login of the token's account, as the author of its comments."""
    try:
        return patiently(lambda: github.get_user().login, deadline, patience)
    except GithubException as error:
        if error.status != 403:
            raise
    # The token of an app, as the job's own is one, has no user; GraphQL names its bot.
    query = "query { viewer { login } }"
    try:
        _, answer = patiently(lambda: github.requester.graphql_query(query, {}), deadline, patience)
        login = str(answer["data"]["viewer"]["login"])
    except (GithubException, KeyError, TypeError):
        return JOB_TOKEN_LOGIN
    return login if login.endswith("[bot]") else f"{login}[bot]"


def _explained(error: Exception, event: Event, patience: Patience) -> CommentOutcome:
    """What stood in the way, and what to do about it."""
    if isinstance(error, GithubException):
        return _refused(error, event)
    if isinstance(error, OutOfTime):
        return _failed(f"{event.api_url} did not finish within {patience.total_s:g} s.")
    if isinstance(error, requests.exceptions.SSLError):
        return _failed(
            f"the certificate of {event.api_url} is not trusted: name the file of your own "
            "certificates in SSL_CERT_FILE."
        )
    if isinstance(error, requests.RequestException):
        return _failed(f"{event.api_url} could not be reached ({type(error).__name__}).")
    if isinstance(error, OSError):  # a file of certificates that is not there
        return _failed(f"{event.api_url} could not be asked: {one_line(str(error), 200)}.")
    return _failed(f"{event.api_url} answered something unexpected ({type(error).__name__}).")


def _refused(error: GithubException, event: Event) -> CommentOutcome:
    said = f"({error.status}{_message(error)})"
    if is_rate_limit(error):
        return _failed(f"GitHub asks to come back later {said}. The next run tries again.")
    if error.status == 401:
        return _forbidden(f"GitHub refused `github-token` {said}: it is wrong or has expired.")
    if error.status == 403 and "is locked" in _message(error):
        return _forbidden(f"the conversation is locked {said}. The job summary has the report.")
    if error.status == 403:
        return _forbidden(f"the token may not write comments {said}. " + _permission(event))
    if error.status == 404:
        return _failed(f"{event.repository} has no such pull request that the token sees {said}.")
    return _failed(f"GitHub's API answered with an error {said}.")


def _permission(event: Event) -> str:
    """What a 403 needs. Said of forks either way: a push event does not tell of them."""
    fork = "a pull request from a fork always gets a token that may only read"
    if event.from_fork:
        return f"That is as it should be: {fork}. The job summary has the report."
    return f"Give the job `permissions: pull-requests: write`; {fork}."


def _message(error: GithubException) -> str:
    """What the API said, short, as the continuation of a sentence."""
    said = error.data.get("message") if isinstance(error.data, dict) else None
    text = one_line(str(said or ""), 200).rstrip(".")
    return f": {text}" if text else ""


def _no_pull_request() -> CommentOutcome:
    return CommentOutcome(
        status="no-pull-request", sentence="No comment: this run belongs to no open pull request."
    )


def _forbidden(why: str) -> CommentOutcome:
    return CommentOutcome(status="forbidden", sentence=f"No comment: {why}")


def _failed(why: str) -> CommentOutcome:
    return CommentOutcome(status="failed", sentence=f"No comment: {why}")
