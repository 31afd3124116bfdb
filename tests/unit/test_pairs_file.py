"""A plain file of pairs: as spreadsheets write it, and refused with the place of what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from perf_smoke.compare import Rule
from perf_smoke.pairs_file import read_pairs
from perf_smoke.result import BASE
from perf_smoke.result_file import UnreadableResult
from tests import results

RULE = Rule(alpha=0.01, margin=0.05)
COMMA = ": with a decimal comma? Write 0.051, not 0,051."


@pytest.mark.parametrize(
    "text",
    [
        "base;head\n{};{}\n",
        "base\thead\n{}\t{}\n",
        "Base, Head\n{}, {}\n",
        " HEAD ,pair, base\n{1},1,{0}\n",
        "\ufeffbase,head\r\n{},{}\r\n\r\n",
    ],
)
def test_a_file_of_pairs_may_look_as_spreadsheets_write_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "pairs.csv").write_bytes(text.format("0.1", "0.3").encode())
    found = read_pairs(tmp_path / "pairs.csv", RULE)
    assert [sample.wall_ms for sample in results.steps(found, BASE)] == [pytest.approx(100)]
    assert [sample.wall_ms for sample in results.steps(found)] == [pytest.approx(300)]
    assert (found.origin, results.comparison(found).pairs) == ("pairs-file", 1)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("base,head\n0.1,fast\n", "pairs.csv, line 2, `head`: `fast` is no time in seconds."),
        ("base,head\n0.1,0.1\n-1,0.1\n", "pairs.csv, line 3, `base`: `-1` is no time"),
        ("base,head\n0.1\n", "pairs.csv, line 2 has no `head`."),
        ("base,head\n,0.1\n", "pairs.csv, line 2 has no `base`."),
        ("a,b\n1,2\n", "pairs.csv has no columns `base` and `head` in its first line."),
        ("0.1,0.2\n", "no columns"),
        ("", "pairs.csv is empty."),
        ("\n \n", "pairs.csv is empty."),
        ("base,head\n", "pairs.csv holds no pair below its first line."),
        (
            "base,head\n0,051,0,052\n",
            f"pairs.csv, line 2 has 4 values, but the first line names 2{COMMA}",
        ),
        (
            "base;head\n0,051;0,052\n",
            f"pairs.csv, line 2, `base`: `0,051` is no time in seconds{COMMA}",
        ),
        ("base,head\n0.1,0.2,0.3\n", "line 2 has 3 values, but the first line names 2."),
        ("base,head\n0.1,\x1b[31mred\u202e\n", "`red\ufffd` is no time"),
        ("base,head\n0.1," + "9" * 200_000 + "\n", "is no CSV file"),
    ],
)
def test_a_wrong_file_of_pairs_is_refused_with_its_place(
    tmp_path: Path, text: str, complaint: str
) -> None:
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(UnreadableResult) as caught:
        read_pairs(tmp_path / "pairs.csv", RULE)
    assert complaint in str(caught.value)


def test_a_file_that_cannot_be_read_is_told_from_one_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(UnreadableResult, match="cannot be read: No such file"):
        read_pairs(tmp_path / "none.csv", RULE)
    (tmp_path / "model.gguf").write_bytes(b"GGUF\xff\xff")
    with pytest.raises(UnreadableResult, match="is no CSV file in UTF-8"):
        read_pairs(tmp_path / "model.gguf", RULE)
