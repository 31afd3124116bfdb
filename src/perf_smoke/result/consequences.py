"""The inputs that change nothing in what is measured: how a result is shown, what comes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

Reach = Literal["showing", "workflow"]
INPUTS_BESIDE: Mapping[str, Reach] = MappingProxyType(
    {
        "label": "showing",
        "comment": "workflow",
        "github-token": "workflow",
        "pr-number": "workflow",
        "fail-on": "showing",
        "runtime": "workflow",
        "image": "workflow",
        "output-dir": "showing",
    }
)
"""The inputs that change nothing in what is measured: they say how it is shown and what comes of
it, those of `workflow` without effect at a terminal."""

CommentWhen = Literal["always", "changes", "never"]
"""When a comment is written."""

FailOn = Literal["error", "slower"]
FAIL_ON: tuple[FailOn, ...] = get_args(FailOn)
"""What a step may be asked to fail on; `never` is none of it."""


def fail_on(text: str) -> tuple[FailOn, ...]:
    """What the input `fail-on` asks for, whatever else stands in it."""
    words = re.split(r"[\s,]+", text)
    return tuple(one for one in FAIL_ON if one in words)


def because_of(cause: FailOn) -> str:
    """Why a step is red, in a sentence."""
    return f"failed because of `fail-on: {cause}`."
