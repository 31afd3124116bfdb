"""Every output, from the Result alone; what was not measured is empty."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any, get_args

import pytest

from perf_smoke.github.comment import CommentOutcome, Policy, policy_for
from perf_smoke.github.outputs import OUTPUTS, outputs
from perf_smoke.reasons import Reason
from perf_smoke.result import (
    BASE,
    HEAD,
    WORKLOAD,
    Comparison,
    Cost,
    Failure,
    Measurement,
    MetricSummary,
    Output,
    Result,
    Sample,
    Series,
    Status,
    Tool,
    Verdict,
    Workload,
)

NAMES = [
    "status",
    "reason",
    "verdict",
    "change",
    "change-low",
    "change-high",
    "detectable",
    "pairs",
    "e2e-ms",
    "ttft-ms",
    "prefill-tps",
    "decode-tps",
    "wall-ms",
    "load-ms",
    "peak-rss-mib",
    "output-sha256",
    "text-changed",
    "series",
    "result-json",
    "report-md",
    "comment-status",
    "comment-url",
    "cost-seconds",
]

NOTHING = Result(
    status="failed",
    started="2026-11-23T08:00:00Z",
    tool=Tool(version="0.1.0", runtime="host"),
    settings={},
    cost=Cost(total_s=0.5),
    failure=Failure(reason="engine-missing", sentence="There is no engine."),
)


def summary(median: float) -> MetricSummary:
    return MetricSummary(median=median, low=None, high=None, n=1, tier="A")


def measured(**medians: float) -> Result:
    head = Measurement(
        summary={key: summary(median) for key, median in medians.items()},
        output=Output(text="11, so", sha256="f" * 64, stable=True) if medians else None,
    )
    workload = Workload(metrics=("e2e",), measurements={HEAD: head})
    return dataclasses.replace(
        NOTHING, status="measured", failure=None, workloads={WORKLOAD: workload}
    )


def compared(verdict: Verdict, **changes: float) -> Result:
    comparison = Comparison(metric="e2e", verdict=verdict, **changes)  # type: ignore[arg-type]  # floats by name
    return dataclasses.replace(measured(), comparisons=(comparison,))


def read(result: Result, comment: CommentOutcome | None = None) -> dict[str, str]:
    return outputs(result, comment=comment, result_path=None, report_path=None)


def test_the_table_has_every_output_once_with_a_description() -> None:
    assert [row.name for row in OUTPUTS] == NAMES
    assert all(row.description.endswith(".") for row in OUTPUTS)


def test_a_run_that_measured_nothing_sets_only_what_it_knows() -> None:
    set_ones = {name: value for name, value in read(NOTHING).items() if value}

    assert list(read(NOTHING)) == NAMES
    assert set_ones == {"status": "failed", "reason": "engine-missing", "cost-seconds": "0.5"}


def test_a_full_run_sets_them_all() -> None:
    result = dataclasses.replace(
        measured(
            wall_ms=901.25,
            load_ms=700,
            ttft_ms=24.0999,
            e2e_ms=54.9,
            prefill_tps=190.5,
            decode_tps=98.9,
            peak_rss_mib=165,
        ),
        comparisons=compared(
            "slower",
            log_ratio=math.log(1.068),
            low=0.039,
            high=0.096,
            detectable=0.0412345678,
            pairs=182,
        ).comparisons,
        failure=Failure(reason="cancelled", sentence="The budget ended."),
        series=Series(key="0123", parts={}),
        cost=Cost(total_s=21.0),
    )

    assert outputs(
        result,
        comment=CommentOutcome(status="created", sentence="", url="https://x/1"),
        result_path=Path("/tmp/result.json"),
        report_path=Path("/tmp/report.md"),
    ) == {
        "status": "measured",
        "reason": "cancelled",
        "verdict": "slower",
        "change": "0.068",
        "change-low": "0.039",
        "change-high": "0.096",
        "detectable": "0.041235",
        "pairs": "182",
        "wall-ms": "901.25",
        "load-ms": "700",
        "ttft-ms": "24.1",
        "e2e-ms": "54.9",
        "prefill-tps": "190.5",
        "decode-tps": "98.9",
        "peak-rss-mib": "165",
        "output-sha256": "f" * 64,
        "text-changed": "",
        "series": "0123",
        "result-json": "/tmp/result.json",
        "report-md": "/tmp/report.md",
        "comment-status": "created",
        "comment-url": "https://x/1",
        "cost-seconds": "21",
    }


def sides(head: str, base: str, **changes: Any) -> Result:
    """Two steps of each, `ok`, or not, that gave these texts, a letter each."""
    given = {
        name: Measurement(
            samples=tuple(Sample(ok=text != "!", text_sha256=text.strip()) for text in texts)
        )
        for name, texts in ((HEAD, head), (BASE, base))
    }
    workload = Workload(metrics=("e2e",), measurements=given)
    return dataclasses.replace(
        NOTHING, status="measured", failure=None, workloads={WORKLOAD: workload}, **changes
    )


@pytest.mark.parametrize(
    ("head", "base", "changed"),
    [("aa", "aa", "false"), ("ab", "bb", "false"), ("aa", "bb", "true"), ("aa", "  ", ""),
     ("aa", "!!", ""), ("a!", "b!", "true")],
)  # fmt: skip
def test_whether_the_text_has_changed_is_told_where_it_is_known(
    head: str, base: str, changed: str
) -> None:
    assert read(sides(head, base))["text-changed"] == changed
    lost = {BASE: Failure(reason="engine-crashed", sentence="It crashed.")}
    assert read(sides(head, base, lost_bases=lost))["text-changed"] == ""


@pytest.mark.parametrize(
    ("status", "reason", "base", "verdict"),
    [
        ("failed", "engine-crashed", "aa", "head-crashes"),
        ("failed", "engine-timeout", "a!", "head-crashes"),
        ("failed", "engine-crashed", "!!", ""),
        ("failed", "internal-error", "aa", ""),
        ("failed", "head-overwritten", "aa", ""),
        ("cancelled", "cancelled", "aa", ""),
    ],
)
def test_a_head_that_fails_where_its_base_answers_is_a_result_of_its_own(
    status: Status, reason: Reason, base: str, verdict: str
) -> None:
    failed = dataclasses.replace(
        sides("a!", base), status=status, failure=Failure(reason=reason, sentence="It failed.")
    )
    assert read(failed)["verdict"] == verdict
    assert (read(failed)["status"], read(failed)["reason"]) == (status, reason)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1234567.5, "1234567.5"),
        (1e15, "1000000000000000"),
        (100, "100"),
        (0.0004, "0"),
        (1e-9, "0"),
        (math.nan, ""),
        (math.inf, ""),
    ],
)
def test_numbers_are_plain(number: float, text: str) -> None:
    assert read(measured(e2e_ms=number))["e2e-ms"] == text


def test_a_change_of_nothing_has_no_sign() -> None:
    assert read(compared("no-change", log_ratio=-1e-9))["change"] == "0"


def test_a_negative_change_has_an_ascii_sign() -> None:
    assert read(compared("faster", log_ratio=math.log(0.88)))["change"] == "-0.12"


class TestThePolicy:
    @pytest.mark.parametrize("status", get_args(Status))
    def test_never_writes_nothing_and_always_everything(self, status: Status) -> None:
        result = dataclasses.replace(NOTHING, status=status)

        assert policy_for("never", result) is Policy.NOTHING
        assert policy_for("always", result) is Policy.CREATE_OR_UPDATE

    @pytest.mark.parametrize(
        ("verdict", "policy"),
        [
            ("slower", Policy.CREATE_OR_UPDATE),
            ("faster", Policy.CREATE_OR_UPDATE),
            ("not-comparable", Policy.CREATE_OR_UPDATE),
            ("no-change", Policy.UPDATE_ONLY),
            ("inconclusive", Policy.UPDATE_ONLY),
            ("no-baseline", Policy.UPDATE_ONLY),
        ],
    )
    def test_changes_creates_for_a_verdict_that_needs_a_look(
        self, verdict: Verdict, policy: Policy
    ) -> None:
        assert policy_for("changes", compared(verdict)) is policy

    def test_changes_updates_only_where_nothing_was_compared(self) -> None:
        assert policy_for("changes", measured()) is Policy.UPDATE_ONLY

    @pytest.mark.parametrize(
        ("status", "policy"),
        [
            ("failed", Policy.CREATE_OR_UPDATE),
            ("skipped", Policy.CREATE_OR_UPDATE),
            ("invalid", Policy.CREATE_OR_UPDATE),
            ("cancelled", Policy.UPDATE_ONLY),
        ],
    )
    def test_changes_creates_for_what_was_not_measured(
        self, status: Status, policy: Policy
    ) -> None:
        assert policy_for("changes", dataclasses.replace(NOTHING, status=status)) is policy
