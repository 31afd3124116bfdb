"""The step of report/action.yml: what other jobs left, as one report. It measures nothing.

The documents are a stranger's, and the pull request is the event's: nothing that a document says
decides where something is published. What later steps depend on comes first, the comment last.
"""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from rich.console import Console

from perf_smoke import environment, job, report_inputs
from perf_smoke.combined import NO_LIMIT, Combined, combine
from perf_smoke.deadline import Deadline
from perf_smoke.github.client import Patience
from perf_smoke.github.commands import SUMMARY_ROOM, WorkflowLog, append_summary, set_outputs
from perf_smoke.github.comment import (
    BODY_ROOM,
    PATIENCE,
    Policy,
    head_of_pull_request,
    policy_for,
)
from perf_smoke.github.event import Event, read_event
from perf_smoke.github.legs_outputs import PublishedLegs, legs_outputs
from perf_smoke.github.origin import why_not_of
from perf_smoke.github.reusable import SENTENCE, in_a_reusable_workflow
from perf_smoke.inputs import InvalidInputs
from perf_smoke.measure_step import nothing_measured
from perf_smoke.publishing import (
    TITLE,
    links_of,
    patience_until,
    tell_of_comment,
    warn,
    why_red,
    write_comment,
)
from perf_smoke.reasons import Reason
from perf_smoke.report.legs import Legs
from perf_smoke.report.markdown import written
from perf_smoke.report.parts import Items, Title, quoted, sentence
from perf_smoke.report.terminal import show_parts
from perf_smoke.report_inputs import REPORT_INPUTS, ReportSettings
from perf_smoke.result import GRAVEST_FIRST, FailOn, Failure, Result
from perf_smoke.secret import Secret


def report(environ: Mapping[str, str]) -> FailOn | None:
    """Show what the other jobs left.

    Returns:
        What of `fail-on` the step fails on.
    """
    values, log = environment.inputs(environ, REPORT_INPUTS), WorkflowLog()
    log.mask(Secret(values.get("github-token", "")))
    if in_a_reusable_workflow(environ) and not values.get("label", "").strip():
        log.text(SENTENCE)
    return why_red(_shown(environ, values, log), values, log)


def _shown(environ: Mapping[str, str], values: Mapping[str, str], log: WorkflowLog) -> list[Result]:
    """A result for each leg, also for those that left none."""
    deadline = Deadline.within(float(environ.get("PERF_SMOKE_LEFT_S") or PATIENCE.total_s))
    event = read_event(environ)
    missing = partial(nothing_measured, runtime=environ["PERF_SMOKE_RUNTIME"], values=values)
    try:
        settings = report_inputs.parse(values)
    except InvalidInputs as error:
        _show_problems(error, event, log)
        failure = Failure(reason="invalid-inputs", sentence=str(error))
        return [missing("invalid", failure)]
    workspace = Path(environ.get("GITHUB_WORKSPACE", ""))
    places = (workspace / path for path in settings.path)
    combined = combine(
        [place for place in places if place.exists()],  # no artifact, no folder
        expected=settings.legs,
        why_not=partial(why_not_of, event, _head(event, settings, patience_until(deadline))),
        label=settings.label,
        fail_on=settings.fail_on,
    )
    if not combined.legs.legs:
        combined = _of_nothing(settings, event)
    published = _published(combined)
    place = Path(environ["PERF_SMOKE_OUTPUT"])
    _show(combined, published, settings, place, event, log, deadline)
    if published.status == "skipped":
        return [missing("skipped", _failure("no-results"))]
    absent = [missing("failed", _failure("leg-missing")) for _ in combined.legs.missing]
    return [*combined.results, *absent]


def _head(event: Event, settings: ReportSettings, patience: Patience) -> str:
    """The commit that the report is about; what the event does not tell GitHub is asked for."""
    if event.head_sha or not event.pull_request or settings.comment == "never":
        return event.head_sha
    asked = head_of_pull_request(
        event, token=settings.github_token, number=event.pull_request, patience=patience
    )
    return asked if isinstance(asked, str) else ""  # then there will be no comment either


