"""Building BitNet.rs with cargo: its features, and the executable that cargo itself names."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from perf_smoke.engines import failures
from perf_smoke.engines.features import refuse_unknown
from perf_smoke.engines.identity import find_program
from perf_smoke.processes.background import last_lines
from perf_smoke.processes.foreground import Finished, run_process
from perf_smoke.result import Unmeasured

PACKAGE = "bitnet-cli"
EXECUTABLE = "bitnet"
DEFAULT_FEATURES = ("cpu", "full-cli")
DOCUMENTED_FEATURES = (
    *("cpu", "gpu", "cuda", "metal", "full-cli", "cli-bench"),
    *("iq2s-ffi", "crossval", "trace"),
)
"""Those of the package in 2026, for where its manifest cannot be asked."""
_TARGET_FOLDER = ("CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR")
_METADATA_TIMEOUT_S = 120.0


def build(
    *,
    working_directory: Path,
    features: Sequence[str],
    environment: Mapping[str, str],
    scratch: Path,
    timeout_s: float,
) -> Path:
    """Build the package `bitnet-cli` as it lies in the working directory.

    Args:
        features: cargo features; none: `cpu` and `full-cli`.
        scratch: takes a copy of an executable that another side's build might overwrite.

    Raises:
        Unmeasured: `build-missing` (no cargo, no such package), `features-unknown`,
            `build-failed`, with cargo's last lines.
    """
    cargo = check_package(features, working_directory, environment)
    command = [
        *(str(cargo), "build", "--release", "--locked", "-p", PACKAGE),
        *("--no-default-features", "--features", ",".join(features or DEFAULT_FEATURES)),
        # Artifacts as JSON on stdout, the compiler's own words on stderr.
        "--message-format=json-render-diagnostics",
    ]
    quiet = {**environment, "CARGO_TERM_COLOR": "never"}
    finished = run_process(command, timeout_s=timeout_s, cwd=working_directory, environment=quiet)
    if finished.failed:
        raise _build_failed(finished, timeout_s)
    return _kept(_executable(finished), working_directory, environment, scratch)


def check_package(
    features: Sequence[str], working_directory: Path, environment: Mapping[str, str]
) -> Path:
    """The cargo that can build the package here with these features.

    Raises:
        Unmeasured: `build-missing`, `features-unknown`.
    """
    cargo = _cargo(working_directory, environment)
    known = package_features(cargo, working_directory, environment)
    refuse_unknown("bitnet-rs", features, known)
    return cargo


def check_features(
    features: Sequence[str], working_directory: Path, environment: Mapping[str, str]
) -> None:
    """Refuse features that the package does not have, by its manifest if it lies here.

    Raises:
        Unmeasured: `features-unknown`.
    """
    if not features:
        return
    try:
        cargo = _cargo(working_directory, environment)
        known = package_features(cargo, working_directory, environment)
    except Unmeasured:
        known = DOCUMENTED_FEATURES
    refuse_unknown("bitnet-rs", features, known)


def package_features(
    cargo: Path, working_directory: Path, environment: Mapping[str, str]
) -> tuple[str, ...]:
    """The features that the package's own manifest declares, in its order.

    Raises:
        Unmeasured: `build-missing`: there is no such package here.
    """
    asked = [str(cargo), "metadata", "--no-deps", "--format-version", "1"]
    try:
        answer = subprocess.run(
            asked,
            cwd=working_directory,
            env=dict(environment),
            capture_output=True,
            check=True,
            timeout=_METADATA_TIMEOUT_S,
        )
    except subprocess.CalledProcessError as error:
        raise Unmeasured(
            "build-missing",
            "`build: auto` builds BitNet.rs with cargo, but there is no cargo workspace in the "
            "working directory: check `working-directory`, or give `build` a script.",
            last_lines(failures.decoded(error.stderr)),
        ) from error
    except subprocess.TimeoutExpired as error:
        raise Unmeasured(
            "build-failed", f"`cargo metadata` did not end within {_METADATA_TIMEOUT_S:g} s."
        ) from error
    packages = json.loads(answer.stdout)["packages"]
    for package in packages:
        if package["name"] == PACKAGE:
            return tuple(package["features"])
    raise Unmeasured(
        "build-missing",
        f"`build: auto` builds the package `{PACKAGE}`, but the cargo workspace in the working "
        "directory has none of that name: give `build` a script instead.",
    )


def _cargo(working_directory: Path, environment: Mapping[str, str]) -> Path:
    try:
        return find_program("cargo", working_directory=working_directory, environment=environment)
    except Unmeasured as error:
        raise Unmeasured(
            "build-missing",
            "`build: auto` builds BitNet.rs with cargo, but there is no cargo on PATH: install "
            "Rust in a step before this one.",
        ) from error


def _build_failed(finished: Finished, timeout_s: float) -> Unmeasured:
    if finished.timed_out:
        how = f"took longer than {timeout_s:g} s and was stopped"
    else:
        how = f"ended with code {finished.exit_code}"
    tail = last_lines(failures.decoded(finished.stderr), lines=20)
    return Unmeasured("build-failed", f"`cargo build` of {PACKAGE} {how}.", tail)


def _executable(finished: Finished) -> Path:
    """The program among the artifacts that cargo reports."""
    executables = {
        message["target"]["name"]: Path(message["executable"])
        for message in _messages(finished.stdout)
        if message.get("reason") == "compiler-artifact"
        and message.get("executable")
        and "bin" in message["target"]["kind"]
    }
    if EXECUTABLE in executables:
        return executables[EXECUTABLE]
    if len(executables) == 1:
        return next(iter(executables.values()))
    made = ", ".join(sorted(executables)) or "none"
    raise Unmeasured(
        "build-failed",
        f"cargo built {PACKAGE}, but names no executable `{EXECUTABLE}` (it names: {made}).",
    )


def _messages(stdout: bytes) -> Iterator[dict[str, Any]]:
    """One JSON object per line. Of a very long build the middle was left out: the program that
    was asked for comes last."""
    for line in stdout.splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict):
            yield message


def _kept(
    executable: Path, working_directory: Path, environment: Mapping[str, str], scratch: Path
) -> Path:
    """The executable where it stays as it is: with a target folder that all checkouts share, the
    other side's build would replace it. It may lie in this checkout: `$GITHUB_WORKSPACE/target`."""
    named = (environment.get(name, "") for name in _TARGET_FOLDER)
    is_shared = any(Path(folder).is_absolute() for folder in named)
    if not is_shared and executable.resolve().is_relative_to(working_directory.resolve()):
        return executable
    return Path(shutil.copy2(executable, scratch / executable.name))
