"""The step of report/action.yml on the emulated GitHub."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from click.testing import CliRunner

from perf_smoke.cli import main
from perf_smoke.github.legs_outputs import LEGS_OUTPUTS
from perf_smoke.result import EngineIdentity, Model, Output, Result
from tests import documents
from tests.emulator.proxy import Proxy, answer, hang
from tests.emulator.server import Emulator, PullRequest
from tests.runner_log import commands
from tests.unit.report.test_escaping import hostile
from tests.unit.report.test_legs import FIELDS, assert_inert


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """What one step left behind."""

    exit_code: int
    log: str
    outputs: dict[str, str]
    summary: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """A job that reports what others have measured."""

    folder: Path
    url: str
    emulator: Emulator
    pull_request: PullRequest

    def pull_request_event(self) -> dict[str, Any]:
        pull, repository = self.pull_request, {"full_name": "acme/engine"}
        return {
            "pull_request": {
                "number": pull.number,
                "head": {"sha": pull.sha, "ref": pull.branch, "repo": repository},
                "base": {"sha": "0" * 40, "ref": "main"},
            }
        }

    def workflow_run_event(self, **changes: Any) -> dict[str, Any]:
        pull = self.pull_request
        values = {
            "id": 7,
            "run_attempt": 1,
            "event": "pull_request",
            "head_sha": pull.sha,
            "head_branch": pull.branch,
            "head_repository": {"full_name": "acme/engine"},
            "pull_requests": [],  # as GitHub leaves it for a fork
        }
        return {"workflow_run": {**values, **changes}}

    def leg(self, name: str = "gcc", **changes: Any) -> Result:
        """A leg of this pull request's run."""
        document = documents.leg(name, **{"head_sha": self.pull_request.sha, **changes})
        return documents.of_commit(document, "e" * 40, "b" * 40, self.pull_request.sha)

    def leg_of(self, commit: str) -> Result:
        """A leg of another commit."""
        return documents.of_commit(documents.leg(head_sha=commit), commit)

    def environment(
        self,
        name: str,
        event: object,
        *legs: Result,
        run_id: int = 7,
        environ: Mapping[str, str] = MappingProxyType({}),
        **inputs: str,
    ) -> dict[str, str]:
        temp = self.folder / f"step-{len(list(self.folder.iterdir()))}"
        temp.mkdir()
        if legs:
            documents.put(temp / "perf-smoke-results", *legs)
        (temp / "event.json").write_text(json.dumps(event))
        machine = {key: value for key, value in os.environ.items() if not key.startswith("GITHUB_")}
        runner = {
            "PERF_SMOKE_RUNTIME": "host",
            "PERF_SMOKE_OUTPUT": str(temp / "out"),
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.url,
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "acme/engine",
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(temp / "event.json"),
            "GITHUB_WORKFLOW": "perf-report",
            "GITHUB_JOB": "report",
            "GITHUB_RUN_ID": str(run_id),
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_SHA": "f" * 40,
            "GITHUB_OUTPUT": str(temp / "output"),
            "GITHUB_STEP_SUMMARY": str(temp / "summary"),
            "GITHUB_WORKSPACE": str(temp),
        }
        given = {"github_token": self.emulator.bot_token, **inputs}
        inputs_as_given = {f"INPUT_{key.upper()}": value for key, value in given.items()}
        return {**machine, **runner, **environ, **inputs_as_given}

    def step(self, name: str, event: object, *legs: Result, **options: Any) -> Step:
        """Run it to its end, in this process."""
        environment = self.environment(name, event, *legs, **options)
        ended = CliRunner().invoke(main, ["publish-legs"], env=environment)
        assert isinstance(ended.exception, SystemExit | None), ended.exc_info
        return Step(
            exit_code=ended.exit_code,
            log=ended.output,
            outputs=read_outputs(Path(environment["GITHUB_OUTPUT"])),
            summary=Path(environment["GITHUB_STEP_SUMMARY"]).read_text("utf-8"),
        )

    def comments(self) -> list[str]:
        return [comment["body"] for comment in self.emulator.comments(self.pull_request.number)]


