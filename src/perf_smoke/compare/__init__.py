"""Whether head is slower than base: pure functions of numbers, and the one door to them."""

from perf_smoke.compare.circumstances import LEAST_CPU_SHARE, Circumstances, steal
from perf_smoke.compare.decision import decide, decide_again, may_go_on, may_stop
from perf_smoke.compare.looks import (
    FEWEST_PAIRS,
    next_look,
    plan,
    plan_extension,
    tail_at_end,
    tail_at_look,
)
from perf_smoke.compare.pairs import Pairs, deciding_metric
from perf_smoke.result import Rule

__all__ = [
    "FEWEST_PAIRS",
    "LEAST_CPU_SHARE",
    "Circumstances",
    "Pairs",
    "Rule",
    "decide",
    "decide_again",
    "deciding_metric",
    "may_go_on",
    "may_stop",
    "next_look",
    "plan",
    "plan_extension",
    "steal",
    "tail_at_end",
    "tail_at_look",
]
