"""The Result document: what is written can be read, and nothing else can."""

from __future__ import annotations

import dataclasses
import json
import math
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf_smoke import result_file
from perf_smoke.result import (
    BASE,
    HEAD,
    WORKLOAD,
    Comparison,
    Cost,
    EngineIdentity,
    Failure,
    Gpu,
    Guard,
    Leg,
    Machine,
    MachineState,
    Measurement,
    MetricSummary,
    Model,
    Output,
    Prompt,
    RequestRecord,
    Result,
    Sample,
    Series,
    Side,
    Tool,
    Unmeasured,
    Workload,
)
from perf_smoke.result_file import UnreadableResult

ROOT = Path(__file__).parents[2]
QUIET = MachineState(load_1min=0.2, cpu_ticks=1000, steal_ticks=10)


def machine(before: MachineState, after: MachineState) -> Machine:
    return Machine(
        cpu_model="AMD EPYC 7763",
        flags_hash="0123456789ab",
        cpus=4,
        memory_mib=16_000,
        os="Debian GNU/Linux 13 (trixie)",
        kernel="6.12",
        arch="x86_64",
        image="ubuntu24 20261101",
        gpus=(Gpu(name="Tesla T4", driver="550.54", memory_mib=15_360), Gpu(name="another")),
        before=before,
        after=after,
    )


def test_two_machines_of_one_key_are_alike() -> None:
    one = machine(QUIET, QUIET)
    assert replace(one, kernel="6.13", gpus=one.gpus[::-1]).key == one.key
    for change in (
        {"cpus": 8},
        {"flags_hash": ""},
        {"image": "ubuntu24 20261102"},
        {"gpus": ()},
        {"gpus": (replace(one.gpus[0], driver="560"), one.gpus[1])},
        {"gpus": (one.gpus[0], one.gpus[0])},
    ):
        assert replace(one, **change).key != one.key


def full_result() -> Result:
    """One with every field set."""
    sample = Sample(
        ok=True,
        n_prompt=4,
        n_prompt_cached=0,
        n_out=4,
        load_ms=700.5,
        prompt_ms=21.0,
        ttft_ms=22.5,
        decode_ms=30.25,
        e2e_ms=52.75,
        wall_ms=53.0,
        cpu_ms=100.0,
        peak_rss_kib=168_000,
        text_sha256="ab" * 32,
        finish_reason="length",
        start=1,
        repeats=3,
        order=7,
        round=2,
    )
    measurement = Measurement(
        samples=(sample, Sample(ok=False, error="short")),
        summary={"e2e_ms": MetricSummary(median=52.75, low=None, high=None, n=1, tier="C")},
        output=Output(text="11, so", sha256="ab", stable=True),
    )
    side = Side(
        ref="main",
        commit="ab" * 20,
        parents=("cd" * 20, "ef" * 20),
        engine=EngineIdentity(id="embedded", version="1", binary="x", binary_sha256="cd" * 32),
        process="start",
    )
    return Result(
        status="measured",
        failure=Failure(reason="cancelled", sentence="It was.", tail="last\nlines"),
        started="2026-11-23T08:00:00+00:00",
        tool=Tool(version="0.1.0", runtime="cli"),
        settings={"prompt": "日本語 \U0001f600"},
        cost=Cost(total_s=30.0, download_s=1.0, build_s=2.0, load_s=3.0, steps_s=4.0),
        leg=Leg(
            repository="o/r",
            event="push",
            workflow="CI",
            job="smoke",
            matrix='{"os":"linux"}',
            run_id=5,
            attempt=1,
        ),
        series=Series(key="0123", parts={"engine": "embedded"}),
        machine=machine(QUIET, MachineState(load_1min=None, cpu_ticks=None, steal_ticks=None)),
        model=Model(reference="smollm2-135m", sha256="ef" * 32, bytes=98_362_432),
        sides={HEAD: side, BASE: side},
        lost_bases={"v1": Failure(reason="build-failed", sentence="It does not build.")},
        workloads={
            WORKLOAD: Workload(
                request=RequestRecord(
                    prompt=Prompt(text="2+2=", characters=4, sha256="12" * 32),
                    tokens=4,
                    seed=42,
                    threads=2,
                    features=("gpu",),
                    passed=("prompt", "tokens", "threads"),
                ),
                metrics=("e2e", "decode"),
                warmup=1,
                stopped="decided",
                order_seed=7,
                measurements={HEAD: measurement, BASE: measurement},
            )
        },
        comparisons=(
            Comparison(
                metric="e2e",
                verdict="slower",
                log_ratio=0.066,
                standard_error=0.01,
                low=0.039,
                high=0.096,
                level=0.99,
                detectable=0.02,
                pairs=60,
                pairs_needed=120,
                looks=(12, 20, 60),
                stopped="decided",
                guards=(Guard(name="steal", effect="said", sentence="It was busy."),),
                machine_then=QUIET,
            ),
            Comparison(metric="decode", verdict="faster", log_ratio=-0.5),
        ),
        notes=("One.", "Two."),
    )


