"""The validation of the verdict: python -m benchmarks.validate [COMMAND]

`record` runs jobs of the real engine against itself and keeps their raw steps; it goes on where it
stopped. `table` scores our rule and those of other tools on the recorded steps. Without a command:
first the one, then the other. `attack`, `simulate`, `speed` and `boundary` need no recording.
"""

from __future__ import annotations

import functools
import math
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TaskID

from benchmarks import attacks, jobs, predictions, recorder, scores, simulated, tables
from benchmarks.kinds import SIDES, Kind, Sides, heading, what_differs
from benchmarks.ours import outcome
from benchmarks.strata import ARRANGED, STRATA, NotOnThisMachine, machine_in
from perf_smoke.compare import plan, tail_at_end, tail_at_look
from perf_smoke.measure.schedule import Progress as Step
from perf_smoke.result import Unmeasured

TABLES = Path(__file__).with_name("TABLES.md")
HALF_S = 30.0
"""The usual budget."""
ATTACKS_TABLE = Path(__file__).with_name("ATTACKS.md")
_console = Console(stderr=True)

_strata_option = click.option(
    "--stratum",
    "strata",
    multiple=True,
    type=click.Choice(list(STRATA)),
    help="Only this state of the machine; may be given again. Default: all; to record, all but"
    " `twins` and `shared`.",
)
_data_option = click.option(
    "--data",
    default=jobs.DATA,
    type=click.Path(path_type=Path),
    help="Folder of the recorded steps; default: benchmarks/data.",
)


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Validate the verdict on real steps."""
    if context.invoked_subcommand is None:
        context.invoke(record)
        context.invoke(table)


@main.command()
@_strata_option
@_data_option
@click.option("--jobs", "wanted", default=300, show_default=True, help="Jobs of each stratum.")
@click.option("--budget", "budget_s", default=30.0, show_default=True, help="Seconds of a job.")
@click.option(
    "--sides",
    default="same",
    show_default=True,
    type=click.Choice(SIDES),
    help="The embedded engine against itself; or a small one in C, built separately for each side,"
    " of which one may do so many percent more work.",
)
def record(strata: Sequence[str], data: Path, wanted: int, budget_s: float, sides: Sides) -> None:
    """Record until there are so many jobs of each stratum. The strata take turns."""
    model = recorder.find_model()
    kinds = [Kind(stratum=name, budget_s=budget_s, sides=sides) for name in strata or ARRANGED]
    while missing := [kind for kind in kinds if _have(kind, data) < wanted]:
        for kind in missing:
            try:
                with _bar() as bar, machine_in(STRATA[kind.stratum]):
                    task = bar.add_task(kind.name, total=budget_s)
                    earlier = jobs.read(jobs.path_of(kind.name, data))
                    swapped = bool(earlier) and not earlier[-1].swapped
                    watch = _shown(bar, task)
                    job = recorder.record(model, kind, swapped=swapped, watch=watch)
            except NotOnThisMachine as error:
                _console.print(f"{kind.stratum}: left out, {error}", highlight=False)
                kinds.remove(kind)
                continue
            except Unmeasured as error:
                sys.exit(f"{kind.name}: {error.failure.sentence}\n{error.failure.tail}")
            jobs.append(job, jobs.path_of(kind.name, data))
            have = f"job {_have(kind, data)} of {wanted}"
            _console.print(f"{kind.name}: {have}, {job.pairs} pairs", highlight=False)


@main.command()
@_strata_option
@_data_option
@click.option(
    "--out", default=TABLES, type=click.Path(path_type=Path), help="Default: benchmarks/TABLES.md."
)
@click.option(
    "--evidence",
    type=click.Path(path_type=Path, exists=True),
    help="Page whose table of predictions is written too: docs/EVIDENCE.md.",
)
def table(strata: Sequence[str], data: Path, out: Path, evidence: Path | None) -> None:
    """Score all rules on the recorded steps and write the tables."""
    files = sorted(data.glob("*.jsonl.gz"), key=_age)
    everything = {path.name.partition(".")[0]: jobs.read(path) for path in files}
    chosen = {
        name: recorded
        for name, recorded in everything.items()
        if recorded[0].stratum in (strata or STRATA)
    }
    if not chosen:
        sys.exit(f"There are no recorded jobs in {data}: `python -m benchmarks.validate record`.")
    scored, real = {}, []
    with _bar() as bar:
        for name, recorded in chosen.items():
            if not recorded[0].same:
                real.append(_real_change(name, recorded))
                continue
            for group in _groups(name, recorded):
                task = bar.add_task(group.title, total=len(group.jobs))
                first = group.jobs[0]
                scored[group.title] = tables.Recorded(
                    heading=heading(first),
                    score=scores.score(group.jobs, functools.partial(bar.advance, task)),
                    rested=first.rests > 0,
                    part=group.part,
                    extended=scores.score_extended(group.jobs, HALF_S)
                    if first.budget_s > HALF_S
                    else (),
                )
    out.write_text(
        tables.document(scored, real, "python -m benchmarks.validate table"), encoding="utf-8"
    )
    if evidence:
        predictions.write(evidence, scored)
    click.echo(out.read_text(encoding="utf-8"))


@main.command()
@click.option("--jobs", "count", default=400, show_default=True, help="Jobs of each kind.")
@click.option("--starts", multiple=True, default=[8], type=int, help="Starts of a job. Default: 8.")
def simulate(count: int, starts: Sequence[int]) -> None:
    """How far starts may differ before the verdict errs (about 10 minutes)."""
    kinds = len(simulated.NOISES) * len(simulated.KINDS) * len(starts) * 2
    with _bar() as bar:
        task = bar.add_task("simulated", total=kinds)
        cells = list(simulated.cells(count, starts, lambda: bar.advance(task)))
    click.echo(tables.simulation(cells))


@main.command()
@click.option("--jobs", "count", default=1000, show_default=True, help="Jobs of each kind.")
@click.option("--only", default="", help="Only kinds whose name holds this.")
@click.option("--out", default=ATTACKS_TABLE, type=click.Path(path_type=Path), help="The table.")
def attack(count: int, only: str, out: Path) -> None:
    """What the verdict makes of equal sides under noise that misleads (about an hour)."""
    chosen = [one for one in attacks.ATTACKS if only in one.name]
    with _bar() as bar:
        task = bar.add_task("attacks", total=len(chosen))
        done = list(attacks.outcomes(count, lambda: bar.advance(task), chosen))
    out.write_text(tables.of_attacks(done, "python -m benchmarks.validate attack"), "utf-8")
    click.echo(out.read_text(encoding="utf-8"))
    if surprises := [one.attack.name for one in done if one.surprising]:
        sys.exit(f"Surely more than 1 % false verdicts, and not said why: {', '.join(surprises)}")


@main.command()
def speed() -> None:
    """How long a decision takes (the slowest of seven)."""
    for pairs in (60, 240, 1000, 4000):
        click.echo(f"{pairs:>5} pairs: {simulated.decision_ms(pairs):.1f} ms")


@main.command()
@click.option("--pairs", default=240, show_default=True, help="Pairs that the budget holds.")
@click.option("--alpha", default=0.01, show_default=True, help="Two-sided error of the verdict.")
def boundary(pairs: int, alpha: float) -> None:
    """The looks of a plan, and what each demands."""
    looks = plan(pairs)
    for look in looks:
        tail_at = tail_at_end if look == pairs else tail_at_look
        tail = tail_at(look, looks, alpha)
        z = -statistics.NormalDist().inv_cdf(tail)
        click.echo(f"{look:>5} pairs: z = {z:.3f}, {2 * tail:.3%} both sides together")


def _bar() -> Progress:
    return Progress(console=_console, transient=True)


def _shown(bar: Progress, task: TaskID) -> Callable[[Step], None]:
    return lambda step: bar.update(task, completed=step.elapsed_s)


def _have(kind: Kind, data: Path) -> int:
    return len(jobs.read(jobs.path_of(kind.name, data)))


def _age(path: Path) -> tuple[bool, str]:
    """Those of the time before there was a rest come first."""
    return path.name.startswith("rested-"), path.name


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Jobs that are scored together."""

    title: str
    jobs: Sequence[jobs.Job]
    part: bool = False
    """Whether they are counted in another group as well."""


