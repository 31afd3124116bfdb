"""What `bitnet run` leaves behind, as its source and its recorded runs show it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from perf_smoke.engines import bitnet_rs
from perf_smoke.engines.one_shot import Reading, Unreadable
from perf_smoke.result import Failure, Unmeasured
from tests.unit.engines.finished import finished

TRACE = """timing: embed_us=26
timing: forward_us=1856157
timing: logits_us=72092
timing: sample_us=179
timing: embed_us=21
timing: forward_us=1865375
timing: logits_us=85374
timing: sample_us=155
timing: embed_us=26
timing: forward_us=1886460
timing: logits_us=71297
timing: sample_us=137
"""
STEPS_US = [1928454, 1950925, 1957920]


def document(**changes: Any) -> dict[str, Any]:
    return {
        "text": "11,",
        "tokens": {"prompt": 4, "generated": 3, "total": 7},
        "latency": {"cmd_to_first_ms": 1928, "decode_first_ms": 1928, "total_ms": 5838},
        **changes,
    }


def read(content: object, stderr: str = TRACE) -> Reading:
    result = content if isinstance(content, bytes) else json.dumps(content).encode()
    return bitnet_rs._read(finished(stderr=stderr), result)


def test_steps_are_the_sums_of_their_traced_parts() -> None:
    assert bitnet_rs.traced_steps_us(TRACE) == STEPS_US


def test_a_step_that_is_not_whole_is_left_out() -> None:
    assert bitnet_rs.traced_steps_us(TRACE.replace("timing: logits_us=85374\n", "")) == [
        STEPS_US[0],
        STEPS_US[2],
    ]
    assert bitnet_rs.traced_steps_us(TRACE + "timing: embed_us=1\n") == STEPS_US
    assert bitnet_rs.traced_steps_us(" timing: embed_us=1\nforward_us=2") == []


def test_counts_come_from_the_file_and_times_from_the_trace() -> None:
    assert read(document()) == Reading(
        n_prompt=4,
        n_out=3,
        ttft_ms=STEPS_US[0] / 1e3,
        decode_ms=(STEPS_US[1] + STEPS_US[2]) / 1e3,
        e2e_ms=5838.0,
        text="11,",
        tiers={"ttft_ms": "D", "e2e_ms": "D", "decode_ms": "D"},
    )


@pytest.mark.parametrize(("whole_ms", "e2e_ms"), [(5837, sum(STEPS_US) / 1e3), (5839, 5839.0)])
def test_e2e_is_the_longer_of_two_readings_that_are_both_too_short(
    whole_ms: int, e2e_ms: float
) -> None:
    latency = {"cmd_to_first_ms": 1928, "total_ms": whole_ms}
    assert read(document(latency=latency)).e2e_ms == e2e_ms


@pytest.mark.parametrize("stderr", ["", TRACE + TRACE])
def test_without_a_trace_of_every_step_its_whole_milliseconds_count(stderr: str) -> None:
    reading = read(document(), stderr)
    assert (reading.ttft_ms, reading.decode_ms) == (1928, 5838 - 1928)
    assert set(reading.tiers.values()) == {"A"}


@pytest.mark.parametrize(
    "latency", [{"cmd_to_first_ms": 0, "total_ms": 0}, {"cmd_to_first_ms": None}, {}]
)
def test_less_than_a_millisecond_is_not_given_rather_than_zero(latency: dict[str, Any]) -> None:
    reading = read(document(latency=latency), "")
    assert (reading.ttft_ms, reading.e2e_ms, reading.decode_ms) == (None, None, None)


@pytest.mark.parametrize("stderr", ["", "".join(TRACE.splitlines(keepends=True)[:4])])
def test_one_token_has_no_decode_time(stderr: str) -> None:
    reading = read(document(tokens={"prompt": 4, "generated": 1}), stderr)
    assert reading.ttft_ms in (1928, STEPS_US[0] / 1e3)
    assert reading.decode_ms is None


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "its --json-out file is no JSON"),
        (b'{"tokens": {"generated": 3', "its --json-out file is no JSON"),
        ({}, "does not say how many tokens"),
    ],
)
def test_a_file_that_does_not_tell_is_said(content: object, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(content)


def test_a_file_of_another_form_is_said() -> None:
    with pytest.raises(Unreadable, match="does not say how many tokens"):
        read(document(tokens={"generated": "three"}))
    with pytest.raises(Unmeasured) as caught:
        read(document(tokens="three"))
    assert caught.value.failure.reason == "engine-output"


def test_its_exit_codes_have_meanings() -> None:
    failure = Failure(reason="engine-crashed", sentence="`bitnet` exited with code 4 after 0.4 s.")
    explained = bitnet_rs._explain(failure, finished(exit_code=4))
    assert explained.sentence == (
        "`bitnet` exited with code 4 after 0.4 s: it found no real tokenizer "
        "(`--strict-tokenizer`): give `tokenizer`."
    )
    assert bitnet_rs._explain(failure, finished(exit_code=1)) is failure


def test_what_it_says_of_its_end_is_found_among_its_lines() -> None:
    failure = Failure(reason="engine-crashed", sentence="`bitnet` exited with code 1 after 0.4 s.")
    stderr = (
        "  \x1b[31mERROR\x1b[0m  \x1b[31mCommand failed: no such `model`\x1b[0m\n"
        "    \x1b[2;3mat\x1b[0m crates/bitnet-cli/src/main.rs:672\n\n"
    )
    explained = bitnet_rs._explain(failure, finished(exit_code=1, stderr=stderr))
    assert explained.sentence == ("`bitnet` exited with code 1 after 0.4 s: `no such 'model'`.")
