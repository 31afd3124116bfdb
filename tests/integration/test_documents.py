"""`perf-smoke report` and `compare` on documents that were changed or made up on their way."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from perf_smoke import result_file
from perf_smoke.cli import main
from perf_smoke.compare import Rule
from perf_smoke.pairs_file import read_pairs

Document = dict[str, Any]


@pytest.fixture
def document(tmp_path: Path) -> Document:
    """Forty pairs, head a tenth slower."""
    times = [(1 + number % 7 / 1000, 1.1 + number % 5 / 1000) for number in range(40)]
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("base,head\n" + "".join(f"{base},{head}\n" for base, head in times))
    result_file.write(read_pairs(pairs, Rule()), tmp_path / "result.json")
    made: Document = json.loads((tmp_path / "result.json").read_text())
    assert made["comparisons"][0]["verdict"] == "slower"
    return made


def said(command: str, file: Path) -> Result:
    """What the command says of the file, in one line of plain characters where it refuses it."""
    ended = CliRunner().invoke(main, [command, str(file)])
    assert ended.exit_code in (0, 2), ended.output
    if ended.exit_code:
        assert re.fullmatch(r"perf-smoke: [^\x00-\x09\x0b-\x1f\x7f-\x9f]+\n", ended.stderr)
    return ended


def told(command: str, document: Document, folder: Path) -> Result:
    """The same of this document."""
    file = folder / "told.json"
    file.write_text(json.dumps(document))
    return said(command, file)


def head_of(document: Document) -> Document:
    """What head gave."""
    measurement: Document = document["workloads"]["default"]["measurements"]["head"]
    return measurement


def changed(key: str, value: object) -> Callable[[Document], None]:
    """A change of the comparison."""
    return lambda document: document["comparisons"][0].update({key: value})


def slowed_down(document: Document) -> None:
    """A change of the steps behind the verdict's back."""
    for sample in head_of(document)["samples"]:
        sample["wall_ms"] *= 2


@pytest.mark.parametrize("command", ["report", "compare"])
def test_a_document_as_it_was_written_is_shown(
    command: str, document: Document, tmp_path: Path
) -> None:
    assert told(command, document, tmp_path).exit_code == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (changed("verdict", "faster"), "its verdict is `faster`, and its steps say `slower`"),
        (changed("low", 0.5), "the change that it states of wall is not that of its steps"),
        (changed("log_ratio", 0.5), "the change that it states of wall is not that of its steps"),
        (
            changed("guards", [{"name": "steal", "effect": "said", "sentence": "Stolen."}]),
            "what it says beside its verdict `slower` is not so",
        ),
        (changed("pairs", 41), "41 pairs were judged, and it holds 40 of `wall` on `default`"),
        (changed("workload", "other"), "it has no workload `other` to compare by"),
        (changed("base", "v0"), "workload `default` was not measured on `v0`"),
        (
            lambda it: it["comparisons"].append(it["comparisons"][0]),
            "it answers one question twice",
        ),
        (lambda it: it["sides"].pop("base"), "was measured on `base`, which is no side of it"),
        (
            lambda it: head_of(it)["summary"]["wall_ms"].update(median=1.0),
            "`wall_ms` of `head` is not that of its steps",
        ),
        (
            lambda it: head_of(it)["summary"].pop("wall_ms"),
            "what is summed up of `head` is not what its steps give",
        ),
        (slowed_down, "`wall_ms` of `head` is not that of its steps"),
        (lambda it: it.update(status="failed"), "its status is `failed`, and no failure says why"),
        (
            lambda it: head_of(it)["samples"][0].update(n_out=10**400),
            "a number in it is too large",
        ),
        (
            lambda it: head_of(it)["samples"][0].update(wall_ms=1e308),
            "the change that it states of wall is not that of its steps",
        ),
        (lambda it: it["comparisons"][0].update({"\x1b[31m\nx": 1}), "is no perf-smoke result"),
    ],
)
def test_a_document_that_contradicts_itself_is_refused_in_one_sentence(
    change: Callable[[Document], None], sentence: str, document: Document, tmp_path: Path
) -> None:
    change(document)
    ended = told("report", document, tmp_path)
    assert ended.exit_code == 2
    assert sentence in ended.stderr


def test_what_compare_finds_anew_need_not_agree_and_its_sums_must(
    document: Document, tmp_path: Path
) -> None:
    changed("verdict", "faster")(document)
    anew = told("compare", document, tmp_path)
    assert (anew.exit_code, "slower" in anew.stdout) == (0, True)
    slowed_down(document)
    assert "is not that of its steps" in told("compare", document, tmp_path).stderr


@pytest.mark.parametrize("command", ["report", "compare"])
def test_what_is_no_plain_file_is_not_waited_for(command: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "it is no plain file" in said(command, pipe).stderr
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(65 * 1024**2)
    assert "more than 64 MiB" in said(command, huge).stderr
    assert "No such file" in said(command, tmp_path / "none.json").stderr
