"""Which comment is ours, and which run wrote it: the hidden marker on a comment's first line.

`<!-- perf-smoke key=… sha=… run=… attempt=… event=… -->`. The key is a hash, so that no name of a
workflow, job, matrix value or label can end the marker early or forge another one's.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from perf_smoke.github.event import PULL_REQUEST_EVENTS, Event

FARTHEST_RUN = 10**10
"""So far apart are no two ids of runs of which one can still be under way when the other ends."""

_MARKER = re.compile(
    r"<!-- perf-smoke key=(?P<key>[0-9a-f]{32}) sha=(?P<sha>[0-9a-f]{0,64})"
    r" run=(?P<run>[0-9]{1,20}) attempt=(?P<attempt>[0-9]{1,10}) event=(?P<event>[a-z_]{0,64}) -->"
)


@dataclass(frozen=True, kw_only=True)
class CommentKey:
    """What gets a comment of its own. Any text is safe in it."""

    workflow: str
    job: str
    matrix: str
    label: str

    @property
    def digest(self) -> str:
        """32 hexadecimal digits: SHA-256 of the parts as a JSON array, shortened."""
        parts = json.dumps([self.workflow, self.job, self.matrix, self.label])
        return hashlib.sha256(parts.encode()).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """Which run a comment tells of."""

    head_sha: str
    run_id: int
    run_attempt: int
    event: str
    """What started it: `push`, `pull_request`, …"""

    @property
    def order(self) -> tuple[int, int]:
        """Greater is newer. Ids of runs grow over time; a re-run keeps its id, so that a re-run
        of an old commit stays older than the runs that came after it."""
        return self.run_id, self.run_attempt

    def gives_way_to(self, other: Stamp) -> bool:
        """Whether it tells of the push of a commit, and the other of the pull request with this
        very commit: only that one knows the base to compare with."""
        return (
            self.event == "push"
            and other.event in PULL_REQUEST_EVENTS
            and self.head_sha == other.head_sha != ""
        )


@dataclass(frozen=True, kw_only=True)
class Marked:
    """A comment's text, taken apart."""

    digest: str
    stamp: Stamp
    text: str
    """The body without the marker line."""


def key_of(event: Event, label: str) -> CommentKey:
    """The comment that this job with this label writes."""
    return CommentKey(workflow=event.workflow, job=event.job, matrix=event.matrix, label=label)


def stamp_of(event: Event) -> Stamp:
    """The run that the comment will tell of."""
    return Stamp(
        head_sha=event.head_sha,
        run_id=event.measured_run_id,
        run_attempt=event.measured_run_attempt,
        event=event.measured_event or event.name,
    )


def foremost(stamps: Sequence[Stamp]) -> Stamp:
    """The run of which a comment is to tell: the newest that gives way to none of the others; of
    two that are equal the first."""
    staying = [one for one in stamps if not any(map(one.gives_way_to, stamps))]
    return max(staying, key=lambda stamp: stamp.order)


def mark(key: CommentKey, stamp: Stamp, text: str) -> str:
    """The body of a comment: the marker line, then the text."""
    sha = stamp.head_sha if re.fullmatch(r"[0-9a-f]{1,64}", stamp.head_sha) else ""
    event = stamp.event if re.fullmatch(r"[a-z_]{1,64}", stamp.event) else ""
    return (
        f"<!-- perf-smoke key={key.digest} sha={sha}"
        f" run={stamp.run_id} attempt={stamp.run_attempt} event={event} -->\n{text}"
    )


def read_marked(body: str) -> Marked | None:
    """Take a comment's body apart; None when its first line is no marker of ours."""
    first, _, text = body.replace("\r\n", "\n").partition("\n")
    match = _MARKER.fullmatch(first.rstrip())
    if match is None:
        return None
    stamp = Stamp(
        head_sha=match["sha"],
        run_id=int(match["run"]),
        run_attempt=int(match["attempt"]),
        event=match["event"],
    )
    return Marked(digest=match["key"], stamp=stamp, text=text)
