"""How a program of the llama.cpp family is found, whatever its age and name."""

from __future__ import annotations

from dataclasses import dataclass

from perf_smoke.engines import programs
from perf_smoke.engines.base import EngineSetup
from perf_smoke.engines.evidence import in_devices, refuse_contradicted
from perf_smoke.engines.failures import program_name
from perf_smoke.engines.features import llama_arguments
from perf_smoke.engines.programs import Help, ask_help
from perf_smoke.result import EngineIdentity


@dataclass(frozen=True, kw_only=True)
class LlamaProgram:
    """A program that was found."""

    identity: EngineIdentity
    help: Help
    """Which switches this build knows."""
    switches: tuple[str, ...]
    """Those that the input `features` means to it."""

    @property
    def name(self) -> str:
        """As a sentence calls it."""
        return program_name(self.identity.binary)


def find(engine: str, setup: EngineSetup) -> LlamaProgram:
    """Find the engine's program, and ask it what it knows.

    Raises:
        Unmeasured: `engine-missing`, `features-unknown`, `features-unavailable`.
    """
    program = programs.find(engine, setup)
    known = ask_help(program, setup.working_directory, setup.environment)
    switches = llama_arguments(engine, program.name, setup.features, known)
    if "gpu" in setup.features and "--list-devices" in known.switches:
        listed = programs.printed([str(program), "--list-devices"], setup)
        refuse_contradicted(program.name, [("gpu", in_devices(listed))])
    return LlamaProgram(
        identity=programs.identify(
            engine,
            program,
            setup,
            version_arguments=("--version",) if "--version" in known.switches else (),
        ),
        help=known,
        switches=tuple(switches),
    )
