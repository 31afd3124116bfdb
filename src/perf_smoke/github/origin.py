"""Is a document one of the run that the event is about?

What a document says of itself may be made up by whoever wrote it: this keeps accidents out, such as
a file of yesterday's in a folder that is kept, or a checkout of another commit, and no forgery.
"""

from __future__ import annotations

from perf_smoke.github.event import PULL_REQUEST_EVENTS, Event
from perf_smoke.result import Result, Side

_ABOUT_A_COMMIT = (*PULL_REQUEST_EVENTS, "issue_comment", "push", "merge_group")
"""A run that somebody or the clock started may well be about two tags."""


def why_not_of(event: Event, head_sha: str, result: Result) -> str:
    """Why it is not shown, as the end of a sentence; empty when it is one.

    Args:
        head_sha: the commit that the event is about; empty where it is not known.
    """
    leg, head = result.leg, result.head
    if leg and leg.run_id != event.measured_run_id:
        return f"is of run {leg.run_id}, and this is about run {event.measured_run_id}"
    if (event.measured_event or event.name) not in _ABOUT_A_COMMIT:
        return ""
    # Without a program of its own nothing was checked out: what the job itself was about counts.
    of_the_job = Side(commit=leg.head_sha if leg else "")
    measured = head if head and head.commit else of_the_job
    if measured.is_code_of(head_sha):
        return ""
    return f"is of commit `{measured.commit[:12]}`, and this is about `{head_sha[:12]}`"
