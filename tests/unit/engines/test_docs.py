"""What is said of the engines is what the code does: lines can be copied, tables are complete."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from perf_smoke.engines import metrics_recipe, metrics_syntax, metrics_text, table
from perf_smoke.engines.command import PLACEHOLDERS, command_problems
from perf_smoke.engines.features import LLAMA_FEATURES
from perf_smoke.settings import parse
from tests.unit.engines.finished import finished

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
TEXT = (ROOT / "docs" / "ENGINES.md").read_text()
SECTIONS = {
    section.partition("\n")[0]: section for section in re.split(r"^## ", TEXT, flags=re.MULTILINE)
}


def workflows(text: str) -> list[dict[str, Any]]:
    """The inputs of every step with this action that a text shows."""
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    steps = [step for block in blocks for step in yaml.safe_load(block)]
    return [step["with"] for step in steps if "perf-smoke-action" in step.get("uses", "")]


def lines_to_copy() -> dict[str, list[dict[str, Any]]]:
    """What the README has under the name of each engine."""
    section = README.partition("### Lines to copy\n")[2]
    folded, _, below = section.partition("### Before and after: BitNet.rs\n")
    (block,) = re.findall(r"```yaml\n(.*?)```", folded, re.DOTALL)
    named = re.findall(r"^  # (\S+)\n((?:  .*\n)+)", block, re.MULTILINE)
    shown = {name: workflows(f"```yaml\n{lines}```") for name, lines in named}
    return shown | {"bitnet-rs": workflows(below.partition("\n## ")[0])}


@pytest.mark.parametrize("engine", table.IDS)
def test_the_lines_of_each_engine_are_valid_and_mean_that_engine(engine: str) -> None:
    (inputs,) = lines_to_copy()[engine]
    settings = parse({name: str(value) for name, value in inputs.items()})
    row = table.meant(
        settings.engine,
        command=settings.command,
        endpoint=settings.endpoint,
        binary=settings.binary,
    )
    assert row is table.row(engine)
    if settings.metric != "auto":
        assert settings.metric in row.metrics


def test_the_recipes_and_commands_that_are_shown_can_be_used() -> None:
    shown = [*lines_to_copy()["command"], *workflows(SECTIONS["command"])]
    assert len(shown) == 2
    for inputs in shown:
        assert metrics_syntax.problems(inputs["metrics"]) == []
        command = parse({"command": inputs["command"]}).command
        assert command_problems(command, has_model=True, has_tokenizer=False) == []


def test_the_recipe_for_llama_cpp_s_lines_reads_them() -> None:
    recipe = metrics_syntax.parse(workflows(SECTIONS["command"])[0]["metrics"])
    stderr = (Path(__file__).with_name("recorded") / "2024.txt").read_text()
    reading = recipe.read(finished("11, so\n", stderr), b"")
    assert (reading.load_ms, reading.prompt_ms, reading.decode_ms) == (193.16, 20.81, 26.32)
    assert (reading.n_prompt, reading.text) == (4, "11, so\n")


def test_the_features_that_are_listed_are_those_that_there_are() -> None:
    section = SECTIONS["Features of the llama.cpp family"]
    listed = re.findall(r"^\| `([^`]+)` \| (.+) \|$", section, re.MULTILINE)
    assert dict(listed) == {name: each.meaning for name, each in LLAMA_FEATURES.items()}


def test_placeholders_and_names_of_metrics_are_all_told() -> None:
    section = SECTIONS["command"]
    assert all(f"`{{{name}}}`" in section for name in PLACEHOLDERS)
    names = (*metrics_recipe.DURATIONS, *metrics_recipe.COUNTS, metrics_recipe.TEXT)
    assert all(f"`{name}`" in section for name in names)
    assert all(f"`_{unit}`" in section for unit in metrics_recipe.UNITS_MS)
    assert f"{metrics_text.SEARCHED_CHARACTERS:,}" in section
    assert f"{metrics_text.SEARCHED_S:g} s at most" in section
