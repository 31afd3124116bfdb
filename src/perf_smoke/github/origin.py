"""Is a document one of the run that the event is about?

What a document says of itself may be made up by whoever wrote it: this keeps accidents out, such as
a file of yesterday's in a folder that is kept, or a checkout of another commit, and no forgery.
"""

from __future__ import annotations

from perf_smoke.github.event import PULL_REQUEST_EVENTS, Event
from perf_smoke.result import Result

_ABOUT_A_COMMIT = (*PULL_REQUEST_EVENTS, "push", "merge_group")
"""A run that somebody or the clock started may well be about two tags."""


def why_not_of(event: Event, result: Result) -> str:
    """Why it is not shown, as the end of a sentence; empty when it is one."""
    leg, head = result.leg, result.head
    if leg and leg.run_id != event.measured_run_id:
        return f"is of run {leg.run_id}, and this is about run {event.measured_run_id}"
    commits = {head.commit, *head.parents} if head and head.commit else set()
    # Without a program of its own nothing was checked out: what the job itself was about counts.
    named = commits or ({leg.head_sha} if leg and leg.head_sha else set())
    about_a_commit = (event.measured_event or event.name) in _ABOUT_A_COMMIT
    if about_a_commit and event.head_sha and named and event.head_sha not in named:
        first = head.commit if head and head.commit else next(iter(named))
        return f"is of commit `{first[:12]}`, and this is about `{event.head_sha[:12]}`"
    return ""