def read_outputs(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    lines = iter(path.read_text("utf-8").split("\n")[:-1])
    for line in lines:
        name, end = line.split("<<")
        found[name] = "\n".join(iter(lambda end=end: next(lines), end))  # type: ignore[misc]
    return found


def started(environment: dict[str, str]) -> subprocess.Popen[str]:
    """The step as a process of its own."""
    command = [sys.executable, "-m", "perf_smoke", "publish-legs"]
    output = subprocess.PIPE
    return subprocess.Popen(
        command, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True
    )


def warnings(step: Step) -> list[str]:
    """What is annotated as a warning."""
    return [line for line in commands(step.log) if line.startswith("::warning")]


@pytest.fixture
def job(tmp_path: Path, emulator: Emulator, pull_request: PullRequest) -> Job:
    return Job(folder=tmp_path, url=emulator.url, emulator=emulator, pull_request=pull_request)


def test_a_matrix_gets_one_summary_one_comment_and_outputs_kept_up_to_date(job: Job) -> None:
    event = job.pull_request_event()
    first = job.step(
        "pull_request", event, job.leg("gcc", slower_by=0.2), job.leg("clang"), legs="gcc,clang,icc"
    )
    assert first.exit_code == 0, first.log
    assert set(first.outputs) == {row.name for row in LEGS_OUTPUTS}
    assert first.outputs["comment-status"] == "created", first.log
    assert (first.outputs["status"], first.outputs["reason"]) == ("failed", "leg-missing")
    assert (first.outputs["verdict"], first.outputs["legs"]) == ("slower", "2")
    assert json.loads(first.outputs["missing"]) == ["icc"]
    assert json.loads(first.outputs["counts"]) == {"slower": 1, "not-measured": 1, "no-change": 1}
    assert first.summary == Path(first.outputs["report-md"]).read_text("utf-8")
    assert first.summary.startswith("### perf-smoke: 1 of 3 slower\n")
    assert warnings(first) == [
        line for line in warnings(first) if "1 of 3 slower: gcc: slower, +" in line
    ]
    (comment,) = job.comments()
    assert comment.partition("\n")[2].startswith("### perf-smoke: 1 of 3 slower\n")

    second = job.step("pull_request", event, job.leg("gcc", run_id=8), run_id=8)
    assert second.outputs["comment-status"] == "updated", second.log
    assert (second.outputs["status"], second.outputs["verdict"]) == ("measured", "no-change")
    (comment,) = job.comments()
    assert comment.partition("\n")[2].startswith("### perf-smoke `gcc`: no change")


def test_a_forks_run_gets_its_comment_from_the_event_and_from_no_document(job: Job) -> None:
    other = job.emulator.open_pull_request()
    lies = job.leg("gcc", repository="evil/engine", event="push", workflow="perf-report")
    lies = dataclasses.replace(lies, settings={**lies.settings, "pr-number": str(other.number)})
    step = job.step("workflow_run", job.workflow_run_event(), lies, run_id=99)
    assert step.outputs["comment-status"] == "created", step.log
    assert len(job.comments()) == 1
    assert "run=7 attempt=1 event=pull_request" in job.comments()[0].splitlines()[0]
    assert "/actions/runs/7)" in job.comments()[0].replace(">", "")
    assert job.emulator.comments(other.number) == []


def test_where_the_head_has_moved_on_there_is_silence(job: Job) -> None:
    event = job.workflow_run_event(head_sha="a" * 40)
    leg = documents.of_commit(job.leg(head_sha="a" * 40), "a" * 40)
    step = job.step("workflow_run", event, leg)
    assert step.outputs["comment-status"] == "no-pull-request"
    assert job.comments() == []
    assert warnings(step) == []


def test_without_an_artifact_there_is_a_note_and_no_new_comment(job: Job) -> None:
    nothing = job.step("workflow_run", job.workflow_run_event())
    assert (nothing.exit_code, warnings(nothing)) == (0, [])
    assert (nothing.outputs["status"], nothing.outputs["reason"]) == ("skipped", "no-results")
    assert "Note: No document lies in `perf-smoke-results`." in nothing.summary
    assert "::notice title=perf-smoke::no result came" in nothing.log
    assert job.comments() == []
    job.step("workflow_run", job.workflow_run_event(), job.leg())
    after = job.step("workflow_run", job.workflow_run_event())
    assert after.outputs["comment-status"] == "updated", "what it said is not of this run"
    assert "no result came" in job.comments()[0]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda leg: documents.of_commit(leg, "a" * 40),
            "is of commit `aaaaaaaaaaaa`, and this is about",
        ),
        (
            lambda leg: dataclasses.replace(
                leg,
                sides={},
                workloads={},
                comparisons=(),
                leg=dataclasses.replace(leg.leg, head_sha="a" * 40),
            ),
            "is of commit `aaaaaaaaaaaa`, and this is about",
        ),
        (
            lambda leg: dataclasses.replace(leg, leg=dataclasses.replace(leg.leg, run_id=6)),
            "is of run 6, and this is about run 7",
        ),
    ],
)
@pytest.mark.parametrize("event", ["pull_request", "workflow_run"])
def test_a_document_of_another_commit_or_run_is_not_published(
    event: str, change: Any, why: str, job: Job
) -> None:
    events = {"pull_request": job.pull_request_event(), "workflow_run": job.workflow_run_event()}
    other = change(job.leg("gcc", slower_by=0.5))
    alone = job.step(event, events[event], other)
    assert alone.outputs["comment-status"] == "skipped", alone.log
    assert job.comments() == []
    assert alone.outputs["verdict"] == ""
    beside = job.step(event, events[event], other, job.leg("clang"))
    assert beside.outputs["comment-status"] == "created", beside.log
    (comment,) = job.comments()
    assert "### perf-smoke: 1 of 2 not measured" in comment
    assert f"- `gcc`: Its result {why}" in comment
    assert "slower" not in comment.partition("<details>")[0]
    assert "<code>gcc</code>" not in comment


