"""What an input is, and how a table of them is parsed.

All problems are reported at once, each as one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perf_smoke import parsers
from perf_smoke.printable import one_line
from perf_smoke.result import INPUTS_BESIDE, Failure


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
    unit: str = ""
    """Of the value, where its name in Settings tells it."""

    @property
    def workflow_only(self) -> bool:
        """Whether it is without effect on the command line, where everything runs on this machine
        and no comment is written."""
        return INPUTS_BESIDE.get(self.name) == "workflow"

    @property
    def field(self) -> str:
        """Its name in Settings."""
        name = self.name.replace("-", "_")
        return f"{name}_{self.unit}" if self.unit else name


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong with the inputs."""

    input: str
    sentence: str


class InvalidInputs(Exception):
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
