"""Real engines that no test can make: whoever has one names it in a variable."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from perf_smoke.engines.base import EngineSetup
from tests import tiny_model
from tests.integration.engines import real_bitnet_rs
from tests.integration.engines.case import Case, Fault
from tests.integration.engines.case_programs import LLAMA_TEXT, MEASURED
from tests.integration.engines.setups import blank_setup, wrong_model

BITNET_CPP = "PERF_SMOKE_TEST_BITNET_CPP"
OLLAMA = "PERF_SMOKE_TEST_OLLAMA"
OPENAI = "PERF_SMOKE_TEST_OPENAI"
_COUNTS = frozenset({"n_prompt", "n_out"})
_OUR_CLOCK = frozenset({"ttft_ms", "e2e_ms", "wall_ms"})


def _marks(variable: str, what: str) -> tuple[pytest.MarkDecorator, ...]:
    reason = f"needs a real engine: name {what} in {variable}"
    return (pytest.mark.skipif(variable not in os.environ, reason=reason),)


def _program(
    find: Callable[[], Path],
) -> Callable[[Path, Fault], AbstractContextManager[EngineSetup]]:
    """With the tiny model, and its tokenizer beside it."""

    @contextmanager
    def setup(folder: Path, fault: Fault) -> Iterator[EngineSetup]:
        model = folder / "tiny.gguf"
        tiny_model.write(model, "i2_s")
        yield blank_setup(
            folder,
            binary=str(find()),
            model=wrong_model(folder) if fault == "wrong-model" else model,
            tokenizer=folder / "tokenizer.json",
        )

    return setup


@contextmanager
def _endpoint(variable: str, folder: Path) -> Iterator[EngineSetup]:
    endpoint, _, model = os.environ[variable].partition(" ")
    yield blank_setup(folder, endpoint=endpoint, model_name=model)


CASES = (
    Case(
        id="bitnet-rs-real",
        engine="bitnet-rs",
        setup=_program(real_bitnet_rs.program),
        gives=MEASURED | {"n_prompt", "n_out", "ttft_ms", "e2e_ms"},
        may_give=frozenset({"decode_ms"}),
        faults=frozenset({"wrong-model"}),
        marks=real_bitnet_rs.MARKS,
    ),
    Case(
        id="bitnet-cpp-real",
        engine="bitnet-cpp",
        setup=_program(lambda: Path(os.environ[BITNET_CPP])),
        gives=LLAMA_TEXT,
        faults=frozenset({"wrong-model"}),
        marks=_marks(BITNET_CPP, "its llama-cli"),
    ),
    Case(
        id="ollama-real",
        engine="ollama",
        setup=lambda folder, _fault: _endpoint(OLLAMA, folder),
        gives=_COUNTS | _OUR_CLOCK | {"decode_ms"},
        lacks=frozenset({"prefill"}),  # it does not say what it took from its cache
        marks=_marks(OLLAMA, "its address and a model"),
    ),
    Case(
        id="openai-real",
        engine="openai",
        setup=lambda folder, _fault: _endpoint(OPENAI, folder),
        gives=_OUR_CLOCK,
        may_give=_COUNTS | {"n_prompt_cached", "decode_ms"},  # not every server sends `usage`
        lacks=frozenset({"decode"}),  # the first token may not have come alone
        marks=_marks(OPENAI, "its address and a model"),
    ),
)
