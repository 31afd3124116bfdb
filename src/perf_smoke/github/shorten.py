"""How is a report cut to the room that GitHub gives it, and still renders?

GitHub refuses a comment above 65,536 characters and drops a whole job summary above 1 MiB.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

CUT_SENTENCE = "*Cut here: the whole report did not fit. The rest is in the run's `report.md`.*"

_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}(?=[^`]*$)|~{3,})")


@dataclass(frozen=True, kw_only=True)
class _Open:
    """What is open after a line: a code fence, and folded sections."""

    fence: str = ""
    details: int = 0

    def after(self, line: str) -> _Open:
        match = _FENCE.match(line)
        if self.fence:
            closes = (
                match is not None
                and match["fence"].startswith(self.fence)
                and not line[match.end() :].strip()
            )
            return replace(self, fence="") if closes else self
        if match:
            return replace(self, fence=match["fence"])
        opened = line.count("<details") - line.count("</details>")
        return replace(self, details=max(0, self.details + opened))

    @property
    def closing(self) -> str:
        fence = f"{self.fence}\n" if self.fence else ""
        return fence + "\n</details>\n" * self.details


def shorten(markdown: str, room: int) -> str:
    """Cut markdown at the end of a line so that it takes at most `room` UTF-8 bytes.

    Bytes are never fewer than characters, so this keeps limits of either kind. What is still
    open (a code fence, `<details>`) is closed, and a sentence says that something was cut. Only
    where the first line alone is too long, the cut falls inside it.
    """
    if _size(markdown) <= room:
        return markdown
    ending = f"\n{CUT_SENTENCE}\n"
    room -= _size(ending)
    kept: list[str] = []
    used, state = 0, _Open()
    for line in markdown.split("\n"):
        after = state.after(line)
        used += _size(line) + 1
        if used + _size(after.closing) > room:
            break
        kept.append(line + "\n")
        state = after
    if not kept:
        kept = [markdown.encode(errors="replace")[: max(0, room - 1)].decode(errors="ignore"), "\n"]
    return "".join(kept) + state.closing + ending


def _size(text: str) -> int:
    return len(text.encode(errors="replace"))
