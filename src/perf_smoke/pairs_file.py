"""A plain file of pairs (CSV, columns base and head, seconds) as a Result that can be shown."""

from __future__ import annotations

import csv
import datetime as dt
import math
from pathlib import Path

from perf_smoke import __version__, compare
from perf_smoke.measure.metrics import summarise
from perf_smoke.result import (
    Cost,
    EngineIdentity,
    Result,
    Sample,
    Side,
    SideName,
    Tool,
    UnreadableResult,
)


def read_pairs(path: Path, rule: compare.Rule) -> Result:
    """Read and decide: one look, at the end.

    Raises:
        UnreadableResult: the file cannot be read or is none of this kind; says in which line.
    """
    times: dict[SideName, list[float]] = {"base": [], "head": []}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not {"base", "head"} <= set(rows.fieldnames or ()):
                raise UnreadableResult(
                    f"{path} has no columns `base` and `head` in its first line."
                )
            for row in rows:
                for side, column in times.items():
                    column.append(_seconds(row[side], f"{path}, line {rows.line_num}, `{side}`"))
    except OSError as error:
        raise UnreadableResult(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableResult(f"{path} is no CSV file in UTF-8: {error}.") from error
    base, head = (_side(name, times[name]) for name in ("base", "head"))
    return Result(
        status="measured",
        started=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        tool=Tool(version=__version__, runtime="cli"),
        settings={},
        cost=Cost(total_s=0.0),
        head=head,
        base=base,
        comparison=compare.from_sides(base, head, metric="wall", rule=rule, stopped="runs"),
    )


def _seconds(text: str | None, where: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise UnreadableResult(f"{where}: {text!r} is no time in seconds.")
    return value


def _side(name: SideName, seconds: list[float]) -> Side:
    samples = tuple(
        # Nothing is known of starts: a pair that shared one would widen the interval.
        Sample(ok=True, wall_ms=value * 1e3, tiers={"wall_ms": "E"}, pair=pair, restart=pair)
        for pair, value in enumerate(seconds)
    )
    engine = EngineIdentity(id="pairs")
    return Side(ref=name, engine=engine, samples=samples, summary=summarise(samples))
