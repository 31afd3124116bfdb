"""How is one comment kept: created once, then brought up to date, whatever else happens?

Every round starts from the comments that are there now, so that a retry, another run at the same
moment and a comment deleted meanwhile are all the same case:

- A comment is ours when its first line holds our key and its author is the token's account.
- The oldest of ours is kept and holds the text of the newest run; any others are deleted.
- An older run that ends later leaves a newer run's text alone (`superseded`). So does a push's run
  with the text of the pull request's run of the same commit, whichever of the two is newer.
- A marker that names a newer run is believed only if that run can be: its comment was edited after
  what started this run had happened, and its id is none that GitHub gives years later. Else one
  wrong marker would keep every run to come from writing.
- The same text is not written again. A newer run that says the same still moves the stamp in the
  marker, or a run between the two could overwrite it later; nobody is notified of an edit.
- A create is never repeated without looking whether the first one was carried out after all.

GitHub has no conditional edit: of two runs that edit within the same moment the last one wins.
"""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from typing import Literal

from github import GithubException
from github.Issue import Issue
from github.IssueComment import IssueComment

from perf_smoke.deadline import Deadline
from perf_smoke.github.client import (
    API_ERRORS,
    OutOfTime,
    Patience,
    in_time,
    may_pass,
    patiently,
    wait_for,
)
from perf_smoke.github.marker import FARTHEST_RUN, Stamp, foremost, read_marked

CommentStatus = Literal[
    "created",
    "updated",
    "unchanged",
    "superseded",
    "skipped",
    "no-pull-request",
    "no-token",
    "forbidden",
    "failed",
]

_ROUNDS = 4
_MOST_CREATES = 2


class Policy(enum.Enum):
    """What may be written."""

    CREATE_OR_UPDATE = "create or update"
    UPDATE_ONLY = "update only"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class CommentOutcome:
    """What became of the comment."""

    status: CommentStatus
    sentence: str
    """What was done; or what is in the way, and what to do about it."""
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class _Own:
    """A comment of ours as it was listed."""

    comment: IssueComment
    stamp: Stamp
    body: str
    edited: dt.datetime | None = None
    """When it was last written to."""


@dataclass(frozen=True, kw_only=True)
class Sticky:
    """The comment that is to be there in the end."""

    issue: Issue
    author: str
    """Login of the account that writes."""
    digest: str
    """Of its CommentKey."""
    stamp: Stamp
    body: str
    """With its marker line."""
    may_create: bool
    deadline: Deadline
    patience: Patience
    began: dt.datetime | None = None
    """When what started this run happened, by GitHub's clock."""

    def settle(self) -> CommentOutcome:
        """Look, write, and look again where it is not known what became of the writing.

        Raises:
            OutOfTime, GithubException, requests.RequestException: what stood in the way last.
        """
        creates = 0
        failure: Exception = OutOfTime()
        for _ in range(_ROUNDS):
            mine = patiently(self._listed, self.deadline, self.patience)
            if not mine and not self.may_create:
                return CommentOutcome(
                    status="skipped",
                    sentence="No comment: nothing that needs a look, and there is none to update.",
                )
            if not mine and creates == _MOST_CREATES:
                break
            try:
                if not mine:
                    creates += 1
                    mine = self._created()
                return self._updated(mine, after_create=creates > 0)
            except API_ERRORS as error:
                if not (may_pass(error) or _is_gone(error)):
                    raise
                if not wait_for(error, self.patience.pause_s, self.deadline):
                    raise
                failure = error
        raise failure

    def _listed(self) -> list[_Own]:
        """Our comments, oldest first, from all pages."""
        mine = []
        for comment in self.issue.get_comments():
            in_time(self.deadline)
            # The user is null once the account has been deleted, whatever PyGithub's types say.
            login = getattr(comment.user, "login", None) or ""
            marked = read_marked(comment.body or "")
            if marked and marked.digest == self.digest and login.lower() == self.author.lower():
                mine.append(
                    _Own(
                        comment=comment,
                        stamp=marked.stamp,
                        body=comment.body,
                        edited=comment.updated_at,
                    )
                )
        return sorted(mine, key=lambda own: own.comment.id)

    def _created(self) -> list[_Own]:
        """Create one, and look whether another run did the same at the same moment."""
        in_time(self.deadline)
        comment = self.issue.create_comment(self.body)
        created = [_Own(comment=comment, stamp=self.stamp, body=self.body)]
        try:
            mine = patiently(self._listed, self.deadline, self.patience)
        except (OutOfTime, *API_ERRORS):
            mine = []
        if not (mine or _is_one(comment)):
            raise RuntimeError("an answer to a create that holds no comment")
        return mine or created  # a list that does not show ours yet is only late

    def _updated(self, mine: list[_Own], *, after_create: bool) -> CommentOutcome:
        keeper, *copies = mine
        told = foremost([self.stamp, *(own.stamp for own in mine if self._believes(own))])
        superseded = told != self.stamp
        wanted = next(own.body for own in mine if own.stamp == told) if superseded else self.body
        edited = not _same(keeper.body, wanted)
        if edited:
            patiently(lambda: keeper.comment.edit(wanted), self.deadline, self.patience)
        status: CommentStatus
        if superseded:
            outranked = self.stamp.gives_way_to(told)
            run = "the pull request's run of this commit" if outranked else "a newer run"
            status, sentence = "superseded", f"The comment tells of {run}: left alone."
        elif after_create and not edited:
            status, sentence = "created", "The comment was created."
        elif _same(_text(keeper.body), _text(self.body)):
            status, sentence = "unchanged", "The comment says this already."
        else:
            status, sentence = "updated", "The comment was updated."
        left = sum(not self._deleted(copy) for copy in copies)
        if left:
            sentence += f" Copies of it that could not be deleted: {left}."
        return CommentOutcome(status=status, sentence=sentence, url=keeper.comment.html_url or "")

    def _believes(self, own: _Own) -> bool:
        """Whether its run can be the one that its marker names."""
        ahead = own.stamp.run_id - self.stamp.run_id
        if ahead <= 0:
            return True
        since = not (self.began and own.edited) or own.edited >= self.began
        return since and ahead < FARTHEST_RUN

    def _deleted(self, copy: _Own) -> bool:
        """Delete a copy. One that stays does no harm: the next run tries again."""
        try:
            patiently(copy.comment.delete, self.deadline, self.patience)
        except (OutOfTime, *API_ERRORS) as error:
            return _is_gone(error)  # another run was quicker
        return True


def _is_one(comment: IssueComment) -> bool:
    """Whether the API gave it, and not somebody in between a page of his own."""
    return "id" in (comment.raw_data or ())  # None, whatever its type says, of an empty answer


def _is_gone(error: Exception) -> bool:
    return isinstance(error, GithubException) and error.status == 404


def _text(body: str) -> str:
    return body.partition("\n")[2]


def _same(one: str, other: str) -> bool:
    """Whether GitHub would show the same: it may change line ends and trim the end."""
    return one.replace("\r\n", "\n").rstrip() == other.replace("\r\n", "\n").rstrip()
