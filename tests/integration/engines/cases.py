"""All Cases of the conformance suite: one module per kind of engine, one line here."""

from __future__ import annotations

from tests.integration.engines import (
    case_embedded,
    case_http,
    case_llama_cpp,
    case_named,
    case_programs,
)
from tests.integration.engines.case import Case

CASES: tuple[Case, ...] = (
    *case_embedded.CASES,
    *case_http.CASES,
    *case_programs.CASES,
    *case_llama_cpp.CASES,
    *case_named.CASES,
)
