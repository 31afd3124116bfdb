"""What of the inputs cannot work, known before anything is fetched, built or started?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from perf_smoke.configuration import Configuration, about
from perf_smoke.engines import metrics_syntax, registry
from perf_smoke.engines.command import command_problems
from perf_smoke.engines.programs import find
from perf_smoke.metrics import BY_NAME, Metric
from perf_smoke.models import local
from perf_smoke.models.reference import LocalPath, parse
from perf_smoke.repository import Repository
from perf_smoke.result import Sample, Unmeasured


def obstacles(configuration: Configuration) -> Iterator[Unmeasured]:
    """Why nothing can be measured, or not by the metric that is asked for."""
    if configuration.prompt_missing:
        yield configuration.prompt_missing
    checks = (
        *(_model_reference, _tokenizer_reference, _program, _inputs, _result_file),
        *(_base_command, _metric),
    )
    yield from _raised(configuration, checks)


def absences(configuration: Configuration) -> Iterator[Unmeasured]:
    """What is not here now. By itself it is no obstacle: a file that is missing is told when it is
    read, and head can be measured without a base."""
    yield from _raised(configuration, (_model_file, _tokenizer_file, _base_program))


def _raised(
    configuration: Configuration, checks: tuple[Callable[[Configuration], object], ...]
) -> Iterator[Unmeasured]:
    for check in checks:
        try:
            check(configuration)
        except Unmeasured as error:
            yield error


def _model_reference(configuration: Configuration) -> None:
    configuration.model()


def _tokenizer_reference(configuration: Configuration) -> None:
    configuration.tokenizer()


def _model_file(configuration: Configuration) -> None:
    _file(configuration, "model", configuration.model())


def _tokenizer_file(configuration: Configuration) -> None:
    _file(configuration, "tokenizer", configuration.tokenizer())


def _file(configuration: Configuration, name: str, reference: str) -> None:
    with about(name):
        if reference and isinstance(place := parse(reference).place, LocalPath):
            local.find(place, configuration.directory, configuration.environment)


def _program(configuration: Configuration) -> None:
    """That it is there, or that `build: auto` can make it. A script may make anything."""
    settings, row = configuration.settings, configuration.engine
    if settings.build and row.whose == "ours":
        raise Unmeasured(
            "invalid-inputs",
            "`build` is given, but nothing that it makes would be run: without `binary` or "
            f"`command` it is engine `{row.id}`, which perf-smoke brings.",
        )
    if settings.build == "auto":
        registry.check_build(configuration.engine.id, configuration.expected())
    elif configuration.program and not settings.build and not settings.endpoint:
        find(configuration.engine.id, configuration.expected())


def _inputs(configuration: Configuration) -> None:
    # `build: auto` asks the package's own manifest.
    if not configuration.settings.endpoint and configuration.settings.build != "auto":
        registry.check_inputs(configuration.engine.id, configuration.expected())


def _result_file(configuration: Configuration) -> None:
    """It is removed before each step, so that none of the caller's own may be named."""
    metrics = configuration.settings.metrics
    if metrics_syntax.problems(metrics) or not (file := metrics_syntax.parse(metrics).file):
        return
    if Repository(configuration.directory, configuration.environment).tracks(file):
        raise Unmeasured(
            "command-invalid",
            f"`metrics` reads `{file}`, which git tracks and a step would remove: have the command "
            "write another file.",
        )


def _base_command(configuration: Configuration) -> None:
    settings = configuration.settings
    problems = command_problems(
        settings.base_command,
        has_model=bool(settings.model),
        has_tokenizer=bool(settings.tokenizer),
    )
    if settings.base_command and problems:
        raise Unmeasured("command-invalid", f"`base-command` cannot be run: {'; '.join(problems)}.")


def _base_program(configuration: Configuration) -> None:
    if not configuration.settings.build:  # which may make it
        configuration.check_base_program()


def _metric(configuration: Configuration) -> None:
    settings, row = configuration.settings, configuration.engine
    if settings.metric == "auto":
        return
    metric, given = BY_NAME[settings.metric], row.gives(settings.endpoint)
    if metric.name not in given and "metrics" not in row.reads:
        raise Unmeasured(
            "invalid-inputs",
            f"`metric` is {metric.name}, which engine `{row.id}` does not give"
            f"{' at `endpoint`' if metric.name in row.metrics else ''}; it gives "
            f"{', '.join(given)}.",
        )
    if metric.name not in given and not _recipe_gives(metric, settings.metrics):
        of_tokens = " and for how many tokens" if metric.unit == "tps" else ""
        raise Unmeasured(
            "invalid-inputs",
            f"`metric` is {metric.name}, but `metrics` does not say where the command's "
            f"{metric.source} is{of_tokens}.",
        )
    if metric.name == "decode" and settings.tokens == 1:
        raise Unmeasured(
            "invalid-inputs",
            "`metric` is decode, but with `tokens: 1` there is no decode step: ask for 2 or more.",
        )


def _recipe_gives(metric: Metric, recipe: str) -> bool:
    """Whether a step whose fields come from this recipe gives the metric."""
    numbers: dict[str, Any] = dict.fromkeys(metrics_syntax.fields(recipe), 2)
    for name in ("text", "n_prompt_cached"):
        numbers.pop(name, None)
    return metric.amount(Sample(ok=True, **numbers)) is not None
