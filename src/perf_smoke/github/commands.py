"""How do we talk to the runner: annotations, outputs, the job summary.

The only module that imports actions_toolkit, and only the two parts that its `core` is made of.
`core` itself would add the empty properties `file=,line=` to every annotation, fall back to the
removed `::set-output`, and bring requests (17 MiB, 0.2 s) into the process that measures.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from actions_toolkit.command import issue_command
from actions_toolkit.file_command import prepare_key_value_message

from perf_smoke.github.shorten import shorten
from perf_smoke.redaction import public
from perf_smoke.secret import Secret

MOST_ANNOTATIONS = 10
"""Per kind and step; the runner shows no more."""
LONGEST_ANNOTATION = 4_096
"""Characters; the runner cuts there."""
SUMMARY_ROOM = 900 * 1024
"""Bytes. Above 1 MiB the runner drops the whole summary of the step."""
OUTPUTS_ROOM = 1_000_000
"""Bytes as UTF-16, which is how the limit of 1 MB for a job's outputs is counted."""

AnnotationKind = Literal["notice", "warning", "error"]

_LONGEST_TITLE = 255
_SMALLEST_SUMMARY = 1024
_OUTPUT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_PERHAPS_A_COMMAND = re.compile(r"::|##\[")


class WorkflowLog:
    """The step's log, on standard output. Counts annotations, so make one per process."""

    def __init__(self) -> None:
        self._annotations: Counter[AnnotationKind] = Counter()

    def annotate(self, kind: AnnotationKind, title: str, message: str) -> None:
        """Add an annotation; past the runner's limit of ten per kind, a line of the log."""
        self._annotations[kind] += 1
        if self._annotations[kind] > MOST_ANNOTATIONS:
            self.text(f"{kind}: {title}: {message}")
            return
        heading = _cut(public(title), _LONGEST_TITLE)
        text = _cut(public(message), LONGEST_ANNOTATION)
        _issue(kind, text, {"title": heading} if heading else {})

    def notice(self, title: str, message: str) -> None:
        """Add a notice."""
        self.annotate("notice", title, message)

    def warning(self, title: str, message: str) -> None:
        """Add a warning."""
        self.annotate("warning", title, message)

    def error(self, title: str, message: str) -> None:
        """Add an error. It marks the log red; whether the step fails is the exit code's."""
        self.annotate("error", title, message)

    @contextmanager
    def stopped_commands(self) -> Iterator[None]:
        """Let the runner read nothing inside as a command.

        Only a line with the token starts commands again: made here, after the text, so that a
        program which has printed already cannot hold it.
        """
        token = secrets.token_hex(20)
        _issue("stop-commands", token)
        try:
            yield
        finally:
            _issue(token, "")

    def text(self, text: str) -> None:
        """Write text of whatever origin: no secret of it, and nothing that acts as a command."""
        text = public(text)
        if _PERHAPS_A_COMMAND.search(text):
            with self.stopped_commands():
                _write(text)
        else:
            _write(text)

    def mask(self, secret: Secret) -> None:
        """Have the runner replace a secret in the log from here on, line by line."""
        for line in secret.reveal().splitlines():
            if line.strip():
                _issue("add-mask", line)


def set_outputs(values: Mapping[str, str], path: Path | None) -> str:
    """Set the step's outputs.

    Args:
        values: by output name.
        path: GITHUB_OUTPUT; None where the runner gave none.

    Returns:
        What could not be set and why, as a sentence; nothing when all were.

    Raises:
        ValueError: a name that the runner would misread, which is a bug of ours.
    """
    for name in values:
        if not _OUTPUT_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name for an output")
    if path is None:
        return "No outputs were set: GITHUB_OUTPUT is not set."
    kept, dropped = _within_room(values)
    message = "".join(prepare_key_value_message(name, kept[name]) + "\n" for name in kept)
    problem = _append(path, message, "outputs")
    if problem or not dropped:
        return problem
    return f"Too long for the 1 MB that a job's outputs may take, so not set: {', '.join(dropped)}."


def append_summary(markdown: str, path: Path | None) -> str:
    """Add to the step's job summary, cut at a line where it would grow past SUMMARY_ROOM.

    Args:
        markdown: what to add.
        path: GITHUB_STEP_SUMMARY; None where the runner gave none.

    Returns:
        What went wrong, as a sentence; nothing when it was written.
    """
    if path is None:
        return "No job summary was written: GITHUB_STEP_SUMMARY is not set."
    room = SUMMARY_ROOM - _size(path)
    if room < _SMALLEST_SUMMARY:
        return "No job summary was written: what this step wrote before leaves no room for it."
    return _append(path, shorten(markdown.rstrip("\n") + "\n", room), "job summary")


def _within_room(values: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    kept = dict(values)
    dropped: list[str] = []
    while sum(map(_utf16, kept.values())) > OUTPUTS_ROOM:
        longest = max(kept, key=lambda name: _utf16(kept[name]))
        del kept[longest]
        dropped.append(longest)
    return kept, dropped


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # not there yet; anything worse shows when it is written


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", errors="replace"))


def _append(path: Path, text: str, what: str) -> str:
    """Write all of it or nothing: the runner fails a step for half an output."""
    before = _size(path)
    try:
        with path.open("a", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
    except OSError as error:
        with suppress(OSError):  # then half of it stays, and the sentence says that it failed
            os.truncate(path, before)
        return f"The {what} could not be written: {path}: {error.strerror}."
    return ""


def _issue(command: str, message: str, properties: Mapping[str, str] | None = None) -> None:
    given = {name: _encodable(value) for name, value in (properties or {}).items()}
    issue_command(command, given, _encodable(message))
    # The runner orders standard output and standard error by arrival.
    sys.stdout.flush()


def _write(text: str) -> None:
    sys.stdout.write(_encodable(text).rstrip("\n") + "\n")
    sys.stdout.flush()


def _encodable(text: str) -> str:
    """Text that standard output can hold, so that no odd character ends the run."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, errors="replace").decode(encoding, errors="replace")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
