"""How a program of the llama.cpp family is found, whatever its age and name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perf_smoke.engines import programs
from perf_smoke.engines.base import EngineSetup, Evidence
from perf_smoke.engines.evidence import agreed, in_devices, in_json, in_log
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
    features: tuple[str, ...]
    switches: tuple[str, ...]
    """What its features mean to it."""
    devices: str
    """What its `--list-devices` prints, where it matters and is known."""

    @property
    def name(self) -> str:
        """As a sentence calls it."""
        return program_name(self.identity.binary)

    def evidence(
        self, log: str = "", tests: Sequence[Mapping[str, Any]] = ()
    ) -> dict[str, Evidence]:
        """What it tells of its features, all of it together.

        Args:
            tests: of llama-bench, the JSON of each.

        Raises:
            Unmeasured: `features-unavailable`.
        """
        told = [(name, in_log(name, log)) for name in self.features]
        told += [(name, in_json(name, test)) for test in tests for name in self.features]
        if "gpu" in self.features:
            told.append(("gpu", in_devices(self.devices)))
        return agreed(self.name, told)


def find(engine: str, setup: EngineSetup) -> LlamaProgram:
    """Find the engine's program, and ask it what it knows.

    Raises:
        Unmeasured: `engine-missing`, `features-unknown`, `features-unavailable`.
    """
    program = programs.find(engine, setup)
    known = ask_help(program, setup.working_directory, setup.environment)
    switches = llama_arguments(engine, program.name, setup.features, known)
    lists = "gpu" in setup.features and "--list-devices" in known.switches
    prepared = LlamaProgram(
        identity=programs.identify(
            engine,
            program,
            setup,
            version_arguments=("--version",) if "--version" in known.switches else (),
        ),
        help=known,
        features=tuple(dict.fromkeys(setup.features)),
        switches=tuple(switches),
        devices=programs.printed([str(program), "--list-devices"], setup) if lists else "",
    )
    prepared.evidence()  # without a device nothing need be run
    return prepared