def test_on_a_comment_github_is_asked_for_the_head(job: Job) -> None:
    event = {"issue": {"number": job.pull_request.number, "pull_request": {}}}
    base = documents.of_commit(job.leg("gcc", head_sha=""), "b" * 40)
    step = job.step("issue_comment", event, base)
    assert step.outputs["comment-status"] == "skipped", step.log
    assert job.comments() == []
    own = job.step("issue_comment", event, job.leg("gcc", head_sha=""))
    assert own.outputs["comment-status"] == "created", own.log


def test_a_document_of_a_run_that_somebody_started_may_be_of_any_commit(job: Job) -> None:
    leg = documents.of_commit(job.leg(event="workflow_dispatch"), "a" * 40)
    step = job.step("workflow_dispatch", {}, leg)
    assert (step.outputs["status"], step.outputs["comment-status"]) == (
        "measured",
        "no-pull-request",
    )


def test_invalid_inputs_are_each_named_and_the_job_stays_green(job: Job) -> None:
    step = job.step("pull_request", job.pull_request_event(), job.leg(), legs="[", comment="maybe")
    assert step.exit_code == 0
    assert step.outputs["status"] == "invalid"
    errors = [line for line in commands(step.log) if line.startswith("::error")]
    assert len(errors) == 2
    assert "comment must be one of" in step.summary
    red = job.step("pull_request", {}, job.leg(), legs="[", fail_on="error")
    assert red.exit_code == 1


@pytest.mark.parametrize(
    ("fail_on", "legs", "code"),
    [
        ("never", "gcc,icc", 0),
        ("error", "gcc", 0),
        ("error", "gcc,icc", 1),
        ("slower", "gcc,icc", 1),
        ("slower", "", 1),
    ],
)
def test_the_step_is_red_only_where_that_was_asked_for(
    fail_on: str, legs: str, code: int, job: Job
) -> None:
    step = job.step(
        "schedule", {}, job.leg("gcc", slower_by=0.2), legs=legs, fail_on=fail_on, comment="never"
    )
    assert step.exit_code == code, step.log
    assert step.outputs["verdict"] == "slower"


def test_comment_changes_speaks_up_for_what_needs_a_look(job: Job) -> None:
    event = job.pull_request_event()
    quiet = job.step("pull_request", event, job.leg("a"), job.leg("b"), comment="changes")
    assert quiet.outputs["comment-status"] == "skipped"
    loud = job.step("pull_request", event, job.leg("a"), legs="a\nb", comment="changes")
    assert loud.outputs["comment-status"] == "created"


def test_a_token_that_may_only_read_is_told_and_nothing_is_lost(job: Job, proxy: Proxy) -> None:
    proxy.when("POST", r"/issues/\d+/comments", answer(403))
    job = dataclasses.replace(job, url=proxy.url)
    step = job.step("pull_request", job.pull_request_event(), job.leg("a"), job.leg("b"))
    assert (step.exit_code, step.outputs["comment-status"]) == (0, "forbidden")
    assert "2 results came" in step.summary
    assert any("pull-requests: write" in line for line in warnings(step))


def test_a_hundred_legs_are_reported_within_the_limits(job: Job) -> None:
    legs = [job.leg(f"compiler {number}", pairs=60) for number in range(100)]
    step = job.step("pull_request", job.pull_request_event(), *legs)
    (comment,) = job.comments()
    assert len(comment) < 65_536
    assert len(step.summary.encode()) < 900 * 1024
    for number in range(100):
        assert f"| compiler {number} |" in comment.replace("*", "")
        assert f"<details><summary><code>compiler {number}</code>" in step.summary
    assert sum(map(len, step.outputs.values())) < 10_000


