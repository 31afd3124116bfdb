"""Whether a step counts: sane durations, and as many tokens as the other steps of its side."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from perf_smoke.engines.base import Reply
from perf_smoke.result import Failure, Sample

_PARTS = ("load_ms", "prompt_ms", "ttft_ms", "decode_ms", "e2e_ms")
_COUNTS = ("n_prompt", "n_prompt_cached", "n_out")
_SHORTEST_MS, _LONGEST_MS = 1e-6, 1e9
"""A ns, which no clock here tells apart from the next, and eleven days. Beyond them rates can
become infinite."""
_MOST_TOKENS = 10**9
_ROUNDED_MS, _CLOCKS_DIFFER = 1.0, 1.01
"""A part may seem longer than the whole by so much: engines that count whole ms, other machines'
clocks."""


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


def settle_counts(samples: Sequence[Sample], requested: int) -> tuple[list[Sample], list[str]]:
    """Mark the steps that gave another number of tokens than their side as `short`.

    The side's number is the requested one if any step reached it, else the commonest: a side that
    ends early every time is measured as what it gave, and a note says so.

    Returns:
        The samples, and notes for the reader.
    """
    counts = Counter(sample.n_out for sample in samples if sample.ok and sample.n_out is not None)
    if not counts:
        return list(samples), []
    side = requested if requested in counts else counts.most_common(1)[0][0]
    settled = [
        dataclasses.replace(sample, ok=False, error="short")
        if sample.ok and sample.n_out not in (None, side)
        else sample
        for sample in samples
    ]
    notes = []
    if side < requested:
        notes.append(f"{side} of {requested} tokens were produced: the engine ends early.")
    if side > requested:
        notes.append(f"{side} tokens were produced, though {requested} were asked for.")
    if odd := counts.total() - counts[side]:
        notes.append(
            f"{odd} of {counts.total()} steps gave another number of tokens than {side}: left out."
        )
    return settled, notes


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
        return value <= _MOST_TOKENS
    return (0 if name == "cpu_ms" else _SHORTEST_MS) <= value <= _LONGEST_MS
