"""How is the spread of the pairs drawn, in mermaid, which GitHub shows in a comment?"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from perf_smoke.report import numbers
from perf_smoke.report.parts import Block, Paragraph, Part
from perf_smoke.report.spans import Sentence, sentence
from perf_smoke.report.view import WorkloadView, counting, phrase
from perf_smoke.result import fraction

_FEWEST = 6
_FAR_OUT = 3.0
"""Quartile distances beyond the quartiles from which a pair is drawn in the outermost bar (Tukey's
outer fences): one pair of a hundredfold time must not squeeze all others into one bar."""
_MOST_BARS = 25
# Mermaid's own first colour is next to invisible on white; its own size is unreadable on a phone.
_LOOKS = (
    '%%{init: {"xyChart": {"width": 480, "height": 300}, '
    '"themeVariables": {"xyChart": {"plotColorPalette": "#8b949e66, #4184e4, #d29922"}}}}%%'
)


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How many pairs changed by how much."""

    width: float
    """Of a bar, in percent of time. Each is centred on a multiple of it, so that one stands for no
    change."""
    first: int
    """The multiple that the first bar is centred on."""
    counts: tuple[int, ...]
    beyond: int
    """Pairs that lie outside and are counted in the outermost bars."""

    def bar_of(self, percent: float) -> int:
        """Where a change is counted."""
        last = len(self.counts) - 1
        return min(max(_multiple(percent, self.width) - self.first, 0), last)

    @property
    def zero(self) -> int | None:
        """The bar of no change, where it is in the picture."""
        return -self.first if 0 <= -self.first < len(self.counts) else None


def histogram(changes: Sequence[float]) -> Histogram | None:
    """The bars.

    Args:
        changes: fractions of time, + is slower.

    Returns:
        None below six pairs, or where all are equal: there is no picture in them.
    """
    if len(changes) < _FEWEST:
        return None
    percents = sorted(100 * change for change in changes)
    lower, _, upper = statistics.quantiles(percents, n=4, method="inclusive")
    reach = _FAR_OUT * (upper - lower) if upper > lower else math.inf
    inside = [one for one in percents if lower - reach <= one <= upper + reach]
    low, high = inside[0], inside[-1]
    if not 1e-9 < high - low < math.inf:
        return None
    # Half of what Freedman and Diaconis 1981 take, for an eye smooths, and cannot sharpen.
    noise = (upper - lower) / len(inside) ** (1 / 3)
    width = float(f"{max(noise, (high - low) / _MOST_BARS):.0e}")
    if max(high, 0.0) - min(low, 0.0) <= width * (_MOST_BARS - 1):
        low, high = min(low, 0.0), max(high, 0.0)
    first, last = _multiple(low, width), _multiple(high, width)
    empty = Histogram(width=width, first=first, counts=(0,) * (last - first + 1), beyond=0)
    counts = Counter(map(empty.bar_of, percents))
    return replace(
        empty,
        counts=tuple(counts[bar] for bar in range(last - first + 1)),
        beyond=len(percents) - len(inside),
    )


def parts(workload: WorkloadView) -> tuple[Part, ...]:
    """The picture, with what it shows in words; nothing where there is no picture in the pairs."""
    changes = [fraction(ratio) for ratio in workload.log_ratios]
    bars = histogram(changes)
    if bars is None or workload.base is None:
        return ()
    estimate = workload.base.changes[workload.judged]
    return (
        Paragraph(_in_words(workload, changes, bars, estimate)),
        Block(text=_mermaid(bars, estimate), language="mermaid"),
    )


def _in_words(
    workload: WorkloadView, changes: Sequence[float], bars: Histogram, estimate: float
) -> Sentence:
    """What the picture shows, for readers without it."""
    slower = sum(change > 0 for change in changes)
    low, _, high = statistics.quantiles(changes, n=4, method="inclusive")
    leading = workload.leading if len(workload.comparisons) > 1 else None
    of_what = f" of {phrase(leading.metric)}" if leading else ""
    zero = "The grey bar marks no change, the" if bars.zero is not None else "The"
    far = max(changes, key=lambda change: abs(change - estimate))
    outside = (
        f" {counting(bars.beyond, 'pair')} beyond the picture, up to {numbers.change(far)}, "
        f"{'is' if bars.beyond == 1 else 'are'} counted in its outermost bars."
    )
    base: Sentence = workload.base.called if workload.base else ()
    return sentence(
        "Head was slower than ",
        *base,
        f" in {slower:,} of {counting(len(changes), 'pair')}{of_what}. "
        f"Half of the changes lie between {numbers.change(low)} and {numbers.change(high)}. "
        f"{zero} yellow one holds the estimate, {numbers.change(estimate)}.",
        outside if bars.beyond else "",
    )


def _mermaid(bars: Histogram, estimate: float) -> str:
    first, last = bars.first, bars.first + len(bars.counts) - 1
    top, marked = max(bars.counts), bars.bar_of(100 * estimate)
    ends = f"{first * bars.width:.6g} --> {last * bars.width:.6g}"
    series = (
        [top * (bar == bars.zero) for bar in range(len(bars.counts))],
        bars.counts,
        [count * (bar == marked) for bar, count in enumerate(bars.counts)],
    )
    return "\n".join(
        (
            _LOOKS,
            "xychart-beta",
            f'    x-axis "change in time, % (+ is slower)" {ends}',
            f'    y-axis "pairs" 0 --> {top}',
            *(f"    bar [{', '.join(map(str, counts))}]" for counts in series),
        )
    )


def _multiple(percent: float, width: float) -> int:
    """Of the width, the nearest one; halves go up, so that all bars are equally wide."""
    return math.floor(percent / width + 0.5)
