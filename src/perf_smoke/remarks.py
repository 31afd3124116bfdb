"""Which inputs would work, but perhaps not as they are meant?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from perf_smoke.configuration import Configuration
from perf_smoke.engines import table
from perf_smoke.engines.command import PLACEHOLDERS
from perf_smoke.request import parts_passed

_SHELLS = re.compile(r"[0-9]?>>?(&[0-9]|[\w./~-]*)|<|\|\|?|&&?|;")
"""Arguments that a shell would have taken for itself."""
_UNCLOSED = re.compile(rf"(?<!\{{)\{{(?:{'|'.join(PLACEHOLDERS)})(?=\s|$)")


def remarks(configuration: Configuration, available_cpus: int) -> Iterator[str]:
    """One sentence for each."""
    settings = configuration.settings
    yield from _without_effect(configuration)
    yield from _shells_own("command", settings.command)
    yield from _shells_own("base-command", settings.base_command)
    if settings.deadline_s < settings.budget_s:
        yield "`deadline` is shorter than `budget`: there will be less time for measuring."
    if settings.threads and settings.threads > available_cpus:
        yield (
            f"`threads` is {settings.threads}, but only {available_cpus} CPUs may be used here: "
            "spinning threads without a CPU slow an engine many times over."
        )


def _without_effect(configuration: Configuration) -> Iterator[str]:
    settings, row = configuration.settings, configuration.engine
    for name in dict.fromkeys(name for each in table.ROWS for name in each.reads):
        if getattr(settings, name) and name not in row.reads:
            yield (
                f"`{name}` is given, but engine `{row.id}` does not look at it; it is for "
                f"{', '.join(table.readers(name))}."
            )
    if settings.command and settings.features and "features" not in parts_passed(row, settings):
        yield "`features` is given, but `command` has no {features}: it only names the series."


def _shells_own(name: str, command: tuple[str, ...]) -> Iterator[str]:
    """What a shell would have read otherwise."""
    if argument := next(filter(_SHELLS.fullmatch, command[1:]), ""):
        yield (
            f"`{name}`: there is no shell, so that `{argument}` would be an argument of the "
            "program: use sh -c '…'."
        )
    for unclosed in _UNCLOSED.findall(" ".join(command)):
        yield f"`{name}` holds `{unclosed}` without its closing brace."
