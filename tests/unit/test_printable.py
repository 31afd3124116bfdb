"""Hostile text becomes text that can be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf_smoke.printable import last_lines, one_line, printable


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain\ttext\n日本語 \U0001f600", "plain\ttext\n日本語 \U0001f600"),
        ("\x1b[1m\x1b[38;5;9merror\x1b[0m: no", "error: no"),
        ("\x1b]0;title\x07\x1b]8;;http://x\x1b\\link", "link"),
        (" 10 %\r 20 %\r\ndone\r\n", " 10 %\n 20 %\ndone\n"),
        ("a\x00\x07\x7f\x9bb", "a\ufffd\ufffd\ufffd\ufffdb"),
        ("half \ud83d", "half \ufffd"),
        ("\u202egnp.exe\u2066", "\ufffdgnp.exe\ufffd"),
        ("lone \x1b escape", "lone \ufffd escape"),
    ],
)
def test_hostile_text_becomes_printable(text: str, safe: str) -> None:
    assert printable(text) == safe


@given(st.text(st.characters(), max_size=200))
def test_printable_text_holds_no_control_characters_and_stays_as_it_is(text: str) -> None:
    safe = printable(text)
    assert all(character in "\t\n" or character >= " " for character in safe)
    assert printable(safe) == safe
    assert safe.encode("utf-8").decode() == safe


def test_only_the_end_of_a_long_output_is_shown() -> None:
    assert last_lines("") == ""
    assert last_lines("a\nb\n\n") == "a\nb"
    assert last_lines("\n".join(map(str, range(100))), lines=2) == "98\n99"
    assert last_lines("x" * 5000, characters=10) == "…" + "x" * 10


def test_as_a_part_of_a_sentence_it_is_one_line_that_closes_no_backticks() -> None:
    assert one_line("a\n\t`b`\x1b[0m", 80) == "a 'b'"
    assert one_line("x" * 81, 80) == "x" * 79 + "…"