def _groups(name: str, recorded: Sequence[jobs.Job]) -> Iterator[_Group]:
    """Jobs of one kind as they are scored. What is arranged to leave a CPU free did not where
    others filled the machine: those jobs stand apart, but for strata that are about others."""
    room, full = ([job for job in recorded if job.full is state] for state in (False, True))
    if recorded[0].stratum == "shared":
        yield from _budgets(name, recorded)
        if room and full:
            yield _Group(title=f"{name}, a CPU free", jobs=room, part=True)
        return
    if room:
        yield from _budgets(name, room)
    if full:
        yield from _budgets(f"{name}, no CPU free", full)


def _budgets(title: str, recorded: Sequence[jobs.Job]) -> Iterator[_Group]:
    """The jobs, and of long ones also what they were after the usual time."""
    if recorded[0].budget_s > HALF_S:
        halves = [one for job in recorded if (one := job.first(HALF_S)).pairs]
        yield _Group(title=f"{title}, the first {HALF_S:g} s", jobs=halves, part=True)
    yield _Group(title=title, jobs=recorded)


def _real_change(name: str, recorded: Sequence[jobs.Job]) -> tables.RealChange:
    """Of jobs whose sides differ, each verdict told of the side with more work."""
    verdicts: Counter[str] = Counter()
    middles = []
    turned = {"slower": "faster", "faster": "slower"}
    for job in recorded:
        one, more = outcome(job, 1.0), job.head_work >= 1
        verdicts[one.verdict if more else turned.get(one.verdict, one.verdict)] += 1
        if one.log_ratio is not None:
            middles.append(one.log_ratio if more else -one.log_ratio)
    return tables.RealChange(
        name=name,
        what=what_differs(recorded[0]),
        jobs=len(recorded),
        verdicts=", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common()),
        log_ratio=statistics.median(middles) if middles else math.nan,
    )


if __name__ == "__main__":
    main()
