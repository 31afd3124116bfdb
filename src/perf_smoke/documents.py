"""Which documents lie in these folders, and what does each say?

Whoever wrote them may mean harm: a job of a fork, say. So no link is followed, no pipe waited for,
how much is read is bounded, and a document that is none costs no other one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from perf_smoke import result_file
from perf_smoke.consistency import expect_verdicts
from perf_smoke.result import Leg, Result

MOST_DOCUMENTS = 256
"""As many jobs as a matrix may have."""
LARGEST_TOTAL_MIB = 128
DEEPEST = 6
"""Folders inside of each other: an artifact's, and what it holds."""
MOST_ENTRIES = 10_000
"""Files and folders that are looked at."""


@dataclass(frozen=True, kw_only=True)
class RefusedDocument:
    """A file that is no document which can be shown."""

    name: str
    """Its path, below the folder that was given. Hostile text."""
    sentence: str
    """What is wrong with it. Hostile text."""


@dataclass(frozen=True, kw_only=True)
class Documents:
    """What was found. Neither part depends on the order in which the files came."""

    results: tuple[Result, ...] = ()
    refused: tuple[RefusedDocument, ...] = ()
    notes: tuple[str, ...] = ()
    """What was not looked at, as sentences."""


def read_all(paths: Sequence[Path]) -> Documents:
    """Read every document that these paths name or hold: a file, or the `*.json` of a folder.

    Of one that is there twice only one counts, and of the attempts of one leg the last.
    """
    notes: list[str] = []
    files = sorted({path: name for given in paths for path, name in _files(given, notes)}.items())
    if len(files) > MOST_DOCUMENTS:
        notes.append(f"Only the first {MOST_DOCUMENTS} of {len(files):,} documents were read.")
    results: dict[str, Result] = {}
    refused, room = [], LARGEST_TOTAL_MIB * 1024**2
    for path, name in files[:MOST_DOCUMENTS]:
        try:
            text = result_file.content(path)
            room -= len(text)
            if room < 0:
                notes.append(f"Only the first {LARGEST_TOTAL_MIB} MiB of documents were read.")
                break
            result = result_file.parse(text, name)
            expect_verdicts(result)
        except result_file.UnreadableResult as error:
            refused.append(RefusedDocument(name=name, sentence=str(error)))
        except ValueError as error:
            sentence = f"{name} contradicts itself: {error}."
            refused.append(RefusedDocument(name=name, sentence=sentence))
        # Numbers that nobody thought of: what is made of one document costs no other one.
        except Exception as error:  # noqa: BLE001 - said with its kind
            sentence = f"{name} cannot be checked ({type(error).__name__})."
            refused.append(RefusedDocument(name=name, sentence=sentence))
        else:
            results[hashlib.sha256(text).hexdigest()] = result
    in_order = [result for _, result in sorted(results.items())]
    return Documents(
        results=tuple(_last_attempts(in_order)),
        refused=tuple(refused),
        notes=tuple(dict.fromkeys(notes)),
    )


def _files(given: Path, notes: list[str]) -> Iterator[tuple[Path, str]]:
    """The file itself, or those of a folder that may be documents; each with its name."""
    if not given.is_dir():
        yield given, str(given)
        return
    looked_at = 0
    for folder, folders, names in os.walk(given):
        if folders and len(Path(folder).relative_to(given).parts) == DEEPEST:
            notes.append(f"Folders more than {DEEPEST} deep were not read.")
            folders.clear()
        folders.sort()
        looked_at += len(folders) + len(names)
        if looked_at > MOST_ENTRIES:
            notes.append(f"Only {MOST_ENTRIES:,} files and folders were looked at.")
            return
        for path in (Path(folder, name) for name in sorted(names) if name.endswith(".json")):
            if path.is_file() and not path.is_symlink():
                yield path, str(path.relative_to(given))
            else:
                notes.append("Links, pipes and the like were not read.")


def _last_attempts(results: Iterable[Result]) -> Iterator[Result]:
    """A job that was run again replaces what it said before."""
    results = list(results)
    attempts: dict[object, int] = {}
    for result in results:
        if leg := result.leg:
            job = _job_of(result, leg)
            attempts[job] = max(attempts.get(job, leg.attempt), leg.attempt)
    for result in results:
        if result.leg is None or result.leg.attempt == attempts[_job_of(result, result.leg)]:
            yield result


def _job_of(result: Result, leg: Leg) -> object:
    label = result.settings.get("label", "")
    return leg.repository, leg.run_id, leg.workflow, leg.job, leg.matrix, label
