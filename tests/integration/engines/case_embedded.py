"""The embedded engine, with the real model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perf_smoke.engines.base import EngineSetup
from tests.integration.engines.case import Case, Fault
from tests.integration.engines.setups import blank_setup, demonstration_model, wrong_model


@contextmanager
def _setup(folder: Path, fault: Fault) -> Iterator[EngineSetup]:
    model = wrong_model(folder) if fault == "wrong-model" else demonstration_model()
    yield blank_setup(folder, model=model)


CASES = (
    Case(
        id="embedded",
        engine="embedded",
        setup=_setup,
        gives=frozenset(
            {
                "n_prompt",
                "n_prompt_cached",
                "n_out",
                "prompt_ms",
                "ttft_ms",
                "decode_ms",
                "e2e_ms",
                "wall_ms",
                "cpu_ms",
                "peak_rss_kib",
            }
        ),
        faults=frozenset({"wrong-model"}),
    ),
)
