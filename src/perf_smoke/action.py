"""Inside a workflow: one run, and everything that shows it.

Each way of showing is tried whatever became of the others; what did not work is said in the log.
"""

from __future__ import annotations

import datetime as dt
import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from perf_smoke import __version__, job
from perf_smoke.cancel import Signals
from perf_smoke.github.commands import WorkflowLog, append_summary, set_outputs
from perf_smoke.github.event import Event, read_event
from perf_smoke.result import Cost, Failure, Result, Status, Tool
from perf_smoke.secret import Secret
from perf_smoke.settings import InvalidSettings, Settings, parse

if TYPE_CHECKING:
    from perf_smoke.github.sticky import CommentOutcome

TITLE = "perf-smoke"


def run_in_action(values: Mapping[str, str], environ: Mapping[str, str]) -> Result:
    """Measure and show; whoever sets PERF_SMOKE_RUNTIME says that this is an action. Never raises.

    Args:
        values: the inputs by name.
        environ: the step's environment.
    """
    try:
        return _run_in_action(values, environ)
    except Exception as error:  # noqa: BLE001 - promise 1: a bug of ours turns no job red, and is told
        traceback.print_exc()
        log = WorkflowLog()
        log.warning(TITLE, f"perf-smoke itself failed ({type(error).__name__}): please report it.")
        output = environ.get("GITHUB_OUTPUT")
        set_outputs(
            {"status": "failed", "reason": "internal-error"}, Path(output) if output else None
        )
        failure = Failure(reason="internal-error", sentence="perf-smoke itself failed.")
        return _nothing_measured("failed", failure, environ["PERF_SMOKE_RUNTIME"])


def _run_in_action(values: Mapping[str, str], environ: Mapping[str, str]) -> Result:
    event = read_event({**environ, "GITHUB_ACTIONS": "true"})
    if event is None:  # pragma: no cover - it was just said to be one
        raise RuntimeError("not in an action")
    log = WorkflowLog()
    log.mask(Secret(values.get("github-token", "")))
    try:
        settings = parse(values)
    except InvalidSettings as error:
        for problem in error.problems:
            log.annotate("error", TITLE, problem.sentence)
        runtime = environ["PERF_SMOKE_RUNTIME"]
        fail_on = values.get("fail-on", "").strip()
        result = replace(
            _nothing_measured("invalid", _invalid(error), runtime),
            # The one input that the report needs to say what comes of it.
            settings={"fail-on": fail_on} if fail_on in ("error", "slower") else {},
        )
        _show(result, None, _folder(None, event, environ), event, log)
        return result
    folder = _folder(settings, event, environ)
    if left := job.remove_old_files(folder):
        log.warning(TITLE, left)
    # Were this process killed in here, launch would start commands again: it knows the token.
    token = environ.get("PERF_SMOKE_STOP_TOKEN", "")
    with log.group("perf-smoke: measuring"), log.stopped_commands(token):
        result = job.measure(
            settings,
            environ,
            runtime=environ["PERF_SMOKE_RUNTIME"],
            leg=event.leg,
            merge_target=event.base_sha,
            console=_plain_console(),
            signals=Signals(),
        )
    _show(result, settings, folder, event, log)
    return result


def _show(
    result: Result, settings: Settings | None, folder: Path, event: Event, log: WorkflowLog
) -> None:
    # Imported here: what only reports would make the measuring process larger, and later.
    from perf_smoke.github.outputs import outputs
    from perf_smoke.report.markdown import Links, render
    from perf_smoke.report.terminal import show
    from perf_smoke.report.verdict import notice

    document = job.write_result(result, folder)
    markdown = render(
        result,
        Links(
            run_url=event.run_url,
            docs_url=_page(event, "docs/STATISTICS.md"),
            verdict_url=_page(event, "README.md#did-this-change-make-it-slower"),
        ),
    )
    report = job.write_report(markdown, folder)
    with log.stopped_commands():
        show(result, _plain_console())
    if result.status != "invalid":  # each invalid input has its own annotation already
        title, _, message = notice(result).partition(": ")
        as_asked = result.status == "measured" and not result.lost_bases
        log.annotate("notice" if as_asked else "warning", title, message)
    problems = [
        *event.notes,
        *(document.problem, report.problem, append_summary(markdown, event.summary_path)),
    ]
    comment = None
    if settings and result.status != "cancelled":  # a cancelled job has no time for the network
        comment = _comment(result, settings, markdown, event)
        log.text(f"Comment: {comment.status}. {comment.sentence}")
        if _should_have_been_written(comment, settings, event):
            problems.append(comment.sentence)
    problems.append(
        set_outputs(
            outputs(result, comment=comment, result_path=document.path, report_path=report.path),
            event.output_path,
        )
    )
    for problem in dict.fromkeys(filter(None, problems)):
        log.warning(TITLE, problem)


def _should_have_been_written(comment: CommentOutcome, settings: Settings, event: Event) -> bool:
    """Whether the comment is missing for something that somebody can mend."""
    if comment.status == "no-token":
        # A push cannot tell without a token whether there is a pull request at all.
        return bool(settings.pr_number or event.pull_request) and not event.from_fork
    return comment.status in ("failed", "forbidden")


def _comment(result: Result, settings: Settings, markdown: str, event: Event) -> CommentOutcome:
    # Imported here: PyGithub takes a while, which a cancelled job does not have.
    from perf_smoke.github.comment import policy_for, upsert
    from perf_smoke.github.marker import key_of, stamp_of

    return upsert(
        event,
        token=settings.github_token,
        key=key_of(event, settings.label),
        stamp=stamp_of(event),
        body=markdown,
        policy=policy_for(settings.comment, result),
        pr_number=settings.pr_number,
    )


def _page(event: Event, page: str) -> str:
    """A page of the action's own documentation, in the version that is used."""
    if not event.action_repository:
        return ""  # used as ./: there is no other place than the checkout
    return f"{event.server_url}/{event.action_repository}/blob/{event.action_ref}/{page}"


def _plain_console() -> Console:
    return Console(force_terminal=False, no_color=True, width=100)


def _folder(settings: Settings | None, event: Event, environ: Mapping[str, str]) -> Path:
    """The one that was asked for, or that launch has made for this step."""
    given = settings.output_dir if settings else None
    made = environ.get("PERF_SMOKE_OUTPUT")
    default = Path(made) if made else (event.runner_temp or Path.cwd()) / "perf-smoke"
    return (given or default).absolute()


def _invalid(error: InvalidSettings) -> Failure:
    count = len(error.problems)
    return Failure(
        reason="invalid-inputs",
        sentence=f"{count} inputs are invalid." if count > 1 else "One input is invalid.",
        tail="\n".join(problem.sentence for problem in error.problems),
    )


def _nothing_measured(status: Status, failure: Failure, runtime: str) -> Result:
    return Result(
        status=status,
        failure=failure,
        started=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        tool=Tool(version=__version__, runtime=runtime),
        settings={},
        cost=Cost(total_s=0.0),
    )
