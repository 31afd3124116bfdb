"""The tiny model of the tests: the same bytes each time, and a text that depends on them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from perf_smoke.engines import embedded
from tests import tiny_model
from tests.integration.engines.setups import blank_setup

TOKENS = 16


@pytest.mark.parametrize("weights", get_args(tiny_model.Weights))
def test_the_same_bytes_each_time(weights: tiny_model.Weights, tmp_path: Path) -> None:
    first, second = tmp_path / "first.gguf", tmp_path / "second.gguf"
    tiny_model.write(first, weights)
    tiny_model.write(second, weights)
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size < 10_000_000


@pytest.mark.parametrize("weights", ["f16", "q4_0"])
def test_the_real_llama_cpp_completes_it_with_a_text_that_varies(
    weights: tiny_model.Weights, tmp_path: Path
) -> None:
    model = tmp_path / "tiny.gguf"
    tiny_model.write(model, weights)
    setup = blank_setup(tmp_path, model=model)
    request = replace(setup.request, tokens=TOKENS)
    with closing(embedded.prepare(setup).open({})) as session:
        replies = [session.step(request, 60) for _ in range(2)]
    assert [reply.sample.n_prompt for reply in replies] == [4, 4]
    assert [reply.sample.n_out for reply in replies] == [TOKENS, TOKENS]
    (text,) = {reply.text for reply in replies}
    assert len(set(text)) > 5, "a text of few letters is no canary"
