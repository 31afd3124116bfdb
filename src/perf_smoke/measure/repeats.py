"""How steps of a few milliseconds become long enough to tell apart: several requests in each."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Any

from perf_smoke.engines.base import Reply
from perf_smoke.metrics import DURATIONS

SHORT_STEP_MS = 10.0
"""Where a step takes less, requests are repeated inside one."""
REPEATED_STEP_MS = 50.0
"""How long a step with repeated requests takes, about."""


def step_ms(reply: Reply) -> float:
    """How long the step took in all: a program of its own also starts and loads."""
    return reply.sample.wall_ms or reply.sample.e2e_ms or SHORT_STEP_MS


def repeats_for(warm: Sequence[Reply]) -> int:
    """How many requests one step holds, after these single ones: one, unless all were short."""
    slowest_ms = max(map(step_ms, warm), default=SHORT_STEP_MS)
    return 1 if slowest_ms >= SHORT_STEP_MS else math.ceil(REPEATED_STEP_MS / slowest_ms)


def mean_reply(replies: Sequence[Reply]) -> Reply:
    """Several requests as one step: durations and CPU time are means, the rest is of the first.

    A text that was not the same each time has no hash, so that it cannot pass as stable; the
    number of tokens is the fewest, so that a step with one short answer in it is short itself.
    """
    first = replies[0].sample
    means: dict[str, Any] = {}
    for name in DURATIONS:
        values = [getattr(reply.sample, name) for reply in replies]
        means[name] = None if None in values else statistics.fmean(values)
    hashes = {reply.sample.text_sha256 for reply in replies}
    counts = [reply.sample.n_out for reply in replies if reply.sample.n_out is not None]
    sample = dataclasses.replace(
        first,
        **means,
        n_out=min(counts, default=None),
        repeats=len(replies),
        text_sha256=first.text_sha256 if len(hashes) == 1 else "",
        peak_rss_kib=max(reply.sample.peak_rss_kib or 0 for reply in replies) or None,
    )
    return dataclasses.replace(replies[0], sample=sample)
