"""The scores as tables in Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.attacks import Outcome
from benchmarks.scores import (
    PEERS_CHANGES,
    Extended,
    Noise,
    OurRow,
    PeerRow,
    Share,
    StratumScore,
)
from benchmarks.simulated import Cell
from perf_smoke.numbers import change as signed

_UNKNOWN = "–"


@dataclass(frozen=True, kw_only=True)
class RealChange:
    """Jobs whose sides really differed."""

    name: str
    what: str
    jobs: int
    verdicts: str
    log_ratio: float
    """Median over the jobs, in the direction of the side with more work."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Jobs of one kind, scored."""

    heading: str
    score: StratumScore
    rested: bool
    """Whether steps began with a rest."""
    part: bool = False
    """Whether it is the beginning of jobs that are scored whole as well."""
    extended: Sequence[Extended] = ()


def document(scores: dict[str, Recorded], real: Sequence[RealChange], command: str) -> str:
    """Everything, with the command that makes it again."""
    about = (
        f"Made by `{command}` from the recorded steps in `benchmarks/data`: every rule sees the "
        "same steps. Intervals in brackets are Wilson's, 95 %. Changes are injected into head's "
        "times as a factor, but for those at the end."
    )
    parts = ["# Validation of the verdict", about]
    if scores:
        plain = {name: recorded.score for name, recorded in scores.items()}
        parts += [_strata(plain), _means(scores), _false_verdicts(scores), _order(plain)]
    for name, recorded in scores.items():
        parts += [f"## {name}: {recorded.heading}", _ours(recorded.score), _peers(recorded.score)]
        if recorded.extended:
            parts.append(_extended(recorded.extended))
    if real:
        parts += ["## Changes that were really there", _real(real)]
    return "\n\n".join(parts) + "\n"


def of_attacks(outcomes: Sequence[Outcome], command: str) -> str:
    """What became of equal sides under noise that misleads."""
    rows = [
        [
            one.attack.name,
            _share(one.false, one.jobs),
            f"{100 * one.no_change / one.jobs:.0f}",
            signed(math.expm1(one.estimate)),
            one.attack.why,
        ]
        for one in outcomes
    ]
    head = ["noise", "false verdicts", "no change %", "mean estimate", "why more than 1 % may be"]
    about = (
        f"Made by `{command}`: simulated jobs of two sides that are equally fast, decided by the "
        "product's rule. Intervals in brackets are Wilson's, 95 %."
    )
    return "\n\n".join(["# Attacks on the verdict", about, table(head, rows)]) + "\n"


def simulation(cells: Sequence[Cell]) -> str:
    """The simulated jobs, told and not told of their starts."""
    rows = [
        [
            f"{cell.noise:.1%}",
            str(cell.kind),
            str(cell.starts),
            "yes" if cell.widened else "no",
            _share(cell.called[0.0], cell.jobs),
            f"{100 * cell.no_change / cell.jobs:.0f}",
            *(f"{100 * count / cell.jobs:.0f}" for change, count in cell.called.items() if change),
        ]
        for cell in cells
    ]
    head = [
        "SD of a pair",
        "SD between starts",
        "starts",
        "told of them",
        "false verdicts at 0 %",
        "no change %",
        *(f"{signed(change)} seen, %" for change in cells[0].called if change),
    ]
    return table(head, rows)


def _strata(scores: dict[str, StratumScore]) -> str:
    rows = [
        [
            name,
            str(score.jobs),
            f"{score.noise.pairs:.0f}",
            f"{score.noise.step_ms:.1f} ms",
            _UNKNOWN if score.noise.spread is None else f"{score.noise.spread:.1%}",
            f"{score.noise.starts:.0f}",
            _between_starts(score.noise),
            f"{score.noise.estimate:+.2%} ± {score.noise.estimate_error:.2%}",
            f"{score.noise.cpu_estimate:+.2%} ± {score.noise.cpu_estimate_error:.2%}",
            f"{score.noise.longest_s:.1f} s",
            _UNKNOWN if score.noise.others is None else f"{score.noise.others:.0%}",
        ]
        for name, score in scores.items()
    ]
    head = [
        "stratum",
        "jobs",
        "pairs",
        "step",
        "SD of a pair",
        "starts",
        "SD between starts",
        "mean estimate",
        "of CPU time",
        "longest job",
        "CPU time of others",
    ]
    return table(head, rows)


def _means(scores: dict[str, Recorded]) -> str:
    """Over all jobs in which steps were near enough to their like for a mean to say something."""
    rows = []
    for name, rested in (("all without a rest", False), ("all with a rest", True)):
        of = [
            one.score
            for one in scores.values()
            if one.rested is rested and not one.part and one.score.noise.spread is not None
        ]
        if of:
            time = [(one.jobs, one.noise.estimate, one.noise.estimate_error) for one in of]
            cpu = [(one.jobs, one.noise.cpu_estimate, one.noise.cpu_estimate_error) for one in of]
            rows.append([name, str(sum(one.jobs for one in of)), _pooled(time), _pooled(cpu)])
    head = ["equal sides, all strata whose pairs vary by a known SD", "jobs"]
    return table([*head, "mean estimate", "of CPU time"], rows)


def _pooled(means: Sequence[tuple[int, float, float]]) -> str:
    """Of means over so many jobs, each with its standard error: the mean over all jobs."""
    jobs = sum(count for count, _, _ in means)
    mean = sum(count * each for count, each, _ in means) / jobs
    error = math.hypot(*(count * error for count, _, error in means)) / jobs
    return f"{mean:+.2%} ± {error:.2%}"


