"""What the steps gave, from the first one on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from perf_smoke.engines.base import Evidence
from perf_smoke.measure.rest import Rests
from perf_smoke.result import BASE, HEAD, Failure, Sample, Stopped, Tier


@dataclass(kw_only=True)
class Recording:
    """Everything that the steps gave until now. Grows while measuring."""

    samples: dict[str, list[Sample]] = field(default_factory=lambda: {HEAD: [], BASE: []})
    texts: dict[str, str] = field(default_factory=dict)
    """The first text of each side."""
    tiers: dict[str, dict[str, Tier]] = field(default_factory=lambda: {HEAD: {}, BASE: {}})
    """Where each field of a side's samples comes from: the worst of its steps."""
    told: dict[str, Evidence] = field(default_factory=dict)
    """What the engine told of its features, be it in an uncounted step."""
    left_running: dict[str, Counter[str]] = field(
        default_factory=lambda: {HEAD: Counter(), BASE: Counter()}
    )
    """What each side's steps left running when they ended, by name: how many were ended."""
    load_s: float = 0.0
    steps_s: float = 0.0
    """All steps, those of the warm-up included."""
    pairs: int = 0
    pairs_planned: int = 0
    """How many pairs the budget holds, as estimated; 0 before the pilot pairs are taken."""
    extended_after: int | None = None
    """The number of pairs after which the run went on to its longest budget, if it did;
    `pairs_planned` are those that this one holds from then on."""
    rests: Rests = field(default_factory=Rests)
    stopped: Stopped = ""
    lost_base: Failure | None = None
    """How the base failed, which was tried where head had failed first."""
    warmup_counted: bool = False
    """Whether no further step fitted into the budget, so that the warm-up itself was counted."""
