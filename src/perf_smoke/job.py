"""One run with its files: the old ones removed, the new ones written, a scratch folder between."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from perf_smoke import build_log, environment, result_file
from perf_smoke.cancel import Signals
from perf_smoke.context import Context
from perf_smoke.deadline import Deadline
from perf_smoke.document import Draft, finish
from perf_smoke.models.store import user_cache
from perf_smoke.printable import printable
from perf_smoke.redaction import without_values
from perf_smoke.result import Failure, Leg, Result, Unmeasured
from perf_smoke.run import run
from perf_smoke.settings import Settings
from perf_smoke.watchers import watching

RESULT_NAME = "result.json"
REPORT_NAME = "report.md"


@dataclass(frozen=True, kw_only=True)
class Written:
    """Where a file was written, or why it was not: as a sentence."""

    path: Path | None = None
    problem: str = ""


def measure(  # noqa: PLR0913 - a workflow and a terminal know different things
    settings: Settings,
    environ: Mapping[str, str],
    *,
    runtime: str,
    leg: Leg | None = None,
    merge_target: str = "",
    pull_request_head: str = "",
    console: Console,
    signals: Signals,
    folder: Path | None = None,
) -> Result:
    """Run it with a scratch folder of its own; a signal cancels it.

    Never raises for what goes wrong outside.

    Args:
        folder: where what the builds print is kept.
    """
    variables = environment.for_children(environ)
    place = environ.get("RUNNER_TEMP") or None
    try:
        scratch_folder = tempfile.TemporaryDirectory(
            prefix="perf-smoke-", dir=place, ignore_cleanup_errors=True
        )
    except OSError as error:
        failure = Failure(
            reason="scratch-unusable",
            sentence="No temporary folder can be made "
            f"in {place or 'any of the usual places'}: {error.strerror}.",
        )
        draft = Draft(settings=settings, runtime=runtime, environment=variables, leg=leg)
        return finish(draft, "failed", failure)
    with scratch_folder as scratch, watching(console) as watcher:
        return run(
            settings,
            Context(
                environment=variables,
                cache=_cache(variables, Path(scratch)),
                scratch=Path(scratch),
                runtime=runtime,
                leg=leg,
                merge_target=merge_target,
                pull_request_head=pull_request_head,
                deadline=_deadline(settings, environ),
                watcher=watcher,
                interruptible=signals.interruptible,
                folder=folder,
                build_line=watcher.build_line,
            ),
        )


def unusable(folder: Path) -> str:
    """Why no file could be written into this folder, which need not be there; empty if one could.

    Tried in the nearest folder that is there, since permissions alone do not tell.
    """
    try:
        nearest = next(place for place in (folder, *folder.parents) if place.exists())
        tempfile.TemporaryDirectory(dir=nearest).cleanup()
    except OSError as error:
        return f"{folder} cannot be written to: {error.strerror}. Set output-dir."
    return ""


def make_own(folder: Path) -> None:
    """Make a folder that git does not see. One that is there already is left as it is."""
    with suppress(OSError):  # what cannot be written is said when a document is
        folder.mkdir()
        (folder / ".gitignore").write_text("*\n", "utf-8")


def remove_old_files(folder: Path) -> str:
    """Remove what an earlier run left, so that it cannot pass as this one's.

    Returns:
        What could not be removed, as sentences; nothing when all is well.
    """
    left = []
    for path in (folder / name for name in (RESULT_NAME, REPORT_NAME, *build_log.NAMES.values())):
        if not os.path.lexists(path):
            continue  # where nothing can be written, removing nothing is refused too
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            continue  # there is none, or no such folder
        except OSError as error:
            left.append(f"{path} of an earlier run cannot be removed: {error.strerror}.")
    return " ".join(left)


def build_logs(folder: Path) -> list[Path]:
    """The files there with what the builds printed."""
    return [path for name in build_log.NAMES.values() if (path := folder / name).is_file()]


def bring_build_logs(source: Path, folder: Path) -> None:
    """Put them beside result.json, where they are not there yet. A build may have put something
    else in their place."""
    for path in build_logs(source):
        if source.resolve() != folder.resolve() and not path.is_symlink():
            # result.json is there by then: a log that cannot be had costs nothing else.
            with suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
                text = without_values(printable(file.read(2 * build_log.MOST_KEPT)))
                result_file.write_whole(folder / path.name, text)


def write_result(result: Result, folder: Path) -> Written:
    """Write result.json. It comes first: whatever fails to show a Result does not lose it."""
    return _written(folder / RESULT_NAME, lambda path: result_file.write(result, path))


def write_report(markdown: str, folder: Path) -> Written:
    """Write report.md."""
    return _written(folder / REPORT_NAME, lambda path: result_file.write_whole(path, markdown))


def _written(path: Path, write: Callable[[Path], None]) -> Written:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return Written(problem=f"{path.parent} cannot be made: {error.strerror}.")
    try:
        write(path)
    except (OSError, ValueError) as error:  # ValueError: a number that is none, a bug of ours
        why = error.strerror if isinstance(error, OSError) else error
        return Written(problem=f"{path} cannot be written: {why}.")
    return Written(path=path)


def _deadline(settings: Settings, environ: Mapping[str, str]) -> Deadline:
    """When the measuring must have ended. In an action launch has used some of the time already,
    and keeps some for the report."""
    left_s = float(environ.get("PERF_SMOKE_LEFT_S") or settings.deadline_s)
    return Deadline.within(left_s, settings.deadline_s)


def _cache(environ: Mapping[str, str], scratch: Path) -> Path:
    """Where fetched models stay: for this run alone where the user has no folder."""
    try:
        return user_cache(environ, user=os.getuid(), platform=sys.platform)
    except Unmeasured:
        return scratch / "cache"
