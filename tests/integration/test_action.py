"""One step of a workflow as the runner starts it: inputs in the environment, real engine, the
emulated GitHub, and what everybody sees afterwards."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from perf_smoke import result_file
from perf_smoke.github.outputs import OUTPUTS
from tests import results
from tests.emulator.proxy import Proxy, answer
from tests.emulator.server import Emulator, PullRequest
from tests.runner_log import commands

HOSTILE = (
    "print('::set-env name=PATH::/nowhere'); print('::error::not ours'); "
    "print('##[error]nor this'); print('</details> @octocat ```'); "
    "import sys; sys.stdout.flush(); sys.exit(3)"
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one step left behind."""

    exit_code: int
    log: str
    outputs: dict[str, str]
    summary: str
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job on a pull request; each call runs one step in it."""

    folder: Path
    emulator: Emulator
    pull_request: PullRequest

    def step(
        self, run_id: int = 1, event: str = "pull_request", *, fork: bool = False, **inputs: str
    ) -> Step:
        temp = self.folder / f"temp-{run_id}-{len(list(self.folder.iterdir()))}"
        temp.mkdir()
        (temp / "event.json").write_text(json.dumps(self._event(fork=fork)))
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")
        }
        environment |= {
            "PERF_SMOKE_RUNTIME": "host",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_REPOSITORY": "org/perf-smoke-action",
            "GITHUB_ACTION_REF": "v1",
            "GITHUB_API_URL": self.emulator.url,
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": self.emulator.repository,
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(temp / "event.json"),
            "GITHUB_WORKFLOW": "CI",
            "GITHUB_JOB": "smoke",
            "GITHUB_RUN_ID": str(run_id),
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_SHA": self.pull_request.sha,
            "GITHUB_REF": f"refs/heads/{self.pull_request.branch}",
            "GITHUB_OUTPUT": str(temp / "output"),
            "GITHUB_STEP_SUMMARY": str(temp / "summary"),
            "RUNNER_TEMP": str(temp),
            "INPUT_GITHUB_TOKEN": self.emulator.bot_token,
        }
        environment["GITHUB_WORKFLOW_REF"] = inputs.pop("workflow_ref", "")
        given = {"runs": "2", **inputs}
        environment |= {f"INPUT_{name.upper()}": value for name, value in given.items()}
        (temp / "perf-smoke").mkdir()
        environment["PERF_SMOKE_FOLDER"] = str(temp / "perf-smoke")
        environment["PERF_SMOKE_OUTPUT"] = inputs.get(
            "output_dir", environment["PERF_SMOKE_FOLDER"]
        )
        token = environment.pop("INPUT_GITHUB_TOKEN")
        measuring = _perf_smoke("run", temp, environment)
        assert measuring.returncode == 0, measuring.stdout
        reporting = _perf_smoke("publish", temp, {**environment, "INPUT_GITHUB_TOKEN": token})
        summary = temp / "summary"
        return Step(
            exit_code=reporting.returncode,
            log=measuring.stdout + reporting.stdout,
            outputs=_read_outputs(temp / "output"),
            summary=summary.read_text("utf-8") if summary.exists() else "",
            folder=temp,
        )

    def comments(self) -> list[str]:
        return [comment["body"] for comment in self.emulator.comments(self.pull_request.number)]

    def _event(self, *, fork: bool) -> object:
        pull = self.pull_request
        repository = "someone/engine" if fork else self.emulator.repository
        head = {"sha": pull.sha, "repo": {"full_name": repository}}
        base = {"sha": "", "ref": "main"}
        return {
            "number": pull.number,
            "pull_request": {"number": pull.number, "head": head, "base": base},
        }


def _perf_smoke(
    command: str, folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "perf_smoke", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def job(tmp_path: Path, emulator: Emulator, pull_request: PullRequest) -> Job:
    return Job(folder=tmp_path, emulator=emulator, pull_request=pull_request)


def test_a_pull_request_gets_outputs_a_summary_a_notice_and_one_comment_kept_up_to_date(
    job: Job,
) -> None:
    first = job.step(run_id=1)
    second = job.step(run_id=2)

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert set(first.outputs) == {row.name for row in OUTPUTS}
    assert first.outputs["status"] == "measured"
    assert first.outputs["verdict"] == "no-baseline"
    assert float(first.outputs["e2e-ms"]) > 0
    assert first.outputs["change"] == "", "nothing was compared"
    assert (first.outputs["comment-status"], second.outputs["comment-status"]) == (
        "created",
        "updated",
    )
    assert re.search(r"^::notice title=perf-smoke CI / smoke::.*4 tokens", first.log, re.MULTILINE)
    measured = result_file.read(Path(second.outputs["result-json"]))
    (comment,) = job.comments()
    shown = f"{results.of(measured).summary['e2e_ms'].median:.3g}"
    assert shown.split("e", maxsplit=1)[0] in comment
    assert comment.partition("\n")[2].rstrip() == second.summary.rstrip()


def test_a_report_leads_to_the_pages_and_to_the_perf_smoke_of_the_version_that_is_used(
    job: Job,
) -> None:
    summary = job.step(command="true").summary
    version = "https://github.com/org/perf-smoke-action"
    assert f"[how to read this](<{version}/blob/v1/docs/STATISTICS.md>)" in summary
    assert "/v1/README.md#did-this-change-make-it-slower>)" in summary
    assert f"\npip install 'perf-smoke-action @ git+{version}@v1'\nperf-smoke run" in summary


def test_the_push_of_a_commit_leaves_the_comment_to_its_pull_request(job: Job) -> None:
    first = job.step(run_id=2, event="push", command="true")
    second = job.step(run_id=1, command="true")
    third = job.step(run_id=3, event="push", command="true")

    steps = (first, second, third)
    assert [step.outputs["comment-status"] for step in steps] == [
        *("created", "updated", "superseded"),
    ]
    (comment,) = job.comments()
    assert comment.partition("\n")[2].rstrip() == second.summary.rstrip()
    assert warnings(third) == []


def test_a_failing_engine_is_a_warning_with_its_last_lines_and_never_red(job: Job) -> None:
    step = job.step(command=f'{sys.executable} -c "{HOSTILE}"')

    assert step.exit_code == 0
    assert (step.outputs["status"], step.outputs["reason"]) == ("failed", "engine-crashed")
    assert "exited with code 3" in step.summary
    assert "::set-env" in step.summary
    assert step.outputs["e2e-ms"] == ""
    assert re.search(r"^::warning title=perf-smoke CI / smoke::.*code 3", step.log, re.MULTILINE)
    (comment,) = job.comments()
    assert "not measured" in comment.splitlines()[1]


def test_a_base_that_cannot_be_had_is_a_warning(job: Job) -> None:
    step = job.step(command="true", base_command="./gone", runs="1")

    assert step.exit_code == 0
    assert re.search(r"^::warning title=perf-smoke CI / smoke::", step.log, re.MULTILINE)
    assert "Nothing to compare with" in step.summary


def test_what_an_engine_prints_is_never_a_command_to_the_runner(job: Job) -> None:
    step = job.step(command=f'{sys.executable} -c "{HOSTILE}"')

    acting = commands(step.log)
    assert "::set-env name=PATH" in step.log, "its last lines are not shown"
    names = {line.split("::")[1].split(" ")[0] for line in acting}
    assert names <= {"group", "endgroup", "add-mask", "warning"}, acting
    assert "##[" not in "".join(acting)


def test_fail_on_error_is_the_only_way_to_red(job: Job) -> None:
    assert job.step(command="no-such-program", fail_on="error").exit_code == 1
    assert job.step(command="no-such-program").exit_code == 0
    invalid = job.step(tokens="many", fail_on="error")
    assert invalid.exit_code == 1
    assert "never blocks a merge" not in invalid.summary


@pytest.mark.parametrize(
    ("asked", "command", "cause"),
    [
        ("error, slower", "sleep 0.1", "slower"),
        ("slower\nerror\n", "no-such-program", "error"),
        ("slower", "no-such-program", ""),
    ],
)
def test_a_red_step_says_because_of_what(job: Job, asked: str, command: str, cause: str) -> None:
    step = job.step(
        command=command, base_command="true", runs="12", warmup="0", metric="wall", fail_on=asked
    )
    said = f"::error title=perf-smoke::failed because of `fail-on: {cause}`."
    assert (step.exit_code, said in step.log) == (bool(cause), bool(cause))
    assert (f"It failed because of `fail-on: {cause}`." in step.summary) == bool(cause)


def test_a_head_that_crashes_where_its_base_does_not_is_a_result_of_its_own(job: Job) -> None:
    step = job.step(command="false", base_command="true", runs="3")
    outputs = step.outputs
    assert (outputs["status"], outputs["reason"]) == ("failed", "engine-crashed")
    assert outputs["verdict"] == "head-crashes"
    assert "head crashes, base does not" in step.summary.splitlines()[0]
    both = job.step(command="false", base_command="false", runs="3")
    assert both.outputs["verdict"] == ""


def test_what_cannot_work_is_an_error_that_costs_no_build(job: Job) -> None:
    step = job.step(command="./bench {modle}", build="touch built; exit 1")
    assert (step.exit_code, step.outputs["status"]) == (0, "invalid")
    assert re.search(r"^::error title=perf-smoke[^:]*::.*modle", step.log, re.MULTILINE)
    assert "{modle}" in step.summary


def test_invalid_inputs_are_all_annotated_and_nothing_is_commented(job: Job) -> None:
    step = job.step(tokens="0", seed="-1", metric="speed")

    assert step.exit_code == 0
    assert step.outputs["status"] == "invalid"
    annotated = re.findall(r"^::error title=perf-smoke::(\S+)", step.log, re.MULTILINE)
    assert step.summary.startswith("### perf-smoke `CI / smoke`: not measured")
    assert annotated == ["tokens", "seed", "metric"]
    assert all(name in step.summary for name in annotated)
    assert job.comments() == []


def test_the_token_is_masked_and_in_no_file_log_or_engine(job: Job) -> None:
    show = (
        "import os, sys; found = [v for v in os.environ.values() if 'bot-' + 'token' in v]; "
        "print(found, file=sys.stderr); sys.exit(1)"
    )
    step = job.step(command=f'{sys.executable} -c "{show}"')

    token = job.emulator.bot_token
    assert f"::add-mask::{token}" in step.log
    assert token not in step.log.replace(f"::add-mask::{token}", "")
    assert "[]" in step.summary
    written = [path for path in step.folder.rglob("*") if path.is_file()]
    assert [path for path in written if token in path.read_text("utf-8", "replace")] == []


def test_an_empty_token_is_a_warning_with_what_to_do(job: Job) -> None:
    step = job.step(command="true", github_token="")

    assert (step.exit_code, step.outputs["status"]) == (0, "measured")
    assert step.outputs["comment-status"] == "no-token"
    (warning,) = warnings(step)
    assert "`github-token` is empty" in warning
    assert job.comments() == []


def test_an_empty_token_is_no_warning_where_nobody_misses_a_comment(job: Job) -> None:
    steps = {
        "no-token": job.step(command="true", github_token="", fork=True),
        "skipped": job.step(command="true", github_token="", comment="never"),
        "no-pull-request": job.step(command="true", github_token="", event="schedule"),
    }

    for status, step in steps.items():
        assert step.outputs["comment-status"] == status
        assert warnings(step) == []


def test_a_token_that_may_not_comment_is_a_warning_with_what_to_do(job: Job, proxy: Proxy) -> None:
    refusal = {"message": "Resource not accessible by integration"}
    proxy.when("POST", r"/comments$", answer(403, refusal))
    refused = replace(job, emulator=replace(job.emulator, url=proxy.url))

    step = refused.step(command="true")

    assert (step.exit_code, step.outputs["status"]) == (0, "measured")
    assert step.outputs["comment-status"] == "forbidden"
    (warning,) = warnings(step)
    assert "`permissions: pull-requests: write`" in warning
    assert "### perf-smoke" in step.summary
    assert job.comments() == []


def test_the_missing_comment_of_a_fork_is_a_line_of_the_log(job: Job, proxy: Proxy) -> None:
    refusal = {"message": "Resource not accessible by integration"}
    proxy.when("POST", r"/comments$", answer(403, refusal))
    refused = replace(job, emulator=replace(job.emulator, url=proxy.url))

    step = refused.step(command="true", fork=True)

    assert step.outputs["comment-status"] == "forbidden"
    assert warnings(step) == []
    assert "Comment: forbidden. No comment: the token may not write comments" in step.log


@pytest.mark.parametrize(("label", "said"), [("", True), ("model-a", False)])
def test_a_reusable_workflow_without_a_label_is_told_in_the_log(
    job: Job, monkeypatch: pytest.MonkeyPatch, label: str, said: bool
) -> None:
    called = "o/shared/.github/workflows/bench.yml@refs/heads/main"
    monkeypatch.setenv("PERF_SMOKE_JOB_WORKFLOW", called)
    caller = "o/r/.github/workflows/ci.yml@refs/pull/7/merge"
    step = job.step(command="true", label=label, workflow_ref=caller)
    assert ("cannot see the matrix of its caller" in step.log) is said
    assert warnings(step) == []


def test_what_a_build_prints_is_in_the_log_and_beside_the_result(job: Job, tmp_path: Path) -> None:
    hostile = "echo '::error::not ours'; echo '##[error]nor this'; echo compiled; false"
    step = job.step(command="true", build=hostile, output_dir=str(tmp_path / "results"))

    assert "  | compiled" in step.log
    assert (step.outputs["reason"], step.outputs["status"]) == ("build-failed", "failed")
    assert {line.split("::")[1].split(" ")[0] for line in commands(step.log)} <= {
        *("group", "endgroup", "add-mask", "warning")
    }
    kept = (tmp_path / "results" / "build-head.log").read_text()
    assert kept == "::error::not ours\n##[error]nor this\ncompiled\n"
    assert (tmp_path / "results" / "result.json").exists()


def warnings(step: Step) -> list[str]:
    return [line for line in commands(step.log) if line.startswith("::warning")]


def test_outputs_that_cannot_be_written_are_a_warning(job: Job, tmp_path: Path) -> None:
    (tmp_path / "blocker").write_text("")
    step = job.step(output_dir=str(tmp_path / "blocker" / "below"))

    assert step.exit_code == 0
    assert step.outputs["status"] == "measured"
    assert step.outputs["result-json"] == ""
    assert "cannot be made" in step.log
    assert "E2E latency" in step.summary


def _read_outputs(path: Path) -> dict[str, str]:
    """The file as the runner reads it: `name<<delimiter`, lines, `delimiter`."""
    if not path.exists():
        return {}
    found = {}
    lines = iter(path.read_text("utf-8").splitlines())
    for line in lines:
        name, _, delimiter = line.partition("<<")
        value = []
        for inner in lines:
            if inner == delimiter:
                break
            value.append(inner)
        found[name] = "\n".join(value)
    return found
