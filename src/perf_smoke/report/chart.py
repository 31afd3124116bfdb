"""A picture of the paired differences, as mermaid, which GitHub draws in comments and summaries."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from perf_smoke.report import numbers
from perf_smoke.report.spans import Sentence, sentence

_FEWEST = 6
_TRIM = 0.02
"""The share of pairs at each end that may lie outside of the picture: in its outermost bars."""
# Mermaid's own first colour is next to invisible on white; its own size is unreadable on a phone.
_LOOKS = (
    '%%{init: {"xyChart": {"width": 480, "height": 300}, '
    '"themeVariables": {"xyChart": {"plotColorPalette": "#4184e4"}}}}%%'
)


def histogram(changes: Sequence[float]) -> str:
    """Mermaid source: how many pairs changed by how much, in percent of time.

    Args:
        changes: fractions, + is slower.

    Returns:
        Nothing below six pairs, or where all are equal: there is no picture in them.
    """
    if len(changes) < _FEWEST or not all(map(math.isfinite, changes)):
        return ""
    ordered = sorted(100 * change for change in changes)
    trim = int(len(ordered) * _TRIM)
    low, high = ordered[trim], ordered[-1 - trim]
    if high - low < 1e-9:
        return ""
    width = _bar_width(high - low, len(ordered))
    first, last = round(low / width), round(high / width)
    counts = [0] * (last - first + 1)
    for change in ordered:
        counts[min(max(round(change / width), first), last) - first] += 1
    # Every bar is centred on a multiple of its width, so that one stands for no change.
    ends = f"{first * width:.6g} --> {last * width:.6g}"
    return "\n".join(
        (
            _LOOKS,
            "xychart-beta",
            f'    x-axis "change in time, % (+ is slower)" {ends}',
            f'    y-axis "pairs" 0 --> {max(counts)}',
            f"    bar [{', '.join(map(str, counts))}]",
        )
    )


def in_words(changes: Sequence[float]) -> Sentence:
    """What the picture shows, for readers without it."""
    slower = sum(change > 0 for change in changes)
    low, _, high = statistics.quantiles(changes, n=4, method="inclusive")
    return sentence(
        f"Head was slower than base in {slower:,} of {len(changes):,} pairs. "
        f"Half of the changes lie between {numbers.change(low)} and {numbers.change(high)}. "
        "How many pairs changed by how much:"
    )


def _bar_width(span: float, count: int) -> float:
    """The smallest of 1, 2, 5 × 10^k that gives no more bars than so many values can fill.

    Rice's rule is 2 · n^(1/3) bars for n values; four more, as the step to the next width is long.
    """
    most = min(20, 4 + math.ceil(2 * count ** (1 / 3)))
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(step * power for step in (1, 2, 5, 10, 20) if span / (step * power) + 1 <= most)
