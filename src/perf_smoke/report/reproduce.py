"""The one command that measures the same on a reader's machine."""

from __future__ import annotations

import shlex
import string

from perf_smoke.report.foreign import visible
from perf_smoke.report.reading import has_gaps, is_from_a_file
from perf_smoke.result import Result

_ONLY_IN_A_WORKFLOW = frozenset(
    ("comment", "fail-on", "github-token", "image", "label", "output-dir", "pr-number", "runtime")
)
_MOST = 3000
_LINE = 80
"""A longer command gets a line per option, so that nobody has to scroll sideways."""


def command(result: Result) -> str:
    """`perf-smoke run …` with the inputs of this run, quoted for a POSIX shell.

    Empty where it would do no better there, and when an input is too long to be shown whole or
    has a secret in it: half a command would run something else.
    """
    if result.status in ("invalid", "skipped") or is_from_a_file(result):
        return ""
    if any(map(has_gaps, result.settings.values())):
        return ""
    settings = {
        name: value
        for name, value in result.settings.items()
        if name not in _ONLY_IN_A_WORKFLOW and value
    }
    base = result.base.ref if result.base else ""
    if _is_commit(base) and not any(name.startswith("base") for name in settings):
        settings["base-ref"] = base
    parts = ["perf-smoke run", *(_option(*setting) for setting in settings.items())]
    text = " ".join(parts)
    if len(text) > _LINE:
        text = " \\\n  ".join(parts)
    return text if len(text) <= _MOST and visible(text) == text else ""


def _option(name: str, value: str) -> str:
    # A value that looks like an option must be tied to its name.
    words = [f"--{name}={value}"] if value.startswith("-") else [f"--{name}", value]
    return shlex.join(words)


def _is_commit(ref: str) -> bool:
    return len(ref) == 40 and all(letter in string.hexdigits for letter in ref)
