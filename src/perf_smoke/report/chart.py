"""How is the spread of the pairs drawn, in mermaid, which GitHub shows in a comment?"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence

from perf_smoke import numbers
from perf_smoke.report.parts import Block, Part, Sentence, sentence
from perf_smoke.report.view import WorkloadView, counting, phrase
from perf_smoke.result import fraction

_FEWEST = 6
_FAR_OUT = 3.0
"""Quartile distances beyond the quartiles from which the axis need not reach a pair (Tukey's outer
fences): one pair of a hundredfold time must not squeeze all others into one bar."""
_MOST_BARS = 15
"""Their labels have no more room."""
# Mermaid's own first colour is next to invisible on white, its ground a grey box on a dark page,
# and its size unreadable on a phone.
_LOOKS = (
    '%%{init: {"xyChart": {"width": 480, "height": 300}, "themeVariables": {"xyChart": '
    '{"backgroundColor": "transparent", "plotColorPalette": "#8b949e80, #d29922, #4184e4"}}}}%%'
)


def parts(workload: WorkloadView) -> tuple[Part, ...]:
    """The picture, with what it shows in words; nothing where there is no picture in the pairs:
    below six of them, where all are equal, or of what comes once per start."""
    changes = sorted(map(fraction, workload.log_ratios))
    estimated = workload.base.changes if workload.base else {}
    estimate = estimated.get(workload.headline.name) if workload.headline else None
    if len(changes) < _FEWEST or estimate is None:
        return ()
    lower, _, upper = statistics.quantiles(changes, n=4, method="inclusive")
    reach = _FAR_OUT * (upper - lower) if upper > lower else math.inf
    inside = [change for change in changes if lower - reach <= change <= upper + reach]
    if not 1e-11 < inside[-1] - inside[0] < math.inf:
        return ()
    width = _width(inside, upper - lower)
    first, last = _bar(inside[0], width), _bar(inside[-1], width)
    if max(last, 0) - min(first, 0) < _MOST_BARS:
        first, last = min(first, 0), max(last, 0)
    bars = [_bar(change, width) for change in changes]
    beyond = sum(bar < first for bar in bars), sum(bar > last for bar in bars)
    # Those have a bar of their own, so that they are not taken for its neighbours.
    axis = range(first - (beyond[0] > 0), last + (beyond[1] > 0) + 1)
    shown = Counter(min(max(bar, axis[0]), axis[-1]) for bar in bars)
    counts = {bar: shown[bar] for bar in axis}
    grey = ", grey no change." if 0 in axis else "."
    zero = ", in the bar of no change." if _bar(estimate, width) == 0 else grey
    words = _in_words(workload, changes, estimate, zero, beyond)
    return words, Block(_mermaid(counts, width, _bar(estimate, width), beyond), "mermaid")


def _in_words(
    workload: WorkloadView,
    changes: Sequence[float],
    estimate: float,
    zero: str,
    beyond: tuple[int, int],
) -> Sentence:
    way = "faster" if estimate < 0 else "slower"
    so = sum(change < 0 if estimate < 0 else change > 0 for change in changes)
    low, _, high = statistics.quantiles(changes, n=4, method="inclusive")
    far = max(changes, key=lambda change: abs(change - estimate))
    many = workload.leading if len(workload.comparisons) > 1 else None
    bars = (
        "outermost bars hold"
        if all(beyond)
        else "first bar holds"
        if beyond[0]
        else "last bar holds"
    )
    outside = (
        f" The {bars} {counting(sum(beyond), 'pair')} from beyond, up to {numbers.change(far)}."
    )
    return sentence(
        *(f"Head was {way} than ", workload.base.called if workload.base else ""),
        f" in {so:,} of {counting(len(changes), 'pair')}",
        f" of {phrase(many.metric)}" if many else "",
        f". Half of the changes lie between {numbers.change(low)} and {numbers.change(high)}. ",
        f"Yellow marks the estimate, {numbers.change(estimate)}",
        zero,
        outside if any(beyond) else "",
    )


def _mermaid(counts: dict[int, int], width: float, estimate: int, beyond: tuple[int, int]) -> str:
    # The marks stand out above every bar. Below eight, mermaid would number halves of a pair.
    top = max(8, math.ceil(1.1 * max(counts.values())))
    labels = [_label(bar * width) for bar in counts]
    if beyond[0]:
        labels[0] = f"<{_label((min(counts) + 0.5) * width)}"
    if beyond[1]:
        labels[-1] = f">{_label((max(counts) - 0.5) * width)}"
    marks = [[top * (bar == marked) for bar in counts] for marked in (0, estimate)]
    bars = "\n".join(f"    bar {series}" for series in (*marks, [*counts.values()]))
    quoted = ", ".join(f'"{label}"' for label in labels)
    axes = f'    x-axis "change in time, %" [{quoted}]\n    y-axis "pairs" 0 --> {top}'
    return f"{_LOOKS}\nxychart-beta\n{axes}\n{bars}"


def _label(change: float) -> str:
    return f"{100 * change:+.6g}".replace("-", numbers.MINUS) if change else "0"


def _bar(change: float, width: float) -> int:
    """Which multiple of the width it is nearest to, so that one bar stands for no change."""
    return math.floor(change / width + 0.5)


def _width(inside: Sequence[float], quartile_distance: float) -> float:
    """Of a bar: a round number near half of what Freedman and Diaconis 1981 take, which
    follows the noise, or near what leaves no more bars than there is room for."""
    noise = quartile_distance / len(inside) ** (1 / 3)
    wanted = 0.8 * max(noise, (inside[-1] - inside[0]) / (_MOST_BARS - 3))
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(digit * power for digit in (1, 2, 3, 4, 5, 10) if digit * power >= wanted)
