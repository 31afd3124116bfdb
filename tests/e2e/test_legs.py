"""report/action.yml, started as a runner starts it: on the host and in Docker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import documents
from tests.e2e.conftest import MakeJob
from tests.e2e.job import Job, Outcome

EVENT = {"schedule": "17 3 * * *"}


def report(job: Job, **inputs: str) -> Outcome:
    """Run the step of report/action.yml to its end."""
    return job.report_legs({name.replace("_", "-"): text for name, text in inputs.items()})


@pytest.fixture
def legs(job: Job) -> Job:
    """A job in whose workspace two documents lie, under a path with a space."""
    place = job.workspace / "results of perf, all"
    documents.put(place, documents.leg("gcc", slower_by=0.2), documents.leg("clang"))
    return job


def expect_report(outcome: Outcome) -> None:
    """It is all there."""
    assert outcome.code == 0, outcome.log
    assert (outcome.status, outcome.outputs.get("verdict")) == ("measured", "slower"), outcome.log
    assert outcome.summary.startswith("### perf-smoke: 1 of 2 slower\n")
    assert Path(outcome.outputs["report-md"]).read_text("utf-8") == outcome.summary
    assert json.loads(outcome.outputs["counts"]) == {"slower": 1, "no-change": 1}


def test_on_the_host(legs: Job) -> None:
    expect_report(report(legs, runtime="host", path="results of perf, all"))


def test_in_docker_the_folders_are_seen_and_not_written(legs: Job, image: str) -> None:
    outside = legs.root / "elsewhere"
    documents.put(outside, documents.leg("msvc"))
    expect_report(report(legs, runtime="docker", path="results of perf, all"))
    both = report(legs, runtime="docker", path=f" results of perf, all \n{outside}\n./none")
    assert both.outputs["legs"] == "3", both.log


def test_auto_takes_the_image_that_is_there(legs: Job, image: str) -> None:
    outcome = report(legs, path="results of perf, all")
    expect_report(outcome)
    assert "perf-smoke: in Docker, for nothing of the caller's is executed" in outcome.log


def test_an_output_dir_gets_the_report_and_keeps_what_is_read(legs: Job) -> None:
    place = legs.workspace / "results of perf, all" / "perf-smoke-0"
    outcome = report(legs, runtime="host", path="results of perf, all", output_dir=str(place))
    expect_report(outcome)
    assert (place / "result.json").exists()
    assert Path(outcome.outputs["report-md"]) == place / "report.md"


def test_a_folder_that_all_runners_see_does_for_artifacts(
    make_job: MakeJob, tmp_path: Path
) -> None:
    """As a server without artifacts has it: each leg on a machine of its own."""
    shared = tmp_path / "a disk, für alle" / "run-7"
    for label in ("gcc", "clang"):
        inputs = {"command": "true", "runs": "2", "warmup": "0", "label": label, "comment": "never"}
        leg = make_job().run({**inputs, "runtime": "host", "output-dir": str(shared / label)})
        assert leg.outputs["result-json"] == str(shared / label / "result.json"), leg.log
    outcome = report(make_job(), runtime="host", path=str(shared), legs="gcc\nclang\nicc")
    assert (outcome.outputs["legs"], outcome.reason) == ("2", "leg-missing"), outcome.log
    assert json.loads(outcome.outputs["missing"]) == ["icc"]
    for label in ("gcc", "clang"):
        assert f"<details><summary><code>{label}</code>" in outcome.summary
        assert (shared / label / "result.json").exists()


def test_where_perf_smoke_cannot_run_the_job_stays_green_and_says_so(
    make_job: MakeJob, action_copy: Path, tmp_path: Path
) -> None:
    job = make_job(action=action_copy, tool_cache=tmp_path / "none")
    (action_copy / "requirements" / "runtime.txt").write_text("no-such-package==0 --hash=x\n")
    outcome = report(job, runtime="host")
    assert outcome.code == 0, outcome.log
    assert (outcome.status, outcome.reason) == ("failed", "install-failed"), outcome.log
    assert "### perf-smoke: not reported" in outcome.summary
    assert any("not reported: perf-smoke cannot run on the host" in one for one in outcome.warnings)
    assert report(job, runtime="host", fail_on="error").code == 1