def minimal_result() -> Result:
    return Result(
        status="failed",
        started="2026-11-23T08:00:00+00:00",
        tool=Tool(version="0.1.0", runtime="host"),
        settings={},
        cost=Cost(total_s=0.5),
    )


def document(**changes: Any) -> bytes:
    """A whole document as JSON, with some top-level fields changed."""
    adapter = result_file._adapter()
    tree = {**adapter.dump_python(full_result(), mode="json"), **changes}
    return json.dumps(tree).encode()


def refusal(folder: Path, data: bytes) -> str:
    path = folder / "result.json"
    path.write_bytes(data)
    with pytest.raises(UnreadableResult) as caught:
        result_file.read(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("found", [full_result(), minimal_result()], ids=["full", "minimal"])
def test_what_is_written_is_read_back_the_same(found: Result, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    result_file.write(found, path)
    assert result_file.read(path) == found
    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]


def test_the_document_is_readable_utf8_json(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    result_file.write(full_result(), path)
    text = path.read_text(encoding="utf-8")
    assert "日本語 \U0001f600" in text
    assert json.loads(text)["schema"] == 1


def test_half_a_surrogate_pair_does_not_cost_the_document(tmp_path: Path) -> None:
    found = Result(
        status="failed",
        started="now",
        tool=Tool(version="1", runtime="cli"),
        settings={"label": "\ud83d"},
        cost=Cost(total_s=1.0),
    )
    result_file.write(found, tmp_path / "result.json")
    assert result_file.read(tmp_path / "result.json").settings == {"label": "?"}


def test_a_number_that_is_none_is_never_written(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    broken = Result(
        status="measured",
        started="now",
        tool=Tool(version="1", runtime="cli"),
        settings={},
        cost=Cost(total_s=math.nan),
    )
    with pytest.raises(ValueError, match="nan"):
        result_file.write(broken, path)
    assert not list(tmp_path.iterdir())


def test_writing_into_a_missing_folder_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        result_file.write(minimal_result(), tmp_path / "missing" / "result.json")


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.mkdir()
    (path / "kept").touch()
    with pytest.raises(OSError, match="directory"):
        result_file.write(minimal_result(), path)
    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]
    assert (path / "kept").exists()


def test_a_missing_document_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableResult, match="No such file"):
        result_file.read(tmp_path / "nothing.json")


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"status": "great"}, "status"),
        ({"schema": 2}, "schema"),
        ({"added": 1}, "added"),
        ({"cost": {"total_s": "4"}}, "cost/total_s"),
        ({"cost": {"total_s": True}}, "cost/total_s"),
        ({"cost": {"total_s": None}}, "cost/total_s"),
        ({"cost": {}}, "cost/total_s"),
        ({"cost": {"total_s": 1.0, "price": 3}}, "cost/price"),
        ({"settings": {"tokens": 4}}, "settings/tokens"),
        ({"notes": "no list"}, "notes"),
        ({"sides": {"head": {"engine": {"id": 5}}}}, "sides/head/engine/id"),
        ({"comparisons": [{"metric": "e2e", "verdict": "great"}]}, "comparisons/0/verdict"),
        ({"failure": {"reason": "bad-luck", "sentence": "It was."}}, "failure/reason"),
        ({"model": {"reference": "m", "bytes": 1.5}}, "model/bytes"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], place: str, tmp_path: Path) -> None:
    assert f": {place}: " in refusal(tmp_path, document(**changes))


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_a_number_that_is_not_finite_is_refused(number: bytes, tmp_path: Path) -> None:
    data = document(cost={"total_s": 12345.5}).replace(b"12345.5", number)
    assert "cost/total_s" in refusal(tmp_path, data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe{",
        b'{"status": "measured", "started": "\\ud800"}',
        b"[" * 100_000,
        document()[:-200],
        document() + document(),
    ],
)
def test_what_is_no_document_is_refused(data: bytes, tmp_path: Path) -> None:
    assert "is no perf-smoke result" in refusal(tmp_path, data)


