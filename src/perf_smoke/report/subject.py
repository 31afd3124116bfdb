"""What was measured: whose engine, which program, model and request."""

from __future__ import annotations

from perf_smoke.report.foreign import one_line
from perf_smoke.report.reading import (
    DEMONSTRATION_MODEL,
    asked,
    both,
    counting,
    has_gaps,
    is_demonstration,
    is_from_a_file,
    tokens,
)
from perf_smoke.report.spans import Sentence, Span, code, sentence
from perf_smoke.result import EngineIdentity, Result, told_to_engine


def whose_engine(result: Result) -> Sentence:
    """For the engine that we bring: whose speed this is."""
    if result.head is None or result.head.engine.id != "embedded":
        return ()
    if is_demonstration(result):
        return sentence(
            "This measures perf-smoke's own llama.cpp on the demonstration model ",
            code(DEMONSTRATION_MODEL),
            ", not your code. For that, give ",
            *(code("binary"), ", ", code("command"), " or ", code("endpoint"), "."),
        )
    return sentence("This measures perf-smoke's own llama.cpp, not a build of yours.")


def what_ran(result: Result) -> Sentence:
    """Which program, model and request; empty where no side was prepared."""
    if result.head is None or is_from_a_file(result):
        return ()
    engine = result.head.engine
    name = program(engine)
    version = one_line(" ".join(filter(None, (engine.id, engine.version))), 60)
    parts: list[str | Span] = [code(name, 60), f" ({version})"] if name else [version]
    if result.model:
        parts += [" with ", code(_short_reference(result.model.reference), 80)]
    if prompt := _given_to_engine(result, "prompt"):
        parts += [", prompt ", code(prompt, 60)]
    if count := tokens(result.head):
        parts.append(f", {counting(count, 'output token')}")
    if threads := _given_to_engine(result, "threads"):
        parts.append(f", {one_line(threads, 10)} thread{'' if threads == '1' else 's'}")
    if features := _given_to_engine(result, "features"):
        parts += [", features ", code(features, 80)]
    return sentence("Ran ", *parts, ".", *_refs(result))


def same_program(result: Result) -> Sentence:
    """That two sides were meant and one program ran on both; empty where it is not sure.

    A command's program is often an interpreter or a script, whose own bytes say little: two lines
    must be the same as a whole, and of one line in two checkouts that is all that is said.
    """
    if (sides := both(result)) is None:
        return ()
    head, base = (side.engine for side in sides)
    if not head.binary_sha256 or head.binary_sha256 != base.binary_sha256:
        return ()
    if head.id == "command":
        return _same_program_of_commands(result, head)
    if head.id == "embedded":
        return ()
    return sentence(
        "Head and base are the same program, byte for byte; only libraries that it loads can "
        "differ."
    )


def _same_program_of_commands(result: Result, head: EngineIdentity) -> Sentence:
    line, base_line = (result.settings.get(name) for name in ("command", "base-command"))
    if not base_line:
        return sentence(
            *("Head and base ran the same program, ", code(program(head), 60)),
            ", byte for byte: only what it reads in its own checkout can differ.",
        )
    if line is None or line != base_line or has_gaps(line):
        return ()
    return sentence("Head and base are the same command and the same program, byte for byte.")


def program(engine: EngineIdentity) -> str:
    """The name of its program's file; empty where there is none of the caller's."""
    return "" if engine.id == "embedded" else engine.binary.rstrip("/").rsplit("/", 1)[-1]


def _given_to_engine(result: Result, name: str) -> str:
    """An input as the engine had it, if it did."""
    return asked(result, name) if told_to_engine(result.settings, name) else ""


def _refs(result: Result) -> list[str | Span]:
    head = result.head.ref if result.head else ""
    if not head:
        return []
    if result.base is None or both(result) is None:
        return [" Commit ", _short_ref(head), "."]
    return [" Base ", _short_ref(result.base.ref), ", head ", _short_ref(head), "."]


def _short_reference(reference: str) -> str:
    """The file's name of a path or address; a server's model name as it is."""
    if "://" in reference or reference.startswith(("/", "./", "../")):
        return reference.rstrip("/").rsplit("/", 1)[-1]
    return reference


def _short_ref(ref: str) -> Span:
    return code(ref[:7] if len(ref) == 40 and ref.isalnum() else ref, 60)
