"""Head and base: where each side's program comes from, and how it is built there."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from perf_smoke.printable import decoded, telling_lines
from perf_smoke.processes.foreground import run_process
from perf_smoke.result import Unmeasured


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A folder with the caller's files."""

    directory: Path
    commit: str
    """What is checked out; empty where that is unknown, or has nothing to do with the program."""
    name: str = ""
    """By which it was asked for: a branch or tag, `base-binary`."""

    @property
    def shown(self) -> str:
        """What a sentence calls it."""
        return self.commit[:12] or "head"


def refuse_shared(program: Path, tree: Path, *, may_lie_elsewhere: bool) -> None:
    """Refuse a program that head and base would both run: nothing would be compared.

    Args:
        program: what both would run, as an absolute path.
        tree: head's checkout.
        may_lie_elsewhere: whether one program outside of both checkouts will do. An interpreter
            will, for each side gives it files of its own.

    Raises:
        Unmeasured: `base-missing`.
    """
    # A virtual environment in head's checkout holds no program of the project, but an interpreter
    # and scripts for it.
    if may_lie_elsewhere and (program.parent.parent / "pyvenv.cfg").exists():
        return
    # Of a link the end counts: /usr/bin/python may be reached through one in head's checkout.
    if program.resolve().is_relative_to(tree.resolve()):
        raise Unmeasured(
            "base-missing",
            f"`{program}` lies in head's tree, so that the base would run head's program: give its "
            "path relative to the working directory.",
        )
    if not may_lie_elsewhere:
        raise Unmeasured(
            "base-missing",
            f"`{program}` lies in neither checkout, so that base and head would run the same "
            "program: give the path, relative to the working directory, of one that `build` makes, "
            "or the other side's with `base-binary`.",
        )


def names_files_of(tree: Path, command: Sequence[str]) -> str:
    """A sentence on arguments that name head's files, which a base in a checkout of its own would
    read too; empty where there are none."""
    place = re.compile(rf"{re.escape(str(tree))}(?![\w.-])")
    if not any(map(place.search, command[1:])):
        return ""
    return (
        "`command` names files in head's tree by an absolute path: both sides read those. A path "
        "relative to the working directory is each side's own."
    )


def run_build(
    script: str,
    checkout: Checkout,
    *,
    environment: Mapping[str, str],
    timeout_s: float,
    on_stdout: Callable[[bytes], None] = lambda _data: None,
    on_stderr: Callable[[bytes], None] = lambda _data: None,
) -> tuple[str, ...]:
    """Run the caller's build script as a `run:` step with `shell: bash` would, untimed.

    Args:
        on_stdout: gets each piece of its standard output as it comes.
        on_stderr: the same of its standard error.

    Returns:
        The names of what it left running, which has been ended.

    Raises:
        Unmeasured: `build-failed`, with the lines that name an error and its last ones.
    """
    try:
        with tempfile.NamedTemporaryFile(prefix="perf-smoke-", suffix=".sh") as file:
            file.write(os.fsencode(script))
            file.flush()
            finished = run_process(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", file.name],
                timeout_s=timeout_s,
                cwd=checkout.directory,
                environment=environment,
                on_stdout=on_stdout,
                on_stderr=on_stderr,
            )
    except OSError as error:
        raise Unmeasured(
            "build-failed", f"The build cannot be started: {error.strerror}: {error.filename}."
        ) from error
    if finished.failed:
        raise Unmeasured(
            "build-failed",
            f"The build of {checkout.shown} {finished.how}.",
            telling_lines(decoded(finished.stdout + finished.stderr)),
        )
    return finished.left_running
