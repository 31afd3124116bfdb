"""Sentences before they are rendered."""

from __future__ import annotations

from perf_smoke.report.spans import Sentence, code, flat, quoted, sentence


def test_a_sentence_from_elsewhere_keeps_its_code() -> None:
    spans = quoted("`bitnet` exited\nwith  `code` 1")
    assert [(span.kind, span.text) for span in spans] == [
        ("code", "bitnet"),
        ("plain", " exited with "),
        ("code", "code"),
        ("plain", " 1"),
    ]


def test_a_backtick_without_a_partner_is_no_code() -> None:
    spans: Sentence = quoted("it`s broken")
    assert [span.kind for span in spans] == ["plain"]


def test_an_empty_text_is_called_empty() -> None:
    assert flat(sentence("Output ", code(""))) == "Output (empty)"
