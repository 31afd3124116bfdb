"""The suite that every engine passes. A new engine adds its Case to cases.py."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from perf_smoke.engines import registry, table
from perf_smoke.engines.base import EngineSetup, Reply, Session
from perf_smoke.metrics import BY_NAME, DECIDING
from perf_smoke.result import Failure, Unmeasured
from tests.integration.engines.case import EXPECTED_REASONS, REQUEST, Case, Fault
from tests.integration.engines.cases import CASES

STEP_TIMEOUT_S = 120.0
HANG_TIMEOUT_S = 2.0
_DURATIONS = ("load_ms", "prompt_ms", "ttft_ms", "decode_ms", "e2e_ms", "wall_ms", "cpu_ms")
_NUMBERS = (*_DURATIONS, "peak_rss_kib")
_SLACK_MS = 1.0  # clocks that count whole milliseconds, and texts that are rounded


def cases_with(fault: Fault | None = None) -> list[Any]:
    """All cases, or those that can be made to have this fault."""
    return [
        pytest.param(case, id=case.id, marks=case.marks)
        for case in CASES
        if fault is None or fault in case.faults
    ]


every_case = pytest.mark.parametrize("case", cases_with())
each_fault = pytest.mark.parametrize(
    ("case", "fault"),
    [
        pytest.param(case, fault, id=f"{case.id}-{fault}", marks=case.marks)
        for case in CASES
        for fault in sorted(case.faults & EXPECTED_REASONS.keys())
    ],
)


@contextmanager
def opened(case: Case, setup: EngineSetup) -> Iterator[Session]:
    """The engine's session, closed at the end."""
    engine = registry.prepare(case.engine, setup)
    with closing(engine.open({})) as session:
        yield session


def steps(case: Case, folder: Path, count: int, fault: Fault = "") -> list[Reply]:
    with case.setup(folder, fault) as setup, opened(case, setup) as session:
        return [session.step(setup.request, STEP_TIMEOUT_S) for _ in range(count)]


@every_case
def test_every_step_gives_exactly_the_tokens_that_were_asked_for(
    case: Case, tmp_path: Path
) -> None:
    for reply in steps(case, tmp_path, 3):
        assert reply.failure is None, reply.failure
        assert reply.sample.ok
        if "n_out" in case.gives:
            assert reply.sample.n_out == REQUEST.tokens


@every_case
def test_the_greedy_text_is_the_same_at_every_step(case: Case, tmp_path: Path) -> None:
    replies = steps(case, tmp_path, 3)
    assert len({reply.text for reply in replies}) == 1
    assert bool(replies[0].text) == case.has_text


@every_case
def test_durations_are_those_promised_and_add_up(case: Case, tmp_path: Path) -> None:
    for reply in steps(case, tmp_path, 2):
        sample = reply.sample
        given = {name for name in _NUMBERS if getattr(sample, name) is not None}
        counts = {
            name
            for name in ("n_prompt", "n_prompt_cached", "n_out")
            if getattr(sample, name) is not None
        }
        # A fresh small process has no peak of its own beside its parent's.
        assert case.gives - {"peak_rss_kib"} <= given | counts
        assert given | counts <= case.gives | case.may_give | {"peak_rss_kib", "wall_ms", "cpu_ms"}
        for name in given:
            value = getattr(sample, name)
            assert math.isfinite(value)
            assert value >= 0
        assert sample.wall_ms is not None
        inside = (sample.prompt_ms or 0.0) + (sample.decode_ms or 0.0)
        assert inside <= sample.wall_ms + _SLACK_MS
        if sample.e2e_ms is not None:
            assert inside <= sample.e2e_ms + _SLACK_MS
            assert sample.e2e_ms <= sample.wall_ms + _SLACK_MS
            assert (sample.ttft_ms or 0.0) <= sample.e2e_ms + _SLACK_MS


@every_case
def test_every_number_carries_its_tier_and_no_tier_stands_alone(case: Case, tmp_path: Path) -> None:
    (reply,) = steps(case, tmp_path, 1)
    numbers = {name for name in _NUMBERS if getattr(reply.sample, name) is not None}
    assert numbers <= reply.tiers.keys()
    assert reply.tiers["wall_ms"] == "E"


