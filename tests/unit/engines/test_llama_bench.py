"""llama-bench's JSON, and how a prompt becomes a number of random tokens."""

from __future__ import annotations

import json
import math

import pytest

from perf_smoke.engines import llama_bench
from perf_smoke.engines.base import Request
from perf_smoke.engines.one_shot import Reading, Unreadable
from tests.unit.engines.finished import finished

PROMPT = {"n_prompt": 4, "n_gen": 0, "avg_ns": 38_016_142, "samples_ns": [38_016_142]}
GENERATION = {"n_prompt": 0, "n_gen": 3, "avg_ns": 55_426_049, "samples_ns": [55_426_049]}


def read(printed: object, tokens: int = 4) -> Reading:
    stdout = printed if isinstance(printed, str) else json.dumps(printed)
    request = Request(prompt="2+2=", tokens=tokens, seed=42, threads=1)
    return llama_bench._read(finished(stdout), request)


def test_n_tokens_are_a_prompt_and_n_minus_one_decodes() -> None:
    assert read([PROMPT, GENERATION]) == Reading(
        n_prompt=4,
        n_out=4,
        prompt_ms=38.016142,
        decode_ms=55.426049,
        tiers={"prompt_ms": "A", "decode_ms": "A"},
    )


def test_one_token_is_the_prompt_alone() -> None:
    assert read([PROMPT], tokens=1) == Reading(
        n_prompt=4, n_out=1, prompt_ms=38.016142, tiers={"prompt_ms": "A", "decode_ms": "A"}
    )


@pytest.mark.parametrize(
    ("printed", "why"),
    [
        ("[\n", "what it printed to stdout is no JSON"),
        ([PROMPT], "holds no avg_ns of 0 prompt and 3 output tokens"),
        ([GENERATION], "holds no avg_ns of 4 prompt and 0 output tokens"),
        ([PROMPT, {"n_prompt": 0, "n_gen": 3}], "holds no avg_ns of 0 prompt"),
    ],
)
def test_a_test_that_is_not_there_is_said(printed: object, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(printed)


LOG = "=============================== communicator initialized"


@pytest.mark.parametrize(
    "printed",
    [
        f"Setting default device to 0\n{json.dumps([PROMPT, GENERATION])}",
        "[\n" + LOG + "\n" + json.dumps(PROMPT, indent=2) + ",\n" + json.dumps(GENERATION) + "]\n",
        json.dumps([PROMPT, GENERATION], indent=2) + "\n\nbuild: 8337e4cd (4000)\n",
        f"{json.dumps(PROMPT)}\n{{not a document\n{json.dumps(GENERATION)}\n",
        json.dumps([{**PROMPT, "stddev_ns": math.nan}, GENERATION]),
        json.dumps([{**each, "n_prompt": str(each["n_prompt"])} for each in (PROMPT, GENERATION)]),
        json.dumps([{"n_prompt": 4, "n_gen": 3, "avg_ns": 9e9}, PROMPT, GENERATION]),
        json.dumps([{**PROMPT, "n_depth": 512, "avg_ns": 9e9}, PROMPT, GENERATION]),
    ],
    ids=[
        "before",
        "among",
        "behind",
        "lines",
        "nan",
        "counts as text",
        "another test",
        "another depth",
    ],
)
def test_the_tests_are_found_among_the_lines_of_a_log(printed: str) -> None:
    reading = read(printed)
    assert reading == read([PROMPT, GENERATION])
    assert reading.decode_ms


def test_the_line_that_is_in_the_way_is_shown() -> None:
    with pytest.raises(Unreadable, match=r"is no JSON; among what it printed is `===.* init"):
        read(f"[\n{LOG}\n")


@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [("2+2=", 4), ("", 1), ("  ", 1), ("Once upon a time, there", 6), ("größer als", 2)],
)
def test_a_prompt_is_as_long_as_it_has_words_and_signs(prompt: str, tokens: int) -> None:
    assert llama_bench.prompt_tokens(prompt) == tokens
