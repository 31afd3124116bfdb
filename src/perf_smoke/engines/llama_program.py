"""How a program of the llama.cpp family is found, whatever its age and name."""

from __future__ import annotations

from dataclasses import dataclass

from perf_smoke.engines.base import EngineSetup
from perf_smoke.engines.failures import program_name
from perf_smoke.engines.features import llama_arguments
from perf_smoke.engines.identity import find_program
from perf_smoke.engines.programs import Help, ask_help, identify
from perf_smoke.result import EngineIdentity


@dataclass(frozen=True, kw_only=True)
class LlamaProgram:
    """A program that was found."""

    identity: EngineIdentity
    help: Help
    """Which switches this build knows."""
    features: tuple[str, ...]
    """The switches that the input `features` means to it."""

    @property
    def name(self) -> str:
        """As a sentence calls it."""
        return program_name(self.identity.binary)


def find(engine: str, setup: EngineSetup, default: str) -> LlamaProgram:
    """Find what `binary` names, or else `default`, and ask it what it knows.

    Raises:
        Unmeasured: `engine-missing`, `features-unknown`.
    """
    program = find_program(
        setup.binary or default,
        working_directory=setup.working_directory,
        environment=setup.environment,
    )
    known = ask_help(program, setup.working_directory, setup.environment)
    return LlamaProgram(
        identity=identify(
            engine,
            program,
            version_arguments=("--version",) if "--version" in known.switches else (),
            working_directory=setup.working_directory,
            environment=setup.environment,
        ),
        help=known,
        features=tuple(llama_arguments(engine, program.name, setup.features, known)),
    )
