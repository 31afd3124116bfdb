"""Any program: its arguments with placeholders, and a recipe for where its numbers are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from perf_smoke.engines import metrics_syntax
from perf_smoke.engines.base import EngineSetup, Request
from perf_smoke.engines.one_shot import OneShotEngine, Reading, Recipe
from perf_smoke.engines.programs import find, identify
from perf_smoke.processes.foreground import Finished
from perf_smoke.result import Unmeasured

PLACEHOLDERS = ("model", "tokenizer", "prompt", "tokens", "threads", "seed", "features")
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}|\{(\w+)\}")


def prepare(setup: EngineSetup) -> OneShotEngine:
    """Find the command's program and check its placeholders and `metrics`.

    Raises:
        Unmeasured: `engine-missing`, `command-invalid` with all problems of both inputs.
    """
    check_inputs(setup)
    recipe = metrics_syntax.parse(setup.metrics)
    program = find("command", setup)

    def arguments(request: Request) -> list[str]:
        values = {
            "model": str(setup.model),
            "tokenizer": str(setup.tokenizer),
            "prompt": request.prompt,
            "tokens": str(request.tokens),
            "threads": str(request.threads),
            "seed": str(request.seed),
            "features": ",".join(setup.features),
        }
        return [filled(argument, values) for argument in setup.command[1:]]

    def read(finished: Finished, result: bytes, _request: Request) -> Reading:
        return recipe.read(finished, result)

    # Nobody knows what it would do with --version.
    identity = identify("command", program, setup, version_arguments=())
    result_file = setup.working_directory / recipe.file if recipe.file else None
    return OneShotEngine(
        identity, setup, Recipe(arguments=arguments, read=read, result_file=result_file)
    )


def check_inputs(setup: EngineSetup) -> None:
    """Refuse a command line or `metrics` that cannot be meant.

    Raises:
        Unmeasured: `command-invalid` with all problems of both inputs.
    """
    wrong = {
        "`command` cannot be run": command_problems(
            setup.command, has_model=bool(setup.model), has_tokenizer=bool(setup.tokenizer)
        ),
        "`metrics` cannot be used": metrics_syntax.problems(setup.metrics),
    }
    sentences = [f"{what}: {'; '.join(why)}." for what, why in wrong.items() if why]
    if sentences:
        raise Unmeasured("command-invalid", " ".join(sentences))


def placeholders(command: Sequence[str]) -> frozenset[str]:
    """The names between braces; those in double braces stand for themselves."""
    return frozenset(
        match[2] for part in command for match in _PLACEHOLDER.finditer(part) if match[2]
    )


def command_problems(command: Sequence[str], *, has_model: bool, has_tokenizer: bool) -> list[str]:
    """What is wrong with the command line: the ends of a sentence."""
    if not command:
        return ["it is empty"]
    used = placeholders(command)
    problems = []
    if unknown := sorted(used - set(PLACEHOLDERS)):
        shown = ", ".join(f"{{{name}}}" for name in unknown)
        known = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        problems.append(
            f"it holds {shown}, which is no placeholder; there are {known}, and a double brace "
            f"({{{{{unknown[0]}}}}}) stands for itself"
        )
    if "model" in used and not has_model:
        problems.append("it holds {model}, but `model` is empty")
    if "tokenizer" in used and not has_tokenizer:
        problems.append("it holds {tokenizer}, but `tokenizer` is empty")
    if _PLACEHOLDER.search(command[0]):
        problems.append("the program's own name cannot be a placeholder")
    return problems


def filled(argument: str, values: Mapping[str, str]) -> str:
    """One argument with its placeholders replaced, once: a value is never looked into again."""
    return _PLACEHOLDER.sub(
        lambda match: f"{{{match[1]}}}" if match[1] else values[match[2]], argument
    )
