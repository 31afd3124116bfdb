"""How is the spread of the pairs drawn? As mermaid, which GitHub shows in comments and summaries."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from perf_smoke.report import numbers
from perf_smoke.report.parts import Block, Paragraph, Part
from perf_smoke.report.spans import Sentence, sentence
from perf_smoke.report.view import WorkloadView, counting, phrase
from perf_smoke.result import fraction

_FEWEST = 6
_FAR_OUT = 3.0
"""Quartile distances beyond the quartiles from which a pair is drawn in the outermost bar (Tukey's
outer fences): one pair of a hundredfold time must not squeeze all others into one bar."""
_MOST_BARS = 24
# Mermaid's own first colour is next to invisible on white; its own size is unreadable on a phone.
_LOOKS = (
    '%%{init: {"xyChart": {"width": 480, "height": 300}, '
    '"themeVariables": {"xyChart": {"plotColorPalette": "#8b949e, #d29922, #4184e4"}}}}%%'
)


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How many pairs changed by how much, in percent of time."""

    width: float
    """Of a bar, in percent. Every bar is centred on a multiple of it, so that one stands for no
    change."""
    first: int
    """The multiple that the first bar is centred on."""
    counts: tuple[int, ...]
    beyond: tuple[int, int]
    """Pairs in the first and in the last bar that lie outside of it."""


def parts(workload: WorkloadView) -> tuple[Part, ...]:
    """The picture, with what it shows in words; nothing where there is no picture in the pairs."""
    changes = [fraction(ratio) for ratio in workload.log_ratios]
    histogram = histogram_of(changes)
    if histogram is None:
        return ()
    judged = workload.leading
    estimate = judged.estimate if judged and judged.estimate is not None else None
    if estimate is None:
        estimate = fraction(statistics.median(workload.log_ratios))
    metric = phrase(judged.metric) if judged and len(workload.comparisons) > 1 else ""
    return (
        Paragraph(_in_words(workload, changes, histogram, estimate, metric)),
        Block(text=_mermaid(histogram, estimate), language="mermaid"),
    )


def histogram_of(changes: Sequence[float]) -> Histogram | None:
    """The bars.

    Args:
        changes: fractions, + is slower.

    Returns:
        None below six pairs, or where all are equal: there is no picture in them.
    """
    if len(changes) < _FEWEST:
        return None
    percents = sorted(100 * change for change in changes)
    lower, _, upper = statistics.quantiles(percents, n=4, method="inclusive")
    reach = _FAR_OUT * (upper - lower) or math.inf
    shown = [one for one in percents if lower - reach <= one <= upper + reach]
    low, high = min(0.0, shown[0]), max(0.0, shown[-1])
    if high - low > _MOST_SPANS * (shown[-1] - shown[0]):
        low, high = shown[0], shown[-1]  # no change is too far away to be drawn
    if not 1e-9 < high - low < math.inf:
        return None
    # Freedman and Diaconis 1981; the values beyond the fences are no part of the noise.
    wanted = 2 * (upper - lower) / len(shown) ** (1 / 3)
    width = _round_width(max(wanted, (high - low) / (_MOST_BARS - 2)))
    first, last = round(low / width), round(high / width)
    counts = [0] * (last - first + 1)
    for percent in percents:
        counts[min(max(_bar(percent, width), first), last) - first] += 1
    return Histogram(width=width, first=first, counts=tuple(counts), beyond=…)
