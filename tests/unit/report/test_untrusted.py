"""Foreign text is shown, never obeyed."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from perf_smoke.report import untrusted


def test_what_acts_unseen_becomes_visible() -> None:
    text = "a\x1b[31mb\u202ec\u200bd\ud800e\u2028f\rg"
    assert untrusted.visible(text) == (
        "a⟨U+001B⟩[31mb⟨U+202E⟩c⟨U+200B⟩d⟨U+D800⟩e⟨U+2028⟩f⟨U+000D⟩g"
    )


def test_letters_of_all_scripts_stay_as_they_are() -> None:
    text = "naïve 你好 😀 עברית\n\ttab"
    assert untrusted.visible(text) == text


def test_two_line_ends_are_one_kind() -> None:
    assert untrusted.visible("a\r\nb") == "a\nb"


def test_a_line_says_how_much_of_it_is_missing() -> None:
    assert untrusted.visible_line("x" * 1300, 10) == "xxxxxxxxxx… (1,290 more characters)"
    assert untrusted.visible_line("x" * 11, 10) == "xxxxxxxxxx… (1 more character)"


def test_line_ends_are_seen_on_one_line() -> None:
    assert untrusted.visible_line("1.\n\n\t4", 20) == "1.↵↵⇥4"


def test_a_short_text_is_shown_whole() -> None:
    assert untrusted.beginning("a\nb", characters=10, lines=2) == "a\nb"
    assert untrusted.end("\na\nb\n", characters=10, lines=2) == "a\nb"


def test_the_end_of_a_log_is_kept_and_the_rest_counted() -> None:
    assert untrusted.end("a\nb\nc\nd", characters=100, lines=2) == (
        "… (4 more characters in result.json)\nc\nd"
    )


def test_the_beginning_of_an_output_is_kept_and_the_rest_counted() -> None:
    assert untrusted.beginning("a\nb\nc\nd", characters=100, lines=2) == (
        "a\nb\n… (4 more characters in result.json)"
    )


def test_one_endless_line_is_cut() -> None:
    assert untrusted.end("y" * 3000, characters=2000, lines=5).splitlines() == [
        "… (1,000 more characters in result.json)",
        "y" * 500 + "… (1,500 more characters)",
    ]


def test_a_text_of_unseen_characters_is_bounded_too() -> None:
    text = ("\u202e" * 60 + "\n") * 30
    assert len(untrusted.beginning(text, characters=2000, lines=30)) < 4100
    assert len(untrusted.end(text, characters=2000, lines=30)) < 4100


@given(st.text(), st.integers(1, 50))
def test_one_line_is_one_line_of_seen_characters_and_bounded(text: str, most: int) -> None:
    line = untrusted.visible_line(text, most)
    assert not any(
        unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in line
    )
    assert len(line) <= most + len("… (1,000,000 more characters)")
