"""What docs/STATISTICS.md predicted of jobs recorded later, beside what came.

A prediction is held where the share that came reaches it, missed where it does not; where nothing
was recorded that it is about, it is untested.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.scores import OurRow, Share
from benchmarks.tables import Recorded, share_shown, table

Scores = Mapping[str, Recorded]
"""By the names of the kinds of jobs."""
_IDLE, _IDLE_30 = "rested-idle-60", "rested-idle-60, the first 30 s"
_SHARED, _NEIGHBOUR = "rested-shared-60", "rested-neighbour-30"
_BLOCK = re.compile(r"(<!-- predictions -->\n).*?(<!-- /predictions -->)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class _Came:
    text: str
    held: bool


@dataclass(frozen=True, kw_only=True)
class _Prediction:
    what: str
    predicted: str
    came: Callable[[Scores], _Came]
    """Raises KeyError where a kind of jobs is missing."""


def shown(scores: Scores) -> str:
    """The table."""
    rows = []
    for one in _PREDICTIONS:
        try:
            came = one.came(scores)
            rows.append([one.what, one.predicted, came.text, "held" if came.held else "**missed**"])
        except KeyError:
            rows.append([one.what, one.predicted, "not recorded", "untested"])
    return table(["", "predicted", "came", ""], rows)


def write(path: Path, scores: Scores) -> None:
    """Put the table into its block of a page."""
    text = path.read_text(encoding="utf-8")
    block = shown(scores)
    path.write_text(_BLOCK.sub(lambda at: f"{at[1]}{block}\n{at[2]}", text), encoding="utf-8")


def _share(
    what: str, of: Callable[[Scores], Share], *, least: int = 0, most: int = 100
) -> _Prediction:
    """That so many percent of some jobs come out like this."""

    def came(scores: Scores) -> _Came:
        share = of(scores)
        held = least * share.of <= 100 * share.count <= most * share.of
        return _Came(text=share_shown(share), held=held)

    bounds = f"{least} … {most}" if least and most < 100 else f"{least}" if least else f"≤ {most}"
    return _Prediction(what=what, predicted=f"{bounds} %", came=came)


def _row(scores: Scores, name: str, change: float) -> OurRow:
    return next(row for row in scores[name].score.ours if row.change == change)


def _called(name: str, *changes: float) -> Callable[[Scores], Share]:
    """In their direction, of all jobs under each of these changes."""

    def share(scores: Scores) -> Share:
        rows = [_row(scores, name, change) for change in changes]
        return Share(
            count=sum(row.verdicts["slower" if row.change > 0 else "faster"] for row in rows),
            of=sum(row.verdicts.total() for row in rows),
        )

    return share


def _no_change(name: str) -> Callable[[Scores], Share]:
    def share(scores: Scores) -> Share:
        verdicts = _row(scores, name, 0.0).verdicts
        return Share(count=verdicts["no-change"], of=verdicts.total())

    return share


def _false(scores: Scores) -> Share:
    """Of all jobs of equal sides with a rest, each counted once."""
    rows = [_row(scores, name, 0.0) for name in _whole(scores)]
    return Share(
        count=sum(row.verdicts["slower"] + row.verdicts["faster"] for row in rows),
        of=sum(row.verdicts.total() for row in rows),
    )


def _wrong_signs(scores: Scores) -> _Came:
    rows = [row for name in _whole(scores) for row in scores[name].score.ours]
    wrong = sum(row.wrong_sign for row in rows)
    of = sum(row.verdicts.total() for row in rows if row.change)
    return _Came(text=f"{wrong} of {of:,} injected changes", held=wrong == 0)


def _pair_noise(scores: Scores) -> _Came:
    spread = scores[_IDLE].score.noise.spread
    return _Came(
        text="–" if spread is None else f"{spread:.1%}", held=spread is not None and spread <= 0.06
    )


def _at_limit(scores: Scores) -> Share:
    limits = [scores[name].score.at_own_limit for name in _whole(scores)]
    return Share(count=sum(one.count for one in limits), of=sum(one.of for one in limits))


def _extension_decides(scores: Scores) -> _Came:
    """Over all changes that were replayed: its verdicts beside those of the whole budget."""
    rows = scores[_SHARED].extended
    ours = [_row(scores, _SHARED, row.change).verdicts for row in rows]
    whole = sum(verdicts.total() - verdicts["inconclusive"] for verdicts in ours)
    decided = sum(row.decided for row in rows)
    return _Came(text=f"{decided} verdicts, 60 s have {whole}", held=decided >= 0.9 * whole)


def _extension_time(scores: Scores) -> _Came:
    still = next(row for row in scores[_SHARED].extended if not row.change)
    share = still.seconds / 60
    return _Came(text=f"{still.seconds:.1f} s of 60 on average", held=share <= 2 / 3)


def _extension_false(scores: Scores) -> Share:
    still = [
        next(row for row in scores[name].extended if not row.change) for name in (_IDLE, _SHARED)
    ]
    return Share(count=sum(row.called for row in still), of=sum(row.jobs for row in still))


def _whole(scores: Scores) -> Sequence[str]:
    names = [name for name, recorded in scores.items() if recorded.rested and not recorded.part]
    if not names:
        raise KeyError("no job with a rest")
    return names


_PREDICTIONS = (
    _share("false verdicts", _false, most=1),
    _Prediction(what="wrong signs", predicted="never", came=_wrong_signs),
    _share("idle, ±3 % called in 30 s", _called(_IDLE_30, 0.03, -0.03), least=80),
    _share("idle, ±3 % called in 60 s", _called(_IDLE, 0.03, -0.03), least=90),
    _share("busy neighbour, +3 % called in 30 s", _called(_NEIGHBOUR, 0.03), least=80),
    _share("shared, +5 % called in 60 s", _called(_SHARED, 0.05), least=80),
    _share("shared, +10 % called in 60 s", _called(_SHARED, 0.1), least=97),
    _share('idle, "no change" at 0 %', _no_change(_IDLE), least=95),
    _share('shared, "no change" at 0 %', _no_change(_SHARED), least=85),
    _Prediction(what="SD of a pair, idle", predicted="≤ 6 %", came=_pair_noise),
    _share("a printed limit is called", _at_limit, least=88, most=96),
    _Prediction(
        what="`budget: 30-60 s`, shared: what it decides",
        predicted="90 % of what 60 s decide",
        came=_extension_decides,
    ),
    _Prediction(what="its time at 0 %", predicted="≤ two thirds of 60 s", came=_extension_time),
    _share("its false verdicts, idle and shared", _extension_false, most=1),
)
