"""Whether two sides differ: pure functions of numbers."""

from perf_smoke.compare.doubts import Circumstances
from perf_smoke.compare.looks import FEWEST_PAIRS, plan
from perf_smoke.compare.paired import Schedule, paired, settled
from perf_smoke.compare.rule import Rule
from perf_smoke.compare.samples import again, from_sides, no_baseline, settled_by, usable_pairs

__all__ = [
    "FEWEST_PAIRS",
    "Circumstances",
    "Rule",
    "Schedule",
    "again",
    "from_sides",
    "no_baseline",
    "paired",
    "plan",
    "settled",
    "settled_by",
    "usable_pairs",
]
