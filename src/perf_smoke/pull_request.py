"""Is what was measured the code of the pull request that the run is about?"""

from __future__ import annotations

from perf_smoke.result import Failure, Side


def of_another(head: Side | None, pull_request_head: str) -> Failure | None:
    """Why nothing that was measured tells of a pull request: another commit is checked out. None
    where it does, and where one of the two is not known.

    Args:
        head: the side that was measured.
        pull_request_head: the commit that the pull request is about.
    """
    if head is None or head.is_code_of(pull_request_head):
        return None
    return Failure(
        reason="other-checkout",
        sentence=f"{head.commit[:12]} is checked out, which is neither the pull request's head "
        f"{pull_request_head[:12]} nor a merge of it, so that no number here is of the pull "
        "request. Measure on the event `pull_request`, or give the checkout step "
        "`ref: ${{ github.event.pull_request.head.sha }}`.",
    )
