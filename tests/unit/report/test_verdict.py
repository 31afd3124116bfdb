"""The verdict in one line, for every status and verdict."""

from __future__ import annotations

import dataclasses

import pytest

from perf_smoke.report import verdict
from perf_smoke.result import Comparison, Failure, Result
from tests.unit.report import builders


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("demonstration", "perf-smoke: 55.0 ms for 4 tokens (demonstration)"),
        ("no-change", "perf-smoke: no change (bitnet-rs)"),
        ("slower", "perf-smoke: slower by 6.8 % (bitnet-rs)"),
        ("faster", "perf-smoke nightly: faster by 12.0 % (bitnet-rs)"),
        (
            "slower-within-margin",
            "perf-smoke: slower by 0.9 %, less than the 5 % margin (bitnet-rs)",
        ),
        ("cannot-tell", "perf-smoke: cannot tell (bitnet-rs)"),
        ("too-few-pairs", "perf-smoke: cannot tell (bitnet-rs)"),
        ("not-comparable", "perf-smoke: not comparable (bitnet-rs)"),
        ("slow-engine", "perf-smoke: 12.3 s for 4 tokens (bitnet-rs)"),
        ("base-not-built", "perf-smoke: 54.9 ms for 4 tokens, not compared (bitnet-rs)"),
        ("base-died", "perf-smoke: 54.7 ms for 4 tokens, not compared (bitnet-rs)"),
        ("pairs-file", "perf-smoke: slower by 6.8 % (pairs)"),
        ("failed", "perf-smoke: not measured (bitnet-rs)"),
        ("failed-halfway", "perf-smoke: not measured to the end (bitnet-rs)"),
        ("cancelled", "perf-smoke: cancelled (bitnet-rs)"),
        ("invalid", "perf-smoke: not measured, invalid inputs"),
        ("skipped", "perf-smoke: skipped"),
        ("one-token", "perf-smoke: 55.3 ms for 1 token (mybench)"),
    ],
)
def test_the_headline_says_what_became_of_it_and_whose_engine_it_was(name: str, line: str) -> None:
    assert verdict.headline(builders.every()[name]) == line


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "no-change",
            "perf-smoke: no change (−0.9 … +1.2 %), 54.9 ms for 4 tokens (bitnet-rs)",
        ),
        (
            "faster",
            (
                "perf-smoke nightly: faster by 12.0 % (−13.1 … −10.8 %), 48.0 ms for 4 tokens, "
                "the greedy output differs (bitnet-rs)"
            ),
        ),
        ("not-comparable", "perf-smoke: not comparable (bitnet-rs)"),
        ("too-few-pairs", "perf-smoke: cannot tell (bitnet-rs)"),
        ("demonstration", "perf-smoke: 55.0 ms for 4 tokens (demonstration)"),
        ("base-died", "perf-smoke: 54.7 ms for 4 tokens, not compared (bitnet-rs)"),
        (
            "failed-halfway",
            (
                "perf-smoke: not measured to the end: bitnet was killed by signal 9 "
                "(out of memory?) at step 47."
            ),
        ),
    ],
)
def test_a_notice_adds_the_interval_or_the_cause(name: str, line: str) -> None:
    assert verdict.notice(builders.every()[name]) == line


def test_a_notice_without_a_verdict_gives_the_guard_that_took_it() -> None:
    assert verdict.notice(builders.cannot_tell()) == (
        "perf-smoke: cannot tell: The hypervisor gave 14 % of the CPU time to others: measure on a "
        "quieter machine."
    )


def test_a_run_that_says_nothing_of_why_it_failed_still_has_a_notice() -> None:
    silent = dataclasses.replace(builders.failed(), failure=None)
    assert verdict.notice(silent) == "perf-smoke: not measured"


def test_a_notice_is_one_short_line_whatever_the_engine_printed() -> None:
    hostile = dataclasses.replace(
        builders.failed(),
        settings={"label": "a\n::error::b\x1b[2J" * 50},
        failure=Failure(reason="x", sentence="boom\n::set-env name=x::y\u202e" * 400),
    )
    line = verdict.notice(hostile)
    assert "\n" not in line
    assert "\x1b" not in line
    assert "\u202e" not in line
    assert len(line) < 500


def test_our_engine_on_a_model_of_the_caller_is_no_demonstration() -> None:
    own = dataclasses.replace(builders.result(), model=builders.BITNET_MODEL)
    assert verdict.headline(own) == "perf-smoke: 55.0 ms for 4 tokens (embedded llama.cpp)"


def test_a_headline_metric_that_is_a_rate_is_named() -> None:
    found = builders.result(
        comparison=dataclasses.replace(_comparison(builders.result()), metric="decode")
    )
    assert verdict.headline(found).startswith("perf-smoke: 97.5 tok/s decode")


def test_without_a_count_of_tokens_the_time_stands_alone() -> None:
    steps = tuple(dataclasses.replace(step, n_out=None) for step in builders.samples(count=9))
    found = builders.result(head=builders.side(steps))
    assert verdict.latency(found).endswith(" ms")


def test_a_document_without_numbers_claims_none() -> None:
    empty = builders.result(head=None, comparison=None)
    assert verdict.headline(empty) == "perf-smoke: no numbers"


def test_a_verdict_without_an_estimate_is_still_said() -> None:
    found = builders.two_sides(verdict="slower", estimate=None)
    assert verdict.headline(found) == "perf-smoke: slower (bitnet-rs)"


def _comparison(result: Result) -> Comparison:
    assert result.comparison
    return result.comparison


@pytest.mark.parametrize(
    ("binary", "name"),
    [
        ("/usr/bin/bench", "bench"),
        ("", "command"),
        ("/tmp/a\n**b**@c", "a↵**b**@c"),
        ("/x/" + "n" * 90, "n" * 40 + "… (50 more characters)"),
    ],
)
def test_a_command_is_named_by_its_program(binary: str, name: str) -> None:
    found = builders.one_token()
    assert found.head
    engine = dataclasses.replace(found.head.engine, binary=binary)
    other = dataclasses.replace(found, head=dataclasses.replace(found.head, engine=engine))
    assert verdict.headline(other).endswith(f"token ({name})")


def test_a_programs_name_is_code_so_that_it_cannot_act() -> None:
    assert [span.kind for span in verdict.title(builders.one_token())].count("code") == 1
