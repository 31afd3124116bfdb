"""A cut report fits, keeps its first lines, and still renders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf_smoke.github.shorten import CUT_SENTENCE, _Open, shorten

PIECES = st.sampled_from(
    [
        "```\n",
        "````text\n",
        "~~~\n",
        "<details>\n",
        "</details>\n",
        "text\n",
        "| a | b |\n",
        "é" * 9,
    ]
)


def test_what_fits_is_left_as_it_is() -> None:
    assert shorten("### verdict", 11) == "### verdict"


def test_it_is_cut_at_the_end_of_a_line_and_says_so() -> None:
    cut = shorten("### verdict\n" + "0123456789\n" * 100, 300)

    kept, _, _ = cut.partition("\n" + CUT_SENTENCE)
    assert kept.startswith("### verdict\n0123456789\n")
    assert set(kept.splitlines()[1:]) == {"0123456789"}
    assert len(cut.encode()) <= 300


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("```\n", "\n```\n"),
        ("```text\n", "\n```\n"),
        ("~~~~\n~~~\n", "\n~~~~\n"),
        ("````\n```\n", "\n````\n"),
        ("<details><summary>More</summary>\n\n", "\n\n</details>\n"),
        ("<details>\n<details>\n", "\n\n</details>\n\n</details>\n"),
        ("<details>\n```\n</details>\n", "\n```\n\n</details>\n"),
    ],
)
def test_what_is_open_is_closed(opening: str, closing: str) -> None:
    cut = shorten(opening + "line\n" * 100, 300)

    assert cut.endswith("line" + closing + f"\n{CUT_SENTENCE}\n")


@pytest.mark.parametrize(
    "closed",
    ["```\n```\n", "~~~~\n~~~~~ \n", "<details>\n</details>\n", "</details>\n", "``` not ` open\n"],
)
def test_what_is_closed_is_not_closed_again(closed: str) -> None:
    cut = shorten(closed + "line\n" * 100, 300)

    assert cut.endswith("line\n" + f"\n{CUT_SENTENCE}\n")


def test_only_a_first_line_that_is_too_long_is_cut_inside() -> None:
    cut = shorten("é" * 1000, 200)

    assert cut.startswith("ééé")
    assert len(cut.encode()) <= 200


def test_half_a_character_is_never_left() -> None:
    for room in range(120, 130):
        assert "\ufffd" not in shorten("🚀" * 1000, room)


@given(st.lists(PIECES, max_size=60).map("".join), st.integers(200, 500))
def test_it_always_fits_and_leaves_nothing_open(text: str, room: int) -> None:
    cut = shorten(text, room)

    assert len(cut.encode()) <= room
    if cut != text:
        assert cut.endswith(f"\n{CUT_SENTENCE}\n")
        state = _Open()
        for line in cut.split("\n"):
            state = state.after(line)
        assert state == _Open()
