"""The event is read defensively: what is odd is missing, with a note, and nothing raises."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from perf_smoke.github.event import Event, Head, read_event

ACTION = {
    "GITHUB_ACTION_REPOSITORY": "org/perf-smoke-action",
    "GITHUB_ACTION_REF": "v1",
    "GITHUB_ACTIONS": "true",
    "GITHUB_API_URL": "https://ghe.example/api/v3/",
    "GITHUB_EVENT_NAME": "schedule",
    "GITHUB_JOB": "smoke",
    "GITHUB_OUTPUT": "/tmp/runner/output",
    "GITHUB_REF": "refs/heads/feature/fast",
    "GITHUB_REPOSITORY": "acme/engine",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_RUN_ID": "17",
    "GITHUB_SERVER_URL": "https://ghe.example",
    "GITHUB_SHA": "c0ffee",
    "GITHUB_STEP_SUMMARY": "/tmp/runner/summary",
    "GITHUB_WORKFLOW": "CI",
    "RUNNER_TEMP": "/tmp/runner",
}

PULL_REQUEST = {
    "number": 5,
    "head": {"sha": "abc", "repo": {"full_name": "acme/engine"}},
    "base": {"sha": "def", "ref": "main"},
}
WORKFLOW_RUN = {
    "id": 11,
    "run_attempt": 2,
    "head_sha": "abc",
    "head_branch": "topic",
    "head_repository": {"full_name": "someone/engine"},
}


def read(tmp_path: Path, name: str, document: object = None, **environ: str) -> Event:
    path = tmp_path / "event.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    given = {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(path), **environ}
    event = read_event(ACTION | given)
    assert event is not None
    return event


def test_the_environment_says_where_and_when_it_runs() -> None:
    event = read_event(ACTION)

    assert event == Event(
        name="schedule",
        repository="acme/engine",
        server_url="https://ghe.example",
        api_url="https://ghe.example/api/v3",
        run_id=17,
        run_attempt=1,
        workflow="CI",
        job="smoke",
        action_repository="org/perf-smoke-action",
        action_ref="v1",
        matrix="",
        head_sha="c0ffee",
        base_sha="",
        base_branch="",
        pull_request=None,
        from_fork=False,
        lookup=None,
        measured_run_id=17,
        measured_run_attempt=1,
        output_path=Path("/tmp/runner/output"),
        summary_path=Path("/tmp/runner/summary"),
        notes=(),
    )


def test_the_run_page_names_a_re_run() -> None:
    first = read_event(ACTION)
    second = read_event(ACTION | {"GITHUB_RUN_ATTEMPT": "2"})

    assert first is not None
    assert first.run_url == "https://ghe.example/acme/engine/actions/runs/17"
    assert second is not None
    assert second.run_url == "https://ghe.example/acme/engine/actions/runs/17/attempts/2"


def test_without_a_run_there_is_no_page() -> None:
    event = read_event(ACTION | {"GITHUB_RUN_ID": ""})

    assert event is not None
    assert event.run_url == ""


def test_an_empty_environment_is_noted_and_takes_the_public_addresses() -> None:
    event = read_event({"GITHUB_ACTIONS": "true"})

    assert event is not None
    assert event.server_url == "https://github.com"
    assert event.api_url == "https://api.github.com"
    assert event.output_path is None
    assert event.notes == (
        "GITHUB_REPOSITORY is not of the form owner/name.",
        "GITHUB_RUN_ID is not a number.",
        "GITHUB_RUN_ATTEMPT is not a number.",
        "GITHUB_SERVER_URL is not an address; https://github.com is used.",
        "GITHUB_API_URL is not an address; https://api.github.com is used.",
    )


@pytest.mark.parametrize("name", ["pull_request", "pull_request_target"])
def test_a_pull_request_is_about_its_head_not_the_merge_commit(tmp_path: Path, name: str) -> None:
    event = read(tmp_path, name, {"pull_request": PULL_REQUEST})

    assert (event.pull_request, event.head_sha) == (5, "abc")
    assert (event.base_sha, event.base_branch) == ("def", "main")
    assert not event.from_fork
    assert event.notes == ()


@pytest.mark.parametrize("repo", [{"full_name": "someone/engine"}, None])
def test_a_pull_request_from_another_or_a_deleted_repository_is_a_forks(
    tmp_path: Path, repo: object
) -> None:
    pull_request = PULL_REQUEST | {"head": {"sha": "abc", "repo": repo}}

    assert read(tmp_path, "pull_request", {"pull_request": pull_request}).from_fork


def test_a_comment_on_a_pull_request_has_its_number_and_no_commit(tmp_path: Path) -> None:
    event = read(tmp_path, "issue_comment", {"issue": {"number": 9, "pull_request": {}}})

    assert (event.pull_request, event.head_sha) == (9, "")


def test_a_comment_on_a_plain_issue_has_none(tmp_path: Path) -> None:
    assert read(tmp_path, "issue_comment", {"issue": {"number": 9}}).pull_request is None


def test_a_push_has_a_branch_to_look_up(tmp_path: Path) -> None:
    event = read(tmp_path, "push", {})

    assert event.lookup == Head(repository="acme/engine", branch="feature/fast", sha="c0ffee")
    assert event.pull_request is None


@pytest.mark.parametrize(
    "environ", [{"GITHUB_REF": "refs/tags/v1"}, {"GITHUB_REF": ""}, {"GITHUB_REPOSITORY": "x"}]
)
def test_a_push_of_no_branch_has_nothing_to_look_up(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    assert read(tmp_path, "push", {}, **environ).lookup is None


def test_a_workflow_run_is_about_the_run_that_it_follows(tmp_path: Path) -> None:
    event = read(tmp_path, "workflow_run", {"workflow_run": WORKFLOW_RUN})

    assert event.lookup == Head(repository="someone/engine", branch="topic", sha="abc")
    assert event.head_sha == "abc"
    assert (event.run_id, event.measured_run_id, event.measured_run_attempt) == (17, 11, 2)


@pytest.mark.parametrize("missing", ["head_sha", "head_branch", "head_repository"])
def test_a_workflow_run_without_its_head_has_nothing_to_look_up(
    tmp_path: Path, missing: str
) -> None:
    run = WORKFLOW_RUN | {missing: None}
    event = read(tmp_path, "workflow_run", {"workflow_run": run})

    assert event.lookup is None
    assert len(event.notes) == 1


@pytest.mark.parametrize(
    ("document", "note"),
    [
        pytest.param("{", "is no valid JSON", id="broken"),
        pytest.param("[" * 200_000, "is no valid JSON", id="too deep"),
        pytest.param("[]", "no number at `pull_request.number`", id="list"),
        pytest.param({}, "no number at `pull_request.number`", id="empty"),
        pytest.param(
            {"pull_request": PULL_REQUEST | {"number": "5"}},
            "no number at `pull_request.number`",
            id="text for a number",
        ),
        pytest.param(
            {"pull_request": PULL_REQUEST | {"number": True}},
            "no number at `pull_request.number`",
            id="a truth value for a number",
        ),
        pytest.param(
            {"pull_request": PULL_REQUEST | {"number": -1}},
            "no number at `pull_request.number`",
            id="below one",
        ),
    ],
)
def test_an_odd_document_loses_the_number_with_a_note(
    tmp_path: Path, document: object, note: str
) -> None:
    event = read(tmp_path, "pull_request", document)

    assert event.pull_request is None
    assert any(note in sentence for sentence in event.notes)


def test_a_document_with_odd_parts_keeps_the_others(tmp_path: Path) -> None:
    event = read(tmp_path, "pull_request", {"pull_request": PULL_REQUEST | {"head": 5}})

    assert event.pull_request == 5
    assert event.head_sha == ""
    assert event.notes == ("The event document has no text at `pull_request.head.sha`.",)


def test_a_missing_document_is_noted(tmp_path: Path) -> None:
    event = read(tmp_path, "pull_request", {}, GITHUB_EVENT_PATH=str(tmp_path / "none.json"))

    assert "cannot be read: No such file or directory." in event.notes[0]


def test_no_document_at_all_is_noted(tmp_path: Path) -> None:
    event = read(tmp_path, "pull_request", {}, GITHUB_EVENT_PATH="")

    assert "The event document has no number at `pull_request.number`." in event.notes


@pytest.mark.parametrize(
    ("given", "matrix"),
    [
        ('{\n  "os": "linux",\n  "cc": "gcc"\n}', '{"cc":"gcc","os":"linux"}'),
        ("null", ""),
        ("{}", ""),
        ("", ""),
    ],
)
def test_the_matrix_is_the_same_text_however_it_was_written(given: str, matrix: str) -> None:
    event = read_event(ACTION | {"PERF_SMOKE_MATRIX": given})

    assert event is not None
    assert event.matrix == matrix


def test_a_broken_matrix_is_used_as_text_with_a_note() -> None:
    event = read_event(ACTION | {"PERF_SMOKE_MATRIX": " {broken "})

    assert event is not None
    assert event.matrix == "{broken"
    assert event.notes == ("PERF_SMOKE_MATRIX is no valid JSON; it is used as plain text.",)


def test_reading_the_event_brings_no_http_library_into_the_process_that_measures() -> None:
    program = (
        "import sys, perf_smoke.github.event, perf_smoke.github.commands,"
        " perf_smoke.github.outputs, perf_smoke.github.marker;"
        "print([name for name in ('requests', 'github', 'urllib3') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(Path(__file__).parents[3] / "src")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "[]\n"


def test_any_json_gives_an_event(tmp_path: Path) -> None:
    values: list[Any] = [None, True, 0, -1, 1.5, "x", [], {}, {"head": []}, {"repo": {}}]
    for name in ("pull_request", "issue_comment", "workflow_run", "push"):
        for value in values:
            for document in (value, {"pull_request": value, "issue": value, "workflow_run": value}):
                assert isinstance(read(tmp_path, name, document), Event)


def test_a_push_knows_what_was_there_before(tmp_path: Path) -> None:
    event = read(
        tmp_path, "push", {"before": "ab" * 20, "repository": {"pushed_at": 1_700_000_000}}
    )

    assert (event.base_sha, event.head_sha, event.notes) == ("ab" * 20, "c0ffee", ())
    assert event.began == dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.timezone.utc)
    assert read(tmp_path, "push", {"before": "0" * 40}).base_sha == ""
    assert read(tmp_path, "push", {"before": 5}).base_sha == ""


def test_a_merge_queue_knows_what_it_merges_into(tmp_path: Path) -> None:
    event = read(tmp_path, "merge_group", {"merge_group": {"base_sha": "ab" * 20}})

    assert (event.base_sha, event.head_sha, event.pull_request) == ("ab" * 20, "c0ffee", None)
    assert (event.pull_request_head, event.notes) == ("", ())


@pytest.mark.parametrize(
    ("name", "head"),
    [
        *(("pull_request", "abc"), ("pull_request_target", "abc"), ("workflow_run", "abc")),
        *(("push", ""), ("schedule", ""), ("issue_comment", "")),
    ],
)
def test_the_head_of_a_pull_request_is_told_by_its_own_events(
    tmp_path: Path, name: str, head: str
) -> None:
    document = {"pull_request": PULL_REQUEST, "workflow_run": WORKFLOW_RUN}
    assert read(tmp_path, name, document).pull_request_head == head


@pytest.mark.parametrize("moment", ["2026-11-25T19:00:00Z", 1795633200])
def test_a_moment_is_read_in_both_of_githubs_spellings(tmp_path: Path, moment: object) -> None:
    document = {"issue": {"number": 9, "pull_request": {}}, "comment": {"created_at": moment}}
    assert read(tmp_path, "issue_comment", document).began == dt.datetime(
        2026, 11, 25, 19, tzinfo=dt.timezone.utc
    )


@pytest.mark.parametrize("moment", ["yesterday", "2026-11-25", 10**30, -(10**30), [], None, 1.5])
def test_an_odd_moment_is_none(tmp_path: Path, moment: object) -> None:
    document = {"issue": {"number": 9}, "comment": {"created_at": moment}}
    assert read(tmp_path, "issue_comment", document).began is None