def _between_starts(noise: Noise) -> str:
    if noise.start_variance is None or noise.start_variance_upto is None:
        return _UNKNOWN
    if noise.start_variance <= 0:
        return "none seen"
    return f"{math.sqrt(noise.start_variance):.2%} (< {math.sqrt(noise.start_variance_upto):.2%})"


def _order(scores: dict[str, StratumScore]) -> str:
    rows = [
        [
            name,
            *(f"{cost.mean:+.2%} ± {cost.error:.2%}" for cost in (order.after_other, order.second)),
            f"{order.explained:.0%}",
        ]
        for name, score in scores.items()
        if (order := score.noise.order)
    ]
    head = ["what order costs", "after the other side, not its own", "second of a pair, not first"]
    return table([*head, "share of a pair's variance"], rows)


def _false_verdicts(scores: dict[str, Recorded]) -> str:
    rows = []
    pooled = {"all without a rest": [0, 0], "all with a rest": [0, 0]}
    for name, recorded in scores.items():
        score, still = recorded.score, _at(recorded.score.ours, 0.0)
        false = still.verdicts["slower"] + still.verdicts["faster"]
        if not recorded.part:
            total = pooled["all with a rest" if recorded.rested else "all without a rest"]
            total[:] = total[0] + false, total[1] + score.jobs
        rows.append(
            [
                name,
                _share(false, score.jobs),
                str(sum(row.wrong_sign for row in score.ours)),
                _share(*_of(score.at_own_limit)),
                *(_share(*_of(still.covered.get(level))) for level in (0.99, 0.9)),
            ]
        )
    rows += [[name, _share(*total), "", "", "", ""] for name, total in pooled.items() if total[1]]
    head = [
        "stratum",
        "false verdicts at 0 %",
        "wrong signs",
        "called at the limit printed",
        "99 % intervals that hold 0",
        "90 % intervals that hold 0",
    ]
    return table(head, rows)


def _ours(score: StratumScore) -> str:
    rows = [
        [
            signed(row.change),
            *(
                f"{100 * row.verdicts[verdict] / score.jobs:.1f}"
                for verdict in ("slower", "faster", "no-change", "inconclusive")
            ),
            _UNKNOWN if row.estimate is None else signed(row.estimate),
            f"{row.pairs:.0f}",
            f"{row.seconds:.1f} s",
        ]
        for row in score.ours
    ]
    head = [
        "change",
        "slower %",
        "faster %",
        "no change %",
        "cannot tell %",
        "called at",
        "pairs",
        "time",
    ]
    return "Ours:\n\n" + table(head, rows)


def _extended(rows: Sequence[Extended]) -> str:
    cells = [
        [
            signed(row.change),
            _share(row.called, row.jobs),
            f"{100 * row.no_change / row.jobs:.1f}",
            f"{100 * row.went_on / row.jobs:.0f}",
            f"{row.seconds:.1f} s",
        ]
        for row in rows
    ]
    head = ["change", "called", "no change %", "went on %", "time, mean"]
    return "The same as runs whose budget is half as long and may become this:\n\n" + table(
        head, cells
    )


def _peers(score: StratumScore) -> str:
    ups = [change for change in PEERS_CHANGES if change > 0]
    still = _at(score.ours, 0.0)
    false = still.verdicts["slower"] + still.verdicts["faster"]
    called = [_at(score.ours, change).verdicts["slower"] for change in ups]
    rows = [
        [
            "**ours**",
            "pairs",
            _share(false, score.jobs),
            *(f"{100 * count / score.jobs:.0f}" for count in called),
            str(sum(row.wrong_sign for row in score.ours if row.change in PEERS_CHANGES)),
            *(f"{100 * count / score.jobs:.0f}" for count in called),
        ]
    ]
    rows += [_peer(row, ups) for row in score.peers]
    head = [
        "rule",
        "design",
        "false alarms",
        *(f"{signed(change)} seen, %" for change in ups),
        "wrong signs",
        *(f"{signed(change)} at our rate, %" for change in ups),
    ]
    return (
        "Beside the other rules; the last columns with each rule's limit moved until it raises no "
        "more false alarms on these jobs than ours:\n\n" + table(head, rows)
    )


def _peer(row: PeerRow, ups: Sequence[float]) -> list[str]:
    def percent(count: int) -> str:
        return f"{100 * count / row.jobs:.0f}" if row.jobs else _UNKNOWN

    return [
        row.peer.name,
        row.peer.design,
        _share(row.alarms[0.0], row.jobs),
        *(percent(row.alarms[change]) for change in ups),
        str(row.wrong_sign),
        *(percent(row.at_our_rate[change]) for change in ups),
    ]


def _real(real: Sequence[RealChange]) -> str:
    rows = [
        [row.name, row.what, str(row.jobs), row.verdicts, signed(math.expm1(row.log_ratio))]
        for row in real
    ]
    return table(
        ["recording", "the side with more work", "jobs", "verdicts", "median estimate"], rows
    )


def _at(rows: Sequence[OurRow], change: float) -> OurRow:
    return next(row for row in rows if row.change == change)


def _of(share: Share | None) -> tuple[int, int]:
    return (share.count, share.of) if share else (0, 0)


def _share(count: int, of: int) -> str:
    return share_shown(Share(count=count, of=of))


def share_shown(share: Share) -> str:
    """With its interval."""
    if share.of == 0:
        return _UNKNOWN
    low, high = share.interval
    return f"{share.count}/{share.of} ({100 * low:.1f} … {100 * high:.1f} %)"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """In Markdown."""
    ruler = ["---", *("--:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ruler, *rows))
