"""How far may the estimate be off because a program is faster or slower for a whole start?

Every start of a program puts its code, stack and heap at other addresses, and that alone can make
it a percent faster or slower until it ends (Mytkowicz et al., ASPLOS 2009; Kalibera & Jones, ISMM
2013); now and then it is several percent. Pairs of the same start share that offset, so that more
pairs do not average it away:

    d_ri = θ + b_r + e_ri      b_r ~ (0, s²) once per start r, e_ri once per pair
    var(estimate) = pair_error² + s² · Σ (n_r / n)²

s is not known, and a handful of starts tell little about it. It is averaged out over what is
plausible: before the run, s² ~ scaled inverse chi-squared with TYPICAL and CONFIDENCE; then
multiplied by how well each s explains the differences between the starts of this run. The error's
distribution is the mixture, and its quantile replaces z · pair_error.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import fmean

from perf_smoke.compare.walsh import WalshAverages

TYPICAL = 0.007
"""How much two starts of one program typically differ, as a fraction of time."""
CONFIDENCE = 2.5
"""How many starts' worth of knowledge TYPICAL is: degrees of freedom of the prior. They are so few
that one or two starts alone call only what no start has ever done: a start that is 8 % off would
pass for a change otherwise."""
_NOTICEABLE = 0.01
"""Starts that differ by less are not worth a word to the reader."""

_SPREADS = tuple(0.0002 * 1.16**step for step in range(50))
"""The values of s that are tried: 0.02 % to 29 %, evenly in its logarithm."""
_Z_999 = 3.0902


@dataclass(frozen=True, kw_only=True)
class StartError:
    """The error of the estimate, the differences between starts included."""

    weights: tuple[float, ...]
    """How plausible each value of _SPREADS is; they add up to 1."""
    deviations: tuple[float, ...]
    """The standard deviation of the estimate under each of them."""
    disagreement: float
    """The standard deviation between the starts, where it is more than the pairs explain and
    noticeable; else 0."""

    def quantile(self, tail: float) -> float:
        """The size that the error exceeds on one side with this probability."""
        low, high = 0.0, 15 * max(self.deviations)
        while high - low > 1e-9 + 1e-6 * low:
            middle = (low + high) / 2
            beyond = sum(
                weight * math.erfc(middle / (deviation * math.sqrt(2))) / 2
                for weight, deviation in zip(self.weights, self.deviations, strict=True)
            )
            low, high = (middle, high) if beyond > tail else (low, middle)
        return high


def start_error(
    log_ratios: Sequence[float], starts: Sequence[Hashable], pair_error: float
) -> StartError | None:
    """What the starts add to the error of the Hodges-Lehmann estimate of these log-ratios.

    Args:
        log_ratios: of the pairs, head over base.
        starts: for each pair, which start of the two programs it belongs to.
        pair_error: the standard error of the estimate if there were no such offsets.

    Returns:
        None where every pair has a start of its own: the offsets are in the differences then.
    """
    blocks: dict[Hashable, list[float]] = {}
    for log_ratio, start in zip(log_ratios, starts, strict=True):
        blocks.setdefault(start, []).append(log_ratio)
    pairs = len(log_ratios)
    if len(blocks) == pairs:
        return None
    centres = [WalshAverages(block).median() for block in blocks.values()]
    noises = [pair_error**2 * pairs / len(block) for block in blocks.values()]
    scores = [_prior(spread) + _likelihood(spread, centres, noises) for spread in _SPREADS]
    best = max(scores)
    weights = [math.exp(score - best) for score in scores]
    shared = sum((len(block) / pairs) ** 2 for block in blocks.values())
    return StartError(
        weights=tuple(weight / sum(weights) for weight in weights),
        deviations=tuple(math.sqrt(pair_error**2 + spread**2 * shared) for spread in _SPREADS),
        disagreement=_disagreement(centres, noises),
    )


def _prior(spread: float) -> float:
    """Log density of log s."""
    return -CONFIDENCE * (math.log(spread) + (TYPICAL / spread) ** 2 / 2)


def _likelihood(spread: float, centres: Sequence[float], noises: Sequence[float]) -> float:
    """Restricted log likelihood (θ integrated out) of the starts' centres, given s."""
    precisions = [1 / (spread**2 + noise) for noise in noises]
    total = sum(precisions)
    centre = sum(p * c for p, c in zip(precisions, centres, strict=True)) / total
    misfit = sum(p * (c - centre) ** 2 for p, c in zip(precisions, centres, strict=True))
    return (sum(map(math.log, precisions)) - math.log(total) - misfit) / 2


def _disagreement(centres: Sequence[float], noises: Sequence[float]) -> float:
    degrees = len(centres) - 1
    if degrees < 1:
        return 0.0
    middle = fmean(centres)
    variance = sum((centre - middle) ** 2 for centre in centres) / degrees
    beyond = math.sqrt(max(0.0, variance - fmean(noises)))
    # The 99.9 % quantile of chi-squared over its degrees of freedom, by Wilson and Hilferty.
    limit = (1 - 2 / (9 * degrees) + _Z_999 * math.sqrt(2 / (9 * degrees))) ** 3
    return beyond if beyond > _NOTICEABLE and variance > limit * fmean(noises) else 0.0
