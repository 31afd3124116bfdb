"""Whether a step counts: sane durations, and as many tokens as the other steps of its side."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from perf_smoke.engines.base import Reply
from perf_smoke.result import Failure, Sample

_DURATIONS = ("load_ms", "prompt_ms", "ttft_ms", "decode_ms", "e2e_ms", "wall_ms")


def checked(reply: Reply) -> Reply:
    """The reply with its text hashed, or turned into a failed one when its numbers cannot be.

    A duration must be finite and positive, CPU time finite and not negative, and at least one
    token must have come. Impossible values are removed: they are nobody's measurement.
    """
    sample = reply.sample
    if not sample.ok:
        return reply
    impossible = [
        name
        for name in (*_DURATIONS, "cpu_ms")
        if (value := getattr(sample, name)) is not None and not _possible(name, value)
    ]
    if impossible:
        shown = ", ".join(f"{name} = {getattr(sample, name)!r}" for name in impossible)
        failure = Failure(
            reason="bad-durations",
            sentence=f"The engine gave durations that cannot be ({shown}); that step is left out.",
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


def _possible(name: str, value: float) -> bool:
    return math.isfinite(value) and (value >= 0 if name == "cpu_ms" else value > 0)
