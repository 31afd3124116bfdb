"""BitNet.rs is built by cargo itself: a real one, with a tiny package of the same name."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perf_smoke.engines import cargo, registry
from perf_smoke.engines.base import EngineSetup
from perf_smoke.result import Unmeasured
from tests.integration.engines.setups import blank_setup

pytestmark = pytest.mark.skipif(not shutil.which("cargo"), reason="there is no cargo here")

ENVIRONMENT = {**os.environ, "CARGO_NET_OFFLINE": "true"}
MAIN = r"""
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments[1] == "--version" {
        println!("bitnet 0.2.1 {}", if cfg!(feature = "cpu") { "cpu" } else { "nothing" });
        return;
    }
    let out = &arguments[arguments.iter().position(|word| word == "--json-out").unwrap() + 1];
    for step in 0..4 {
        eprintln!("timing: embed_us=26\ntiming: forward_us={}", 1000 + step);
        eprintln!("timing: logits_us=72\ntiming: sample_us=2");
    }
    std::thread::sleep(std::time::Duration::from_millis(10));
    std::fs::write(out, r#"{"text": "11, so", "tokens": {"prompt": 4, "generated": 4},
        "latency": {"cmd_to_first_ms": 1, "total_ms": 5}}"#).unwrap();
}
"""
LOCK = """version = 4

