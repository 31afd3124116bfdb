"""A plain file of pairs (CSV, columns base and head, seconds) as a Result that can be shown."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import re
from dataclasses import dataclass
from pathlib import Path

from perf_smoke import __version__, compare
from perf_smoke.measure.summary import summarise
from perf_smoke.printable import one_line
from perf_smoke.result import (
    BASE,
    HEAD,
    WORKLOAD,
    Cost,
    Measurement,
    Result,
    Sample,
    Side,
    Tool,
    Workload,
)
from perf_smoke.result_file import UnreadableResult, content

_METRIC = "wall"
"""What the seconds of such a file are taken for."""
_POINT = ": with a decimal comma? Write 0.051, not 0,051"


def read_pairs(path: Path, rule: compare.Rule) -> Result:
    """Read and decide: one look, at the end.

    Raises:
        UnreadableResult: the file cannot be read or is none of this kind; says in which line.
    """
    try:
        lines = _lines(content(path).decode("utf-8-sig"))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableResult(f"{path} is no CSV file in UTF-8: {error}.") from error
    times = _times(lines, path)
    measurements = {name: _measurement(times[name]) for name in (HEAD, BASE)}
    pairs = compare.Pairs.of(measurements[BASE].samples, measurements[HEAD].samples, _METRIC)
    return Result(
        status="measured",
        origin="pairs-file",
        started=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        tool=Tool(version=__version__, runtime="cli"),
        settings={},
        cost=Cost(total_s=0.0),
        sides={name: Side() for name in measurements},
        workloads={WORKLOAD: Workload(metrics=(_METRIC,), measurements=measurements)},
        comparisons=(compare.decide(pairs, rule),),
    )


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A line that is not empty."""

    number: int
    values: list[str]


def _lines(text: str) -> list[_Line]:
    """Commas, semicolons or tabs between the values: the first line tells."""
    first = text.lstrip().partition("\n")[0]
    rows = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count))
    lines = (_Line(number=rows.line_num, values=[value.strip() for value in row]) for row in rows)
    return [line for line in lines if any(line.values)]


def _times(lines: list[_Line], path: Path) -> dict[str, list[float]]:
    """The two columns, in seconds."""
    if not lines:
        raise UnreadableResult(f"{path} is empty.")
    names = [name.lower() for name in lines[0].values]
    if not {BASE, HEAD} <= set(names):
        raise UnreadableResult(f"{path} has no columns `base` and `head` in its first line.")
    if len(lines) == 1:
        raise UnreadableResult(f"{path} holds no pair below its first line.")
    times: dict[str, list[float]] = {BASE: [], HEAD: []}
    for line in lines[1:]:
        where = f"{path}, line {line.number}"
        if any(line.values[len(names) :]):
            comma = all(value.isdecimal() for value in line.values)
            raise UnreadableResult(
                f"{where} has {len(line.values)} values, but the first line names {len(names)}"
                f"{_POINT if comma else ''}."
            )
        given = dict(zip(names, line.values, strict=False))
        for side, column in times.items():
            if not given.get(side):
                raise UnreadableResult(f"{where} has no `{side}`.")
            column.append(_seconds(given[side], f"{where}, `{side}`"))
    return times


def _seconds(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        remedy = _POINT if re.fullmatch(r"[0-9]+,[0-9]+", text) else ""
        raise UnreadableResult(f"{where}: `{one_line(text, 80)}` is no time in seconds{remedy}.")
    return value


def _measurement(seconds: list[float]) -> Measurement:
    samples = tuple(
        # Nothing is known of starts: a pair that shared one would widen the interval.
        Sample(ok=True, wall_ms=value * 1e3, round=number, start=number)
        for number, value in enumerate(seconds)
    )
    return Measurement(samples=samples, summary=summarise(samples))
