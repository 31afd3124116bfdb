"""What any program of the tests can be told to do wrong, through PROGRAM_FAULT."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

VARIABLE = "PROGRAM_FAULT"
_MIB = b"x" * 1023 + b"\n"


def fault() -> str:
    """Its name; empty for none."""
    return os.environ.get(VARIABLE, "")


def misbehave() -> None:
    """Do what ends the program, or never ends it, if that is asked for."""
    if fault() == "hang":
        # A child of its own would survive if only the program were killed.
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        time.sleep(600)
    if fault() == "crash":
        print("GGML_ASSERT(n_tokens > 0) failed", file=sys.stderr, flush=True)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), signal.SIGSEGV)
    if fault() == "garbage":
        sys.stdout.buffer.write(bytes(range(256)) * 4)
        print("prompt eval time = soon\neval time = later", file=sys.stderr)
        raise SystemExit(0)
    if fault() == "flood":
        block = _MIB * 1024
        with contextlib.suppress(BrokenPipeError):
            for _ in range(1024):
                sys.stdout.buffer.write(block)
        raise SystemExit(0)


def is_first_step() -> bool:
    """Whether this is the first call that asks: the answer is kept beside the program's results."""
    mark = Path("asked-before")
    first = not mark.exists()
    mark.touch()
    return first


def refuse_wrong_model(path: str, sentence: str) -> None:
    """Say that sentence and exit with 1 unless the file starts as a model does."""
    with Path(path).open("rb") as file:
        if file.read(4) != b"GGUF":
            print(sentence, file=sys.stderr)
            raise SystemExit(1)
