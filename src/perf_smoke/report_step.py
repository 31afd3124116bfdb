"""The inner step of the action that reports: what the step before it left, read as a stranger's.

Each way of showing is tried whatever became of the others; what did not work is said in the log.
What later steps depend on comes first, and the comment, which waits for the network, last: whoever
cancels or kills this step while it is written loses nothing else.
"""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import get_args

from rich.console import Console

from perf_smoke import job, result_file
from perf_smoke.consistency import expect_verdicts
from perf_smoke.deadline import Deadline
from perf_smoke.github.client import Patience
from perf_smoke.github.commands import (
    AnnotationKind,
    WorkflowLog,
    append_summary,
    set_outputs,
)
from perf_smoke.github.comment import (
    PATIENCE,
    CommentOutcome,
    head_of_pull_request,
    policy_for,
)
from perf_smoke.github.event import Event, read_event
from perf_smoke.github.outputs import outputs
from perf_smoke.github.reusable import SENTENCE, in_a_reusable_workflow
from perf_smoke.inputs import InvalidInputs
from perf_smoke.measure_step import nothing_measured
from perf_smoke.printable import one_line, printable
from perf_smoke.publishing import (
    TITLE,
    links_of,
    patience_until,
    tell_of_comment,
    warn,
    why_red,
    write_comment,
)
from perf_smoke.pull_request import of_another
from perf_smoke.reasons import Reason
from perf_smoke.redaction import published
from perf_smoke.report.markdown import render
from perf_smoke.report.terminal import show
from perf_smoke.report.verdict import annotation
from perf_smoke.result import BASE, HEAD, FailOn, Failure, Result, Status
from perf_smoke.secret import Secret
from perf_smoke.settings import Settings, parse

UNMEASURED_NAME = "unmeasured"
"""Written by launch where perf-smoke could not run: status, reason, sentence and last lines."""
REFUSED_NAME = "result-refused.json"
"""What measuring left, where it is no document that can be shown: nothing measured is lost."""
_MOST_BYTES = 64 * 1024
"""Of that file."""


def report(values: Mapping[str, str], environ: Mapping[str, str]) -> FailOn | None:
    """Show what was measured.

    Args:
        values: the inputs by name.
        environ: the step's environment.

    Returns:
        What of `fail-on` the step fails on.
    """
    deadline = Deadline.within(float(environ.get("PERF_SMOKE_LEFT_S") or PATIENCE.total_s))
    folder = Path(environ["PERF_SMOKE_FOLDER"])
    event = read_event(environ)
    log = WorkflowLog()
    log.mask(Secret(values.get("github-token", "")))
    if in_a_reusable_workflow(environ) and not values.get("label", "").strip():
        log.text(SENTENCE)
    try:
        settings = parse(values)
    except InvalidInputs:
        settings = None  # the document says so, with each problem
    result = _document(folder, environ["PERF_SMOKE_RUNTIME"], values)
    if result.leg is None:  # measuring left no document: job and inputs are known all the same
        recorded = dict(settings.recorded) if settings else result.settings
        result = dataclasses.replace(result, leg=event.leg, settings=recorded)
    obstacle = None
    if settings:
        result, obstacle = _of_the_pull_request(result, settings, event, patience_until(deadline))
    result = published(result)  # whoever wrote it did not know this step's secrets
    place = Path(environ["PERF_SMOKE_OUTPUT"])
    _show(result, settings, place, event, log, deadline, obstacle)
    job.bring_build_logs(folder, place)
    return why_red([result], values, log)


def _of_the_pull_request(
    result: Result, settings: Settings, event: Event, patience: Patience
) -> tuple[Result, CommentOutcome | None]:
    """The result, without a verdict where it tells of another commit than the pull request that it
    is for; and why there will be no comment on that one.

    Measuring has found out by itself where the event names the head. Where it does not, GitHub is
    asked, which only this step can.
    """
    if result.head is None or not result.head.commit or result.status == "cancelled":
        return result, None
    number = settings.pr_number or event.pull_request
    head = event.lookup.sha if event.lookup else event.pull_request_head
    if number and (number != event.pull_request or not head):
        asked = head_of_pull_request(
            event, token=settings.github_token, number=number, patience=patience
        )
        if isinstance(asked, CommentOutcome):
            return result, asked
        head = asked
    stranger = of_another(result.head, head, event.name)
    if stranger is None:
        return result, None
    obstacle = CommentOutcome(status="skipped", sentence=f"No comment: {stranger.sentence}")
    if number is None:
        return result, obstacle  # a push: the verdict is of the commits that it names
    bases = {*result.sides, *result.lost_bases} - {HEAD} or {BASE}
    lost = dict.fromkeys(sorted(bases), stranger)
    return dataclasses.replace(result, comparisons=(), lost_bases=lost), obstacle


