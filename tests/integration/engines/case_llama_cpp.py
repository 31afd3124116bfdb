"""The programs of the real llama.cpp, with the real model. Only where they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from perf_smoke.engines.base import EngineSetup
from tests.integration.engines import llama_cpp
from tests.integration.engines.case import Case, Fault
from tests.integration.engines.case_http import BOTH_CLOCKS, OF_A_PROGRAM
from tests.integration.engines.case_programs import LLAMA_TEXT, MEASURED
from tests.integration.engines.setups import blank_setup, demonstration_model, wrong_model


def _setup(program: str) -> Callable[[Path, Fault], AbstractContextManager[EngineSetup]]:
    @contextmanager
    def setup(folder: Path, fault: Fault) -> Iterator[EngineSetup]:
        yield blank_setup(
            folder,
            binary=str(llama_cpp.program(program)),
            model=wrong_model(folder) if fault == "wrong-model" else demonstration_model(),
        )

    return setup


CASES = (
    Case(
        id="llama-completion-real",
        engine="llama-completion",
        setup=_setup("llama-completion"),
        gives=LLAMA_TEXT,
        faults=frozenset({"wrong-model"}),
        marks=llama_cpp.MARKS,
    ),
    Case(
        id="llama-bench-real",
        engine="llama-bench",
        setup=_setup("llama-bench"),
        gives=MEASURED | {"n_prompt", "n_out", "prompt_ms", "decode_ms"},
        faults=frozenset({"wrong-model"}),
        has_text=False,
        marks=llama_cpp.MARKS,
    ),
    Case(
        id="llama-server-real",
        engine="llama-server",
        setup=_setup("llama-server"),
        gives=BOTH_CLOCKS | OF_A_PROGRAM,
        faults=frozenset({"wrong-model"}),
        marks=llama_cpp.MARKS,
    ),
)
