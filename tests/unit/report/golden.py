"""The golden reports: what people read, to be read in review.

`make golden` writes them anew; a test holds them to what the product says.
"""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from perf_smoke.report.markdown import Links, render
from perf_smoke.report.terminal import show
from perf_smoke.report.verdict import annotation
from perf_smoke.result import Result
from tests.unit.report import runs

FOLDER = Path(__file__).parent / "golden"
LINKS = Links(
    run_url="https://github.com/o/r/actions/runs/1",
    result_url="https://github.com/o/r/actions/runs/1/artifacts/2",
    docs_url="https://github.com/o/p/blob/v1/docs/STATISTICS.md",
    verdict_url="https://github.com/o/p/blob/v1/README.md#did-this-change-make-it-slower",
    package="git+https://github.com/o/p@v1",
)


def printed(result: Result, *files: Path, width: int = 100) -> str:
    """The report as a pipe gets it."""
    stream = io.StringIO()
    show(result, Console(file=stream, width=width), files)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def reports() -> dict[str, str]:
    """The text of every golden file, by its name."""
    files = Path("perf-smoke-out/report.md"), Path("perf-smoke-out/result.json")
    texts = {}
    for name, result in runs.every().items():
        texts[f"{name}.md"] = render(result, LINKS)
        texts[f"{name}.txt"] = f"{': '.join(annotation(result))}\n{printed(result, *files)}"
    return texts


if __name__ == "__main__":
    texts = reports()
    for path in FOLDER.iterdir():
        path.unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
