"""A small engine in C, built anew for each side: another order of its objects and another padding
put its code at other addresses, as any change of a program does."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from perf_smoke.engines.base import Reply, Request
from perf_smoke.hashing import hashed
from perf_smoke.result import EngineIdentity, Process, Sample

SOURCES = Path(__file__).parent / "small_engine"
LAYERS = 400
"""Of a token: a step of four takes about 50 ms on a free CPU."""
_LARGEST_PADDING = 4096


def build(folder: Path, rng: random.Random) -> Path:
    """The program, at `folder`, with its code in an order and with a padding drawn by lot.

    Raises:
        CalledProcessError: there is no C compiler that can build it.
    """
    folder.mkdir()
    padding = folder / "padding.c"
    padding.write_text(
        f'__asm__(".text\\n.skip {rng.randrange(16, _LARGEST_PADDING)}, 0x90\\n");\n',
        encoding="ascii",
    )
    sources = [*sorted(SOURCES.glob("*.c")), padding]
    rng.shuffle(sources)
    program = folder / "small"
    command = ["cc", "-O2", "-o", str(program), *map(str, sources), "-lm"]
    subprocess.run(command, check=True, capture_output=True)
    return program


def build_two(folder: Path, seed: int) -> tuple[Path, Path]:
    """Two programs of the same source whose code differs byte for byte.

    Raises:
        RuntimeError: it does not.
    """
    rng = random.Random(seed)
    programs = build(folder / "one", rng), build(folder / "other", rng)
    if code(programs[0]) == code(programs[1]):
        raise RuntimeError("two programs that were built separately have the same .text")
    return programs


def code(program: Path) -> bytes:
    """The section .text of a program."""
    out = program.with_suffix(".text")
    command = ["objcopy", "-O", "binary", "--only-section=.text", str(program), str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return out.read_bytes()


class SmallEngine:
    """One of the programs."""

    process: Process = "start"

    def __init__(self, program: Path, layers: int = LAYERS) -> None:
        self._command = [str(program), str(layers)]
        self.identity = EngineIdentity(
            id="small", binary=str(program), binary_sha256=hashed(program).sha256
        )

    def open(self, environment: Mapping[str, str]) -> SmallSession:
        """Start it."""
        return SmallSession(self._command, environment)


class SmallSession:
    """The program while it runs."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        started_s = time.monotonic()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._child = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
            )
        self.pids = (self._child.pid,)
        self._answers = self._socket.makefile("r")
        self._answers.readline()  # it is ready
        self.load_ms: float | None = (time.monotonic() - started_s) * 1e3

    def step(self, request: Request, timeout_s: float) -> Reply:  # noqa: ARG002 - it never hangs
        """So many tokens."""
        self._socket.sendall(f"{request.tokens}\n".encode())
        wall_ns, cpu_ns, token = self._answers.readline().split()
        sample = Sample(
            ok=True,
            n_out=request.tokens,
            e2e_ms=int(wall_ns) / 1e6,
            wall_ms=int(wall_ns) / 1e6,
            cpu_ms=int(cpu_ns) / 1e6,
        )
        return Reply(sample=sample, text=token)

    def close(self) -> None:
        """End it."""
        self._child.kill()
        self._child.wait()
        self._answers.close()
        self._socket.close()
