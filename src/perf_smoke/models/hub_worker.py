"""The program that asks a Hugging Face hub for files.

A process of its own, because the library reads its environment once, when it is imported. Its
one argument is a JSON object: `repository`, `revision`, `paths`, `again` (fetch even what is
cached), `reserve_bytes` (left free on the disk). It writes JSON objects, one a line:
`{"done", "total"}` while bytes come in, `{"path", "cached"}` for each file, and
`{"failure", "detail"}` if it cannot go on.
"""

from __future__ import annotations

import errno
import importlib
import ipaddress
import json
import os
import shutil
import socket
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO


class LinkLocal(OSError):
    """An address led to the machine's own link."""


_KINDS = (
    # The first class found among an error's bases decides: the narrow ones come first.
    ("LinkLocal", "link-local"),
    ("ImportError", "package"),
    ("GatedRepoError", "gated"),
    ("RepositoryNotFoundError", "repository"),
    ("RevisionNotFoundError", "revision"),
    ("LocalEntryNotFoundError", "offline"),
    ("EntryNotFoundError", "file"),
    ("OfflineModeIsEnabled", "offline"),
)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main() -> None:
    """Do what the argument asks; exit code 1 after a failure."""
    # What the library prints goes to stderr, so that the lines on stdout are ours alone.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        order = json.loads(sys.argv[1])
        _refuse_link_local()
        try:
            hub = importlib.import_module("huggingface_hub")
            for path in order["paths"]:
                _bring(hub, order, path, out)
        except Exception as error:  # noqa: BLE001 — whatever it is, the parent tells the reader
            _tell(out, failure=_kind(error), detail=type(error.__cause__ or error).__name__)
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            sys.exit(1)


def _refuse_link_local() -> None:
    """Wherever a name or a redirect leads: there, a cloud gives its machines what is for nobody
    else. Through a proxy it is the proxy that looks."""
    if urllib.request.getproxies():
        return
    resolve = socket.getaddrinfo

    def careful(*arguments: Any, **options: Any) -> list[Any]:
        found = resolve(*arguments, **options)
        for *_, address in found:
            number = ipaddress.ip_address(str(address[0]).partition("%")[0])
            if (getattr(number, "ipv4_mapped", None) or number).is_link_local:
                raise LinkLocal(errno.EACCES, "an address of the machine's own link")
        return found

    socket.getaddrinfo = careful


def _bring(hub: Any, order: dict[str, Any], path: str, out: TextIO) -> None:
    place = {
        "repo_id": order["repository"],
        "filename": path,
        "revision": order["revision"],
        "force_download": order["again"],
        "library_name": "perf-smoke-action",
    }
    cache = Path(importlib.import_module("huggingface_hub.constants").HF_HUB_CACHE)
    _remove_pipes(cache / f"models--{order['repository'].replace('/', '--')}")
    plan = hub.hf_hub_download(**place, dry_run=True)
    if plan.will_download:
        _ensure_space(cache, (plan.file_size or 0) + order["reserve_bytes"])

    class Bar:
        """Looks like tqdm to the library; tells the parent instead of drawing."""

        def __init__(self, *, initial: int = 0, total: int | None = None, **_: Any) -> None:
            self._done = initial
            self._total = total

        def update(self, count: float | None = 1) -> None:
            self._done += int(count or 0)
            _ensure_space(cache, order["reserve_bytes"])  # others write too
            _tell(out, done=self._done, total=self._total)

        def __enter__(self) -> Bar:
            return self

        def __exit__(
            self,
            kind: type[BaseException] | None,
            error: BaseException | None,
            trace: TracebackType | None,
        ) -> None:
            """There is nothing to tidy up."""

    local = hub.hf_hub_download(**place, tqdm_class=Bar)
    _tell(out, path=local, cached=not plan.will_download)


def _remove_pipes(folder: Path) -> None:
    """The library would wait at one for ever."""
    for path in folder.rglob("*"):
        if not (path.is_dir() or path.is_file() or path.is_symlink()):
            path.unlink()


def _ensure_space(folder: Path, needed_bytes: int) -> None:
    while not folder.exists():
        folder = folder.parent
    if needed_bytes > shutil.disk_usage(folder).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _kind(error: Exception) -> str:
    names = {base.__name__ for base in type(error).__mro__}
    cause: BaseException | None = error
    while cause:
        names |= {type(cause).__name__} & {LinkLocal.__name__}
        cause = cause.__cause__ or cause.__context__
    if kind := next((kind for name, kind in _KINDS if name in names), ""):
        return kind
    if isinstance(error, OSError) and error.errno in _FULL:
        return "space"
    status = getattr(getattr(error, "response", None), "status_code", None)
    return "forbidden" if status in (401, 403) else "other"


def _tell(out: TextIO, **message: object) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


if __name__ == "__main__":
    main()
