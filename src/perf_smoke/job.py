"""One run with its files: the old ones removed, the new ones written, a scratch folder between."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from perf_smoke import environment, result
from perf_smoke.cancel import Signals
from perf_smoke.result import Result
from perf_smoke.run import Context, run
from perf_smoke.settings import Settings
from perf_smoke.watchers import watching

RESULT_NAME = "result.json"
REPORT_NAME = "report.md"


@dataclass(frozen=True, kw_only=True)
class Files:
    """Where a Result and its report were written; None where they could not be."""

    result: Path | None = None
    report: Path | None = None
    problems: tuple[str, ...] = ()
    """What could not be written and why, as sentences."""


def measure(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    runtime: str,
    merge_target: str,
    console: Console,
    signals: Signals,
) -> Result:
    """Run it with a scratch folder of its own; a signal cancels it.

    Never raises for what goes wrong outside.
    """
    with (
        tempfile.TemporaryDirectory(
            prefix="perf-smoke-", dir=environ.get("RUNNER_TEMP") or None, ignore_cleanup_errors=True
        ) as scratch,
        watching(console) as watcher,
    ):
        return run(
            settings,
            Context(
                environment=environment.for_children(environ),
                cache=environment.cache_folder(environ),
                scratch=Path(scratch),
                runtime=runtime,
                merge_target=merge_target,
                watcher=watcher,
                interruptible=signals.interruptible,
            ),
        )


def remove_old_files(folder: Path) -> str:
    """Remove what an earlier run left, so that it cannot pass as this one's.

    Returns:
        What could not be removed, as a sentence; nothing when all is well.
    """
    try:
        for name in (RESULT_NAME, REPORT_NAME):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        return f"{error.filename} of an earlier run cannot be removed: {error.strerror}."
    return ""


def write_files(found: Result, markdown: str, folder: Path) -> Files:
    """Write result.json and report.md; one that cannot be written does not stop the other."""
    written: dict[str, Path] = {}
    problems = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return Files(problems=(f"{folder} cannot be made: {error.strerror}.",))
    for name in (RESULT_NAME, REPORT_NAME):
        path = folder / name
        try:
            if name == RESULT_NAME:
                result.write(found, path)
            else:
                path.write_text(markdown, encoding="utf-8", errors="replace")
            written[name] = path
        except OSError as error:
            problems.append(f"{path} cannot be written: {error.strerror}.")
    return Files(
        result=written.get(RESULT_NAME), report=written.get(REPORT_NAME), problems=tuple(problems)
    )