@given(st.binary(max_size=200), st.integers(min_value=0))
def test_a_damaged_document_is_refused_or_still_a_result(noise: bytes, at: int) -> None:
    data = document()
    at %= len(data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "result.json")
        path.write_bytes(data[:at] + noise + data[at + len(noise) :])
        with suppress(UnreadableResult):
            assert isinstance(result_file.read(path), Result)


def test_the_published_schema_is_the_documents_own() -> None:
    published = json.loads((ROOT / "docs" / "result.schema.json").read_text(encoding="utf-8"))
    assert published == result_file.json_schema(), "run scripts/schema"


def test_the_reason_is_the_failures_slug() -> None:
    assert full_result().reason == "cancelled"
    assert minimal_result().reason == ""


def test_the_gravest_answer_is_the_runs_verdict() -> None:
    result = full_result()
    assert result.gravest == result.comparisons[0]
    assert result.verdict == "slower"
    alone = dataclasses.replace(result, comparisons=())
    assert (alone.gravest, alone.verdict) == (None, "no-baseline")
    assert minimal_result().verdict is None


def test_a_failure_travels_through_an_exception_unchanged() -> None:
    failure = Failure(reason="engine-crashed", sentence="It did.", tail="tail")
    assert Unmeasured.of(failure).failure == failure
    assert str(Unmeasured.of(failure)) == "It did."


def test_steal_is_a_share_of_the_time_that_passed() -> None:
    later = MachineState(load_1min=1.0, cpu_ticks=1200, steal_ticks=30)
    assert machine(QUIET, later).steal_fraction == 0.1


def test_idle_is_a_share_of_the_time_that_passed() -> None:
    earlier = MachineState(load_1min=0.2, cpu_ticks=1000, steal_ticks=10, idle_ticks=500)
    later = MachineState(load_1min=1.0, cpu_ticks=1200, steal_ticks=30, idle_ticks=550)
    assert machine(earlier, later).idle_fraction == 0.25
    assert machine(QUIET, later).idle_fraction is None


@pytest.mark.parametrize(
    "after",
    [
        QUIET,  # no time has passed
        MachineState(load_1min=None, cpu_ticks=None, steal_ticks=None),
        MachineState(load_1min=None, cpu_ticks=2000, steal_ticks=None),
        MachineState(load_1min=None, cpu_ticks=900, steal_ticks=5),  # counters went back
        MachineState(load_1min=None, cpu_ticks=1100, steal_ticks=5),
    ],
)
def test_steal_that_cannot_be_known_is_not_invented(after: MachineState) -> None:
    assert machine(QUIET, after).steal_fraction is None
