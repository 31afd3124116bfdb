"""The engines that start a program for each step, with programs of the tests' own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from perf_smoke.engines.base import EngineSetup
from tests.integration.engines import fake_faults
from tests.integration.engines.case import Case, Fault
from tests.integration.engines.programs import executable
from tests.integration.engines.setups import blank_setup, wrong_model

MEASURED = frozenset({"wall_ms", "cpu_ms", "peak_rss_kib"})
LLAMA_TEXT = MEASURED | {"n_prompt", "n_out", "load_ms", "prompt_ms", "decode_ms", "e2e_ms"}
_FAULTS: frozenset[Fault] = frozenset(
    {"wrong-model", "missing", "hang", "crash", "garbage", "flood", "invalid-utf8", "short"}
)
_HERE = __package__

JSON_METRICS = """
json result.json:
  n_out     /counts/out
  n_prompt  /counts/prompt
  prompt_s  /times/0/prefill_s
  decode_s  /times/0/decode_s
  e2e_ns    /times/1/total~1ns
  text      /text
"""
TEXT_METRICS = r"""
text stderr:
  tokens=(?P<n_out>\d+) prompt=(?P<prompt_ms>\S+) decode=(?:-|(?P<decode_ms>\S+))
  ^total=(?P<e2e_s>\S+)$
text stdout:
  <(?P<text>.*)>
"""


def program_setup(
    module: str, name: str, environment: dict[str, str] | None = None, **changes: Any
) -> Callable[[Path, Fault], AbstractContextManager[EngineSetup]]:
    """Setups whose program is that module under that name."""

    @contextmanager
    def setup(folder: Path, fault: Fault) -> Iterator[EngineSetup]:
        program = executable(folder / name, f"{_HERE}.{module}")
        model = folder / "tiny.gguf"
        model.write_bytes(b"GGUF and nothing more")
        blank = blank_setup(folder)
        fields: dict[str, Any] = {
            "model": wrong_model(folder) if fault == "wrong-model" else model,
            "environment": {
                **blank.environment,
                **(environment or {}),
                fake_faults.VARIABLE: fault,
            },
            **changes,
        }
        if fault == "missing":
            program.unlink()
        if "command" in changes:
            fields["command"] = (str(program), *changes["command"])
        else:
            fields["binary"] = str(program)
        yield replace(blank, **fields)

    return setup


def _llama_case(generation: str, engine: str, name: str) -> Case:
    return Case(
        id=f"{engine}-{generation}",
        engine=engine,
        setup=program_setup("fake_llama_completion", name, {"LLAMA_GENERATION": generation}),
        gives=LLAMA_TEXT,
        faults=_FAULTS,
    )


CASES = (
    _llama_case("2023", "llama-completion", "main"),
    _llama_case("2024", "llama-completion", "llama-cli"),
    _llama_case("2026", "llama-completion", "llama-completion"),
    _llama_case("2024", "bitnet-cpp", "llama-cli"),
    Case(
        id="llama-bench",
        engine="llama-bench",
        setup=program_setup("fake_llama_bench", "llama-bench"),
        gives=MEASURED | {"n_prompt", "n_out", "prompt_ms", "decode_ms"},
        faults=_FAULTS - {"invalid-utf8", "short"},
        has_text=False,
    ),
    Case(
        id="bitnet-rs",
        engine="bitnet-rs",
        setup=program_setup("fake_bitnet", "bitnet"),
        gives=MEASURED | {"n_prompt", "n_out", "ttft_ms", "decode_ms", "e2e_ms"},
        faults=(_FAULTS - {"invalid-utf8"}) | {"stale"},
    ),
    Case(
        id="command-json",
        engine="command",
        setup=program_setup(
            "fake_command",
            "bench",
            command=("{model}", "{tokens}", "{prompt}", "result.json"),
            metrics=JSON_METRICS,
        ),
        gives=MEASURED | {"n_prompt", "n_out", "prompt_ms", "decode_ms", "e2e_ms"},
        faults=(_FAULTS - {"invalid-utf8"}) | {"stale"},
    ),
    Case(
        id="command-text",
        engine="command",
        setup=program_setup(
            "fake_command",
            "bench",
            command=("{model}", "{tokens}", "{prompt}"),
            metrics=TEXT_METRICS,
        ),
        gives=MEASURED | {"n_out", "prompt_ms", "decode_ms", "e2e_ms"},
        faults=_FAULTS,
    ),
    Case(
        id="command-bare",
        engine="command",
        setup=program_setup("fake_command", "bench", command=("{model}", "{tokens}", "{prompt}")),
        gives=MEASURED,
        faults=_FAULTS - {"garbage", "invalid-utf8", "short"},
        has_text=False,
    ),
)
