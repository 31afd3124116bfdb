"""Does this job stand in a reusable workflow, where the caller's matrix cannot be seen?

In one that was called, every context but `inputs` is the caller's, and `matrix` is empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

SENTENCE = (
    "This job stands in a reusable workflow, which cannot see the matrix of its caller: without "
    "`label`, all that call it share one comment."
)
_MOST_BYTES = 1024 * 1024
_KEY = re.compile(r"""( +)(?P<quote>['"]?)([A-Za-z_][\w-]*)(?P=quote) *:(?: |$)""")


def in_a_reusable_workflow(environ: Mapping[str, str]) -> bool:
    """Whether it does, as far as the runner tells, or else the caller's workflow in the checkout:
    it has no such job, or has it done by another workflow."""
    caller = environ.get("GITHUB_WORKFLOW_REF", "")
    own = environ.get("PERF_SMOKE_JOB_WORKFLOW", "")
    if caller and own:
        return caller != own
    path = re.fullmatch(r"[^/]+/[^/]+/(\.github/workflows/[^/@]+)@.*", caller)
    place = environ.get("GITHUB_WORKSPACE", "")
    if not (path and place):
        return False
    try:
        with Path(place, path[1]).open(encoding="utf-8", errors="replace") as file:
            jobs = _jobs(file.read(_MOST_BYTES))
    except OSError:
        return False
    return bool(jobs) and "uses" in jobs.get(environ.get("GITHUB_JOB", ""), {"uses"})


def _jobs(workflow: str) -> dict[str, set[str]]:
    """The jobs of a workflow in block style, each with its own keys."""
    block = re.search(r"^jobs: *(?:#.*)?\n((?:(?: .*|#.*|)\n)*)", f"{workflow}\n", re.MULTILINE)
    jobs: dict[str, set[str]] = {}
    outer = inner = ""
    name = ""
    for key in filter(None, map(_KEY.match, block[1].splitlines() if block else ())):
        outer = outer or key[1]
        if key[1] == outer:
            name, inner = key[3], ""
            jobs[name] = set()
        elif name:
            inner = inner or key[1]
            if key[1] == inner:
                jobs[name].add(key[3])
    return jobs