@every_case
def test_a_step_gives_the_metrics_of_its_engines_row_and_no_others(
    case: Case, tmp_path: Path
) -> None:
    row = table.row(case.engine)
    for reply in steps(case, tmp_path, 2):
        metrics = {name for name in DECIDING if BY_NAME[name].amount(reply.sample) is not None}
        assert set(row.metrics) - case.lacks <= metrics
        if "metrics" not in row.reads:  # which may add any
            assert metrics <= set(row.metrics)


@every_case
def test_nothing_runs_on_after_the_session_is_closed(case: Case, tmp_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    with case.setup(tmp_path, "") as setup, opened(case, setup) as session:
        session.step(setup.request, STEP_TIMEOUT_S)
        session.close()  # and once more at the end of the context
    assert set(psutil.Process().children(recursive=True)) <= before


@every_case
def test_the_program_is_identified(case: Case, tmp_path: Path) -> None:
    with case.setup(tmp_path, "") as setup:
        identity = registry.prepare(case.engine, setup).identity
    assert identity.id == case.engine
    if identity.binary_sha256 and Path(identity.binary).is_file():
        digest = hashlib.sha256(Path(identity.binary).read_bytes()).hexdigest()
        assert identity.binary_sha256 == digest


@each_fault
def test_a_fault_becomes_a_sentence_and_no_number(case: Case, fault: Fault, tmp_path: Path) -> None:
    with case.setup(tmp_path, fault) as setup:
        started_s = time.monotonic()
        failure = first_failure(case, setup, fault)
        took_s = time.monotonic() - started_s
    if failure is None:
        assert fault == "flood"
        return
    assert failure.reason in EXPECTED_REASONS[fault]
    assert failure.sentence.endswith((".", "?"))
    assert len(failure.sentence) < 500
    assert len(failure.tail) < 5000
    assert took_s < 60


@pytest.mark.parametrize("case", cases_with("invalid-utf8"))
def test_text_that_is_not_utf8_is_measured_all_the_same(case: Case, tmp_path: Path) -> None:
    (reply,) = steps(case, tmp_path, 1, "invalid-utf8")
    assert reply.failure is None
    assert "\ufffd" in reply.text
    assert reply.text.encode("utf-8")


@pytest.mark.parametrize("case", cases_with("short"))
def test_fewer_tokens_are_counted_as_what_they_are(case: Case, tmp_path: Path) -> None:
    (reply,) = steps(case, tmp_path, 1, "short")
    assert reply.sample.n_out is not None
    assert 0 < reply.sample.n_out < REQUEST.tokens


@every_case
def test_one_output_token_has_no_decode_time(case: Case, tmp_path: Path) -> None:
    with case.setup(tmp_path, "") as setup, opened(case, setup) as session:
        reply = session.step(replace(setup.request, tokens=1), STEP_TIMEOUT_S)
    assert reply.failure is None, reply.failure
    if "n_out" in case.gives:
        assert reply.sample.n_out == 1
    assert reply.sample.decode_ms is None


def first_failure(case: Case, setup: EngineSetup, fault: Fault) -> Failure | None:
    """Where the fault shows: on preparing, on opening or at a step."""
    timeout_s = HANG_TIMEOUT_S if fault == "hang" else STEP_TIMEOUT_S
    try:
        with opened(case, replace(setup, start_timeout_s=timeout_s)) as session:
            for number in range(2):
                reply = session.step(setup.request, timeout_s)
                if fault == "stale" and number == 0:
                    assert reply.failure is None
                if reply.failure:
                    assert not reply.sample.ok
                    assert reply.sample.error == reply.failure.reason
                    for name in ("n_out", "decode_ms", "prompt_ms", "e2e_ms", "ttft_ms"):
                        assert getattr(reply.sample, name) is None
                    return reply.failure
    except Unmeasured as error:
        return error.failure
    return None
