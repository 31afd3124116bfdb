"""The real llama.cpp: every documented feature is a switch that its programs really take."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from perf_smoke.engines import registry
from perf_smoke.engines.features import LLAMA_FEATURES
from perf_smoke.result import Unmeasured
from tests.integration.engines import llama_cpp
from tests.integration.engines.setups import blank_setup, demonstration_model

pytestmark = list(llama_cpp.MARKS)

ABSENT = {"llama-bench": {"swa-full"}}
"""What this build of a program has no switch for."""


@pytest.mark.parametrize("program", llama_cpp.PROGRAMS)
@pytest.mark.parametrize("feature", LLAMA_FEATURES)
def test_a_feature_is_taken_by_the_real_program(feature: str, program: str, tmp_path: Path) -> None:
    setup = blank_setup(
        tmp_path,
        binary=str(llama_cpp.program(program)),
        model=demonstration_model(),
        features=(feature,),
    )
    if feature in ABSENT.get(program, ()):
        with pytest.raises(Unmeasured, match="has no switch"):
            registry.prepare(program, setup)
        return
    with closing(registry.prepare(program, setup).open({})) as session:
        reply = session.step(setup.request, 120)
    assert reply.failure is None
    assert reply.sample.n_out == setup.request.tokens
