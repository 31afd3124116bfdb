"""Building BitNet.rs with cargo: its features, and the executable that cargo itself names."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from perf_smoke.engines.base import EngineSetup
from perf_smoke.engines.features import refuse_unknown
from perf_smoke.engines.fields import Fields
from perf_smoke.engines.identity import find_program
from perf_smoke.printable import decoded, last_lines, one_line, telling_lines
from perf_smoke.processes.foreground import Finished, run_process
from perf_smoke.result import Unmeasured

PACKAGE = "bitnet-cli"
EXECUTABLE = "bitnet"
DEFAULT_FEATURES = ("cpu", "full-cli")
DOCUMENTED_FEATURES = (
    *("cpu", "gpu", "cuda", "metal", "full-cli", "cli-bench"),
    *("iq2s-ffi", "crossval", "trace"),
)
"""The package's features in 2026, for where its manifest cannot be read."""
_TARGET_FOLDER = ("CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR")
_METADATA_TIMEOUT_S = 120.0
_SHOWN_CHARACTERS = 1000
"""How much is shown of what cargo prints instead of an answer; the cause stands first."""


def build(engine: str, setup: EngineSetup, timeout_s: float) -> Path:
    """Build the package `bitnet-cli` as it lies in the working directory.

    Args:
        engine: whose features are named wrongly, for a sentence.
        setup: without features, `cpu` and `full-cli` are built; its scratch folder takes a copy of
            an executable that another side's build might overwrite.

    Raises:
        Unmeasured: `build-missing` (no cargo, no such package), `features-unknown`,
            `build-failed`, with cargo's errors and last lines.
    """
    cargo = check_package(engine, setup)
    features = ",".join(setup.features or DEFAULT_FEATURES)
    command = [
        *(str(cargo), "build", "--release", "--locked", "-p", PACKAGE),
        *("--no-default-features", "--features", features),
        # Artifacts as JSON on stdout, the compiler's own words on stderr.
        "--message-format=json-render-diagnostics",
    ]
    finished = run_process(
        command,
        timeout_s=timeout_s,
        cwd=setup.working_directory,
        environment={**setup.environment, "CARGO_TERM_COLOR": "never"},
        on_stderr=setup.on_build_output,
    )
    if finished.failed:
        raise Unmeasured(
            "build-failed",
            f"`cargo build` of {PACKAGE} {finished.how}.",
            telling_lines(decoded(finished.stderr)),
        )
    return _out_of_reach(_executable(finished), setup)


def check_package(engine: str, setup: EngineSetup) -> Path:
    """The cargo that can build the package here with these features.

    Raises:
        Unmeasured: `build-missing`, `features-unknown`.
    """
    cargo = _cargo(setup)
    refuse_unknown(engine, setup.features, package_features(cargo, setup))
    return cargo


def check_features(engine: str, setup: EngineSetup) -> None:
    """Refuse features that the package does not have, by its manifest if it lies here.

    Raises:
        Unmeasured: `features-unknown`.
    """
    if not setup.features:
        return
    try:
        known = package_features(_cargo(setup), setup)
    except Unmeasured:
        known = DOCUMENTED_FEATURES
    refuse_unknown(engine, setup.features, known)


def package_features(cargo: Path, setup: EngineSetup) -> tuple[str, ...]:
    """The features that the package's own manifest declares, in its order.

    Raises:
        Unmeasured: `build-missing`: there is no such package here; `build-failed`: cargo failed.
    """
    answer = bytearray()  # whole: of a large workspace it is longer than what a Finished holds
    finished = run_process(
        [str(cargo), "metadata", "--no-deps", "--format-version", "1"],
        timeout_s=_METADATA_TIMEOUT_S,
        cwd=setup.working_directory,
        environment=setup.environment,
        on_stdout=answer.extend,
    )
    if finished.timed_out:
        raise Unmeasured("build-failed", f"`cargo metadata` {finished.how}.")
    if finished.failed:
        raise _no_metadata(finished)
    return features_in(answer)


def features_in(metadata: bytes | bytearray) -> tuple[str, ...]:
    """The features of the package in what `cargo metadata` says.

    Raises:
        Unmeasured: `build-missing`: there is no such package; `engine-output`: it says no JSON.
    """
    try:
        document = json.loads(metadata)
    except (ValueError, RecursionError):
        document = "no JSON"
    for package in Fields(document, "`cargo metadata`").objects("packages"):
        if package.text("name") == PACKAGE:
            return package.names("features")
    raise Unmeasured(
        "build-missing",
        f"`build: auto` builds the package `{PACKAGE}`, but the cargo workspace in the working "
        "directory has none of that name: give `build` a script instead.",
    )


def _no_metadata(finished: Finished) -> Unmeasured:
    """Why cargo does not know the workspace: there is none, or it says so itself in its first
    lines, before a help and a backtrace."""
    printed = decoded(finished.stderr)
    if "could not find `Cargo.toml`" in printed:
        return Unmeasured(
            "build-missing",
            "`build: auto` builds BitNet.rs with cargo, but there is no cargo workspace in the "
            "working directory: check `working-directory`, or give `build` a script.",
            last_lines(printed),
        )
    errors = [line for line in printed.splitlines() if line.startswith("error")]
    cause = f": `{one_line(errors[0])}`" if errors else ""
    return Unmeasured(
        "build-failed", f"`cargo metadata` {finished.how}{cause}.", printed[:_SHOWN_CHARACTERS]
    )


def _cargo(setup: EngineSetup) -> Path:
    try:
        return find_program(
            "cargo", working_directory=setup.working_directory, environment=setup.environment
        )
    except Unmeasured as error:
        raise Unmeasured(
            "build-missing",
            "`build: auto` builds BitNet.rs with cargo, but there is no cargo on PATH: install "
            "Rust in a step before this one.",
        ) from error


def _executable(finished: Finished) -> Path:
    """The program among the artifacts that cargo reports."""
    artifacts = [
        Fields(message, "cargo", "artifact")
        for message in _messages(finished.stdout)
        if message.get("reason") == "compiler-artifact"
    ]
    executables = {
        artifact.object("target").text("name"): Path(artifact.text("executable"))
        for artifact in artifacts
        if artifact.text("executable") and "bin" in artifact.object("target").texts("kind")
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
        except (ValueError, RecursionError):
            continue  # a line of a build script, or the gap
        if isinstance(message, dict):
            yield message


def _out_of_reach(executable: Path, setup: EngineSetup) -> Path:
    """The executable, or a copy of it, where the other side's build does not replace it: a target
    folder may be shared by all checkouts. `$GITHUB_WORKSPACE/target` is, and lies in head's."""
    folders = (setup.environment.get(name, "") for name in _TARGET_FOLDER)
    is_shared = any(Path(folder).is_absolute() for folder in folders)
    in_checkout = executable.resolve().is_relative_to(setup.working_directory.resolve())
    if in_checkout and not is_shared:
        return executable
    return Path(shutil.copy2(executable, setup.scratch / executable.name))
