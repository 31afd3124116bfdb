"""How many forms of a secret pass the gate for text, what it changes by mistake, and its time.

python -m benchmarks.gate
"""

from __future__ import annotations

import time

from perf_smoke.redaction import public, published
from tests.unit.secret_forms import all_texts
from tests.unit.test_redaction import (
    HARMLESS,
    HOSTILE,
    ONE_OF_A_FEW,
    document,
    planted,
    strings,
)


def main() -> None:
    """Print the figures of docs/EVIDENCE.md."""
    texts = all_texts()
    passed = sum(secret in public(text) for text, secret in texts)
    print(f"forms of a secret: {passed} of {len(texts)} pass")
    seen = tried = 0
    for text, secret in texts:
        places = strings(published(planted(document(), text)))
        shown = [content for place, content in places if not ONE_OF_A_FEW.search(place)]
        tried += len(shown)
        seen += sum(secret in content for content in shown)
    print(f"each in all places of a document: {seen:,} of {tried:,} are seen")
    changed = sum(public(line) != line for line in HARMLESS)
    print(f"lines of logs without a secret: {changed} of {len(HARMLESS)} are changed")
    log = "\n".join(HARMLESS * 60)
    for length in (140_000, 1_000_000):
        slowest_s, worst = max((_seconds((each * length)[:length]), each) for each in HOSTILE)
        print(
            f"{length:,} characters of logs: {_seconds(log[:length]):.2f} s; "
            f"of the worst of {len(HOSTILE)} hostile texts, {worst!r}: {slowest_s:.2f} s"
        )


def _seconds(text: str) -> float:
    started_s = time.process_time()
    public(text)
    return time.process_time() - started_s


if __name__ == "__main__":
    main()
