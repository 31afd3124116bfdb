"""What programs say of themselves, and programs that say nothing, too much or never end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perf_smoke.engines import programs
from perf_smoke.engines.programs import ask_help, identify, version
from perf_smoke.hashing import HashedFile
from tests.integration.engines.setups import blank_setup

ENVIRONMENT = {"PATH": os.environ["PATH"]}


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo bitnet 0.2.1", "bitnet 0.2.1"),
        ("echo 'version: 4567 (abc)' >&2; echo 'built with cc' >&2", "4567 (abc)"),
        ("echo 'ggml_cuda_init: found 1'; echo 'Version 0.6' >&2", "0.6"),
        ("echo; echo '  spaces  '", "spaces"),
        ("true", ""),
        ("echo broken; exit 1", ""),
        ("printf '\\033[31mred\\n'", "red"),
        ("head -c 1000 /dev/zero | tr '\\0' x", "x" * 120),
    ],
)
def test_the_version_is_the_line_that_tells_it(tmp_path: Path, script: str, expected: str) -> None:
    assert version(["sh", "-c", script], tmp_path, ENVIRONMENT) == expected


def test_a_program_that_never_tells_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "TIMEOUT_S", 0.3)
    assert version(["sleep", "600"], tmp_path, ENVIRONMENT) == ""


def test_a_program_that_cannot_be_started_tells_nothing(tmp_path: Path) -> None:
    assert version([str(tmp_path / "none")], tmp_path, ENVIRONMENT) == ""
    assert ask_help(tmp_path / "none", tmp_path, ENVIRONMENT).text == ""


def test_help_counts_whatever_the_exit_code_and_the_stream(tmp_path: Path) -> None:
    program = tmp_path / "old"
    program.write_text("#!/bin/sh\necho '-fa, --flash-attn' >&2\nexit 1\n")
    program.chmod(0o755)
    known = ask_help(program, tmp_path, ENVIRONMENT)
    assert known.switches == {"-fa", "--flash-attn"}
    assert known.matches(r"--flash-attn\b")


def test_switches_are_whole_words() -> None:
    text = "--load-mode MODE (mmap+mlock)\n-no-cnv, --no-conversation  see non--switch [-h]"
    assert programs.Help(text=text).switches == {
        *("--load-mode", "-no-cnv", "--no-conversation", "-h"),
    }


def test_a_program_that_may_be_run_but_not_read_has_no_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> HashedFile:  # the tests may run as root, who may read everything
        raise PermissionError(path)

    monkeypatch.setattr(programs, "hashed", refuse)
    setup = blank_setup(tmp_path)
    identity = identify("command", Path("/bin/true"), setup, version_arguments=())
    assert (identity.version, identity.binary_sha256) == ("", "")
    assert identity.binary == "/bin/true"