def test_no_hostile_string_acts_in_comment_summary_log_or_outputs(job: Job) -> None:
    """Each document holds one of them in every field that others write."""
    for begin in range(0, len(FIELDS), 60):
        strings = FIELDS[begin : begin + 60]
        legs = [
            *(_failed(text, job.pull_request.sha) for text in strings[::2]),
            *(_measured(text, job.leg(text)) for text in strings[1::2]),
        ]
        step = job.step("pull_request", job.pull_request_event(), *legs)
        assert step.exit_code == 0, step.log
        assert set(step.outputs) == {row.name for row in LEGS_OUTPUTS}
        assert (step.outputs["legs"], step.outputs["missing"]) == (str(len(legs)), "[]")
        (comment,) = job.comments()
        for text in (step.summary, comment.partition("\n")[2]):
            assert_inert(text, "https://github.com/acme/engine/actions/runs/7")
        said = [line for line in commands(step.log) if not line.startswith("::add-mask")]
        assert {line.split(" ")[0] for line in said} <= {"::notice", "::warning"}, said
        assert not set(step.log) & set(map(chr, (*range(9), *range(11, 32), 0x7F, 0x202E)))


def _failed(text: str, sha: str) -> Result:
    """A run that came to nothing."""
    result = hostile(text, "failed")
    assert result.failure
    assert result.leg
    return dataclasses.replace(
        result,
        failure=dataclasses.replace(result.failure, reason="internal-error"),
        leg=dataclasses.replace(result.leg, run_id=7, head_sha=sha),
        sides={},
        workloads={},
        comparisons=(),
        lost_bases={},
        notes=(text,),
    )


def _measured(text: str, leg: Result) -> Result:
    """A run whose numbers are sound."""
    engine = EngineIdentity(id=text, version=text, binary=text, binary_sha256=text)
    (workload,) = leg.workloads.values()
    assert workload.request
    prompt = dataclasses.replace(workload.request.prompt, text=text)
    measurements = {
        side: dataclasses.replace(found, output=Output(text=text, sha256=text, stable=False))
        for side, found in workload.measurements.items()
    }
    request = dataclasses.replace(workload.request, prompt=prompt, features=(text,))
    changed = dataclasses.replace(workload, request=request, measurements=measurements)
    return dataclasses.replace(
        leg,
        settings={"label": text, "command": text},
        model=Model(reference=text, sha256=text),
        notes=(text,),
        sides={
            name: dataclasses.replace(side, ref=text, engine=engine)
            for name, side in leg.sides.items()
        },
        workloads=dict.fromkeys(leg.workloads, changed),
    )


def test_a_secret_of_this_job_is_hidden_wherever_a_document_holds_it(job: Job) -> None:
    secret = "correct-horse-battery-staple"
    leg = dataclasses.replace(job.leg("gcc"), notes=(f"It said {secret}.",))
    named = job.leg(f"clang {secret}")
    broken = {"HF_TOKEN": secret, "GITHUB_RUN_ATTEMPT": "1"}
    environment = job.environment(
        "pull_request", job.pull_request_event(), leg, named, environ=broken
    )
    folder = Path(environment["GITHUB_WORKSPACE"], "perf-smoke-results")
    (folder / f"{secret}.json").write_text(f'{{"{secret}": 1}}')
    ended = CliRunner().invoke(main, ["publish-legs"], env=environment)
    summary = Path(environment["GITHUB_STEP_SUMMARY"]).read_text("utf-8")
    outputs = Path(environment["GITHUB_OUTPUT"]).read_text("utf-8")
    assert "no valid result" in summary.replace("\N{NO-BREAK SPACE}", " ")
    assert "It said" in summary
    assert secret not in "".join([ended.output, summary, outputs, *job.comments()])


def test_killed_before_its_comment_it_leaves_whole_files_and_no_comment(
    job: Job, proxy: Proxy
) -> None:
    proxy.when("GET", r"/issues/\d+/comments", hang)
    slow = dataclasses.replace(job, url=proxy.url)
    environment = slow.environment(
        "pull_request", job.pull_request_event(), job.leg("a"), job.leg("b", slower_by=0.2)
    )
    process = started(environment)
    end = time.monotonic() + 120
    while not proxy.asked("GET", r"/issues/\d+/comments") and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    outputs = read_outputs(Path(environment["GITHUB_OUTPUT"]))
    assert (outputs["status"], outputs["verdict"]) == ("measured", "slower")
    summary = Path(environment["GITHUB_STEP_SUMMARY"]).read_text()
    assert "*Informational: this check never blocks a merge.*" in summary.splitlines()[-1]
    assert Path(outputs["report-md"]).read_text() == summary
    assert job.comments() == []
    again = job.step("pull_request", job.pull_request_event(), job.leg("a"))
    assert again.outputs["comment-status"] == "created"
