"""What can be copied from examples/ is valid."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from perf_smoke.settings import parse

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_step_of_an_example_is_valid_and_means_the_engine_of_its_name(path: Path) -> None:
    (job,) = yaml.safe_load(path.read_text())["jobs"].values()
    (inputs,) = [step["with"] for step in job["steps"] if "perf-smoke-action" in step["uses"]]
    assert parse({name: str(value) for name, value in inputs.items()}).engine == path.stem
