"""What started this run, and which pull request is it about?

Read once from the environment and the event document. Neither is trusted: what is missing or of
the wrong kind becomes an Event without that fact, and a note that says so.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perf_smoke.network import ca_bundle
from perf_smoke.result import Leg

PULL_REQUEST_EVENTS = ("pull_request", "pull_request_target")
"""Those that carry their pull request, and the branch that it wants to go into."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """The tip of a branch whose pull request has to be looked up (push, workflow_run)."""

    repository: str
    """owner/name of the repository that holds the branch: a fork's, on workflow_run."""
    branch: str
    sha: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """One run inside a workflow. Text is empty, a number None or 0, where it is not known."""

    name: str
    """`push`, `pull_request`, …"""
    repository: str
    """owner/name: where the workflow runs and the comment goes."""
    server_url: str
    api_url: str
    ca_bundle: str = ""
    """File of the certificates by which the API is known; empty: the usual ones."""
    run_id: int
    run_attempt: int
    workflow: str
    job: str
    action_repository: str
    """owner/name of this action itself; empty when it is used as `./`."""
    action_ref: str
    matrix: str
    """This job's matrix values as compact JSON with sorted keys; empty without a matrix."""
    head_sha: str
    """The commit that the run is about: on a pull request its head, not the merge commit."""
    base_sha: str
    """Tip of the branch that the pull request, or the merge queue's group, wants to go into; before
    a push, of the branch or tag that was pushed to."""
    base_branch: str
    pull_request: int | None
    from_fork: bool
    """Whether the pull request comes from another repository: then the token is read-only."""
    began: dt.datetime | None = None
    """When what started the run happened, by GitHub's clock; a re-run's is the first run's."""
    lookup: Head | None
    """Where the pull request's number has to be asked for, when the event does not carry it."""
    measured_run_id: int
    """The run that measured: this one, or on workflow_run the one that it follows."""
    measured_run_attempt: int
    output_path: Path | None
    """GITHUB_OUTPUT."""
    summary_path: Path | None
    """GITHUB_STEP_SUMMARY."""
    notes: tuple[str, ...] = ()
    """What could not be read, as sentences."""
    measured_event: str = ""
    """On workflow_run, what started the run that measured."""
    still_measuring: bool = False
    """On workflow_run, whether the run that measures has not ended yet (`requested`)."""

    @property
    def pull_request_head(self) -> str:
        """The commit that the pull request is about; empty where the event does not tell."""
        tells = self.name in PULL_REQUEST_EVENTS or self.name == "workflow_run"
        return self.head_sha if tells else ""

    @property
    def leg(self) -> Leg:
        """Which job of which workflow this is, for the document."""
        return Leg(
            repository=self.repository,
            event=self.name,
            workflow=self.workflow,
            job=self.job,
            matrix=self.matrix,
            run_id=self.run_id,
            attempt=self.run_attempt,
            head_sha=self.head_sha,
        )

    @property
    def run_url(self) -> str:
        """The page of the run and attempt that measured, or nothing where it is not known."""
        if not (self.repository and self.measured_run_id):
            return ""
        page = f"{self.server_url}/{self.repository}/actions/runs/{self.measured_run_id}"
        attempt = self.measured_run_attempt
        return page + (f"/attempts/{attempt}" if attempt > 1 else "")


def read_event(environ: Mapping[str, str]) -> Event:
    """Read the environment of an action."""
    notes: list[str] = []
    name = environ.get("GITHUB_EVENT_NAME", "")
    repository = _repository(environ.get("GITHUB_REPOSITORY", ""), notes)
    run_id = _number(environ, "GITHUB_RUN_ID", 0, notes)
    run_attempt = _number(environ, "GITHUB_RUN_ATTEMPT", 1, notes)
    facts = _facts(name, repository, environ, notes)
    return Event(
        name=name,
        repository=repository,
        server_url=_address(environ, "GITHUB_SERVER_URL", "https://github.com", notes),
        api_url=_address(environ, "GITHUB_API_URL", "https://api.github.com", notes),
        ca_bundle=ca_bundle(environ),
        run_id=run_id,
        run_attempt=run_attempt,
        workflow=environ.get("GITHUB_WORKFLOW", ""),
        job=environ.get("GITHUB_JOB", ""),
        action_repository=environ.get("GITHUB_ACTION_REPOSITORY", ""),
        action_ref=environ.get("GITHUB_ACTION_REF", ""),
        matrix=_matrix(environ.get("PERF_SMOKE_MATRIX", ""), notes),
        head_sha=facts.head_sha,
        base_sha=facts.base_sha,
        base_branch=facts.base_branch,
        pull_request=facts.pull_request,
        from_fork=facts.from_fork,
        began=facts.began,
        lookup=facts.lookup,
        measured_run_id=facts.measured_run_id or run_id,
        measured_run_attempt=facts.measured_run_attempt or run_attempt,
        output_path=_path(environ, "GITHUB_OUTPUT"),
        summary_path=_path(environ, "GITHUB_STEP_SUMMARY"),
        notes=tuple(notes),
        measured_event=facts.measured_event,
        still_measuring=facts.still_measuring,
    )


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """What depends on the kind of event."""

    head_sha: str = ""
    base_sha: str = ""
    base_branch: str = ""
    pull_request: int | None = None
    from_fork: bool = False
    began: dt.datetime | None = None
    lookup: Head | None = None
    measured_run_id: int | None = None
    measured_run_attempt: int | None = None
    measured_event: str = ""
    still_measuring: bool = False


