"""What was measured: whose engine, which program, model, request and commits?"""

from __future__ import annotations

from perf_smoke.report.reproduce import has_gaps
from perf_smoke.report.spans import Sentence, Span, code, join, sentence
from perf_smoke.report.untrusted import one_line
from perf_smoke.report.view import BaseView, View, WorkloadView, counting
from perf_smoke.result import Asked, EngineIdentity, Side


def whose_engine(view: View) -> Sentence:
    """For the engine that we bring: whose speed this is."""
    if not view.ours:
        return ()
    if view.demonstration and view.row:
        return sentence(
            "This measures perf-smoke's own llama.cpp on the demonstration model ",
            code(view.row.default_model),
            ", not your code. For that, give ",
            *(code("binary"), ", ", code("command"), " or ", code("endpoint"), "."),
        )
    return sentence("This measures perf-smoke's own llama.cpp, not a build of yours.")


def what_ran(view: View, workload: WorkloadView) -> Sentence:
    """Which program, model, request and commits; empty where no side was prepared."""
    engine = view.engine
    if engine is None:
        return ()
    name = "" if view.ours else program(engine)
    version = one_line(" ".join(filter(None, (engine.id, engine.version))), 60)
    parts: list[str | Span | Sentence] = [code(name, 60), f" ({version})"] if name else [version]
    if view.result.model:
        parts += [" with ", code(_short_reference(view.result.model.reference), 80)]
    parts += [*_request(workload.workload.asked)]
    if count := workload.head.tokens:
        parts.append(f", {counting(count, 'output token')}")
    parts += _how(workload.workload.asked)
    return sentence("Ran ", *parts, ".", *_commits(view, workload))


def same_program(view: View, workload: WorkloadView) -> Sentence:
    """That two sides were meant and one program ran on both; empty where it is not sure."""
    return join(_same_program(view, base) for base in workload.bases)


def program(engine: EngineIdentity) -> str:
    """The name of its program's file; empty where there is none."""
    return engine.binary.rstrip("/").rsplit("/", 1)[-1]


def named(side: Side) -> Sentence:
    """A side as it was named, beside its commit: `` `v1.2` (`1dbec34`) ``; empty without both."""
    commit = sentence(code(side.commit[:7])) if side.commit else ()
    if not side.ref or side.commit.startswith(side.ref):
        return commit
    return sentence(code(side.ref, 60), *(sentence(" (", *commit, ")") if commit else ()))


def _same_program(view: View, base: BaseView) -> Sentence:
    head, other = view.engine, base.side.engine
    if head is None or other is None or view.row is None or view.ours:
        return ()
    if not head.binary_sha256 or head.binary_sha256 != other.binary_sha256:
        return ()
    if not view.row.shares_program:
        return sentence(
            "Head and ",
            *base.called,
            " are the same program, byte for byte; only libraries that it loads can differ.",
        )
    # An interpreter's own bytes say little: two lines must be the same as a whole.
    settings = view.result.settings
    line, other_line = settings.get("command", ""), settings.get("base-command", "")
    if not other_line:
        return sentence(
            *("Head and ", *base.called, " ran the same program, ", code(program(head), 60)),
            ", byte for byte: only what it reads in its own checkout can differ.",
        )
    if line != other_line or has_gaps(line):
        return ()
    return sentence("Head and base are the same command and the same program, byte for byte.")


def _request(asked: Asked) -> Sentence:
    if "prompt" not in asked.told:
        return ()
    if asked.prompt.file:
        size = counting(asked.prompt.characters, "character")
        return sentence(", prompt from ", code(asked.prompt.file, 60), f" ({size})")
    return sentence(", prompt ", code(asked.prompt.text, 60)) if asked.prompt.text else ()


def _how(asked: Asked) -> list[str | Span | Sentence]:
    parts: list[str | Span | Sentence] = []
    if threads := asked.threads_told():
        parts.append(f", {counting(threads, 'thread')}")
    if "features" in asked.told and asked.features:
        parts += [", features ", code(",".join(asked.features), 80)]
    return parts


def _commits(view: View, workload: WorkloadView) -> Sentence:
    head = view.result.head
    sides = [(base.called, named(base.side)) for base in workload.bases]
    told = sentence("Head: ", *named(head)) if head and named(head) else ()
    for called, name in sides:
        if name:
            told = sentence(*told, *(("; ",) if told else ()), *_once(called, name))
    return sentence(" ", *told, ".") if told else ()


def _once(called: Sentence, name: Sentence) -> Sentence:
    """`base: v1.2 (1dbec34)`; the name alone where it is called by it."""
    return name if called[0] in name else sentence(*called, ": ", *name)


def _short_reference(reference: str) -> str:
    """The file's name of a path or address; a server's model name as it is."""
    if "://" in reference or reference.startswith(("/", "./", "../")):
        return reference.rstrip("/").rsplit("/", 1)[-1]
    return reference
