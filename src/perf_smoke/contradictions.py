"""Which inputs cannot be meant together?

What is refused here would measure nothing, or the same program twice, and say so only at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

from perf_smoke.engines import table
from perf_smoke.engines.table import Row


def contradictions(texts: Mapping[str, str], engine: str) -> Iterator[tuple[str, str]]:
    """Inputs that cannot be meant beside others: the name of one, and a sentence.

    Args:
        texts: all inputs as written, by name.
        engine: as it was parsed; empty where it was refused itself, and nothing is known of it.
    """
    stripped = {name: text.strip() for name, text in texts.items()}
    filled = {name for name, text in stripped.items() if text}
    bases = tuple(name for name in ("base-ref", "base-binary", "base-command") if name in filled)
    row = None
    if engine:
        row = table.meant(
            engine,
            command=stripped["command"],
            endpoint=stripped["endpoint"],
            binary=stripped["binary"],
        )
        yield from _about_the_engine(filled, engine, row)
        yield from _about_the_endpoint(filled, row, bases)
    yield from _about_the_base(filled, row, bases)
    if stripped["baseline"] == "none" and bases:
        yield "baseline", f"baseline is `none`, but {bases[0]} is given: drop one of the two."


def _about_the_engine(filled: Set[str], engine: str, row: Row | None) -> Iterator[tuple[str, str]]:
    if row is None:
        return
    if "command" in row.reads and "command" not in filled:
        yield "command", f"command is empty: engine `{row.id}` needs the program to run."
    if "command" in filled and "command" not in row.reads:
        yield "command", f"command is given, but engine is `{engine}`: drop one of the two."
    if row.endpoint == "must" and "endpoint" not in filled:
        yield "endpoint", f"endpoint is empty: engine `{row.id}` needs the server's address."
    if row.model == "optional" and "model-sha256" in filled and "model" not in filled:
        yield "model-sha256", "model-sha256 is given without model: name the file to check."


def _about_the_endpoint(
    filled: Set[str], row: Row | None, bases: Sequence[str]
) -> Iterator[tuple[str, str]]:
    if "endpoint" not in filled:
        return
    if row and row.endpoint == "never":
        why = f"engine `{row.id}` asks no server: drop one of the two."
        yield "endpoint", f"endpoint is given, but {why}"
        return
    if "build" in filled:
        why = "whose server runs already: build and start it in a step before this one."
        yield "build", f"build is given with endpoint, {why}"
    for name in bases:
        why = "base and head would ask the same server; drop one of the two."
        yield name, f"{name} is given with endpoint: {why}"
    if "model-sha256" in filled:
        why = "the model is the server's own and cannot be checked: drop it."
        yield "model-sha256", f"model-sha256 is given with endpoint, but {why}"


def _about_the_base(
    filled: Set[str], row: Row | None, bases: Sequence[str]
) -> Iterator[tuple[str, str]]:
    if "base-command" in bases and "command" not in filled:
        yield "base-command", "base-command is given without command: give head's command too."
    if "base-binary" not in bases:
        return
    if "base-command" in bases:
        yield "base-binary", "base-binary and base-command are both given: keep one."
    elif row and row.whose == "ours":
        why = "head is the engine that perf-smoke brings: give binary, head's program."
        yield "base-binary", f"base-binary is given, but {why}"
    elif row and row.whose == "caller's" and "base-binary" not in row.base_inputs:
        instead = " or ".join(row.base_inputs)
        yield "base-binary", f"base-binary has no effect with {row.id}: give {instead}."
