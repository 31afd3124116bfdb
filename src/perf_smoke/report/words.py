"""The paragraphs under the verdict: what it rests on, or what it would take to have one."""

from __future__ import annotations

from perf_smoke.report import numbers
from perf_smoke.report.canary import both_said, difference
from perf_smoke.report.foreign import one_line
from perf_smoke.report.reading import (
    DECIDING,
    DEMONSTRATION_MODEL,
    METRICS,
    asked,
    both,
    changes,
    counted,
    counting,
    headline_metric,
    is_demonstration,
    is_from_a_file,
    no_base,
    paired,
    seconds_per_pair,
    tokens,
)
from perf_smoke.report.spans import Sentence, Span, code, join, quoted, sentence, strong
from perf_smoke.result import Comparison, Result, told_to_engine

_FEWEST_PAIRS = 11
"""Below it the signed-rank boundary cannot be met, whatever the pairs say."""
_MOST_GUARDS = 8
_MOST_NOTES = 6
_MOST_PROBLEMS = 40

_LONGER = {
    "decode": ("takes", "longer per output token"),
    "ttft": ("takes", "longer to the first token"),
    "cpu": ("uses", "more CPU time"),
}
_SHORTER = {
    "decode": ("takes", "less time per output token"),
    "ttft": ("takes", "less time to the first token"),
    "cpu": ("uses", "less CPU time"),
}


def lead(result: Result) -> list[Sentence]:
    """The paragraphs between the verdict line and the table."""
    paragraphs = [_whose_engine(result)]
    if result.status == "measured":
        paragraphs.append(_finding(result))
        if result.failure:
            paragraphs.append(quoted(result.failure.sentence))
    else:
        paragraphs += [_not_measured(result), _until_then(result)]
    comparison = paired(result)
    if comparison is None or comparison.verdict != "not-comparable":
        paragraphs.append(difference(result))
    if comparison:
        # What the report has said in its own words, with the numbers and texts, is not repeated.
        said = {"texts-differ"} if difference(result) else set()
        said |= {"tokens-differ"} if comparison.verdict == "not-comparable" else set()
        guards = [guard for guard in comparison.guards if guard.name not in said]
        paragraphs += [quoted(guard.sentence) for guard in guards[:_MOST_GUARDS]]
    return [paragraph for paragraph in paragraphs if paragraph]


def problems(result: Result) -> list[Sentence]:
    """What is wrong with the inputs, one sentence each."""
    if result.status != "invalid" or result.failure is None:
        return []
    lines = result.failure.tail.splitlines()[:_MOST_PROBLEMS]
    return [quoted(line) for line in lines if line.strip()]


def notes(result: Result) -> list[Sentence]:
    """What else a reader of the numbers should know."""
    others = [note for note in result.notes if note != no_base(result)]
    shown = [quoted(note, 500) for note in others[:_MOST_NOTES]]
    if more := len(others) - len(shown):
        shown.append(sentence(f"{counting(more, 'more note')} in result.json."))
    return shown


def what_ran(result: Result) -> Sentence:
    """Which program, model and request; empty where no side was prepared."""
    if result.head is None or is_from_a_file(result):
        return ()
    engine = result.head.engine
    name = engine.binary.rstrip("/").rsplit("/", 1)[-1] if engine.id != "embedded" else ""
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


def _whose_engine(result: Result) -> Sentence:
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


def _finding(result: Result) -> Sentence:
    comparison = paired(result)
    if comparison is None or comparison.verdict == "no-baseline":
        return _one_side(result)
    if comparison.verdict == "not-comparable":
        return _not_comparable(result, comparison)
    if comparison.low is None or comparison.high is None:
        return _too_few_pairs(result, comparison)
    if comparison.verdict == "inconclusive":
        return _cannot_tell(result, comparison, comparison.low, comparison.high)
    return join([_decided(comparison, comparison.low, comparison.high), _limit(comparison)])


def _one_side(result: Result) -> Sentence:
    name = headline_metric(result)
    if name is None or result.head is None:
        return sentence("No step of this run gave a number.")
    found = result.head.summary[name]
    few = sentence(f"{counting(found.n, 'step')}: below 6 no spread is shown.")
    return join([few if found.low is None else (), _why_alone(result)])


def _why_alone(result: Result) -> Sentence:
    if note := no_base(result):
        return quoted(note)
    alone = "Nothing to compare with: this run had no base"
    if is_demonstration(result):
        return sentence(f"{alone}.")
    return sentence(
        *(alone, " (", code("base-ref"), " with ", code("build"), ", ", code("base-binary")),
        *(" or ", code("base-command"), ")."),
    )


