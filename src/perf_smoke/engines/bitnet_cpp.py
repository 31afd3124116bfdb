"""bitnet.cpp: the llama-cli that it builds from its fork of llama.cpp, called directly.

Its run_inference.py only wraps this program, and its e2e_benchmark.py always exits with 1.
"""

from __future__ import annotations

from perf_smoke.engines import llama_completion
from perf_smoke.engines.base import EngineSetup
from perf_smoke.engines.one_shot import OneShotEngine


def prepare(setup: EngineSetup) -> OneShotEngine:
    """Find build/bin/llama-cli under the working directory, or what `binary` names.

    Raises:
        Unmeasured: `engine-missing`, `features-unknown`.
    """
    on_gpu = "gpu" in setup.features
    extra = () if on_gpu else ("-ngl", "0")  # as its own run_inference.py calls it
    return llama_completion.prepare_as("bitnet-cpp", setup, extra=extra)