def _document(folder: Path, runtime: str, values: Mapping[str, str]) -> Result:
    """What measuring left."""
    path = folder / job.RESULT_NAME
    if path.exists():
        try:
            result = result_file.read(path)
            expect_verdicts(result)
        except (result_file.UnreadableResult, ValueError) as error:
            failure = Failure(
                reason="perf-smoke-crashed",
                sentence=f"What measuring left cannot be used: {one_line(str(error)).rstrip('.')}. "
                f"It is kept as {REFUSED_NAME}.",
            )
            with suppress(OSError):  # else our own result.json takes its place
                path.replace(path.with_name(REFUSED_NAME))
            return nothing_measured("failed", failure, runtime, values)
        return result
    status, failure = _unmeasured(folder / UNMEASURED_NAME)
    return nothing_measured(status, failure, runtime, values)


def _unmeasured(path: Path) -> tuple[Status, Failure]:
    """What launch wrote; that it was ended itself, where it wrote nothing."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            lines = file.read(_MOST_BYTES).split("\n")
    except OSError:
        lines = []
    status, reason, sentence = (*lines[:3], "", "", "")[:3]
    statuses: dict[str, Status] = {known: known for known in get_args(Status)}
    reasons: dict[str, Reason] = {known: known for known in get_args(Reason)}
    if status not in statuses or reason not in reasons:
        return "failed", Failure(
            reason="perf-smoke-crashed",
            sentence="Measuring was ended before it could say anything; its log may tell why.",
        )
    return statuses[status], Failure(
        reason=reasons[reason],
        sentence=printable(sentence),
        tail=printable("\n".join(lines[3:])).strip("\n"),
    )


def _show(
    result: Result,
    settings: Settings | None,
    place: Path,
    event: Event,
    log: WorkflowLog,
    deadline: Deadline,
    obstacle: CommentOutcome | None,
) -> None:
    links = links_of(event)
    problems = [*event.notes]
    markdown = ""
    try:
        markdown = render(result, links)
    except Exception:  # noqa: BLE001 - promise 1: a bug of ours costs the report, and no number
        log.text(traceback.format_exc())
        problems.append("The report could not be made, please report it; the outputs are set.")
    document = job.write_result(result, place)
    report = job.write_report(markdown, place)
    problems += [
        document.problem,
        report.problem,
        set_outputs(
            outputs(result, comment=None, result_path=document.path, report_path=report.path),
            event.output_path,
        ),
        append_summary(markdown, event.summary_path),
    ]
    annotate(result, log)
    with log.stopped_commands():
        show(result, Console(force_terminal=False, no_color=True, width=100))
    # A cancelled job has no time for the network.
    if settings and markdown and result.status != "cancelled":
        asked_for = settings.comment != "never"
        comment = (asked_for and obstacle) or write_comment(
            markdown,
            event,
            deadline,
            token=settings.github_token,
            label=settings.label,
            policy=policy_for(settings.comment, result),
            pr_number=settings.pr_number,
        )
        written = outputs(result, comment=comment, result_path=None, report_path=None)
        problems += tell_of_comment(comment, written, event, log, settings.pr_number)
    warn(problems, log)


def annotate(result: Result, log: WorkflowLog) -> None:
    """Say on the run's page what became of it."""
    if result.failure and result.failure.reason == "invalid-inputs" and result.failure.tail:
        for sentence in filter(None, result.failure.tail.splitlines()):
            log.annotate("error", TITLE, sentence)
        return
    title, message = annotation(result)
    lost = {failure.reason for failure in result.lost_bases.values()} - {"base-is-head"}
    as_asked = result.status == "measured" and not lost
    kind: AnnotationKind = "notice" if as_asked else "warning"
    log.annotate("error" if result.status == "invalid" else kind, title, message)