[[package]]
name = "bitnet-cli"
version = "0.2.1"
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout with the package that BitNet.rs has, without anything in it."""
    folder = tmp_path / "bitnet"
    crate = folder / "crates" / "bitnet-cli"
    (crate / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text(
        '[workspace]\nmembers = ["crates/bitnet-cli"]\nresolver = "2"\n'
    )
    (folder / "Cargo.lock").write_text(LOCK)
    (crate / "Cargo.toml").write_text(
        '[package]\nname = "bitnet-cli"\nversion = "0.2.1"\nedition = "2021"\n'
        '[[bin]]\nname = "bitnet"\npath = "src/main.rs"\n'
        '[features]\ndefault = ["cpu"]\ncpu = []\nfull-cli = []\ngpu = []\n'
    )
    (crate / "src" / "main.rs").write_text(MAIN)
    return folder


def build(
    workspace: Path,
    *features: str,
    environment: dict[str, str] | None = None,
    timeout_s: float = 240.0,
) -> Path:
    return registry.build(
        "bitnet-rs",
        setup_in(workspace, features=features, environment={**ENVIRONMENT, **(environment or {})}),
        timeout_s=timeout_s,
    )


def setup_in(workspace: Path, **changes: Any) -> EngineSetup:
    """A setup of that folder, with a scratch folder beside it."""
    place = workspace.parent / "of-this-side"
    place.mkdir()
    return replace(blank_setup(place, **changes), working_directory=workspace)


def failure_of(workspace: Path, *features: str, timeout_s: float = 240.0) -> tuple[str, str, str]:
    with pytest.raises(Unmeasured) as caught:
        build(workspace, *features, timeout_s=timeout_s)
    failure = caught.value.failure
    return failure.reason, failure.sentence, failure.tail


def test_the_executable_that_cargo_names_is_measured(workspace: Path, tmp_path: Path) -> None:
    program = build(workspace)
    assert program == workspace / "target" / "release" / "bitnet"
    setup = blank_setup(
        tmp_path, binary=str(program), model=tmp_path / "m.gguf", environment=ENVIRONMENT
    )
    engine = registry.prepare("bitnet-rs", setup)
    assert engine.identity.version == "bitnet 0.2.1 cpu"
    reply = engine.open({}).step(setup.request, 60)
    assert reply.failure is None
    assert (reply.text, reply.sample.n_out) == ("11, so", 4)
    assert reply.sample.decode_ms == (3 * 1100 + 1 + 2 + 3) / 1e3


@pytest.mark.parametrize("folder", ["shared", "bitnet/target"])
@pytest.mark.parametrize("variable", ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"])
def test_a_target_folder_that_both_sides_share_cannot_mix_them_up(
    workspace: Path, tmp_path: Path, folder: str, variable: str
) -> None:
    program = build(workspace, "gpu", environment={variable: str(tmp_path / folder)})
    assert program == tmp_path / "of-this-side" / "scratch" / "bitnet"
    setup = blank_setup(tmp_path, binary=str(program), environment=ENVIRONMENT)
    assert registry.prepare("bitnet-rs", setup).identity.version == "bitnet 0.2.1 nothing"


def test_features_that_the_package_does_not_have_are_refused_before_the_build(
    workspace: Path,
) -> None:
    reason, sentence, _ = failure_of(workspace, "cpu", "turbo")
    assert reason == "features-unknown"
    assert "`turbo`" in sentence
    assert "cpu, default, full-cli, gpu" in sentence
    assert not (workspace / "target").exists()


def test_a_program_that_does_not_compile_is_told_in_the_compiler_s_words(workspace: Path) -> None:
    (workspace / "crates/bitnet-cli/src/main.rs").write_text("fn main() { nonsense }")
    reason, sentence, tail = failure_of(workspace)
    assert reason == "build-failed"
    assert sentence == "`cargo build` of bitnet-cli exited with code 101."
    assert "cannot find value `nonsense`" in tail


def test_a_build_that_takes_too_long_is_stopped(workspace: Path) -> None:
    (workspace / "crates/bitnet-cli/build.rs").write_text(
        "fn main() { std::thread::sleep(std::time::Duration::from_secs(600)); }"
    )
    reason, sentence, _ = failure_of(workspace, timeout_s=3.0)
    assert reason == "build-failed"
    assert "took longer than 3 s" in sentence


def test_without_a_workspace_the_sentence_says_what_to_do(tmp_path: Path) -> None:
    reason, sentence, tail = failure_of(tmp_path)
    assert reason == "build-missing"
    assert "check `working-directory`" in sentence
    assert "Cargo.toml" in tail


def test_what_cargo_says_instead_of_an_answer_is_told(workspace: Path, tmp_path: Path) -> None:
    rustup = tmp_path / "bin" / "cargo"
    rustup.parent.mkdir()
    rustup.write_text(
        "#!/bin/sh\n"
        "echo \"error: toolchain '1.92.0' is not installed\" >&2\n"
        'for frame in $(seq 30); do echo "  $frame: main" >&2; done\n'
        "exit 1\n"
    )
    rustup.chmod(0o755)
    with pytest.raises(Unmeasured) as caught:
        build(workspace, environment={"PATH": f"{rustup.parent}:{os.environ['PATH']}"})
    assert caught.value.failure.reason == "build-failed"
    assert caught.value.failure.sentence == (
        "`cargo metadata` exited with code 1: `error: toolchain '1.92.0' is not installed`."
    )
    assert caught.value.failure.tail.startswith("error: toolchain")


def test_a_workspace_without_the_package_is_said(workspace: Path) -> None:
    manifest = workspace / "crates/bitnet-cli/Cargo.toml"
    manifest.write_text(manifest.read_text().replace("bitnet-cli", "other-cli"))
    (workspace / "Cargo.lock").write_text(LOCK.replace("bitnet-cli", "other-cli"))
    reason, sentence, _ = failure_of(workspace)
    assert reason == "build-missing"
    assert "has none of that name" in sentence


def test_without_cargo_the_sentence_says_what_to_do(workspace: Path) -> None:
    with pytest.raises(Unmeasured) as caught:
        build(workspace, environment={"PATH": "/nowhere"})
    assert caught.value.failure.reason == "build-missing"
    assert "no cargo on PATH" in caught.value.failure.sentence


@pytest.mark.parametrize(
    ("bins", "expected"),
    [
        (("bitnet-next",), "bitnet-next"),
        (("one", "bitnet"), "bitnet"),
        (("one", "two"), ""),
    ],
)
def test_the_executable_is_bitnet_or_the_only_one(
    workspace: Path, bins: tuple[str, ...], expected: str
) -> None:
    manifest = workspace / "crates/bitnet-cli/Cargo.toml"
    sections = "".join(f'[[bin]]\nname = "{name}"\npath = "src/main.rs"\n' for name in bins)
    manifest.write_text(
        manifest.read_text().replace('[[bin]]\nname = "bitnet"\npath = "src/main.rs"\n', sections)
    )
    if expected:
        assert build(workspace).name == expected
    else:
        reason, sentence, _ = failure_of(workspace)
        assert reason == "build-failed"
        assert "names no executable `bitnet` (it names: one, two)" in sentence


def test_features_of_a_program_built_elsewhere_are_checked_by_the_manifest(
    workspace: Path, tmp_path: Path
) -> None:
    setup = setup_in(workspace, binary=sys.executable, environment=ENVIRONMENT, features=("cuda",))
    with pytest.raises(Unmeasured, match=r"no feature `cuda`\. It knows: cpu, default, full-cli"):
        registry.prepare("bitnet-rs", setup)


def test_without_a_manifest_the_documented_features_count(tmp_path: Path) -> None:
    setup = blank_setup(tmp_path, binary=sys.executable, environment=ENVIRONMENT)
    registry.prepare("bitnet-rs", replace(setup, features=("cpu",)))
    with pytest.raises(Unmeasured, match=r"no feature `turbo`\. It knows: cpu, gpu, cuda"):
        registry.prepare("bitnet-rs", replace(setup, features=("turbo",)))


def test_a_metadata_query_that_never_ends_is_given_up(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = tmp_path / "stuck" / "cargo"
    stuck.parent.mkdir()
    stuck.write_text("#!/bin/sh\nexec sleep 600\n")
    stuck.chmod(0o755)
    monkeypatch.setattr(cargo, "_METADATA_TIMEOUT_S", 0.3)
    with pytest.raises(Unmeasured, match=r"`cargo metadata` took longer than 0\.3 s"):
        build(workspace, environment={"PATH": f"{stuck.parent}:{os.environ['PATH']}"})


def test_the_metadata_of_a_large_workspace_is_read_whole(tmp_path: Path) -> None:
    packages = [{"name": "other", "description": "x" * 1_000_000, "features": {}}]
    packages += [{"name": "bitnet-cli", "features": {"cpu": []}}]
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps({"packages": packages}))
    program = tmp_path / "cargo"
    program.write_text(f"#!/bin/sh\nexec cat {answer}\n")
    program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    setup = setup_in(tmp_path / "work", environment=environment, features=("cpu",))
    setup.working_directory.mkdir()
    registry.check_build("bitnet-rs", setup)


def test_what_is_no_message_among_cargo_s_lines_is_passed_over() -> None:
    assert list(cargo._messages(b'half {"reason"\n[1]\n\n{"reason": "x"}\n')) == [{"reason": "x"}]
