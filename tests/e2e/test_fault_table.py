"""Whatever goes wrong: no red, no traceback, no survivor, one sentence; and it is written down."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e import fault_table
from tests.e2e.fault_table import Row
from tests.e2e.faults import EVERY, Fault
from tests.e2e.job import Job

MARK = "FAULT_OF_THE_TABLE"
"""A variable that everything of one step inherits."""


def survivors(mark: str) -> list[str]:
    """The command lines of all that has inherited this mark and lives."""
    wanted = f"{MARK}={mark}".encode()
    alive = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (process / "environ").read_bytes().split(b"\0"):
                alive.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it has ended, or is another user's
            continue
    return alive


@pytest.mark.parametrize("fault", EVERY, ids=lambda fault: fault.name)
def test_a_fault_is_told_and_nothing_else_comes_of_it(fault: Fault, job: Job) -> None:
    for name, body in (("engine", fault.engine), ("base", fault.base)):
        path = job.workspace / name
        path.write_text(f"#!/bin/bash\n{body}\n", "utf-8")
        path.chmod(0o755)
    variables = {**os.environ, "EVENT": str(job.commands / "event.json")}
    subprocess.run(["bash", "-ec", fault.before], cwd=job.workspace, env=variables, check=True)

    outcome = job.run(fault.inputs, {**fault.env, MARK: str(job.root)})

    assert outcome.code == 0, outcome.log
    assert survivors(str(job.root)) == []
    assert "Traceback" not in outcome.log + outcome.summary
    if "GITHUB_STEP_SUMMARY" not in fault.env:
        assert outcome.summary.count("### perf-smoke") == 1
    fault_table.expect(Row.of(fault.name, outcome))


def test_every_fault_has_a_name_of_its_own_and_a_row() -> None:
    names = [fault.name for fault in EVERY]
    assert len(set(names)) == len(names) >= 150
    assert os.environ.get("PERF_SMOKE_FAULTS") or set(names) <= set(fault_table.read())
