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
"""Quartile distances beyond the quartiles from which a pair is drawn in the outermost bar (Tukey's
outer fences): one pair of a hundredfold time must not squeeze all others into one bar."""
_MOST_BARS = 15
"""Their labels have no more room."""
# Mermaid's own first colour is next to invisible on white; its own size is unreadable on a phone.
_LOOKS = (
    '%%{init: {"xyChart": {"width": 480, "height": 300}, '
    '"themeVariables": {"xyChart": {"plotColorPalette": "#8b949e80, #d29922, #4184e4"}}}}%%'
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
    shown = Counter(min(max(_bar(change, width), first), last) for change in changes)
    counts = {bar: shown[bar] for bar in range(first, last + 1)}
    beyond = changes[0] < inside[0], inside[-1] < changes[-1]
    grey = ", grey no change." if 0 in counts else "."
    zero = ", in the bar of no change." if _bar(estimate, width) == 0 else grey
    words = _in_words(workload, changes, estimate, len(changes) - len(inside), zero)
    return words, Block(_mermaid(counts, width, _bar(estimate, width), beyond), "mermaid")


def _in_words(
    workload: WorkloadView, changes: Sequence[float], estimate: float, beyond: int, zero: str
) -> Sentence:
    way = "faster" if estimate < 0 else "slower"
    so = sum(change < 0 if estimate < 0 else change > 0 for change in changes)
    low, _, high = statistics.quantiles(changes, n=4, method="inclusive")
    far = max(changes, key=lambda change: abs(change - estimate))
    many = workload.leading if len(workload.comparisons) > 1 else None
    outside = f" The outermost bars hold {counting(beyond, 'pair')} from beyond, up to "
    return sentence(
        *(f"Head was {way} than ", workload.base.called if workload.base else ""),
        f" in {so:,} of {counting(len(changes), 'pair')}",
        f" of {phrase(many.metric)}" if many else "",
        f". Half of the changes lie between {numbers.change(low)} and {numbers.change(high)}. ",
        f"Yellow marks the estimate, {numbers.change(estimate)}",
        zero,
        f"{outside}{numbers.change(far)}." if beyond else "",
    )


def _mermaid(counts: dict[int, int], width: float, estimate: int, beyond: tuple[bool, bool]) -> str:
    top = math.ceil(1.1 * max(counts.values()))  # so that the marks stand out above every bar
    labels = [
        f"{100 * bar * width:+.6g}".replace("-", numbers.MINUS) if bar else "0" for bar in counts
    ]
    labels[0] = f"≤{labels[0]}" if beyond[0] else labels[0]
    labels[-1] = f"≥{labels[-1]}" if beyond[1] else labels[-1]
    marks = [[top * (bar == marked) for bar in counts] for marked in (0, estimate)]
    bars = "\n".join(f"    bar {series}" for series in (*marks, [*counts.values()]))
    quoted = ", ".join(f'"{label}"' for label in labels)
    axes = f'    x-axis "change in time, %" [{quoted}]\n    y-axis "pairs" 0 --> {top}'
    return f"{_LOOKS}\nxychart-beta\n{axes}\n{bars}"


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
