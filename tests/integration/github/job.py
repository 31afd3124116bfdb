"""A job on a pull request of the emulated GitHub, which writes its comment."""

from __future__ import annotations

import dataclasses
from typing import Any

from perf_smoke.github.client import Patience
from perf_smoke.github.comment import CommentOutcome, Policy, upsert
from perf_smoke.github.event import Event
from perf_smoke.github.marker import CommentKey, Stamp
from perf_smoke.secret import Secret
from tests.emulator.proxy import Proxy
from tests.emulator.server import Emulator, PullRequest

KEY = CommentKey(workflow="CI", job="smoke", matrix="", label="")

QUICK = Patience(request_s=30, total_s=50.0, pause_s=0.01)
"""Short pauses, and all the time that a busy machine may need."""


def stamp(
    run_id: int, run_attempt: int = 1, head_sha: str = "abc123", event: str = "pull_request"
) -> Stamp:
    return Stamp(head_sha=head_sha, run_id=run_id, run_attempt=run_attempt, event=event)


def event_for(api_url: str, pull_request: int | None) -> Event:
    return Event(
        name="pull_request",
        repository="acme/engine",
        server_url="https://github.com",
        api_url=api_url,
        run_id=1,
        run_attempt=1,
        workflow="CI",
        job="smoke",
        action_repository="",
        action_ref="",
        matrix="",
        head_sha="abc123",
        base_sha="",
        base_branch="main",
        pull_request=pull_request,
        from_fork=False,
        lookup=None,
        measured_run_id=1,
        measured_run_attempt=1,
        output_path=None,
        summary_path=None,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """A job on one pull request: writes its comment through the proxy."""

    proxy: Proxy
    emulator: Emulator
    pull_request: PullRequest

    @property
    def number(self) -> int:
        return self.pull_request.number

    def write(self, body: str = "### verdict", run_id: int = 7, **changes: Any) -> CommentOutcome:
        event = changes.pop("event", None) or event_for(self.proxy.url, self.number)
        arguments: dict[str, Any] = {
            "token": Secret(self.emulator.bot_token),
            "key": KEY,
            "stamp": stamp(run_id),
            "policy": Policy.CREATE_OR_UPDATE,
            "patience": QUICK,
        }
        return upsert(event, body=body, **(arguments | changes))

    def comments(self) -> list[dict[str, Any]]:
        return self.emulator.comments(self.number)

    def bodies(self) -> list[str]:
        """The texts of all comments, without their marker lines."""
        return [comment["body"].partition("\n")[2] for comment in self.comments()]
