"""Why are the results of several runs not compared with each other?"""

from __future__ import annotations

from collections.abc import Sequence

from perf_smoke.result import Result

_MOST = 5


def why_not_compared(results: Sequence[Result]) -> str:
    """One sentence: what differs between them besides head, and how it is done instead.

    Args:
        results: at least two.
    """
    parts = [_parts(result) for result in results]
    names = [name for name in parts[0] if len({part[name] for part in parts}) > 1]
    shown = ", ".join(names[:_MOST]) + (" and more" if len(names) > _MOST else "")
    differing = f" (here: {shown})" if shown else ""
    return (
        f"{len(results)} runs are not compared with each other: what differs between two runs"
        f"{differing} is often more than what a change does; measure both sides in one run, with "
        "`base-ref`, `base-binary` or `base-command`."
    )


def _parts(result: Result) -> dict[str, str]:
    """What else than head may be another one, by what a reader calls it; the hour always is."""
    machine, series = result.machine, result.series
    known = series.parts if series else {}
    named = ("engine", "model", "features", "tokens", "threads", "prompt", "runtime")
    return {
        "the hour": result.started,
        "the CPU": machine.cpu_model if machine else "",
        "the number of CPUs": str(machine.cpus) if machine else "",
        **{f"the {name}": known.get(name, "") for name in named},
    }
