"""The command line, and the only place that decides an exit code."""

from __future__ import annotations

import io
import os
import secrets
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click
from rich.console import Console

from perf_smoke import __version__, environment
from perf_smoke.inputs import InvalidInputs
from perf_smoke.printable import printable
from perf_smoke.processes.kinship import MARK
from perf_smoke.redaction import knowing, public, published
from perf_smoke.result import because_of
from perf_smoke.settings import INPUTS, heading_of, parse

EXIT_NOT_MEASURED = 1
EXIT_INVALID = 2
EXIT_INTERRUPTED = 130

_NARROWEST = 20
"""Columns. Fewer are most often a COLUMNS of a terminal that is none."""


class _Gate(click.Group):
    """All commands. No secret of the environment leaves one, whatever comes to pass."""

    def invoke(self, ctx: click.Context) -> object:
        with knowing(os.environ):
            try:
                return super().invoke(ctx)
            except click.ClickException as error:
                said = io.StringIO()
                error.show(said)
                click.echo(public(said.getvalue()), err=True, nl=False)
                sys.exit(error.exit_code)
            except (click.exceptions.Exit, click.Abort):
                raise
            except Exception:  # noqa: BLE001 - Python would print it as it is
                click.echo(public(printable(traceback.format_exc())), err=True)
                sys.exit(EXIT_NOT_MEASURED)


@click.group(cls=_Gate, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="perf-smoke")
def main() -> None:
    """A timed inference: does it still run, how fast is it, did this change make it slower?"""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a locale without “−” must not end a run
            stream.reconfigure(errors="replace")