def _decided(comparison: Comparison, low: float, high: float) -> Sentence:
    if comparison.verdict == "no-change":
        return sentence(
            f"Head is within {numbers.share(comparison.margin)} of base: ",
            strong(numbers.interval(low, high)),
            f" ({_interval_of(comparison)}).",
        )
    ways = (_LONGER, ("takes", "longer"))
    if comparison.verdict == "faster":
        ways = (_SHORTER, ("takes", "less time"))
    verb, end = ways[0].get(comparison.metric, ways[1])
    return sentence(
        f"Head {verb} ",
        strong(numbers.sizes(low, high)),
        f" {end} than base ({_interval_of(comparison)}).",
    )


def _not_comparable(result: Result, comparison: Comparison) -> Sentence:
    head = tokens(result.head) if result.head else None
    base = tokens(result.base) if result.base else None
    if head is None or base is None or head == base:
        return sentence("The two sides did not do the same work, so there is no verdict.")
    produced = sentence(f"Head produced {counting(head, 'token')}, base {base}.")
    said = both_said(result)
    if comparison.estimate is None:
        return join([produced, said])
    less = comparison.estimate < 0
    took = f"It took {numbers.percent(comparison.estimate)} {'less time' if less else 'longer'}, "
    but = "but a run that says less is not faster."
    return join(
        [produced, sentence(took, but if less and head < base else "for other work."), said]
    )


def _too_few_pairs(result: Result, comparison: Comparison) -> Sentence:
    if comparison.pairs == 0:
        return sentence("There is no pair of steps to compare.")
    fewest = max(_FEWEST_PAIRS, comparison.pairs_needed or 0)
    pairs = f"{counting(comparison.pairs, 'pair')} of steps"
    needs = f"{pairs} cannot give a verdict. It takes at least {fewest}"
    if (each := seconds_per_pair(result)) is None:
        return sentence(f"{needs}.")
    took = numbers.roughly(each * fewest)
    return sentence(f"{needs}, {took} of measuring: raise ", code("budget"), ".")


def _cannot_tell(result: Result, comparison: Comparison, low: float, high: float) -> Sentence:
    between = sentence(
        "The change lies between ",
        strong(f"{numbers.change(low)} and {numbers.change(high)}"),
        f" ({_interval_of(comparison)}).",
    )
    needed = comparison.pairs_needed
    if not needed or needed <= comparison.pairs:
        return join([between, _limit(comparison)])
    each = seconds_per_pair(result)
    took = f", {numbers.roughly(each * needed)} of measuring," if each else ""
    return join(
        [
            between,
            sentence(
                f"To see {numbers.share(comparison.margin)} it would take about {needed:,} pairs"
                f"{took} instead of {comparison.pairs:,}, or a quieter machine."
            ),
        ]
    )


def _limit(comparison: Comparison) -> Sentence:
    if comparison.detectable is None:
        return ()
    return sentence(
        f"This run would have seen a change of {numbers.percent(comparison.detectable)} or more."
    )


def _interval_of(comparison: Comparison) -> str:
    """Which interval this is, and of what."""
    metric = METRICS[DECIDING.get(comparison.metric, "e2e_ms")].phrase
    if comparison.level is None:
        return metric
    kind = "interval"
    if comparison.level < 1 - comparison.alpha - 1e-9:
        kind = "interval of the last equivalence test"
    return f"{numbers.share(comparison.level)} {kind}, {metric}"


def _not_measured(result: Result) -> Sentence:
    if result.failure:
        return quoted(result.failure.sentence, 2000)
    return sentence("The run ended without saying why.")


def _until_then(result: Result) -> Sentence:
    if headline_metric(result) is None or result.head is None:
        return sentence("Nothing was measured.") if result.status == "cancelled" else ()
    if pairs := len(changes(result)):
        return sentence(f"Until then: {counting(pairs, 'pair')}, no verdict.")
    return sentence(f"Until then: {counting(len(counted(result.head)), 'step')}.")


def _short_reference(reference: str) -> str:
    """The file's name of a path or address; a server's model name as it is."""
    if "://" in reference or reference.startswith(("/", "./", "../")):
        return reference.rstrip("/").rsplit("/", 1)[-1]
    return reference


def _short_ref(ref: str) -> Span:
    return code(ref[:7] if len(ref) == 40 and ref.isalnum() else ref, 60)
