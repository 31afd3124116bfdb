"""Which inputs cannot be meant together?

What is refused here would measure nothing, or the same program twice, and say so only at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

_ASK_A_SERVER = ("llama-server", "ollama", "openai")
"""Engines that can use an `endpoint`."""


def contradictions(texts: Mapping[str, str], engine: str) -> Iterator[tuple[str, str]]:
    """Inputs that cannot be meant beside others: the name of one, and a sentence.

    Args:
        texts: all inputs as given, by name.
        engine: as it was parsed; empty where it was refused itself, and nothing is known of it.
    """
    given = {name for name, text in texts.items() if text.strip()}
    bases = tuple(name for name in ("base-ref", "base-binary", "base-command") if name in given)
    meant = _meant(given, engine)
    yield from _about_the_engine(given, engine)
    if engine:
        yield from _about_the_endpoint(given, meant, bases)
    yield from _about_the_base(given, meant, bases)
    if texts["baseline"].strip() == "none" and bases:
        yield "baseline", f"baseline is `none`, but {bases[0]} is given: drop one of the two."


def _meant(given: Set[str], engine: str) -> str:
    """The engine, as far as it can be told without asking an endpoint; else empty."""
    if engine != "auto":
        return engine
    if "command" in given:
        return "command"
    return "" if given & {"endpoint", "binary"} else "embedded"


def _about_the_engine(given: Set[str], engine: str) -> Iterator[tuple[str, str]]:
    if engine == "command" and "command" not in given:
        yield "command", "command is empty: engine `command` needs the program to run."
    if engine not in ("", "auto", "command") and "command" in given:
        yield "command", f"command is given, but engine is `{engine}`: drop one of the two."
    if engine in ("ollama", "openai") and "endpoint" not in given:
        yield "endpoint", f"endpoint is empty: engine `{engine}` needs the server's address."
    if "model-sha256" in given and "model" not in given and _meant(given, engine) == "command":
        yield "model-sha256", "model-sha256 is given without model: name the file to check."


def _about_the_endpoint(
    given: Set[str], meant: str, bases: Sequence[str]
) -> Iterator[tuple[str, str]]:
    if "endpoint" not in given:
        return
    if meant and meant not in _ASK_A_SERVER:
        why = f"engine `{meant}` asks no server: drop one of the two."
        yield "endpoint", f"endpoint is given, but {why}"
        return
    if "build" in given:
        why = "whose server runs already: build and start it in a step before this one."
        yield "build", f"build is given with endpoint, {why}"
    for name in bases:
        why = "base and head would ask the same server; drop one of the two."
        yield name, f"{name} is given with endpoint: {why}"
    if "model-sha256" in given:
        why = "the model is the server's own and cannot be checked: drop it."
        yield "model-sha256", f"model-sha256 is given with endpoint, but {why}"


def _about_the_base(given: Set[str], meant: str, bases: Sequence[str]) -> Iterator[tuple[str, str]]:
    if "base-command" in bases and "command" not in given:
        yield "base-command", "base-command is given without command: give head's command too."
    if "base-binary" not in bases:
        return
    if "base-command" in bases:
        yield "base-binary", "base-binary and base-command are both given: keep one."
    elif meant == "command":
        yield "base-binary", "base-binary has no effect with command: give base-command."
    elif meant == "embedded":
        why = "head is the engine that perf-smoke brings: give binary, head's program."
        yield "base-binary", f"base-binary is given, but {why}"
