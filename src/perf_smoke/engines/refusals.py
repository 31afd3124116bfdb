"""What a refusal tells: that a request belongs elsewhere, or which part of it the server cannot
take."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping, Sequence
from typing import Any, Protocol

from perf_smoke.engines.address import Form
from perf_smoke.engines.http_client import RequestRefused
from perf_smoke.printable import one_line

_NOT_THERE = (404, 405, 501)
_UNFIT = (400, 404, 422, 500, 501)
"""What servers answer to a part of a request that they do not know."""
_OTHER_FORM: Mapping[Form, re.Pattern[str]] = {
    "completions": re.compile(r"chat[ /._-]?completions|\bchat model\b", re.IGNORECASE),
    "chat/completions": re.compile(r"not a chat model|(?<!chat/)\bcompletions\b", re.IGNORECASE),
}
_NO_SUCH_MODEL = re.compile(
    r"\bmodel\b.{0,200}(?:not found|not exist|unknown|not available|no such)|model_not_found",
    re.IGNORECASE | re.DOTALL,
)
_OPTIONAL = ("stream_options", "include_usage", "seed", "ignore_eos", "cache_prompt")
"""What of a request may be left out; the second is a part of the first."""


class Asked(Protocol):
    """Where a request was sent."""

    @property
    def path(self) -> str: ...

    @property
    def form(self) -> Form: ...


def is_elsewhere(refusal: RequestRefused, form: Form) -> bool:
    """Whether another place or form may know what this one does not."""
    named = refusal.status in _UNFIT and _names_the_other(refusal, form)
    return refusal.status in _NOT_THERE or named


def part_refused(refusal: RequestRefused, body: Container[str]) -> str:
    """The part of the request that the server names: it is left out, and `max_tokens` goes by its
    newer name where that is named too. Empty where it names none that could be."""
    if refusal.status not in _UNFIT:
        return ""
    words = _words(refusal)
    if "max_tokens" in body and "max_completion_tokens" in words:
        return "max_tokens"
    error = refusal.said.get("error") if isinstance(refusal.said, dict) else None
    param = error.get("param") if isinstance(error, dict) else None
    for text in (param if isinstance(param, str) else "", words):
        named = re.search(rf"\b(?:{'|'.join(_OPTIONAL)})\b", text)
        part = named[0].replace("include_usage", "stream_options") if named else ""
        if part in body:
            return part
    return ""


def telling(refusals: Sequence[tuple[Asked, RequestRefused]]) -> RequestRefused:
    """Of all refusals of one request, the one that says what is wrong: that there is no such model;
    else whatever a place says that is there; else that nothing is there, with where it was asked.
    """
    for asked, refusal in refusals:
        if _NO_SUCH_MODEL.search(_words(refusal)) and not _names_the_other(refusal, asked.form):
            return refusal
    there = [refusal for _, refusal in refusals if refusal.status not in _NOT_THERE]
    if there:
        return there[-1]
    first = refusals[0][1]
    paths = ", ".join(one_line(asked.path) for asked, _ in refusals)
    return RequestRefused(
        first.status,
        f"{first.failure.sentence} Asked was at {paths}: is `endpoint` right?",
        first.said,
    )


def _names_the_other(refusal: RequestRefused, form: Form) -> bool:
    """Whether it names the other form as the right one."""
    return bool(_OTHER_FORM[form].search(_words(refusal)))


def _words(refusal: RequestRefused) -> str:
    said: Any = refusal.said
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
