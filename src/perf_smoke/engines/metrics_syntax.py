"""The input `metrics`: how a recipe for a command's numbers is written.

    json result.json:              a file that the command writes, or stdout, or stderr
      n_out     /tokens/generated  a name and a JSON pointer (RFC 6901)
      decode_s  /timing/decode
    text stderr:                   regular expressions, one per line; the groups are the names
      load time = +(?P<load_ms>[0-9.]+) ms
      fail /^ERROR/                what a program prints that fails and yet exits with 0

A duration's unit is the end of its name: ms, s, us or ns. Everything named must be there at
every step; a null or an optional group that matched nothing is "not given". Rates are not read.
"""

from __future__ import annotations

import re
from pathlib import PurePath

from perf_smoke.engines.metrics_recipe import (
    STREAMS,
    FailureSign,
    JsonSource,
    MetricsRecipe,
    TextSource,
    is_known,
    known_names,
    meaning,
)

_HEADER = re.compile(r"(json|text)\s+(\S.*?)\s*:")
_ENTRY = re.compile(r"(\w+)\s+(/.*)")
_FAIL = re.compile(r"fail\s+/(.+)/")


def parse(text: str) -> MetricsRecipe:
    """The recipe that the input spells; one that has `problems` has none.

    Raises:
        ValueError: with those problems.
    """
    if wrong := problems(text):
        raise ValueError("; ".join(wrong))
    sources: list[JsonSource | TextSource] = []
    failures: list[FailureSign] = []
    for (kind, place), lines in _sections(text):
        if kind == "json":
            entries = (_ENTRY.fullmatch(line) for line in lines)
            pointers = tuple((entry[1], entry[2]) for entry in entries if entry)
            sources.append(JsonSource(place=place, pointers=pointers))
        else:
            signs = [sign[1] for line in lines if (sign := _FAIL.fullmatch(line))]
            failures += [FailureSign(place=place, pattern=_expression(sign)) for sign in signs]
            patterns = tuple(_expression(line) for line in lines if not _FAIL.fullmatch(line))
            sources.append(TextSource(place=place, patterns=patterns))
    return MetricsRecipe(sources=tuple(sources), failures=tuple(failures))


def _expression(text: str) -> re.Pattern[str]:
    return re.compile(text, re.MULTILINE)


def fields(text: str) -> frozenset[str]:
    """The fields of a Sample that a recipe fills; those of its good lines, if some are bad."""
    names: list[str] = []
    for (kind, _), lines in _sections(text):
        for line in lines if kind else ():
            _line_problems(kind, line, names)
    return frozenset(names)


def problems(text: str) -> list[str]:
    """Everything that is wrong with the input, each as part of a sentence."""
    wrong: list[str] = []
    names: list[str] = []
    files: set[str] = set()
    for (kind, place), lines in _sections(text):
        if not kind:
            wrong.append(
                f"`{lines[0]}` stands before any source: start with a line such as "
                "`json result.json:` or `text stderr:`"
            )
            continue
        if place not in STREAMS:
            wrong += _place_problems(kind, place)
            files |= {place} if kind == "json" else set()
        if not lines:
            wrong.append(f"nothing stands under `{kind} {place}:`")
        for line in lines:
            wrong += _line_problems(kind, line, names)
    wrong += [f"{name} is given more than once" for name in sorted(_doubles(names))]
    if len(files) > 1:
        wrong.append(f"{len(files)} result files are named ({', '.join(sorted(files))}): keep one")
    return wrong


def _sections(text: str) -> list[tuple[tuple[str, str], list[str]]]:
    """Headers as (kind, place) with the lines under them; lines before any have ("", "")."""
    sections: list[tuple[tuple[str, str], list[str]]] = []
    for line in (line.strip() for line in text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if header := _HEADER.fullmatch(line):
            sections.append(((header[1], header[2]), []))
        else:
            if not sections:
                sections.append((("", ""), []))
            sections[-1][1].append(line)
    return sections


def _place_problems(kind: str, place: str) -> list[str]:
    if kind == "text":
        return [f"`text {place}:` is no stream: regular expressions read stdout or stderr"]
    path = PurePath(place)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        return [
            f"`{place}` must be a file inside the working directory: it is removed before each step"
        ]
    return []


def _line_problems(kind: str, line: str, names: list[str]) -> list[str]:
    """What is wrong with one line; the names that it gives are added to `names`."""
    if kind == "json":
        match = _ENTRY.fullmatch(line)
        if not match:
            return [f"`{line}` is not a name and a JSON pointer, such as `n_out /tokens/generated`"]
        line_names = [match[1]]
    else:
        sign = _FAIL.fullmatch(line)
        try:
            line_names = list(_expression(sign[1] if sign else line).groupindex)
        except re.error as error:
            return [f"`{line}` is no regular expression ({error})"]
        if sign:
            return [f"`{line}` names a group, but takes no value"] if line_names else []
        if not line_names:
            return [f"`{line}` has no named group, such as `(?P<decode_ms>[0-9.]+)`"]
    names += [meaning(name)[0] for name in line_names if is_known(name)]
    return [
        f"`{name}` is no metric; there are {known_names()}"
        for name in line_names
        if not is_known(name)
    ]


def _doubles(names: list[str]) -> set[str]:
    return {name for name in names if names.count(name) > 1}
