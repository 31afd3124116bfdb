"""The paragraphs under the verdict: what it rests on, or what it would take to have one."""

from __future__ import annotations

from perf_smoke.report import busy, numbers
from perf_smoke.report.canary import both_said, difference
from perf_smoke.report.reading import (
    DECIDING,
    METRICS,
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
    verdict_taken_by,
)
from perf_smoke.report.spans import Sentence, code, join, quoted, sentence, strong
from perf_smoke.report.subject import same_program, whose_engine
from perf_smoke.result import Comparison, Result

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
    without_base = quoted(no_base(result))
    if result.status == "measured":
        paragraphs = [without_base, whose_engine(result), busy.warning(result)]
        paragraphs += [_why_no_verdict(result), _finding(result), same_program(result)]
        if result.failure:
            paragraphs.append(quoted(result.failure.sentence))
    else:
        paragraphs = [whose_engine(result), _not_measured(result)]
        paragraphs += [_until_then(result), without_base, busy.warning(result)]
    comparison = paired(result)
    if comparison is None or comparison.verdict != "not-comparable":
        paragraphs.append(difference(result))
    if comparison:
        # What the report has said in its own words, with the numbers and texts, is not repeated.
        said = {"texts-differ"} if difference(result) else set()
        said |= {"tokens-differ"} if comparison.verdict == "not-comparable" else set()
        said |= {guard.name for guard in verdict_taken_by(result)}
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


def consequence(result: Result) -> Sentence:
    """What the check may do to the job, as `fail-on` says."""
    setting = result.settings.get("fail-on", "").strip()
    if setting == "error":
        return sentence(
            code("fail-on: error"),
            ": this step fails when measuring fails, never for what it finds.",
        )
    if setting == "slower":
        size = f"{numbers.share(result.comparison.margin)} " if result.comparison else ""
        end = f": this step fails when head is slower by more than the {size}margin."
        return sentence(code("fail-on: slower"), end)
    return sentence("Informational: this check never blocks a merge.")


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
    if no_base(result):
        return ()  # it was said first
    alone = "Nothing to compare with: this run had no base"
    if is_demonstration(result):
        return sentence(f"{alone}.")
    return sentence(
        *(alone, " (", code("base-ref"), " with ", code("build"), ", ", code("base-binary")),
        *(" or ", code("base-command"), ")."),
    )


def _why_no_verdict(result: Result) -> Sentence:
    """The guards that left none: first, as the interval below them may look like a verdict."""
    guards = verdict_taken_by(result)
    if not guards:
        return ()
    return join(
        [sentence(strong("Why there is no verdict:")), *(quoted(g.sentence) for g in guards)]
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
    if is_from_a_file(result):
        return sentence(f"{needs}: add pairs.")
    if (each := seconds_per_pair(result)) is None:
        return sentence(f"{needs}.")
    took = numbers.roughly(each * fewest)
    limit = code("runs" if comparison.stopped == "runs" else "budget")
    return sentence(f"{needs}, {took} of measuring: raise ", limit, ".")


def _cannot_tell(result: Result, comparison: Comparison, low: float, high: float) -> Sentence:
    taken = bool(verdict_taken_by(result))
    between = sentence(
        "The pairs alone put the change between " if taken else "The change lies between ",
        strong(f"{numbers.change(low)} and {numbers.change(high)}"),
        f" ({_interval_of(comparison)}).",
    )
    needed = comparison.pairs_needed
    if not needed or needed <= comparison.pairs:
        return between if taken else join([between, _limit(comparison)])
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