class _Document:
    """The event document, asked for one value at a time; what it lacks becomes a note."""

    def __init__(self, environ: Mapping[str, str], notes: list[str]) -> None:
        self._notes = notes
        self._root: Any = {}
        path = environ.get("GITHUB_EVENT_PATH", "")
        try:
            if path and Path(path).exists() and not Path(path).is_file():
                notes.append(f"The event document {path} is no plain file.")
            else:  # a pipe would be waited for
                self._root = json.loads(Path(path).read_bytes()) if path else {}
        except OSError as error:
            notes.append(f"The event document {path} cannot be read: {error.strerror}.")
        except (ValueError, RecursionError):
            notes.append(f"The event document {path} is no valid JSON.")

    def find(self, place: str) -> object:
        """The value at `a.b.c`, or None."""
        value = self._root
        for part in place.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        found: object = value
        return found

    def text(self, place: str) -> str:
        value = self.find(place)
        if isinstance(value, str):
            return value
        self._notes.append(f"The event document has no text at `{place}`.")
        return ""

    def time(self, place: str) -> dt.datetime | None:
        """ISO 8601, or seconds since 1970; None for anything else."""
        value = self.find(place)
        try:
            if isinstance(value, str):
                moment = dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
                return moment if moment.tzinfo else None
            if isinstance(value, int):
                return dt.datetime.fromtimestamp(value, dt.timezone.utc)
        except (ValueError, OverflowError, OSError):  # no moment that a calendar has
            return None
        return None

    def whole(self, place: str) -> int | None:
        value = self.find(place)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        self._notes.append(f"The event document has no number at `{place}`.")
        return None


def _facts(name: str, repository: str, environ: Mapping[str, str], notes: list[str]) -> _Facts:
    sha = environ.get("GITHUB_SHA", "")
    if name in PULL_REQUEST_EVENTS:
        return _of_pull_request(repository, _Document(environ, notes))
    if name == "issue_comment":
        return _of_issue_comment(_Document(environ, notes))
    if name == "workflow_run":
        return _of_workflow_run(_Document(environ, notes))
    if name == "merge_group":
        return _Facts(head_sha=sha, base_sha=_Document(environ, notes).text("merge_group.base_sha"))
    if name == "push":
        return _of_push(repository, sha, _branch(environ), _Document(environ, notes))
    return _Facts(head_sha=sha)


def _of_push(repository: str, sha: str, branch: str, document: _Document) -> _Facts:
    known = branch and repository
    # Zeros: the branch or tag is new. Of one that was deleted GitHub hands over the default branch.
    before = None if document.find("deleted") is True else document.find("before")
    return _Facts(
        head_sha=sha,
        base_sha=before if isinstance(before, str) and before.strip("0") else "",
        began=document.time("repository.pushed_at"),
        lookup=Head(repository=repository, branch=branch, sha=sha) if known else None,
    )


def _of_pull_request(repository: str, document: _Document) -> _Facts:
    return _Facts(
        head_sha=document.text("pull_request.head.sha"),
        base_sha=document.text("pull_request.base.sha"),
        base_branch=document.text("pull_request.base.ref"),
        pull_request=document.whole("pull_request.number"),
        # The head's repository is null once the fork has been deleted.
        from_fork=document.find("pull_request.head.repo.full_name") != repository,
        began=document.time("pull_request.updated_at"),
    )


def _of_issue_comment(document: _Document) -> _Facts:
    # Comments on plain issues raise the same event. GITHUB_SHA is the default branch's tip here,
    # so the commit under test is not known.
    about_a_pull_request = document.find("issue.pull_request") is not None
    return _Facts(
        pull_request=document.whole("issue.number") if about_a_pull_request else None,
        began=document.time("comment.created_at"),
    )


def _of_workflow_run(document: _Document) -> _Facts:
    # From the event alone: an artifact of the run that is followed may come from a fork.
    head = Head(
        repository=document.text("workflow_run.head_repository.full_name"),
        branch=document.text("workflow_run.head_branch"),
        sha=document.text("workflow_run.head_sha"),
    )
    return _Facts(
        head_sha=head.sha,
        began=document.time("workflow_run.created_at"),
        lookup=head if head.repository and head.branch and head.sha else None,
        measured_run_id=document.whole("workflow_run.id"),
        measured_run_attempt=document.whole("workflow_run.run_attempt"),
        measured_event=str(document.find("workflow_run.event") or ""),
        still_measuring=document.find("action") in ("requested", "in_progress"),
    )


def _branch(environ: Mapping[str, str]) -> str:
    ref = environ.get("GITHUB_REF", "")
    return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""


def _repository(text: str, notes: list[str]) -> str:
    if re.fullmatch(r"[\w.-]+/[\w.-]+", text, re.ASCII):
        return text
    notes.append("GITHUB_REPOSITORY is not of the form owner/name.")
    return ""


def _number(environ: Mapping[str, str], variable: str, default: int, notes: list[str]) -> int:
    text = environ.get(variable, "")
    if re.fullmatch(r"[0-9]{1,18}", text):
        return int(text)
    notes.append(f"{variable} is not a number.")
    return default


def _address(environ: Mapping[str, str], variable: str, default: str, notes: list[str]) -> str:
    text = environ.get(variable, "")
    if re.fullmatch(r"https?://[^\s/]+(/\S*)?", text):
        return text.rstrip("/")
    notes.append(f"{variable} is not an address; {default} is used.")
    return default


def _matrix(text: str, notes: list[str]) -> str:
    # toJSON(matrix) is indented, and `null` in a job without a matrix.
    try:
        value = json.loads(text or "null")
    except (ValueError, RecursionError):
        notes.append("PERF_SMOKE_MATRIX is no valid JSON; it is used as plain text.")
        return text.strip()
    return json.dumps(value, sort_keys=True, separators=(",", ":")) if value else ""


def _path(environ: Mapping[str, str], variable: str) -> Path | None:
    text = environ.get(variable, "")
    return Path(text) if text else None
