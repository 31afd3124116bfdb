"""The marker says which comment is ours, whatever the names are."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf_smoke.github.event import read_event
from perf_smoke.github.marker import (
    CommentKey,
    Stamp,
    foremost,
    key_of,
    mark,
    read_marked,
    stamp_of,
)

KEY = CommentKey(workflow="CI", job="smoke", matrix="", label="")
STAMP = Stamp(head_sha="c0ffee", run_id=17, run_attempt=2, event="push")


@given(st.text(), st.text(), st.text(), st.text(), st.text())
def test_any_names_and_text_come_back(
    workflow: str, job: str, matrix: str, label: str, text: str
) -> None:
    key = CommentKey(workflow=workflow, job=job, matrix=matrix, label=label)
    body = mark(key, STAMP, text)

    marked = read_marked(body)
    assert marked is not None
    assert marked.digest == key.digest
    assert marked.stamp == STAMP
    assert marked.text == text.replace("\r\n", "\n")
    assert body.split("\n")[0].count("-->") == 1


def test_the_key_tells_its_parts_apart() -> None:
    assert CommentKey(workflow="a", job="b", matrix="", label="").digest != (
        CommentKey(workflow="ab", job="", matrix="", label="").digest
    )


def test_a_head_that_is_no_commit_is_left_out() -> None:
    marked = read_marked(mark(KEY, dataclasses.replace(STAMP, head_sha="--> x"), "text"))

    assert marked is not None
    assert marked.stamp.head_sha == ""


def test_an_event_of_another_name_than_github_gives_is_left_out() -> None:
    marked = read_marked(mark(KEY, dataclasses.replace(STAMP, event="--> x"), "text"))

    assert marked is not None
    assert marked.stamp.event == ""


@pytest.mark.parametrize(
    "body",
    [
        "",
        "plain",
        "\n" + mark(KEY, STAMP, "text"),
        "> " + mark(KEY, STAMP, "text"),
        mark(KEY, STAMP, "").replace("run=17", "run="),
        mark(KEY, STAMP, "").replace("run=17", "run=" + "9" * 30),
        mark(KEY, STAMP, "").strip() + " more\ntext",
        mark(KEY, STAMP, "").replace("key=", "key=z"),
    ],
)
def test_anything_else_on_the_first_line_is_no_marker(body: str) -> None:
    assert read_marked(body) is None


def test_line_ends_of_an_editor_are_no_matter() -> None:
    marked = read_marked(mark(KEY, STAMP, "one\ntwo").replace("\n", "\r\n"))

    assert marked is not None
    assert marked.text == "one\ntwo"


def test_a_re_run_of_an_old_run_stays_older_than_the_runs_after_it() -> None:
    runs = [
        dataclasses.replace(STAMP, run_id=run_id, run_attempt=attempt)
        for run_id, attempt in [(10, 1), (7, 2), (8, 1), (7, 1)]
    ]

    ordered = sorted(runs, key=lambda run: run.order)
    assert [run.run_id for run in ordered] == [7, 7, 8, 10]
    assert [run.run_attempt for run in ordered] == [1, 2, 1, 1]
    assert foremost(runs) == runs[0]


def by(event: str, run_id: int, head_sha: str = "c0ffee") -> Stamp:
    return Stamp(head_sha=head_sha, run_id=run_id, run_attempt=1, event=event)


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        (by("pull_request", 7), [by("push", 8)]),
        (by("pull_request", 8), [by("push", 7)]),
        (by("pull_request_target", 7), [by("push", 8)]),
        (by("push", 8, "new"), [by("pull_request", 7, "old")]),
        (by("pull_request", 8, "new"), [by("push", 9, "old"), by("pull_request", 7, "old")]),
        # Where the commit is not known, only the newer one can be.
        (by("push", 8, ""), [by("pull_request", 7, "")]),
        (by("workflow_dispatch", 8), [by("pull_request", 7)]),
    ],
)
def test_of_one_commit_the_pull_requests_run_comes_before_the_pushs_else_the_newest_is_told(
    first: Stamp, rest: list[Stamp]
) -> None:
    for runs in itertools.permutations([first, *rest]):
        assert foremost(runs) == first


def test_key_and_stamp_come_from_the_event() -> None:
    event = read_event(
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_WORKFLOW": "CI",
            "GITHUB_JOB": "smoke",
            "GITHUB_SHA": "c0ffee",
            "GITHUB_RUN_ID": "17",
            "GITHUB_RUN_ATTEMPT": "2",
            "PERF_SMOKE_MATRIX": '{"os": "linux"}',
        }
    )

    assert event is not None
    assert key_of(event, "nightly") == CommentKey(
        workflow="CI", job="smoke", matrix='{"os":"linux"}', label="nightly"
    )
    assert stamp_of(event) == STAMP
