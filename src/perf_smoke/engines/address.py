"""What the input `endpoint` names: where the server's own paths begin, and where OpenAI's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from perf_smoke.printable import one_line

Form = Literal["completions", "chat/completions"]
"""The two forms of OpenAI's API, as their paths end."""

_OPERATION = re.compile(
    r"/(chat/completions|completions|completion|models|props|health"
    r"|api/(?:chat|generate|tags|version|ps))$"
)
"""What somebody pasted who copied a whole address."""
_PREFIX = re.compile(r"(?:/api|/openai)?/v[0-9][0-9a-z]*(?:/openai)?$|/(?:api|openai)$")
"""How the place of an API ends: /v1, /v3, /openai/v1, /v1beta/openai, /api."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """An endpoint that was understood."""

    root: str
    """Scheme, host, port and what stands before every path, without a slash at its end."""
    shown: str
    """The same without user and password."""
    query: str
    """What stands behind every path."""
    prefixes: tuple[str, ...]
    """Where OpenAI's API may be, seen from the root: the likeliest place first."""
    forms: tuple[Form, ...]
    """Which form of it is asked first: the one whose whole address was given."""


def understood(endpoint: str) -> Address:
    """The address, with or without the place of an API, an operation or a query at its end."""
    parts = urlsplit(endpoint)
    path = parts.path.rstrip("/")
    operation = _OPERATION.search(path)
    path = path[: operation.start()] if operation else path
    prefix = _PREFIX.search(path)
    place = prefix[0] if prefix else ""
    root = path.removesuffix(place)
    likely = [place] if place.endswith("/v1") else [place, f"{place}/v1", "/v1"]
    if not place:
        likely = ["/v1", ""]
    is_chat = operation is not None and operation[1] == "chat/completions"
    host = parts.netloc.rpartition("@")[2]
    return Address(
        root=f"{parts.scheme}://{parts.netloc}{root}",
        shown=one_line(f"{parts.scheme}://{host}{root}"),
        query=parts.query,
        prefixes=tuple(dict.fromkeys(likely)),
        forms=("chat/completions", "completions")
        if is_chat
        else ("completions", "chat/completions"),
    )
