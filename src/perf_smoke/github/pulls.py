"""Which pull request does a run belong to whose event does not say?

A push and a `workflow_run` name a branch and a commit. The open pull request whose head is
exactly that commit of that branch of that repository is the one; a commit may also lie in other
pull requests (stacked branches), and those are not meant. Nothing here reads an artifact.
"""

from __future__ import annotations

from github import Github
from github.PullRequest import PullRequest

from perf_smoke.deadline import Deadline
from perf_smoke.github.client import Patience, in_time, patiently
from perf_smoke.github.event import Head


def find_pull_request(
    github: Github, repository: str, head: Head, deadline: Deadline, patience: Patience
) -> int | None:
    """The number of the open pull request of `repository` with this head; None without one.

    Of several (one branch offered to two others) the oldest.

    Raises:
        OutOfTime, GithubException, requests.RequestException: see `patiently`.
    """
    owner = head.repository.partition("/")[0]

    def numbers() -> list[int]:
        found = []
        pulls = github.get_repo(repository).get_pulls(state="open", head=f"{owner}:{head.branch}")
        for pull in pulls:
            in_time(deadline)
            if _is_at(pull, head):
                found.append(pull.number)
        return found

    return min(patiently(numbers, deadline, patience), default=None)


def _is_at(pull: PullRequest, head: Head) -> bool:
    """Two forks of one owner may have a branch of the same name."""
    # The API gives null for the repository of a deleted fork, whatever PyGithub's types say.
    repository = getattr(pull.head.repo, "full_name", None)
    return pull.head.sha == head.sha and repository == head.repository
