"""The golden reports: what people read, to be read in review.

`make golden` writes them anew; a test holds them to what the product says.
"""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from perf_smoke.report.legs import Legs
from perf_smoke.report.legs_story import legs_story
from perf_smoke.report.markdown import LegsReport, Links, render
from perf_smoke.report.terminal import show
from perf_smoke.report.verdict import annotation
from perf_smoke.result import Result
from tests import documents
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
    texts["a-matrix.md"] = matrix()
    return texts


def matrix() -> str:
    """The common report of several legs, one of which is missing."""
    results = [
        documents.leg("arm64, gcc", slower_by=0.07, pairs=182),
        documents.leg("x86-64, gcc", pairs=182),
        documents.leg("arm64, clang", result=documents.failed("engine-crashed")),
        documents.leg("riscv64, gcc", result=runs.questions()),
    ]
    legs = Legs.of(results, expected=["x86-64, clang", *("arm64, gcc", "x86-64, gcc")])
    return LegsReport.of(legs_story(legs, LINKS, label="", fail_on=())).within(60_000)


if __name__ == "__main__":
    texts = reports()
    for path in FOLDER.iterdir():
        path.unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
