"""Several requests as one step."""

from __future__ import annotations

import dataclasses
from typing import Any

from perf_smoke.engines.base import Reply
from perf_smoke.measure.repeats import mean_reply, repeats_for
from perf_smoke.result import Sample


def test_a_step_that_gives_no_time_is_not_repeated() -> None:
    assert repeats_for([Reply(sample=Sample(ok=True))]) == 1
    assert repeats_for([Reply(sample=Sample(ok=True, e2e_ms=5.0))]) == 10


def reply(**changes: Any) -> Reply:
    fields: dict[str, Any] = {"ok": True, "n_out": 4, "text_sha256": "same", "peak_rss_kib": 10}
    return Reply(sample=Sample(**{**fields, **changes}), text="11, so")


def test_repeated_requests_are_one_step_of_mean_durations() -> None:
    one, other = reply(e2e_ms=3.0, cpu_ms=1.0), reply(e2e_ms=5.0, cpu_ms=0.0, peak_rss_kib=30)
    found = mean_reply([one, other])

    assert (found.text, found.failure) == ("11, so", None)
    assert found.sample == dataclasses.replace(
        one.sample, e2e_ms=4.0, cpu_ms=0.5, peak_rss_kib=30, repeats=2
    )


def test_what_one_of_the_repeated_requests_does_not_give_is_missing() -> None:
    found = mean_reply([reply(ttft_ms=3.0), reply(peak_rss_kib=None)]).sample
    assert (found.ttft_ms, found.peak_rss_kib) == (None, 10)
    assert mean_reply([reply(peak_rss_kib=None, n_out=None)] * 2).sample.peak_rss_kib is None


def test_repeated_requests_that_say_different_things_are_not_stable() -> None:
    assert mean_reply([reply(), reply()]).sample.text_sha256 == "same"
    assert mean_reply([reply(), reply(text_sha256="other")]).sample.text_sha256 == ""


def test_one_short_answer_makes_the_repeated_step_short() -> None:
    assert mean_reply([reply(), reply(n_out=2), reply()]).sample.n_out == 2
    assert mean_reply([reply(n_out=None), reply(n_out=None)]).sample.n_out is None
