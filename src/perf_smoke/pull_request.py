"""Is what was measured the code of the pull request that the run is about?"""

from __future__ import annotations

from perf_smoke.result import Failure, Side

_HEAD = "${{ github.event.pull_request.head.sha }}"
_REFS = {
    "pull_request_target": _HEAD,
    "issue_comment": "refs/pull/${{ github.event.issue.number }}/merge",
    "workflow_run": "${{ github.event.workflow_run.head_sha }}",
}
"""By the name of an event, what the checkout step must be given to check out its pull request."""


def of_another(head: Side | None, pull_request_head: str, event: str) -> Failure | None:
    """Why nothing that was measured tells of a pull request: another commit is checked out. None
    where it does, and where one of the two is not known.

    Args:
        head: the side that was measured.
        pull_request_head: the commit that the pull request is about.
        event: by its name, what started the run.
    """
    if head is None or head.is_code_of(pull_request_head):
        return None
    return Failure(
        reason="other-checkout",
        sentence=f"{head.commit[:12]} is checked out, which is neither the pull request's head "
        f"{pull_request_head[:12]} nor a merge of it, so that no number here is of the pull "
        f"request. {_remedy(event)}",
    )


def _remedy(event: str) -> str:
    if event == "pull_request":
        return f"Give the checkout step `ref: {_HEAD}`."
    ref = f"give the checkout step `ref: {_REFS[event]}`." if event in _REFS else "check it out."
    return f"Measure on `pull_request`, or {ref}"
