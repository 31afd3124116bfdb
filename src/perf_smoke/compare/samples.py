"""Which numbers of two sides' steps are compared, pair by pair?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from perf_smoke.compare.doubts import Circumstances, Sides
from perf_smoke.compare.looks import is_look
from perf_smoke.compare.paired import Schedule, paired
from perf_smoke.compare.rule import Rule
from perf_smoke.result import Comparison, Guard, Machine, Result, Sample, Side, told_to_engine

_FIELDS = {"e2e": "e2e_ms", "ttft": "ttft_ms", "wall": "wall_ms", "cpu": "cpu_ms"}

AUTOMATIC = ("e2e", "decode", "wall")
"""What `metric: auto` means. Wall comes last: it is mostly load where a process is started."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One step of each side, taken next to each other."""

    base: Sample
    head: Sample

    @property
    def start(self) -> Hashable:
        """Which start of the two programs it belongs to."""
        return self.base.restart, self.head.restart


def seconds(sample: Sample, metric: str) -> float | None:
    """What the metric of this step is, in seconds; per token after the first for `decode`.

    None where the step does not give it.
    """
    if metric == "decode":
        if sample.decode_ms is None or sample.n_out is None or sample.n_out < 2:
            return None
        time_ms: float | None = sample.decode_ms / (sample.n_out - 1)
    else:
        time_ms = getattr(sample, _FIELDS[metric])
    return time_ms / 1e3 if time_ms is not None and time_ms > 0 else None


def deciding_metric(asked: str, base: Sequence[Sample], head: Sequence[Sample]) -> str:
    """The metric that decides: the one asked for; `auto` is the first of AUTOMATIC that every
    step gives."""
    if asked != "auto":
        return asked
    counted = [sample for sample in (*base, *head) if sample.ok]
    given = (metric for metric in AUTOMATIC if all(seconds(sample, metric) for sample in counted))
    return next(given, AUTOMATIC[-1])


def pairs_of(base: Sequence[Sample], head: Sequence[Sample], metric: str) -> list[Pair]:
    """The pairs of which both steps count and give the metric, in the order they were taken."""

    def usable(samples: Sequence[Sample]) -> dict[int, Sample]:
        return {
            sample.pair: sample
            for sample in samples
            if sample.ok and sample.pair is not None and seconds(sample, metric)
        }

    bases, heads = usable(base), usable(head)
    return [Pair(base=bases[at], head=heads[at]) for at in sorted(bases.keys() & heads.keys())]


def usable_pairs(base: Sequence[Sample], head: Sequence[Sample], metric: str) -> int:
    """How many pairs may be compared: less than were taken where a step does not count."""
    return len(pairs_of(base, head, deciding_metric(metric, base, head)))


def settled_by(
    base: Sequence[Sample],
    head: Sequence[Sample],
    *,
    metric: str,
    rule: Rule,
    looks: tuple[int, ...],
    threads: int | None = None,
    machine: Machine | None = None,
) -> bool:
    """Whether measuring may stop with these steps. See paired.settled."""
    metric = deciding_metric(metric, base, head)
    pairs = pairs_of(base, head, metric)
    if not is_look(len(pairs), looks):
        return False
    schedule = Schedule(looks=looks, stopped="decided", starts=[pair.start for pair in pairs])
    found = _compared(pairs, metric, rule, schedule, _circumstances(pairs, threads, machine))
    return found.verdict != "inconclusive"


