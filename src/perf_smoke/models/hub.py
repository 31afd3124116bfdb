"""How files come from a Hugging Face hub: by its own library, into its own cache.

So HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE, HF_HOME and all its other settings mean what they mean
elsewhere, and a cache that another step restored is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perf_smoke.hashing import hashed
from perf_smoke.models.base import Errand, Fetched
from perf_smoke.models.child import run
from perf_smoke.models.reference import Hub
from perf_smoke.models.store import RESERVE_BYTES, disk_errors
from perf_smoke.network import ca_bundle
from perf_smoke.processes.python import ISOLATED, isolated
from perf_smoke.reasons import Reason
from perf_smoke.result import Unmeasured

LIBRARY = "huggingface_hub"
_WORKER = Path(__file__).with_name("hub_worker.py")
WITHOUT_LIBRARY = (
    f"hf:// references need the Python package {LIBRARY}: `pip install {LIBRARY}` in the "
    "environment that perf-smoke runs in."
)

_REASONS: dict[str, tuple[Reason, str]] = {
    "package": ("hub-library-missing", WITHOUT_LIBRARY),
    "gated": (
        "model-forbidden",
        "{shown} is gated: accept its terms on the hub and give HF_TOKEN.",
    ),
    "forbidden": ("model-forbidden", "{shown} may not be read with the HF_TOKEN that is given."),
    "repository": (
        "model-missing",
        "{repository} is not on the hub, or is private and no HF_TOKEN that may read it is given.",
    ),
    "revision": ("model-missing", "{repository} has no revision {revision}."),
    "file": ("model-missing", "{repository} at {revision} holds no file {path}."),
    "offline": (
        "model-offline",
        "{shown} is not in the hub's cache, and the hub cannot be asked ({detail}).",
    ),
    "link-local": (
        "model-insecure",
        "{shown} would come from an address at which only the machine's own link answers.",
    ),
    "space": ("no-space", "{shown} does not fit on the disk of the hub's cache."),
}
"""By the worker's `failure`: the reason, and the sentence for the reader."""


@dataclass
class _Worker:
    """What the worker has reported so far."""

    files: list[tuple[Path, bool]] = field(default_factory=list)
    failure: str = ""
    detail: str = ""


def bring(places: Sequence[Hub], errand: Errand) -> list[Fetched]:
    """Bring files of one repository.

    Raises:
        Unmeasured: see fetch.py.
    """
    fetched = _ask(places, errand, again=False)
    if all(_is_intact(one) for one in fetched):
        return fetched
    fetched = _ask(places, errand, again=True)
    if all(_is_intact(one) for one in fetched):
        return fetched
    raise Unmeasured(
        "model-truncated",
        f"{_shown(places[0])} is damaged in the hub's cache, and so is what the hub gives.",
    )


def remove(fetched: Fetched) -> None:
    """Take a file out of the hub's cache again: the link, and the content behind it."""
    link = fetched.file.path
    content = link.parent / link.readlink() if link.is_symlink() else link
    link.unlink(missing_ok=True)
    content.unlink(missing_ok=True)


def _ask(places: Sequence[Hub], errand: Errand, *, again: bool) -> list[Fetched]:
    worker = _Worker()

    def on_line(line: str) -> bool:
        try:
            message: dict[str, Any] = json.loads(line)
        except ValueError:
            return False
        if "done" in message:
            errand.progress(message["done"], message["total"])
        elif "path" in message:
            worker.files.append((Path(message["path"]), message["cached"]))
        else:
            worker.failure, worker.detail = message["failure"], message["detail"]
        return True

    order = {
        "repository": places[0].repository,
        "revision": places[0].revision,
        "paths": [place.path for place in places],
        "again": again,
        "reserve_bytes": RESERVE_BYTES,
    }
    ended = run(
        [*ISOLATED, str(_WORKER), json.dumps(order)],
        environment=_environment(errand.environment),
        directory=_WORKER.parent,
        on_line=on_line,
        most_s=errand.deadline.left_s,
    )
    files = worker.files
    if not ended.finished.failed and len(files) == len(places):
        with disk_errors(files[0][0].parent):
            return [Fetched(file=hashed(path), from_cache=cached) for path, cached in files]
    place = places[min(len(files), len(places) - 1)]
    reason, sentence = _REASONS.get(
        worker.failure, ("model-download", "{shown} cannot be fetched from the hub ({detail}).")
    )
    raise Unmeasured(
        reason,
        sentence.format(
            shown=_shown(place),
            repository=place.repository,
            revision=place.revision,
            path=place.path,
            detail=worker.detail or f"its library {ended.finished.how}",
        ),
        ended.tail,
    )


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Nothing but the files is asked for, and of the variables that name certificates the library
    knows one alone."""
    certificates = ca_bundle(environment)
    return {
        **isolated(environment),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        **({"SSL_CERT_FILE": certificates} if certificates else {}),
    }


def _is_intact(fetched: Fetched) -> bool:
    """Compare with the name of the content, which is its sha256 for all but small text files."""
    path = fetched.file.path
    name = path.readlink().name if path.is_symlink() else ""
    return not re.fullmatch(r"[0-9a-f]{64}", name) or name == fetched.file.sha256


def _shown(place: Hub) -> str:
    return f"hf://{place.repository}/{place.path}@{place.revision}"
