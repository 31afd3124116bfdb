"""All Cases of the conformance suite: one module per kind of engine, one line here."""

from __future__ import annotations

from tests.integration.engines import case_embedded, case_programs
from tests.integration.engines.case import Case

CASES: tuple[Case, ...] = (*case_embedded.CASES, *case_programs.CASES)