def from_sides(
    base: Side | None,
    head: Side | None,
    *,
    metric: str,
    rule: Rule,
    looks: tuple[int, ...] = (),
    stopped: str = "",
    threads: int | None = None,
    machine: Machine | None = None,
) -> Comparison:
    """The verdict on the steps of two sides that were measured in pairs in one run.

    Args:
        base: None where there is no base.
        head: None where nothing was measured.
        metric: as the input of this name, `auto` included.
        rule: alpha, margin and floor.
        looks: the planned looks.
        stopped: why measuring stopped.
        threads: how many the engine was told to use.
        machine: its state before and after.
    """
    steps = (base.samples if base else (), head.samples if head else ())
    metric = deciding_metric(metric, *steps)
    if not all(steps):
        return no_baseline(metric, rule)
    pairs = pairs_of(*steps, metric)
    schedule = Schedule(looks=looks, stopped=stopped, starts=[pair.start for pair in pairs])
    found = _compared(pairs, metric, rule, schedule, _circumstances(pairs, threads, machine))
    if pairs:
        return found
    missing = Guard(
        name="metric-missing",
        sentence=f"No pair of steps gave `{metric}` on both sides: choose another `metric`.",
    )
    return replace(found, guards=(missing,))


def no_baseline(metric: str, rule: Rule) -> Comparison:
    """The Comparison where there is nothing to compare with."""
    return Comparison(
        kind="none",
        metric="e2e" if metric == "auto" else metric,
        verdict="no-baseline",
        alpha=rule.alpha,
        margin=rule.margin,
        floor=rule.floor,
    )


def again(result: Result) -> Comparison | None:
    """Decide anew from the steps in a Result: the same verdict as in the run itself. Where the run
    compared nothing (it was cancelled, or the base failed on the way), nor does this."""
    before = result.comparison
    if before is None or before.kind == "none":
        return before
    threads = ""
    if result.series and told_to_engine(result.settings, "threads"):
        threads = result.series.parts.get("threads", "")
    return from_sides(
        result.base,
        result.head,
        metric=before.metric,
        rule=Rule(alpha=before.alpha, margin=before.margin, floor=before.floor),
        looks=before.looks,
        stopped=before.stopped,
        threads=int(threads) if threads.isdecimal() else None,
        machine=result.machine,
    )


def _compared(
    pairs: Sequence[Pair], metric: str, rule: Rule, schedule: Schedule, known: Circumstances
) -> Comparison:
    base_s, head_s = _times(pairs, lambda sample: seconds(sample, metric)) or ((), ())
    return paired(
        base_s,
        head_s,
        alpha=rule.alpha,
        margin=rule.margin,
        floor=rule.floor,
        metric=metric,
        schedule=schedule,
        circumstances=known,
    )


def _circumstances(
    pairs: Sequence[Pair], threads: int | None, machine: Machine | None
) -> Circumstances:
    sides = ([pair.base for pair in pairs], [pair.head for pair in pairs])
    return Circumstances(
        head_first=[pair.head.order < pair.base.order for pair in pairs],
        wall_s=_times(pairs, lambda sample: seconds(sample, "wall")),
        cpu_s=_times(pairs, lambda sample: seconds(sample, "cpu")),
        steal=machine.steal_fraction if machine else None,
        cpu_models=machine.cpu_models if machine else ("", ""),
        threads=threads,
        cpus=machine.cpus if machine else None,
        load_before=machine.before.load_1min if machine else None,
        idle=machine.idle_fraction if machine else None,
        tokens=(_tokens(sides[0]), _tokens(sides[1])),
        texts=(_texts(sides[0]), _texts(sides[1])),
    )


def _times(pairs: Sequence[Pair], time: Callable[[Sample], float | None]) -> Sides | None:
    """Both sides' times, or None where there is no pair or a step does not give one."""
    base = [found for pair in pairs if (found := time(pair.base)) is not None]
    head = [found for pair in pairs if (found := time(pair.head)) is not None]
    return (base, head) if pairs and len(base) == len(head) == len(pairs) else None


def _tokens(samples: Sequence[Sample]) -> int | None:
    counts = Counter(sample.n_out for sample in samples if sample.n_out is not None)
    return counts.most_common(1)[0][0] if counts else None


def _texts(samples: Sequence[Sample]) -> set[str]:
    return {sample.text_sha256 for sample in samples if sample.text_sha256}
