"""What was measured: whose engine, which program, model, request and commits?"""

from __future__ import annotations

from perf_smoke.report.parts import Sentence, also, code, join, sentence
from perf_smoke.report.reproduce import has_gaps
from perf_smoke.report.untrusted import visible_line
from perf_smoke.report.view import BaseView, View, WorkloadView, counting, named
from perf_smoke.result import EngineIdentity, RequestRecord


def whose_engine(view: View) -> Sentence:
    """For the engine that we bring: whose speed this is."""
    if not view.ours or view.row is None:
        return ()
    demonstration = sentence(
        *(" on the demonstration model ", code(view.row.default_model), ", not your code."),
        *(" For that, give ", code("binary"), ", ", code("command"), " or ", code("endpoint"), "."),
    )
    return sentence(
        "This measures perf-smoke's own llama.cpp",
        demonstration if view.demonstration else ", not a build of yours.",
    )


def what_ran(view: View, workload: WorkloadView) -> Sentence:
    """Which program, model, request and commits; empty where no side was prepared."""
    engine, request, count = view.engine, workload.workload.request, workload.head.tokens
    if engine is None or request is None:
        return ()
    version = visible_line(f"{engine.id} {engine.version}".strip(), 60)
    name, threads = "" if view.ours else program(engine), workload.workload.threads_passed
    return sentence(
        *("Ran ", also("", name, 60), f" ({version})" if name else version),
        also(" with ", _file_name(view.result.model.reference) if view.result.model else "", 80),
        _prompt(request),
        f", {counting(count, 'output token')}" if count else "",
        f", {counting(threads, 'thread')}" if threads else "",
        also(", features ", ",".join(request.features) if "features" in request.passed else "", 80),
        *(".", _commits(view, workload)),
    )


def program(engine: EngineIdentity) -> str:
    """The name of its program's file; empty where there is none."""
    return engine.binary.rstrip("/").rsplit("/", 1)[-1]


def same_program(view: View, base: BaseView) -> Sentence:
    """That two sides were meant and one program ran on both; empty where it is not sure."""
    head, other, row, settings = view.engine, base.side.engine, view.row, view.result.settings
    if not head or not other or not row or view.ours or not head.binary_sha256:
        return ()
    line, other_line = settings.get("command", ""), settings.get("base-command", "")
    if head.binary_sha256 != other.binary_sha256:
        return ()
    if not row.shares_program:
        said = " are the same program, byte for byte; only libraries that it loads can differ."
        return sentence("Head and ", *base.called, said)
    if not other_line:
        return sentence(
            *("Head and ", base.called, " ran the same program, ", code(program(head), 60)),
            ", byte for byte: only what it reads in its own checkout can differ.",
        )
    # An interpreter's own bytes say little: two lines must be the same as a whole.
    same = "Head and base are the same command and the same program, byte for byte."
    return sentence(same if line == other_line and not has_gaps(line) else "")


def _prompt(request: RequestRecord) -> Sentence:
    size = f" ({counting(request.prompt.characters, 'character')})"
    file = also(", prompt from ", request.prompt.file, 60)
    prompt = sentence(*file, size) if file else also(", prompt ", request.prompt.text, 60)
    return prompt if "prompt" in request.passed else ()


def _commits(view: View, workload: WorkloadView) -> Sentence:
    head = view.result.head
    if view.ours or (head and head.process == "running"):
        return ()  # the commit that is checked out has nothing to do with such a program
    sides = [
        (sentence("Head"), head),
        *((one.called, one.side) for one in workload.bases),
    ]
    parts = [
        # A base that is called by its name needs no second one.
        name if who[0] in name else sentence(*who, ": ", *name)
        for who, side in sides
        if side and (name := named(side))
    ]
    return sentence(" ", *join(parts, "; "), ".") if parts else ()


def _file_name(reference: str) -> str:
    path = "://" in reference or reference.startswith(("/", "./", "../"))
    return reference.rstrip("/").rsplit("/", 1)[-1] if path else reference
