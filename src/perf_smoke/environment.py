"""What of the process's environment is ours, and what the measured programs may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perf_smoke.inputs import Input
from perf_smoke.processes.kinship import MARK
from perf_smoke.settings import INPUTS

_OURS = ("INPUT_", "PERF_SMOKE_", "ACTIONS_")
_FILE_COMMANDS = (
    "GITHUB_OUTPUT",
    "GITHUB_ENV",
    "GITHUB_PATH",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
)
_OF_ANOTHER_REPOSITORY = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"),
    *("GIT_NAMESPACE", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE"),
    *("GIT_IMPLICIT_WORK_TREE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_NO_REPLACE_OBJECTS"),
    *("GIT_CONFIG", "GIT_ATTR_SOURCE"),
)
"""git sets them for its hooks. Whatever git a build of the base calls, and ours, would work on the
caller's checkout with them and overwrite it."""


def inputs(environ: Mapping[str, str], rows: Iterable[Input] = INPUTS) -> dict[str, str]:
    """An action's inputs by name. The runner writes `INPUT_MODEL-SHA256` for an action of its
    own kind, a composite one `INPUT_MODEL_SHA256`: both are read, the filled one wins."""
    texts = {}
    for row in rows:
        dashed = f"INPUT_{row.name.upper()}"
        for name in (dashed, dashed.replace("-", "_")):
            if environ.get(name):
                texts[row.name] = environ[name]
    return texts


def for_children(environ: Mapping[str, str]) -> dict[str, str]:
    """What builds, engines and git see: the job's environment without our inputs (the token is one
    of them), the runner's own credentials, the files through which a step gives orders, and what
    ties git to a checkout. The mark by which they are found again stays."""
    return {
        name: value
        for name, value in environ.items()
        if name == MARK
        or (not name.startswith(_OURS) and name not in _FILE_COMMANDS + _OF_ANOTHER_REPOSITORY)
    }