class _Grouped(click.Command):
    """A command whose options are listed below the headings of the inputs."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        listed: dict[str, list[tuple[str, str]]] = {}
        headings = {row.field: heading_of(row) for row in INPUTS}
        for parameter in self.get_params(ctx):
            if record := parameter.get_help_record(ctx):
                listed.setdefault(headings.get(parameter.name or "", "Options"), []).append(record)
        for heading, records in listed.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def _every_input(command: Callable[..., None]) -> Callable[..., None]:
    """Each input as an option of the same name."""
    for row in reversed(INPUTS):
        shown = f" [default: {row.default}]" if row.default else ""
        command = click.option(f"--{row.name}", row.field, help=row.help + shown)(command)
    return command


@main.command(cls=_Grouped)
@_every_input
def run(**options: str | None) -> None:
    """Measure, compare where there is a base, and report."""
    values = _inputs_of(options)
    environ = dict(os.environ)
    if environ.get("PERF_SMOKE_RUNTIME"):
        from perf_smoke.measure_step import measure

        measure({**environment.inputs(environ), **values}, environ, _complain)
    else:
        # Behind an outer run's, which this one may be a part of.
        environ[MARK] = f"{environ.get(MARK, '')}{secrets.token_hex(8)}/"
        sys.exit(_at_terminal(values, environ))


@main.command(hidden=True)
def publish() -> None:
    """In a workflow: show what the step before has measured."""
    from perf_smoke.report_step import report

    environ = dict(os.environ)
    values = environment.inputs(environ)
    sys.exit(EXIT_NOT_MEASURED if report(values, environ) else 0)


def _at_terminal(values: Mapping[str, str], environ: Mapping[str, str]) -> int:
    # Imported here, so that --help is quick.
    from perf_smoke import at_terminal, job

    try:
        settings = parse(values)
    except InvalidInputs as error:
        return _invalid(error)
    if unusable := job.unusable(at_terminal.folder_of(settings)):
        return _refuse(unusable)
    for sentence in _without_effect(values):
        _complain(sentence)
    result = at_terminal.run(settings, environ, _console(), _complain)
    if result.status == "cancelled":
        return EXIT_INTERRUPTED
    if result.status == "invalid":
        return EXIT_INVALID
    if result.status != "measured":
        return EXIT_NOT_MEASURED
    if cause := result.fails_step(settings.fail_on):
        _complain(because_of(cause))
    return EXIT_NOT_MEASURED if cause else 0


@main.command(hidden=True)
def publish_legs() -> None:
    """In a workflow: show what other jobs have measured, as one report."""
    from perf_smoke.legs_step import report

    sys.exit(EXIT_NOT_MEASURED if report(dict(os.environ)) else 0)


@main.command()
@click.argument("paths", metavar="PATH...", type=click.Path(path_type=Path), nargs=-1)
@click.option("--markdown", is_flag=True, help="Print the whole report as markdown.")
@click.option("--output", type=click.Path(path_type=Path), help="A file for the whole report.")
@click.option("--legs", default="", help="Every leg that should have come: one a line, or a,b,c.")
def report(paths: tuple[Path, ...], *, markdown: bool, output: Path | None, legs: str) -> None:
    """Show a result.json again, or those of several jobs as one report: files, or folders that hold
    them."""
    from perf_smoke import combined, report_inputs
    from perf_smoke.report.story import Links
    from perf_smoke.report.terminal import show_parts
    from perf_smoke.result_file import write_whole

    if not paths:
        raise click.UsageError("name a result.json, or a folder that holds some")
    try:
        expected = report_inputs.legs(legs)
    except ValueError as error:
        raise click.UsageError(f"--legs {error}") from None
    several = combined.combine(paths, expected=expected, why_not=lambda _: "")
    if not several.results:
        nothing = f"no document lies in {', '.join(map(str, paths))}."
        sys.exit(_refuse(next(iter(several.refused), nothing)))
    text = several.markdown(Links())(combined.NO_LIMIT) if output or markdown else ""
    if output:
        try:
            write_whole(output, text)
        except OSError as error:
            sys.exit(_refuse(f"{output} cannot be written: {error.strerror}."))
    if markdown:
        click.echo(text)
    else:
        show_parts(several.parts(), _console(), [output] if output else [])


@main.command()
@click.argument("documents", type=click.Path(path_type=Path), nargs=-1, metavar="[DOCUMENT]")
@click.option(
    "--pairs", type=click.Path(path_type=Path), help="A CSV file instead: base,head in seconds."
)
@click.option("--margin", help="With --pairs: as in run. [default: 5%]")
@click.option("--alpha", help="With --pairs: as in run. [default: 0.01]")
def compare(
    documents: tuple[Path, ...], pairs: Path | None, margin: str | None, alpha: str | None
) -> None:
    """Decide again from the steps in a result.json, or from a plain file of pairs."""
    from perf_smoke import two_runs
    from perf_smoke.compare import Rule, decide_again
    from perf_smoke.consistency import expect_sums
    from perf_smoke.pairs_file import read_pairs
    from perf_smoke.report.terminal import show
    from perf_smoke.result_file import UnreadableResult, read

    if bool(documents) == (pairs is not None):
        raise click.UsageError("give either a result.json or --pairs FILE")
    document = next(iter(documents), None)
    if document and (margin or alpha):
        raise click.UsageError(
            "--margin and --alpha count with --pairs only: a result.json keeps those of its run"
        )
    try:
        if len(documents) > 1:
            sys.exit(_refuse(two_runs.why_not_compared([read(path) for path in documents])))
        if pairs:
            settings = parse({"margin": margin or "", "alpha": alpha or ""})
            result = read_pairs(pairs, Rule(alpha=settings.alpha, margin=settings.margin))
        elif document:
            result = read(document)
            expect_sums(result)
            result = decide_again(result)
    except (InvalidInputs, UnreadableResult) as error:
        sys.exit(_refuse(error))
    except ValueError as error:
        sys.exit(_refuse(f"{document} contradicts itself: {error}."))
    show(published(result), _console())


@main.command()
def engines() -> None:
    """List the engines, with what was found on this machine."""
    from rich.table import Table
    from rich.text import Text

    from perf_smoke.engines import inventory

    table = Table("engine", "what it runs", "found here", box=None, pad_edge=False)
    environ = environment.for_children(os.environ)
    for engine in inventory.engines(working_directory=Path.cwd(), environment=environ):
        here = f"{engine.program} {engine.version}" if engine.usable else engine.missing
        table.add_row(engine.engine, engine.summary, Text(public(here)))
    _console().print(table)


@main.command(cls=_Grouped)
@_every_input
def doctor(**options: str | None) -> None:
    """Say why a configuration would not work, without measuring anything."""
    from perf_smoke import at_terminal, job
    from perf_smoke.doctor import diagnose
    from perf_smoke.measure.machine import System, available_cpus
    from perf_smoke.report.untrusted import visible_line

    values = _inputs_of(options)
    try:
        settings = parse(values)
    except InvalidInputs as error:
        sys.exit(_invalid(error))
    diagnosis = diagnose(
        settings,
        environment=environment.for_children(os.environ),
        available_cpus=available_cpus(System()),
    )
    unusable = job.unusable(at_terminal.folder_of(settings))
    problems = [*_without_effect(values), *diagnosis.problems, *filter(None, [unusable])]
    for sentence in problems or [f"OK: {diagnosis.plan}"]:
        click.echo(visible_line(public(sentence), 2000))
    if problems:
        sys.exit(EXIT_NOT_MEASURED)


def _console() -> Console:
    """As wide as the terminal says, if that leaves room for words."""
    console = Console()
    if console.width < _NARROWEST:
        console.width = 80
    return console


def _invalid(error: InvalidInputs) -> int:
    for wrong in error.problems:
        _complain(wrong.sentence)
    return EXIT_INVALID


def _inputs_of(options: Mapping[str, str | None]) -> dict[str, str]:
    """The inputs that were given as options, by name."""
    names = {row.field: row.name for row in INPUTS}
    return {names[field]: text for field, text in options.items() if text is not None}


def _without_effect(values: Mapping[str, str]) -> Iterator[str]:
    """Which of the given inputs only a workflow heeds: one sentence or none."""
    if names := ", ".join(row.name for row in INPUTS if row.workflow_only and values.get(row.name)):
        yield (
            f"{names}: without effect on the command line, where everything runs on this machine "
            "and no comment is written."
        )


def _refuse(why: object) -> int:
    _complain(why)
    return EXIT_INVALID


def _complain(why: object) -> None:
    click.echo(f"perf-smoke: {public(' '.join(printable(str(why)).split()))}", err=True)
