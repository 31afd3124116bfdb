"""The real BitNet.rs of whoever has a checkout of it: built beside it, never in it."""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path

import pytest

from perf_smoke.engines import registry
from tests.integration.engines.setups import blank_setup

VARIABLE = "PERF_SMOKE_TEST_BITNET_RS"
CHECKOUT = os.environ.get(VARIABLE, "")
TARGET = Path(__file__).parents[3] / ".tools" / "bitnet-rs" / "target"
"""Kept from run to run: most of what is compiled are packages of others."""
TIMEOUT_S = 3600.0

MARKS = (
    pytest.mark.bitnet_rs,
    pytest.mark.timeout(3 * TIMEOUT_S),
    pytest.mark.skipif(
        not CHECKOUT,
        reason=f"builds BitNet.rs, which takes 10 to 30 minutes: name a checkout in {VARIABLE}",
    ),
)
"""Of every test that needs it."""


@functools.cache
def program() -> Path:
    """What `build: auto` makes of the checkout."""
    setup = blank_setup(
        Path(tempfile.mkdtemp(prefix="bitnet-rs-")),
        working_directory=Path(CHECKOUT),
        environment={**os.environ, "CARGO_TARGET_DIR": str(TARGET)},
    )
    return registry.build("bitnet-rs", setup, timeout_s=TIMEOUT_S)
