"""Fixtures that every test may ask for."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.emulator.fixtures"]

# The same examples at every run, and no clock: neither luck nor a busy machine decides a test.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")

# A suite that was started in the background, or with nohup, would hand its deafness on to every
# program that a test starts, and perf-smoke respects what it is told to ignore.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], None]]:
    """Makes a folder one that can only be read, until the test ends; for root too."""
    with contextlib.ExitStack() as cleanup:

        def make(folder: Path) -> None:
            if os.getuid() != 0:
                for place in (folder, *filter(Path.is_dir, folder.rglob("*"))):
                    place.chmod(0o555)
                    cleanup.callback(place.chmod, 0o755)
                return
            mount = ["mount", "--bind", str(folder), str(folder)]
            if subprocess.run(mount, capture_output=True, check=False).returncode:
                pytest.skip("root needs the right to mount")
            cleanup.callback(subprocess.run, ["umount", str(folder)], check=True)
            subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)

        yield make
