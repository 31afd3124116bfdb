"""What is said of the engine's output."""

from __future__ import annotations

from typing import Any

import pytest

from perf_smoke.report import canary
from perf_smoke.report.spans import flat
from perf_smoke.result import Output, Result
from tests.unit.report import builders


def said(result: Result) -> tuple[str, list[canary.Block]]:
    spans, blocks = canary.output(result)
    return flat(spans), blocks


def test_the_demonstration_explains_an_answer_that_looks_wrong() -> None:
    text, _ = said(builders.result())
    assert text.startswith("Output 11, so, the same at every step.")
    assert "A model of 135M parameters is expected to say so" in text


@pytest.mark.parametrize(
    "other",
    [
        {"model": builders.BITNET_MODEL},
        {"settings": {"prompt": "Hello"}},
        {"output": Output(text="4", sha256="", stable=True)},
    ],
)
def test_only_the_known_answer_of_the_demonstration_is_explained(other: dict[str, Any]) -> None:
    text, _ = said(builders.result(**other))
    assert "135M" not in text


def test_the_same_output_on_both_sides_is_said() -> None:
    assert said(builders.two_sides()) == (
        "Output 11, so, the same on both sides, at every step.",
        [],
    )


def test_output_that_changes_from_step_to_step_is_said_prominently() -> None:
    spans, _ = canary.output(builders.result(output=Output(text="11", sha256="", stable=False)))
    assert flat(spans) == "Output 11 (the first), not the same at every step."
    assert any(span.kind == "strong" for span in spans)


def test_one_step_claims_no_sameness() -> None:
    found = builders.result(head=builders.side(builders.samples(count=1, restarts=1)))
    assert said(found)[0].startswith("Output 11, so. ")


def test_a_long_output_gets_a_block_of_its_own() -> None:
    text = "The capital of France is Paris.\nIt lies on the Seine."
    found = builders.result(output=Output(text=text, sha256="", stable=True))
    assert said(found) == (
        "Output, the same at every step:",
        [canary.Block(title="", text=text)],
    )


def test_two_long_outputs_that_differ_are_both_shown() -> None:
    text, blocks = said(builders.unstable_output())
    assert text == ""
    assert [block.title for block in blocks] == ["Base's output:", "Head's output:"]


def test_no_output_is_no_sentence() -> None:
    assert said(builders.failed()) == ("", [])


def test_short_outputs_that_differ_are_not_said_twice() -> None:
    assert said(builders.faster()) == ("", [])
