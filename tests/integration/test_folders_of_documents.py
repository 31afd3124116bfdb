"""`perf-smoke report PATH…`: documents in folders, read as a stranger's."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from perf_smoke import documents as reader
from perf_smoke import result_file
from perf_smoke.cli import main
from tests import documents


def told(ended: Result) -> str:
    """What it printed, on one line."""
    return " ".join(ended.output.split())


def report(*paths: Path, legs: str = "", output: Path | None = None) -> Result:
    """What the command says of these paths."""
    options = ["--output", str(output)] if output else []
    return CliRunner().invoke(main, ["report", *map(str, paths), "--legs", legs, *options])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The documents of two legs."""
    legs = documents.leg("gcc"), documents.leg("clang", slower_by=0.2)
    return documents.put(tmp_path / "results", *legs)


def test_a_folder_of_documents_becomes_one_report_and_a_file(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.md"
    ended = report(folder, output=output)
    assert ended.exit_code == 0, ended.output
    assert "perf-smoke: 1 of 2 slower" in ended.output
    assert ended.output.index("clang") < ended.output.index("gcc")
    text = output.read_text("utf-8")
    assert text.startswith("### perf-smoke: 1 of 2 slower\n")
    assert "<details><summary><code>gcc</code>: no change" in text


def test_a_folder_of_one_document_is_reported_as_the_document_alone(
    folder: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone.md"
    report(folder / "perf-smoke-0", output=alone)
    itself = tmp_path / "itself.md"
    report(folder / "perf-smoke-0" / "result.json", output=itself)
    assert alone.read_text() == itself.read_text()
    assert alone.read_text().startswith("### perf-smoke `gcc`: no change")


def test_the_names_and_the_order_of_files_make_no_difference(tmp_path: Path) -> None:
    legs = [documents.leg(f"cc {number}", slower_by=number / 50) for number in range(6)]
    texts = set()
    for seed in range(4):
        random.Random(seed).shuffle(legs)
        folder = documents.put(tmp_path / str(seed), *legs)
        output = tmp_path / f"{seed}.md"
        places = list(folder.iterdir())
        random.Random(seed).shuffle(places)
        assert report(*places, output=output).exit_code == 0
        texts.add(output.read_text())
    assert len(texts) == 1


def test_missing_legs_are_named(folder: Path) -> None:
    assert "msvc not measured: no result came" in told(report(folder, legs="gcc,clang,msvc"))
    assert "msvc" not in report(folder, legs="gcc\nclang").output


def test_legs_that_are_no_list_are_refused(folder: Path) -> None:
    ended = report(folder, legs='["gcc"')
    assert ended.exit_code == 2
    assert "--legs must be names, one a line, or a JSON array of them" in ended.output


def test_what_is_no_document_costs_no_other_one(folder: Path) -> None:
    (folder / "package.json").write_text("{}")
    (folder / "broken.json").write_text("{")
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "binary.json").write_bytes(bytes(range(256)))
    document = json.loads((folder / "perf-smoke-0" / "result.json").read_text())
    document["comparisons"][0]["verdict"] = "slower"
    (folder / "lies.json").write_text(json.dumps(document))
    ended = report(folder)
    assert ended.exit_code == 0, ended.output
    assert "1 of 7 slower" in ended.output
    for name in ("package", "broken", "deep", "binary", "lies"):
        assert f"{name}.json not measured: no valid result" in told(ended)
    assert "its verdict is `slower`, and its steps say `no-change`" in told(ended)


def test_a_folder_without_documents_is_said(tmp_path: Path) -> None:
    ended = report(tmp_path)
    assert ended.exit_code == 2
    assert ended.stderr == f"perf-smoke: no document lies in {tmp_path}.\n"
    assert "name a result.json, or a folder" in report().output


def test_neither_links_nor_pipes_nor_sockets_lead_out_of_the_folder(
    folder: Path, tmp_path: Path
) -> None:
    outside = documents.put(tmp_path / "outside", documents.leg("secret"))
    (folder / "link.json").symlink_to(outside / "perf-smoke-0" / "result.json")
    (folder / "linked").symlink_to(outside)
    (folder / "round").symlink_to(folder)
    os.mkfifo(folder / "pipe.json")
    (folder / "device.json").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        where = Path.cwd()
        os.chdir(folder)  # the path of a socket may not be long
        try:
            listening.bind("socket.json")
        finally:
            os.chdir(where)
        ended = report(folder)
    assert ended.exit_code == 0, ended.output
    assert "secret" not in ended.output
    assert "1 of 2 slower" in ended.output
    assert "Links, pipes and the like were not read." in ended.output


def test_how_much_is_read_is_bounded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = folder.joinpath(*"abcdefghi")
    deep.mkdir(parents=True)
    shutil.copy(folder / "perf-smoke-0" / "result.json", deep / "result.json")
    assert "Folders more than 6 deep were not read." in report(folder).output
    monkeypatch.setattr(reader, "MOST_DOCUMENTS", 1)
    assert "Only the first 1 of 2 documents were read." in report(folder).output
    monkeypatch.undo()
    monkeypatch.setattr(reader, "LARGEST_TOTAL_MIB", 0)
    nothing = reader.read_all([folder])
    assert (nothing.results, nothing.notes[-1]) == (
        (),
        "Only the first 0 MiB of documents were read.",
    )
    monkeypatch.undo()
    monkeypatch.setattr(reader, "MOST_ENTRIES", 3)
    assert "Only 3 files and folders were looked at." in reader.read_all([folder]).notes


def test_a_document_that_lies_there_twice_counts_once(folder: Path) -> None:
    shutil.copytree(folder / "perf-smoke-0", folder / "again")
    assert "1 of 2 slower" in report(folder, folder).output


def test_of_the_attempts_of_a_leg_the_last_one_counts(tmp_path: Path) -> None:
    first = documents.leg("gcc", slower_by=0.3)
    again = documents.leg("gcc", attempt=2)
    other = documents.leg("clang")
    folder = documents.put(tmp_path / "results", first, again, other)
    assert [leg.attempt for result in reader.read_all([folder]).results if (leg := result.leg)] in (
        [1, 2],
        [2, 1],
    )
    assert "2 of 2 unchanged" in report(folder).output


def test_one_of_several_paths_that_is_not_there_is_told_beside_the_others(folder: Path) -> None:
    ended = report(folder, folder / "none")
    assert ended.exit_code == 0
    assert "none`: cannot be read: No such file or directory." in told(ended)


def test_changed_bytes_are_refused_or_shown_and_nothing_else_happens(tmp_path: Path) -> None:
    """A fuzzed document: every byte and every value may be another one."""
    dice = random.Random(20261125)
    place = tmp_path / "result.json"
    result_file.write(documents.leg("gcc", pairs=12), place)
    whole = place.read_bytes()
    tree = json.loads(whole)
    odd: list[Any] = [
        None,
        True,
        -1,
        0,
        2**70,
        1e308,
        -0.0,
        "",
        "\x00",
        "x" * 9999,
        [],
        {},
        [[]],
        {"": 0},
    ]
    for number in range(150):
        changed = json.loads(json.dumps(tree))
        at, depth = changed, 0
        while depth < 12:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = dice.choice(keys)
            if not isinstance(at[key], (dict, list)) or dice.random() < 0.1:
                at[key] = dice.choice(odd)
                break
            at, depth = at[key], depth + 1
        cut = bytearray(whole)
        cut[dice.randrange(len(cut))] = dice.randrange(256)
        place.write_bytes(json.dumps(changed).encode() if number % 2 else bytes(cut))
        found = reader.read_all([tmp_path])
        assert len(found.results) + len(found.refused) == 1
