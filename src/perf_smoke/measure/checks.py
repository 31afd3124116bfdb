"""Whether a step counts: sane durations, and as many tokens as the other steps of its side."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

from perf_smoke.engines.base import Reply
from perf_smoke.engines.fields import LONGEST_MS, MOST_TOKENS
from perf_smoke.metrics import DURATIONS
from perf_smoke.result import Failure, Sample, usual_tokens

_PARTS = tuple(name for name in DURATIONS if name not in ("wall_ms", "cpu_ms"))
"""Durations inside of a step."""
_COUNTS = ("n_prompt", "n_prompt_cached", "n_out")
_SHORTEST_MS = 1e-6
"""A nanosecond, which no clock here tells apart from the next. Rates of less can be infinite."""
_ROUNDED_MS = 1.0
"""A part may seem longer than the whole by so much, as some engines count whole ms."""
_CLOCKS_DIFFER = 1.01
"""A part may seem so many times as long as the whole, as the clocks of two machines differ."""


def checked(reply: Reply) -> Reply:
    """The reply with its text hashed, or turned into a failed one when its numbers cannot be.

    A duration must be finite and positive and no part of a step longer than the step, CPU time
    finite and not negative, a count one that a machine can reach, and at least one token must have
    come. Impossible values are removed: they are nobody's measurement.
    """
    sample = reply.sample
    if not sample.ok:
        return reply
    impossible = _impossible(sample)
    if impossible:
        failure = Failure(
            reason="bad-durations",
            sentence=f"The engine gave numbers that cannot be ({', '.join(impossible.values())}): "
            "are they of this step, and in the right unit?",
        )
        blank: dict[str, Any] = dict.fromkeys(impossible)
        return Reply(
            sample=dataclasses.replace(sample, ok=False, error=failure.reason, **blank),
            text=reply.text,
            failure=failure,
        )
    if sample.n_out is not None and sample.n_out <= 0:
        failure = Failure(
            reason="no-tokens",
            sentence="The engine ended well but produced no token: is the prompt a complete text, "
            "or the model no language model?",
        )
        return Reply(
            sample=dataclasses.replace(sample, ok=False, error=failure.reason), failure=failure
        )
    return dataclasses.replace(
        reply, sample=dataclasses.replace(sample, text_sha256=text_sha256(reply.text))
    )


def text_sha256(text: str) -> str:
    """The canary: the hash of the greedy output."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def mark_short(samples: Sequence[Sample], requested: int) -> list[Sample]:
    """The steps, those marked as `short` that gave another number of tokens than their side.

    The side's number is the requested one if any step reached it, else the commonest: a side that
    ends early every time is measured as what it gave.
    """
    ended_well = [sample for sample in samples if sample.ok]
    reached = any(sample.n_out == requested for sample in ended_well)
    expected = requested if reached else usual_tokens(sample.n_out for sample in ended_well)
    return [
        dataclasses.replace(sample, ok=False, error="short")
        if sample.ok and sample.n_out not in (None, expected)
        else sample
        for sample in samples
    ]


def notes_on_tokens(marked: Sequence[Sample], requested: int) -> list[str]:
    """What a reader should know of the numbers of tokens of these steps, as sentences."""
    counting = [sample for sample in marked if sample.ok and sample.n_out is not None]
    number = usual_tokens(sample.n_out for sample in counting)
    if number is None:
        return []
    notes = []
    if number < requested:
        notes.append(f"{number} of {requested} tokens were produced: the engine ends early.")
    if number > requested:
        notes.append(f"{number} tokens were produced, though {requested} were asked for.")
    if short := sum(sample.error == "short" for sample in marked):
        notes.append(
            f"{short} of {len(counting) + short} steps gave another number of tokens than "
            f"{number}: left out."
        )
    return notes


def _impossible(sample: Sample) -> dict[str, str]:
    """What cannot be, by name: each with its value, for a sentence."""
    found: dict[str, str] = {}
    for name in (*_PARTS, "wall_ms", "cpu_ms", *_COUNTS):
        value = getattr(sample, name)
        if value is not None and not _possible(name, value):
            found[name] = f"{name} = {value!r}"
    if sample.wall_ms is None or "wall_ms" in found:
        return found
    for name in _PARTS:
        value = getattr(sample, name)
        if value is not None and value > sample.wall_ms * _CLOCKS_DIFFER + _ROUNDED_MS:
            found[name] = f"{name} = {value!r} in a step of {sample.wall_ms:.4g} ms"
    return found


def _possible(name: str, value: float) -> bool:
    if name in _COUNTS:
        return value <= MOST_TOKENS
    return (0 if name == "cpu_ms" else _SHORTEST_MS) <= value <= LONGEST_MS
