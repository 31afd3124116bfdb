"""Files of this machine."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.models.fetcher import Fetcher


def test_a_path_is_relative_to_the_working_directory(fetcher: Fetcher) -> None:
    (fetcher.base_directory / "models").mkdir()
    (fetcher.base_directory / "models/m.gguf").write_bytes(b"abc")
    model = fetcher("models/m.gguf")
    assert model.path == fetcher.base_directory / "models/m.gguf"
    assert model.sha256 == hashlib.sha256(b"abc").hexdigest()
    assert (model.bytes, model.from_cache, model.download_s) == (3, True, 0)
    assert model.reference == "models/m.gguf"


def test_a_path_may_be_absolute_or_at_home(fetcher: Fetcher, tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"abc")
    assert fetcher(str(path)).path == path
    assert fetcher("~/m.gguf", HOME=str(tmp_path)).path == path
    assert fetcher.refused("~/m.gguf", HOME="").failure.reason == "model-missing"


def test_a_missing_file_is_named_with_the_place_that_was_looked_at(fetcher: Fetcher) -> None:
    failure = fetcher.refused("models/m.gguf").failure
    assert failure.reason == "model-missing"
    assert str(fetcher.base_directory / "models/m.gguf") in failure.sentence


def test_a_file_in_place_of_a_folder_is_a_missing_model(fetcher: Fetcher) -> None:
    (fetcher.base_directory / "models").touch()
    assert fetcher.refused("models/m.gguf").failure.reason == "model-missing"


def test_what_is_no_regular_file_is_refused_without_reading(fetcher: Fetcher) -> None:
    (fetcher.base_directory / "folder").mkdir()
    os.mkfifo(fetcher.base_directory / "pipe")
    assert "is a folder" in fetcher.refused("folder").failure.sentence
    assert "no regular file" in fetcher.refused("pipe").failure.sentence


def test_an_unreadable_file_is_a_reason(fetcher: Fetcher) -> None:
    (fetcher.base_directory / "loop").symlink_to("loop")
    failure = fetcher.refused("loop").failure
    assert failure.reason == "model-unreadable"
    assert "symbolic links" in failure.sentence


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "model-truncated"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "model-lfs-pointer"),
    ],
)
def test_what_stands_in_for_a_model_is_refused_and_stays(
    fetcher: Fetcher, content: bytes, reason: str
) -> None:
    path = fetcher.base_directory / "m.gguf"
    path.write_bytes(content)
    assert fetcher.refused("m.gguf").failure.reason == reason
    assert path.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html>\n<html><title>Sign in</title></html>\n",
        b"\xef\xbb\xbf\n  <HTML>",
        b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
        b'{"error":"Repository not found"}',
        b'{"message": "Not Found", "type": "x", "status": "404"}',
        b'{"detail": {"reason": "no token"}}',
        b"Invalid username or password.",
        b"Access to model o/r is restricted. You must be authenticated to access it.",
        b"404: Not Found",
        b"Entry not found\n",
        b"HTTP/1.1 403 Forbidden\r\n",
    ],
)
def test_what_a_server_said_in_place_of_a_model_is_refused_and_stays(
    fetcher: Fetcher, content: bytes
) -> None:
    path = fetcher.base_directory / "m.gguf"
    path.write_bytes(content)
    failure = fetcher.refused("m.gguf").failure
    assert failure.reason == "model-error-page"
    assert failure.sentence.startswith("m.gguf is no model")
    assert path.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer.json", b'{"version": "1.0", "model": {"error": 1}}'),
        ("config.json", b'{"error": 1, "vocab_size": 32}'),
        ("page.html", b"<!DOCTYPE html>"),
        ("m.gguf", b"GGUF<html>"),
        ("m.gguf", b"errors \x00\x01 not found"),
        ("words.txt", b"found not found"),
        ("m.gguf", b"          "),
    ],
)
def test_what_only_looks_like_that_is_taken(fetcher: Fetcher, name: str, content: bytes) -> None:
    (fetcher.base_directory / name).write_bytes(content)
    assert fetcher(name).bytes == len(content)


@pytest.mark.parametrize(
    ("reference", "form"),
    [
        ("o/r/m.gguf", "hf://o/r/m.gguf"),
        ("huggingface.co/o/r/resolve/main/m.gguf", "hf://o/r/m.gguf@main"),
        ("o/r-GGUF:Q4_K_M", "hf://o/r-GGUF/file"),
    ],
)
def test_a_missing_path_that_names_a_file_of_a_hub_is_told_its_form(
    fetcher: Fetcher, reference: str, form: str
) -> None:
    failure = fetcher.refused(reference).failure
    assert failure.reason == "model-missing"
    assert failure.sentence.endswith(f" If it is a file of a Hugging Face hub, write {form}.")


def test_another_file_than_the_pinned_one_is_refused_and_stays(fetcher: Fetcher) -> None:
    path = fetcher.base_directory / "m.gguf"
    path.write_bytes(b"abc")
    assert fetcher.refused("m.gguf", sha256="0" * 64).failure.reason == "model-hash"
    assert path.exists()


def test_all_shards_must_be_there(fetcher: Fetcher) -> None:
    for number in (1, 2):
        (fetcher.base_directory / f"m-0000{number}-of-00003.gguf").write_bytes(b"abc")
    failure = fetcher.refused("m-00001-of-00003.gguf").failure
    assert failure.reason == "model-missing"
    assert "m-00003-of-00003.gguf does not exist" in failure.sentence


def test_the_hash_of_shards_can_be_made_again_in_a_shell(fetcher: Fetcher) -> None:
    for number in (1, 2, 3):
        (fetcher.base_directory / f"m-0000{number}-of-00003.gguf").write_bytes(os.urandom(100))
    printed = subprocess.run(
        "sha256sum m-*-of-*.gguf | sha256sum",
        shell=True,
        cwd=fetcher.base_directory,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    model = fetcher("m-00001-of-00003.gguf", sha256=printed.split()[0])
    assert (model.sha256, model.bytes) == (printed.split()[0], 300)


def test_another_shard_than_the_first_is_refused(fetcher: Fetcher) -> None:
    failure = fetcher.refused("m-00002-of-00003.gguf").failure
    assert failure.reason == "invalid-reference"
    assert "name m-00001-of-00003.gguf" in failure.sentence
