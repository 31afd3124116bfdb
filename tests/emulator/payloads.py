"""Payloads of events in GitHub's own shape: the npm package `@octokit/webhooks-examples`."""

from __future__ import annotations

import copy
import functools
import json
from typing import Any

from tests.emulator.server import install

Payload = dict[str, Any]


def payload(event: str, **wanted: Any) -> Payload:
    """The first example of an event whose values are these, as a copy.

    Args:
        wanted: by the name at the top of the payload, such as `action="closed"`.
    """
    for example in _examples()[event]:
        if all(example.get(name) == value for name, value in wanted.items()):
            return copy.deepcopy(example)
    raise LookupError(f"no example of {event} with {wanted}")


@functools.cache
def _examples() -> dict[str, list[Payload]]:
    package = install().parents[2] / "@octokit" / "webhooks-examples"
    events = json.loads((package / "api.github.com" / "index.json").read_text("utf-8"))
    return {event["name"]: event["examples"] for event in events}
