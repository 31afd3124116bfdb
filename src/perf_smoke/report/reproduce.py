"""Which one command measures the same on a reader's machine?"""

from __future__ import annotations

import re
import shlex

from perf_smoke.report.untrusted import visible
from perf_smoke.report.view import View
from perf_smoke.result import HEAD, INPUTS_BESIDE

_MOST = 3000
_LINE = 80
"""A longer command gets a line per option, so that nobody has to scroll sideways."""


def installation(view: View, package: str) -> str:
    """What has pip install the perf-smoke that measured, with what this run needs of it.

    Args:
        package: where it comes from; empty where nobody knows, and nothing is said.
    """
    reads = view.result.settings.values()
    extras = [view.row.id] if view.row and view.row.package else []
    extras += ["huggingface"] if any(text.startswith("hf://") for text in reads) else []
    chosen = f"[{','.join(extras)}]" if extras else ""
    known = re.fullmatch(r"git\+https?://[\w.:/@+-]+", package, re.ASCII)
    return f"pip install 'perf-smoke-action{chosen} @ {package}'" if known else ""


def command(view: View) -> str:
    """`perf-smoke run …` with the inputs of this run, quoted for a POSIX shell.

    Empty where it would do no better there, and when an input is too long to be shown whole or
    has a secret in it: half a command would run something else.
    """
    result = view.result
    nothing_to_run = result.status in ("invalid", "skipped") or result.origin == "pairs-file"
    if nothing_to_run or any(map(has_gaps, result.settings.values())):
        return ""
    settings = {
        name: value
        for name, value in result.settings.items()
        if name not in INPUTS_BESIDE and value
    }
    bases = (side.commit for name, side in result.sides.items() if name != HEAD)
    named = settings.get("base-ref") != "merge-base" and any(
        name.startswith("base") for name in settings
    )
    if (commit := next(bases, "")) and not named:
        settings["base-ref"] = commit
    options = [
        # A value that looks like an option must be tied to its name.
        shlex.join([f"--{name}={value}"] if value.startswith("-") else [f"--{name}", value])
        for name, value in settings.items()
    ]
    line = " ".join(["perf-smoke run", *options])
    text = line if len(line) <= _LINE else " \\\n  ".join(["perf-smoke run", *options])
    return text if len(text) <= _MOST and visible(text) == text else ""


def has_gaps(value: str) -> bool:
    """Whether something of an input was left out when it was recorded, as a secret."""
    return "***" in value or "?…" in value
