"""How a runner reads the log of a step."""

from __future__ import annotations

import re


def commands(log: str) -> list[str]:
    """The lines that it takes for commands, those that stop and start commands aside."""
    found = []
    token = ""
    for line in map(str.lstrip, re.split(r"\r\n|\r|\n", log)):
        if token:
            token = "" if line.startswith(f"::{token}::") else token
        elif line.startswith("::stop-commands::"):
            token = line.removeprefix("::stop-commands::")
        elif line.startswith("::") or "##[" in line:
            found.append(line)
    return found
