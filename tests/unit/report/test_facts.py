"""What a doubting reader finds folded."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any

import pytest

from perf_smoke.engines.registry import ROWS, Row
from perf_smoke.report import facts
from perf_smoke.report.spans import flat
from perf_smoke.result import Cost, EngineIdentity, MachineState, Model, Result
from tests.unit.report import builders


def said(result: Result) -> dict[str, str]:
    return {fact.label: flat(fact.text) for fact in facts.facts(result)}


def test_the_title_says_how_much_was_measured() -> None:
    assert facts.title(builders.result()) == "How this was measured: 182 steps, 10.1 s"
    assert facts.title(builders.two_sides()) == (
        "How this was measured: 182 pairs in random order, 21.3 s"
    )
    assert facts.title(builders.failed()) == "Details"
    assert facts.title(builders.skipped()) == "Details"


def test_pairs_from_a_file_claim_nothing_of_how_they_were_measured() -> None:
    found = builders.pairs_file()
    assert facts.title(found) == "How this was decided: 48 pairs from a file"
    assert set(said(found)) == {"Steps", "Verdict", "Sources", "perf-smoke"}
    assert said(found)["Steps"] == "48 pairs from a file."


def test_pairs_say_their_order_their_starts_and_why_they_stopped() -> None:
    assert said(builders.two_sides())["Steps"] == (
        "182 pairs, the order within each drawn by lot. Each side was started 4 times. "
        "Stopped when it was decided."
    )


def test_one_process_per_step_is_said() -> None:
    assert "Each step started a process." in said(builders.one_token())["Steps"]


def test_one_warm_engine_was_started_once() -> None:
    assert said(builders.result())["Steps"] == (
        "182 steps after the warm-up. The engine was started once."
    )


def test_nothing_is_claimed_of_how_a_server_was_started_that_was_there_already() -> None:
    found = builders.result()
    asked = dataclasses.replace(found, settings={**found.settings, "endpoint": "http://host"})
    assert said(asked)["Steps"] == "182 steps after the warm-up."


def test_steps_that_do_not_count_are_counted_with_their_reasons() -> None:
    assert said(builders.slow_engine())["Steps"].endswith("Not counted: 1 short.")
    found = builders.two_sides()
    assert found.base
    bad = tuple(
        dataclasses.replace(step, ok=False, error="" if index else "engine-timeout")
        for index, step in enumerate(found.base.samples[:3])
    )
    lost = dataclasses.replace(found, base=dataclasses.replace(found.base, samples=bad))
    assert said(lost)["Steps"].endswith("Not counted of base: 2 unknown, 1 engine-timeout.")


def test_a_step_that_failed_at_once_is_all_there_is_to_say() -> None:
    assert said(builders.failed())["Steps"] == (
        "The engine was started once. Not counted: 1 engine-crashed."
    )
    idle = builders.result(head=builders.side(()))
    assert "Steps" not in said(idle)


def test_repeated_requests_inside_a_step_are_said() -> None:
    found = builders.result(head=builders.side(builders.samples(count=9, repeats=5)))
    assert "Each step is the mean of up to 5 requests." in said(found)["Steps"]
    assert said(small_program("command", repeats=25))["Steps"] == (
        "9 steps after the warm-up. Each step is the mean of up to 25 runs of the program."
    )


def test_the_rule_of_the_verdict_is_written_out() -> None:
    assert said(builders.two_sides())["Verdict"] == (
        "E2E latency alone decides: two-sided error rate 1 %, margin 5 %, floor 0.5 %; "
        "estimate +0.2 %; a change of 2.0 % would have been called with 90 % probability; "
        "looks were planned after 36, 60, 90, 135, 182 pairs."
    )
    bare = builders.two_sides(estimate=None, detectable=None, looks=(), metric="ttft")
    assert said(bare)["Verdict"] == (
        "Time to first token alone decides: two-sided error rate 1 %, margin 5 %, floor 0.5 %."
    )


def test_a_hundred_looks_do_not_flood() -> None:
    many = builders.two_sides(looks=tuple(range(10, 1010, 10)))
    assert "120, … pairs." in said(many)["Verdict"]


def test_engine_and_model_can_be_checked_by_their_hashes() -> None:
    found = said(builders.two_sides())
    assert found["Engine"] == f"bitnet-rs 0.9.1, target/release/bitnet, sha256 {'c2' * 6}"
    assert found["Model"] == f"models/ggml-model-i2_s.gguf, 1.11 GiB, sha256 {'d4' * 6}"


def test_a_model_that_the_server_holds_has_its_name_alone() -> None:
    assert said(builders.result(model=Model(reference="qwen3:0.6b")))["Model"] == "qwen3:0.6b"


def test_the_base_engine_is_shown_where_it_is_another() -> None:
    found = builders.two_sides()
    assert found.base
    other = EngineIdentity(id="bitnet-rs", version="0.9.0")
    mixed = dataclasses.replace(found, base=dataclasses.replace(found.base, engine=other))
    assert said(mixed)["Base's engine"] == "bitnet-rs 0.9.0"
    alike = dataclasses.replace(found, base=dataclasses.replace(found.base, engine=builders.BITNET))
    assert "Base's engine" not in said(alike)


def test_the_machine_and_how_busy_it_was() -> None:
    found = said(builders.result())
    assert found["Machine"] == (
        "AMD EPYC 7763 64-Core Processor × 4, 15.6 GiB, Ubuntu 24.04.3 LTS, "
        "kernel 6.11.0-1018-azure, x86_64, image ubuntu24 20261116.1"
    )
    assert found["Machine load"] == "0.21 before, 1.94 after, steal 0.2 %"


def test_how_much_of_the_machine_was_idle_is_said_where_the_kernel_counts_it() -> None:
    before = MachineState(load_1min=0.2, cpu_ticks=0, steal_ticks=0, idle_ticks=0)
    after = MachineState(load_1min=3.3, cpu_ticks=1000, steal_ticks=0, idle_ticks=24)
    found = builders.result(machine=builders.machine(before=before, after=after))
    assert said(found)["Machine load"] == "0.20 before, 3.30 after, idle 2.4 %, steal 0.0 %"


def test_a_state_that_is_not_known_is_not_said() -> None:
    unknown = MachineState(load_1min=None, cpu_ticks=None, steal_ticks=None)
    found = said(builders.result(machine=builders.machine(before=unknown, after=unknown, image="")))
    assert "Machine load" not in found
    assert "image" not in found["Machine"]


def test_every_number_has_its_source() -> None:
    assert said(builders.result())["Sources"] == (
        "Prefill, Decode, TPOT: the engine's own JSON; E2E latency, TTFT: the stream, on our "
        "clock; Wall, CPU time, Load, Peak RSS: seen from outside the process"
    )


def test_what_is_missing_has_its_reason() -> None:
    assert said(builders.one_token())["Missing"] == (
        "Decode: a single output token has no decode time; Prefill: not given by this engine"
    )
    cached = builders.side(builders.samples(count=9, n_prompt_cached=5))
    summary = {name: row for name, row in cached.summary.items() if name != "prefill_tps"}
    found = builders.result(head=dataclasses.replace(cached, summary=summary))
    assert said(found)["Missing"] == "Prefill: the prompt came from the cache"
    assert "Missing" not in said(builders.result())


def small_program(engine: str, **changes: Any) -> Result:
    """One whose peak is below that of the process that starts it."""
    steps = builders.samples(count=9, restarts=9, peak_rss_kib=None, **changes)
    return builders.result(head=builders.side(steps, engine=EngineIdentity(id=engine)))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_program_too_small_for_the_kernel_to_tell_its_memory_is_said_to_be(row: Row) -> None:
    one_shot = hasattr(importlib.import_module(row.module), "OneShotEngine")
    assert said(small_program(row.id))["Missing"] == (
        "Peak RSS: too small to tell: the kernel starts a program's count at the peak of "
        "perf-smoke, which starts it"
        if one_shot
        else "Peak RSS: not given by this engine"
    )


def test_the_warm_up_that_had_to_count_is_not_said_to_be_over() -> None:
    note = "No step after the warm-up fitted into the budget, so the warm-up counts."
    head = builders.side(builders.samples(count=1, restarts=1))
    alone = said(builders.result(head=head, notes=(note,)))["Steps"]
    assert alone.startswith("1 step, that of the warm-up.")
    pair = said(dataclasses.replace(builders.two_sides(pairs=1), notes=(note,)))["Steps"]
    assert pair.startswith("1 pair, that of the warm-up, ")


def test_without_a_warm_up_no_step_is_said_to_be_after_it() -> None:
    assert said(builders.result(settings={"warmup": "0"}))["Steps"].startswith("182 steps. ")


def test_the_cost_adds_up() -> None:
    assert said(builders.result())["Took"] == (
        "13.4 s in all: download 1.20 s, load 0.430 s, steps 10.1 s, the rest 1.67 s"
    )
    assert said(builders.result(cost=Cost(total_s=0.02)))["Took"] == ("0.0200 s in all")
    assert "Took" not in said(builders.skipped())


def test_the_tool_its_runtime_and_the_start() -> None:
    assert said(builders.result())["perf-smoke"] == (
        "0.1.0, runtime docker, started 2026-11-23 08:30:00 UTC"
    )
    offset = builders.result(started="2026-11-23T08:30:00+00:00")
    assert said(offset)["perf-smoke"] == said(builders.result())["perf-smoke"]


def test_the_reason_is_there_for_workflows_that_test_it() -> None:
    assert said(builders.failed())["Reason"] == "engine-crashed"
