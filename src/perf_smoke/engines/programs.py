"""Which program an engine runs, and what it says of itself: its version, and the switches that its
help lists."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from perf_smoke.engines import table
from perf_smoke.engines.base import EngineSetup
from perf_smoke.engines.identity import find_program
from perf_smoke.hashing import hashed
from perf_smoke.printable import decoded
from perf_smoke.processes.foreground import run_process
from perf_smoke.result import EngineIdentity

TIMEOUT_S = 20.0
_LONGEST = 120


@dataclass(frozen=True, kw_only=True)
class Help:
    """A program's help text; empty where it gives none."""

    text: str

    @property
    def switches(self) -> frozenset[str]:
        """Every word in it that looks like a switch, such as `--ignore-eos`."""
        return frozenset(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", self.text))

    def matches(self, pattern: str) -> bool:
        """Whether this regular expression is found in it."""
        return re.search(pattern, self.text) is not None


def find(engine: str, setup: EngineSetup) -> Path:
    """The program that this engine runs: what `command` or `binary` names, or the one by which the
    engine goes.

    Raises:
        Unmeasured: `engine-missing`, with what to do.
    """
    row = table.row(engine)
    name, otherwise = setup.binary or next(iter(row.programs), ""), "set `binary`"
    if "command" in row.reads:
        name, otherwise = setup.command[0], "correct the command"
    return find_program(
        name,
        working_directory=setup.working_directory,
        environment=setup.environment,
        otherwise=otherwise,
    )


def identify(
    engine: str,
    program: Path,
    setup: EngineSetup,
    *,
    version_arguments: Sequence[str] = ("--version",),
) -> EngineIdentity:
    """The program's path, hash and version; an empty `version_arguments` asks it nothing."""
    command = [str(program), *version_arguments]
    return EngineIdentity(
        id=engine,
        version=version(command, setup.working_directory, setup.environment)
        if version_arguments
        else "",
        binary=str(program),
        binary_sha256=_sha256(program),
    )


def version(command: Sequence[str], working_directory: Path, environment: Mapping[str, str]) -> str:
    """The line in which a program tells its version; empty where it tells none."""
    lines = [line.strip() for line in _printed(command, working_directory, environment) if line]
    named = [line for line in lines if re.match(r"(?i)version\b", line)]
    line = (named or lines or [""])[0]
    return re.sub(r"(?i)^version[:\s]+", "", line)[:_LONGEST]


def ask_help(program: Path, working_directory: Path, environment: Mapping[str, str]) -> Help:
    """The help text, from whichever stream it is printed to."""
    lines = _printed([str(program), "--help"], working_directory, environment, any_exit_code=True)
    return Help(text="\n".join(lines))


def printed(command: Sequence[str], setup: EngineSetup) -> str:
    """All that a short call prints; nothing where it fails."""
    return "\n".join(_printed(command, setup.working_directory, setup.environment))


def _printed(
    command: Sequence[str],
    working_directory: Path,
    environment: Mapping[str, str],
    *,
    any_exit_code: bool = False,
) -> list[str]:
    """All lines that a short call printed; none where it failed."""
    try:
        finished = run_process(
            command, timeout_s=TIMEOUT_S, cwd=working_directory, environment=environment
        )
    except OSError:
        return []
    if finished.timed_out or (finished.exit_code != 0 and not any_exit_code):
        return []
    printed = decoded(finished.stdout) + "\n" + decoded(finished.stderr)
    return printed.splitlines()


def _sha256(program: Path) -> str:
    try:
        return hashed(program).sha256
    except OSError:  # executable, yet not readable: it runs all the same
        return ""
