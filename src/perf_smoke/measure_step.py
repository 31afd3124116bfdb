"""The inner step of the action that measures: it has no token, and leaves a document.

What it measures may reach everything that it may reach itself; so whatever is published is written
by the step after it (`report_step.py`), in processes of its own.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from perf_smoke import __version__, job
from perf_smoke.cancel import Signals
from perf_smoke.github.event import read_event
from perf_smoke.inputs import InvalidInputs, invalid_inputs
from perf_smoke.redaction import published
from perf_smoke.result import Cost, Failure, Result, Status, Tool, fail_on
from perf_smoke.run import bug_of_ours
from perf_smoke.settings import parse

RESERVE_NAME = "reserve"
"""A file that takes the place that the document shall have on a disk which an engine fills."""


def measure(
    values: Mapping[str, str], environ: Mapping[str, str], complain: Callable[[str], None]
) -> None:
    """Measure, and write the document. Whoever sets PERF_SMOKE_RUNTIME says that this is an action.

    Args:
        values: the inputs by name.
        environ: the step's environment.
        complain: gets what did not work besides the measuring, a sentence at a time.
    """
    folder = Path(environ["PERF_SMOKE_FOLDER"])
    result = _result(values, environ, folder)
    (folder / RESERVE_NAME).unlink(missing_ok=True)
    if (folder / job.RESULT_NAME).is_dir():  # only what was measured can have put it there
        shutil.rmtree(folder / job.RESULT_NAME, ignore_errors=True)
    if problem := job.write_result(result, folder).problem:
        complain(problem)


def _result(values: Mapping[str, str], environ: Mapping[str, str], folder: Path) -> Result:
    runtime = environ["PERF_SMOKE_RUNTIME"]
    try:
        settings = parse(values)
    except InvalidInputs as error:
        sentences = [problem.sentence for problem in error.problems]
        return nothing_measured("invalid", invalid_inputs(sentences), runtime, values)
    try:
        event = read_event(environ)
        return job.measure(
            settings,
            environ,
            runtime=runtime,
            leg=event.leg,
            merge_target=event.base_sha,
            pull_request_head=event.pull_request_head,
            console=Console(force_terminal=False, no_color=True, width=100),
            signals=Signals(),
            folder=folder,
        )
    except Exception:  # noqa: BLE001 - promise 1: a bug of ours turns no job red, and is told
        return nothing_measured("failed", bug_of_ours(), runtime, values)


def nothing_measured(
    status: Status, failure: Failure, runtime: str, values: Mapping[str, str]
) -> Result:
    """The document of a step that came to no measuring. Of the inputs it keeps the one that the
    report needs to say what comes of it."""
    asked = ",".join(fail_on(values.get("fail-on", "")))
    result = Result(
        status=status,
        failure=failure,
        started=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        tool=Tool(version=__version__, runtime=runtime),
        settings={"fail-on": asked} if asked else {},
        cost=Cost(total_s=0.0),
    )
    return published(result)
