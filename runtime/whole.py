#!/usr/bin/env python3
"""Whether a virtual environment is whole: as it was when it had been installed.

    runtime/whole.py hold DRAFT         an install holds its folder, open as file descriptor 5
    runtime/whole.py list FOLDER        writes the list of its files, with their sizes and times
    runtime/whole.py check FOLDER       0 if they are all there, unchanged; else says which is not
    runtime/whole.py place DRAFT FOLDER puts the new one where none that is whole is

Run with -I -S by any Python: it needs nothing that is installed, and imports little, for a check
is a part of every step. What came later is nobody's loss; bytecode that came later is added to the
list when it is seen first. Drafts that nobody holds any more, for their install was killed, are
removed on the way.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterable, Iterator

LIST = "perf-smoke-files"
HELD = 5
"""Whoever inherits it from launch, as uv does, holds the draft as well."""


def main(order: str, folder: str, place: str = "") -> str:
    """Do what is asked; what is wrong, or nothing."""
    if order == "hold":
        fcntl.flock(HELD, fcntl.LOCK_EX)
        # Somebody may have taken it, before, for one of a killed install.
        is_there = os.path.exists(folder) and os.path.samestat(os.stat(folder), os.fstat(HELD))
        return "" if is_there else "it is gone"
    if order == "list":
        write_list(folder, described(os.fsencode(folder)))
        return ""
    if order == "check":
        remove_drafts(os.path.dirname(folder))
        return damage(folder)
    fcntl.flock(os.open(os.path.dirname(place), os.O_RDONLY), fcntl.LOCK_EX)
    if damage(place):  # two steps may have found the same
        if os.path.lexists(place):
            os.rename(place, f"{folder}.old")
        os.rename(folder, place)
    for rest in (folder, f"{folder}.old"):
        remove(rest)
    remove_drafts(os.path.dirname(place))
    return ""


def described(folder: bytes) -> Iterator[bytes]:
    """A line for each file: path, size, whole seconds of its time; all in bytes."""
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif not entry.name.startswith(LIST.encode()):
                    found = entry.stat(follow_symlinks=False)
                    path = entry.path[len(folder) + 1 :]
                    # Two Pythons may write the same bytecode, one after the other.
                    time_s = 0 if path.endswith(b".pyc") else found.st_mtime
                    yield b"%b %d %d" % (path, found.st_size, time_s)


def write_list(folder: str, lines: Iterable[bytes]) -> None:
    """Whole or not at all."""
    place = os.path.join(folder, LIST)
    with open(f"{place}.{os.getpid()}", "wb") as file:
        file.write(b"\n".join(sorted(lines)))
    os.replace(file.name, place)


def damage(folder: str) -> str:
    """Which file is not as it was; empty where all are."""
    try:
        with open(os.path.join(folder, LIST), "rb") as file:
            listed = set(file.read().split(b"\n"))
        there = set(described(os.fsencode(folder)))
    except OSError:
        return "the list of its files cannot be read"
    if missing := listed - there:
        path = os.fsdecode(min(missing)).rpartition(" ")[0].rpartition(" ")[0]
        return f"{path or LIST} is missing or changed"
    if compiled := [line for line in there - listed if b".pyc " in line]:
        try:
            write_list(folder, [*listed, *compiled])
        except OSError:
            pass  # a full disk, or one that can only be read
    return ""


def remove_drafts(root: str) -> None:
    """Those of installs that were killed: nobody holds them."""
    for name in os.listdir(root):
        if ".part." not in name:
            continue
        draft = os.path.join(root, name)
        try:
            descriptor = os.open(draft, os.O_RDONLY)
        except OSError:
            continue  # it went, or is another user's
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(draft)
        except OSError:
            pass  # its install goes on
        finally:
            os.close(descriptor)


def remove(folder: str) -> None:
    """Remove a folder, if it is there."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    wrong = main(*sys.argv[1:])
    if wrong:
        print(wrong)
        sys.exit(1)
