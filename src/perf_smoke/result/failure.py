"""Why something could not be measured: as a part of the document, and as an exception."""

from __future__ import annotations

from dataclasses import dataclass

from perf_smoke.reasons import Reason
from perf_smoke.result.strict import Strict


@dataclass(frozen=True, kw_only=True)
class Failure(Strict):
    """Why something was not measured."""

    reason: Reason
    """A slug that a workflow can test for, such as `engine-crashed`."""
    sentence: str
    """One plain sentence for a reader: what happened, where, what to do."""
    tail: str = ""
    """The last lines that the program printed. Hostile text."""


class Unmeasured(Exception):
    """Something that the run needs cannot be had. Carries the Failure that the reader sees."""

    def __init__(self, reason: Reason, sentence: str, tail: str = "") -> None:
        super().__init__(sentence)
        self.failure = Failure(reason=reason, sentence=sentence, tail=tail)

    @classmethod
    def of(cls, failure: Failure) -> Unmeasured:
        """The exception that carries this failure."""
        return cls(failure.reason, failure.sentence, failure.tail)
