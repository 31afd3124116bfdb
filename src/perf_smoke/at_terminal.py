"""At a terminal: one run, and everything that shows it there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from perf_smoke import job
from perf_smoke.cancel import Signals
from perf_smoke.result import Result
from perf_smoke.settings import Settings

DEFAULT_FOLDER = Path("perf-smoke-out")


def folder_of(settings: Settings) -> Path:
    """Where result.json and report.md go."""
    return settings.output_dir or DEFAULT_FOLDER


def run(
    settings: Settings,
    environ: Mapping[str, str],
    console: Console,
    complain: Callable[[str], None],
) -> Result:
    """Measure, show, and write both files.

    Args:
        complain: gets what did not work besides the measuring, a sentence at a time.
    """
    folder = folder_of(settings)
    if settings.output_dir is None:
        job.make_own(folder)
    if left := job.remove_old_files(folder):
        complain(left)
    result = job.measure(
        settings, environ, runtime="cli", console=console, signals=Signals(), folder=folder
    )

    # Imported here: what only reports would make the measuring process larger.
    from perf_smoke.report.markdown import Links, render
    from perf_smoke.report.terminal import show

    document = job.write_result(result, folder)
    markdown = render(result, Links(result_path=str(folder / job.RESULT_NAME)))
    report = job.write_report(markdown, folder)
    with suppress(OSError):  # a full disk behind stdout: the files are written, the code is right
        written = filter(None, (report.path, document.path))
        show(result, console, [*written, *job.build_logs(folder)])
    for problem in dict.fromkeys(filter(None, (document.problem, report.problem))):
        complain(problem)
    return result
