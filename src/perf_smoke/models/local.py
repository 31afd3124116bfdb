"""How a file of this machine is taken: as it is, and never changed or removed."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from perf_smoke.hashing import hashed
from perf_smoke.models.base import Errand, Fetched
from perf_smoke.models.reference import LocalPath, hub_form
from perf_smoke.result import Unmeasured


def bring(places: Sequence[LocalPath], errand: Errand) -> list[Fetched]:
    """Find and read the files of one model; `~/`, which no shell has seen, is HOME.

    Raises:
        Unmeasured: `model-missing` or `model-unreadable`.
    """
    files = []
    for place in places:
        path = find(place, errand.base_directory, errand.environment)
        with _reading(path, place):
            files.append(hashed(path))
    return [Fetched(file=file, from_cache=True) for file in files]


def find(place: LocalPath, base_directory: Path, environment: Mapping[str, str]) -> Path:
    """The absolute path of a file that is there.

    Raises:
        Unmeasured: `model-missing` or `model-unreadable`.
    """
    path, home = Path(place.path), environment.get("HOME")
    if path.parts[:1] == ("~",) and home:
        path = Path(home, *path.parts[1:])
    path = (base_directory / path).absolute()
    with _reading(path, place):
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else "no regular file"
            raise Unmeasured(
                "model-unreadable", f"The model {place.path} is {kind}: name the file itself."
            )
    return path


@contextmanager
def _reading(path: Path, place: LocalPath) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        form = hub_form(place.path)
        remedy = f" If it is a file of a Hugging Face hub, write {form}." if form else ""
        raise Unmeasured(
            "model-missing", f"The model {place.path} does not exist (looked for {path}).{remedy}"
        ) from None
    except OSError as error:
        raise Unmeasured(
            "model-unreadable", f"The model {place.path} cannot be read: {error.strerror}."
        ) from error
