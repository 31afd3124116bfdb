"""Whether the engines agree on what they have in common: python -m benchmarks.agreement

The same model, prompt, threads and number of tokens go through every way to the same llama.cpp,
in rounds of random order, so that all see the same machine. Printed is the decode speed of each,
and how far it is from the first of its build (the median of the rounds' ratios). Wanted with one
core idle: within 5 %, llama-bench within 10 %.

The package's build is asked by the embedded engine and, through a server that the package starts,
by llama-server and openai. With `--llama-cpp FOLDER` (llama-completion, llama-server, llama-bench)
a build of llama.cpp is asked in its four ways.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from benchmarks.recorder import PROMPT, find_model
from perf_smoke.engines import registry
from perf_smoke.engines.base import EngineSetup, Request, Session
from perf_smoke.engines.http_client import Client
from perf_smoke.engines.server import HOST, start
from perf_smoke.measure import machine
from perf_smoke.measure.checks import checked
from perf_smoke.metrics import BY_NAME
from perf_smoke.result import Unmeasured

TIMEOUT_S = 300.0
_PACKAGE_SERVER = (
    sys.executable,
    "-c",
    "import sys; from tests.integration.engines.real_llama_server import main; main(sys.argv[1:])",
)


@dataclass(kw_only=True)
class Way:
    """One engine on one build, open, and the decode speeds that it gave."""

    build: str
    engine: str
    session: Session
    decode_tps: list[float | None] = field(default_factory=list)
    """One for each round; None where the first two tokens came in one packet."""

    def step(self, request: Request) -> None:
        """Take one step.

        Raises:
            Unmeasured: it failed.
        """
        reply = checked(self.session.step(request, TIMEOUT_S))
        if reply.failure:
            raise Unmeasured.of(reply.failure)
        self.decode_tps.append(BY_NAME["decode"].value(reply.sample))


@contextmanager
def opened(setup: EngineSetup, llama_cpp: Path | None) -> Iterator[list[Way]]:
    """Every way that there is, each open until the end."""
    with ExitStack() as stack:

        def way(build: str, engine: str, at: EngineSetup) -> Way:
            session = registry.prepare(engine, at).open({})
            return Way(build=build, engine=engine, session=stack.enter_context(closing(session)))

        def ways_to_server(build: str, program: tuple[str, ...]) -> list[Way]:
            endpoint = stack.enter_context(server(setup, program))
            at = replace(setup, endpoint=endpoint)
            return [way(build, "llama-server", at), way(build, "openai", at)]

        ways = [way("package", "embedded", setup), *ways_to_server("package", _PACKAGE_SERVER)]
        if llama_cpp:
            completion = replace(setup, binary=str(llama_cpp / "llama-completion"))
            bench = replace(setup, binary=str(llama_cpp / "llama-bench"))
            ways += [
                way("built", "llama-completion", completion),
                *ways_to_server("built", (str(llama_cpp / "llama-server"),)),
                way("built", "llama-bench", bench),
            ]
        yield ways


@contextmanager
def server(setup: EngineSetup, program: tuple[str, ...]) -> Iterator[str]:
    """The endpoint of a llama-server that runs until the end."""
    request = setup.request
    started = start(
        lambda port: [
            *program,
            *("-m", str(setup.model), "-t", str(request.threads)),
            *("-c", str(request.context_tokens), "-np", "1"),
            *("--host", HOST, "--port", str(port)),
        ],
        lambda port: Client(f"http://{HOST}:{port}", name="The server", environment={}),
        program="llama-server",
        cwd=Path.cwd(),
        environment=setup.environment,
        timeout_s=TIMEOUT_S,
    )
    try:
        yield started.url
    finally:
        started.close()


@click.command()
@click.option("--rounds", default=20, show_default=True, help="Steps of each way.")
@click.option("--tokens", default=64, show_default=True)
@click.option("--threads", default=0, help="0: all CPUs but one.")
@click.option("--llama-cpp", type=click.Path(path_type=Path, exists=True, resolve_path=True))
def main(rounds: int, tokens: int, threads: int, llama_cpp: Path | None) -> None:
    """Print the decode speed through each way."""
    threads = threads or max(1, machine.available_cpus(machine.System()) - 1)
    request = Request(prompt=PROMPT, tokens=tokens, seed=42, threads=threads)
    with tempfile.TemporaryDirectory() as folder:
        setup = EngineSetup(
            model=find_model(),
            model_name="",
            tokenizer=None,
            binary="",
            command=(),
            endpoint="",
            metrics="",
            features=(),
            working_directory=Path(folder),
            scratch=Path(folder),
            environment=os.environ,
            start_timeout_s=TIMEOUT_S,
            request=request,
        )
        with opened(setup, llama_cpp) as ways:
            for way in ways:
                way.session.step(request, TIMEOUT_S)  # a warm-up
            for number in range(rounds):
                for way in random.sample(ways, len(ways)):
                    way.step(request)
                click.echo(f"\rround {number + 1} of {rounds}", nl=False, err=True)
    click.echo("", err=True)
    click.echo(f"{tokens} tokens, {threads} thread(s), {rounds} rounds; load now {load()}")
    click.echo(
        f"{'build':<8} {'engine':<17} {'n':>3} {'median':>9} {'quartiles':>15} {'beside':>8}"
    )
    for way in ways:
        click.echo(row(way, next(each for each in ways if each.build == way.build)))


def row(way: Way, first: Way) -> str:
    """One line of the table; speeds in tokens per second."""
    speeds = [speed for speed in way.decode_tps if speed]
    ratios = [
        speed / beside
        for speed, beside in zip(way.decode_tps, first.decode_tps, strict=True)
        if speed and beside
    ]
    low, median, high = statistics.quantiles(speeds, n=4, method="inclusive")
    return (
        f"{way.build:<8} {way.engine:<17} {len(speeds):>3} {median:>9.1f} "
        f"{f'{low:.1f} … {high:.1f}':>15} {statistics.median(ratios) - 1:>+8.1%}"
    )


def load() -> str:
    """Of the last minute: numbers of a busy machine say little."""
    return f"{os.getloadavg()[0]:.2f}"


if __name__ == "__main__":
    main()
