"""The validation of the verdict: python -m benchmarks.validate [COMMAND]

`record` runs jobs of the real engine against itself and keeps their raw steps; it goes on where it
stopped. `table` scores our rule and those of other tools on the recorded steps. Without a command:
first the one, then the other. `simulate`, `speed` and `boundary` need no recording.
"""

from __future__ import annotations

import functools
import math
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TaskID

from benchmarks import jobs, recorder, scores, simulated, tables
from benchmarks.ours import outcome
from benchmarks.strata import ARRANGED, STRATA, NotOnThisMachine, machine_in
from perf_smoke.compare import plan, tail_at_end, tail_at_look
from perf_smoke.measure.schedule import Progress as Step
from perf_smoke.result import Unmeasured

TABLES = Path(__file__).with_name("TABLES.md")
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
@click.option("--tokens", default=4, show_default=True, help="Output tokens of a step.")
@click.option("--head-threads", type=int, help="Other threads for head: a change that is real.")
def record(
    strata: Sequence[str],
    data: Path,
    wanted: int,
    budget_s: float,
    tokens: int,
    head_threads: int | None,
) -> None:
    """Record until there are so many jobs of each stratum. The strata take turns."""
    model = recorder.find_model()
    wished = list(strata or ARRANGED)
    while missing := _missing(wished, data, wanted, head_threads):
        for stratum in missing:
            try:
                with _bar() as bar, machine_in(STRATA[stratum]):
                    task = bar.add_task(stratum, total=budget_s)
                    job = recorder.record(
                        model,
                        stratum,
                        budget_s=budget_s,
                        tokens=tokens,
                        head_threads=head_threads,
                        watch=_shown(bar, task),
                    )
            except NotOnThisMachine as error:
                _console.print(f"{stratum}: left out, {error}", highlight=False)
                wished.remove(stratum)
                continue
            except Unmeasured as error:
                sys.exit(f"{stratum}: {error.failure.sentence}\n{error.failure.tail}")
            jobs.append(job, _file(stratum, data, head_threads))
            have = len(jobs.read(_file(stratum, data, head_threads)))
            _console.print(f"{stratum}: job {have} of {wanted}, {job.pairs} pairs", highlight=False)


@main.command()
@_strata_option
@_data_option
@click.option(
    "--out", default=TABLES, type=click.Path(path_type=Path), help="Default: benchmarks/TABLES.md."
)
def table(strata: Sequence[str], data: Path, out: Path) -> None:
    """Score all rules on the recorded steps and write the tables."""
    found = {name: jobs.read(jobs.path_of(name, data)) for name in strata or STRATA}
    found = {name: recorded for name, recorded in found.items() if recorded}
    if not found:
        sys.exit(f"There are no recorded jobs in {data}: `python -m benchmarks.validate record`.")
    scored = {}
    with _bar() as bar:
        for name, recorded in found.items():
            task = bar.add_task(name, total=len(recorded))
            scored[name] = scores.score(recorded, functools.partial(bar.advance, task))
    real = [change for name in found for change in _real_changes(name, data)]
    out.write_text(
        tables.document(scored, real, "python -m benchmarks.validate table"), encoding="utf-8"
    )
    click.echo(out.read_text(encoding="utf-8"))


@main.command()
@click.option("--jobs", "count", default=400, show_default=True, help="Jobs of each kind.")
@click.option("--starts", multiple=True, default=[8], type=int, help="Starts of a job. Default: 8.")
def simulate(count: int, starts: Sequence[int]) -> None:
    """How far starts may differ before the verdict errs (about 10 minutes)."""
    kinds = len(simulated.NOISES) * len(simulated.KINDS) * len(starts) * 2
    with _bar() as bar:
        task = bar.add_task("simulated", total=kinds)
        found = list(simulated.cells(count, starts, lambda: bar.advance(task)))
    click.echo(tables.simulation(found))


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


def _file(stratum: str, data: Path, head_threads: int | None) -> Path:
    suffix = "" if head_threads is None else f"-head-threads-{head_threads}"
    return jobs.path_of(stratum + suffix, data)


def _missing(strata: Sequence[str], data: Path, wanted: int, head_threads: int | None) -> list[str]:
    return [
        stratum for stratum in strata if len(jobs.read(_file(stratum, data, head_threads))) < wanted
    ]


def _real_changes(stratum: str, data: Path) -> Iterator[tables.RealChange]:
    for path in sorted(data.glob(f"{stratum}-head-threads-*.jsonl.gz")):
        recorded = jobs.read(path)
        comparisons = [outcome(job, 1.0) for job in recorded]
        verdicts = Counter(one.verdict for one in comparisons)
        middles = [
            (math.log1p(one.low) + math.log1p(one.high)) / 2
            for one in comparisons
            if one.low is not None and one.high is not None
        ]
        yield tables.RealChange(
            stratum=stratum,
            what=f"{recorded[0].head_threads} threads instead of {recorded[0].threads}",
            jobs=len(recorded),
            verdicts=", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common()),
            log_ratio=statistics.median(middles) if middles else math.nan,
        )


if __name__ == "__main__":
    main()
