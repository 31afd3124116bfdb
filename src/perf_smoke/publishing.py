"""What the two steps that report have in common: where a reader can go on, the comment, what is
said of what did not work, and why the step is red."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from perf_smoke.deadline import Deadline
from perf_smoke.github.client import Patience
from perf_smoke.github.commands import WorkflowLog, set_outputs
from perf_smoke.github.comment import PATIENCE, CommentOutcome, Policy, upsert
from perf_smoke.github.event import Event
from perf_smoke.github.marker import key_of, stamp_of
from perf_smoke.github.outputs import OF_THE_COMMENT
from perf_smoke.report.story import Links
from perf_smoke.result import FailOn, Result, because_of, fail_on
from perf_smoke.secret import Secret

TITLE = "perf-smoke"
_ENDING_S = 2.0
"""Kept of the deadline for what follows the comment."""


def links_of(event: Event) -> Links:
    """Where a reader of a report of this event can go on."""
    return Links(
        run_url=event.run_url,
        docs_url=_page(event, "docs/STATISTICS.md"),
        verdict_url=_page(event, "README.md#did-this-change-make-it-slower"),
        package=_package(event),
    )


def patience_until(deadline: Deadline) -> Patience:
    """How long the API may be waited for."""
    return dataclasses.replace(PATIENCE, total_s=max(1.0, deadline.left_s - _ENDING_S))


def write_comment(
    body: str,
    event: Event,
    deadline: Deadline,
    *,
    token: Secret,
    label: str,
    policy: Policy,
    pr_number: int | None = None,
) -> CommentOutcome:
    """Create or update the comment of this job, as far as the policy says. Never raises."""
    return upsert(
        event,
        token=token,
        key=key_of(event, label),
        stamp=stamp_of(event),
        body=body,
        policy=policy,
        pr_number=pr_number,
        patience=patience_until(deadline),
    )


def tell_of_comment(
    comment: CommentOutcome,
    outputs: Mapping[str, str],
    event: Event,
    log: WorkflowLog,
    pr_number: int | None = None,
) -> list[str]:
    """Say what became of the comment, in the log and by its outputs.

    Args:
        outputs: all of the step's, by name.

    Returns:
        What somebody should know of: sentences, or empty ones.
    """
    log.text(f"Comment: {comment.status}. {comment.sentence}")
    of_the_comment = {name: outputs[name] for name in OF_THE_COMMENT}
    return [
        comment.sentence if _should_have_been_written(comment, pr_number, event) else "",
        set_outputs(of_the_comment, event.output_path),
    ]


def warn(problems: Iterable[str], log: WorkflowLog) -> None:
    """One warning for each problem that there is."""
    for problem in dict.fromkeys(filter(None, problems)):
        log.warning(TITLE, problem)


def why_red(
    results: Iterable[Result], values: Mapping[str, str], log: WorkflowLog
) -> FailOn | None:
    """What of `fail-on` the step fails on; said in the log.

    Args:
        values: the inputs by name.
    """
    asked = fail_on(values.get("fail-on", ""))
    causes = (cause for result in results if (cause := result.fails_step(asked)))
    cause = next(causes, None)
    if cause:
        log.error(TITLE, because_of(cause))
    return cause


def _should_have_been_written(comment: CommentOutcome, pr_number: int | None, event: Event) -> bool:
    """Whether the comment is missing for something that somebody can mend."""
    if comment.status == "no-token":
        # A push cannot tell without a token whether there is a pull request at all.
        return bool(pr_number or event.pull_request) and not event.from_fork
    refused = comment.status == "forbidden" and not event.from_fork
    return refused or comment.status == "failed"


def _package(event: Event) -> str:
    """Where pip gets the perf-smoke that is used."""
    if not event.action_repository:
        return ""
    return f"git+{event.server_url}/{event.action_repository}@{event.action_ref}"


def _page(event: Event, page: str) -> str:
    """A page of the action's own documentation, in the version that is used."""
    if not event.action_repository:
        return ""  # used as ./: there is no other place than the checkout
    return f"{event.server_url}/{event.action_repository}/blob/{event.action_ref}/{page}"