def _failure(reason: Reason) -> Failure:
    return Failure(reason=reason, sentence="There is no result.")


def _of_nothing(settings: ReportSettings, event: Event) -> Combined:
    why = "The jobs that measure failed, were cancelled or skipped, or left nothing."
    if event.still_measuring:
        why = "The run that measures has not ended: give `workflow_run` `types: [completed]`."
    note = f"No document lies in `{', '.join(settings.path)}`. {why}"
    legs = Legs.of([], notes=[note])
    return Combined(legs=legs, label=settings.label, fail_on=settings.fail_on)


def _published(combined: Combined) -> PublishedLegs:
    """What the outputs say; the paths and the comment are not known yet."""
    legs = combined.legs
    unmeasured = [leg for leg in legs.legs if not leg.view or leg.view.result.status != "measured"]
    reasons = [leg.view.result.reason if leg.view else "leg-missing" for leg in unmeasured]
    verdicts = {result.verdict for result in combined.results}
    return PublishedLegs(
        status="failed" if unmeasured else "measured" if legs.legs else "skipped",
        reason=next(iter(reasons), "" if legs.legs else "no-results"),
        verdict=next((one for one in GRAVEST_FIRST if one in verdicts), None),
        came=len(combined.results),
        missing=legs.missing,
        counts=legs.counts,
    )


def _show(
    combined: Combined,
    published: PublishedLegs,
    settings: ReportSettings,
    place: Path,
    event: Event,
    log: WorkflowLog,
    deadline: Deadline,
) -> None:
    links, problems = links_of(event), [*event.notes]
    body = summary = ""
    try:
        markdown = combined.markdown(links)
        report_file = job.write_report(markdown(NO_LIMIT), place)
        summary, body = markdown(SUMMARY_ROOM), markdown(BODY_ROOM)
    except Exception:  # noqa: BLE001 - promise 1: a bug of ours costs the report, and no output
        log.text(traceback.format_exc())
        report_file = job.Written(
            problem="The report could not be made, please report it; the outputs are set."
        )
    published = dataclasses.replace(published, report_path=report_file.path)
    problems += [
        report_file.problem,
        set_outputs(legs_outputs(published), event.output_path),
        append_summary(summary, event.summary_path),
    ]
    log.annotate("warning" if published.status == "failed" else "notice", *combined.annotation())
    with log.stopped_commands():
        show_parts(combined.parts(), Console(force_terminal=False, no_color=True, width=100))
    if body:
        comment = write_comment(
            body,
            event,
            deadline,
            token=settings.github_token,
            label=settings.label,
            policy=_policy(combined, settings, event),
        )
        outputs = legs_outputs(dataclasses.replace(published, comment=comment))
        problems += tell_of_comment(comment, outputs, event, log)
    warn(problems, log)


def _policy(combined: Combined, settings: ReportSettings, event: Event) -> Policy:
    """What may be written: where there is nothing of this run, at most into what is there."""
    policies = {policy_for(settings.comment, result) for result in combined.results}
    nothing_yet = event.still_measuring and not combined.results
    if settings.comment == "never" or combined.is_of_other_runs or nothing_yet:
        return Policy.NOTHING
    if Policy.CREATE_OR_UPDATE in policies or combined.legs.missing:
        return Policy.CREATE_OR_UPDATE
    return Policy.UPDATE_ONLY


def _show_problems(error: InvalidInputs, event: Event, log: WorkflowLog) -> None:
    published = PublishedLegs(
        status="invalid",
        reason="invalid-inputs",
        verdict=None,
        came=0,
        missing=(),
        counts={},
    )
    title = Title(text=sentence("perf-smoke: not reported, invalid inputs"), tone="bad")
    sentences = Items(tuple(quoted(problem.sentence) for problem in error.problems))
    problems = [
        set_outputs(legs_outputs(published), event.output_path),
        append_summary(written((title, sentences)), event.summary_path),
    ]
    for invalid in error.problems:
        log.error(TITLE, invalid.sentence)
    warn(problems, log)
