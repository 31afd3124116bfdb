"""Placeholders of `command`: whole words into whole arguments, and nothing that is not meant."""

from __future__ import annotations

import pytest

from perf_smoke.engines.command import PLACEHOLDERS, command_problems, filled

VALUES = {name: f"<{name}>" for name in PLACEHOLDERS}


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("{model}", "<model>"),
        ("--model={model}", "--model=<model>"),
        ("{tokens}x{threads}", "<tokens>x<threads>"),
        ("plain", "plain"),
        ("{{model}}", "{model}"),
        ('{"a": 1, "n": {tokens}}', '{"a": 1, "n": <tokens>}'),
        ("{}", "{}"),
    ],
)
def test_placeholders_are_replaced_inside_arguments(argument: str, expected: str) -> None:
    assert filled(argument, VALUES) == expected


def test_a_value_that_looks_like_a_placeholder_is_left_alone() -> None:
    assert filled("{prompt}", {**VALUES, "prompt": "{seed} $(reboot); {{model}}"}) == (
        "{seed} $(reboot); {{model}}"
    )


def test_a_good_command_has_no_problems() -> None:
    assert command_problems(("bench", "{model}"), has_model=True, has_tokenizer=False) == []


def test_all_problems_are_found_at_once() -> None:
    found = command_problems(
        ("{threads}", "{model}", "{tokenizer}", "{modell}", "{what}"),
        has_model=False,
        has_tokenizer=False,
    )
    assert found == [
        (
            "it holds {modell}, {what}, which is no placeholder; there are {model} {tokenizer} "
            "{prompt} {tokens} {threads} {seed} {features}, and a double brace ({{modell}}) "
            "stands for itself"
        ),
        "it holds {model}, but `model` is empty",
        "it holds {tokenizer}, but `tokenizer` is empty",
        "the program's own name cannot be a placeholder",
    ]


def test_no_command_is_a_problem() -> None:
    assert command_problems((), has_model=True, has_tokenizer=True) == ["it is empty"]
