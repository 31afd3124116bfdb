"""No reader of what others wrote ends in a traceback, hangs, or repeats a secret.

A few seconds here, from the same seed each time; as long as wanted, and from another seed, with

    PERF_SMOKE_FUZZ_EXAMPLES=20000 python -m pytest tests/fuzz
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perf_smoke.redaction import public
from tests.fuzz.readers import READERS

CORPUS = Path(__file__).parent / "corpus"
MORE = os.environ.get("PERF_SMOKE_FUZZ_EXAMPLES", "")
LONGEST_S = 5.0
SECRET = "ghp_f00f00f00"
PIECES = (
    *(b"null", b"[]", b"{}", b'"', b"\\", b"9" * 400, b"9" * 5000, b"[" * 3000, b'{"a":' * 3000),
    *(b"-1", b"1e999", b"NaN", b"Infinity", b"\xff", b"\x00", b"\r", b"\n", b"\n\n", b",", b":"),
    *(b"true", b'""', b"\\ud800", b"\xe2\x80\xa8", b"\x1b[31m", b"{", b"}", b"[", b"]", b" " * 99),
    *(b"::error::", b"##[error]", b"1.5", b"0", SECRET.encode(), b'"' + SECRET.encode() + b'"'),
)


def seeds(reader: str) -> list[bytes]:
    """What the reader understands, or nearly."""
    return [path.read_bytes() for path in sorted((CORPUS / reader).iterdir())]


@st.composite
def changed(draw: st.DrawFn, reader: str) -> bytes:
    """A seed of which pieces are taken out, doubled, or replaced."""
    content = draw(st.sampled_from(seeds(reader)))
    for _ in range(draw(st.integers(0, 4))):
        first = draw(st.integers(0, len(content)))
        last = min(len(content), first + draw(st.integers(0, 40)))
        piece = draw(st.sampled_from((*PIECES, content[first:last] * 2)) | st.binary(max_size=4))
        content = content[:first] + piece + content[last:]
    return content


def hold(reader: str, content: bytes) -> None:
    """It gives a value or says one sentence, soon, and without the secret."""
    started_s = time.process_time()
    said = ""
    with tempfile.TemporaryDirectory() as folder:
        try:
            READERS[reader].read(content, Path(folder))
        except READERS[reader].refuses as error:
            said = str(error)
            assert said.strip(), "it says nothing"
    assert time.process_time() - started_s < LONGEST_S
    assert SECRET not in public(said)


@pytest.mark.parametrize("reader", READERS)
def test_what_is_in_the_corpus_holds(reader: str) -> None:
    for content in (b"", b"\n", *PIECES, *seeds(reader)):
        hold(reader, content)


@pytest.mark.parametrize("reader", READERS)
def test_no_change_of_it_ends_in_a_traceback(reader: str) -> None:
    @settings(
        max_examples=int(MORE or 30),
        derandomize=not MORE,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(changed(reader) | st.binary(max_size=200))
    def check(content: bytes) -> None:
        hold(reader, content)

    check()
