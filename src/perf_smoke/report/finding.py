"""What does the verdict rest on, or what would it take to have one?"""

from __future__ import annotations

from perf_smoke import compare, numbers
from perf_smoke.metrics import BY_NAME
from perf_smoke.report.budget import needed_s
from perf_smoke.report.parts import Sentence, code, join, quoted, sentence, strong
from perf_smoke.report.view import BaseView, View, WorkloadView, counting, phrase
from perf_smoke.result import Comparison, Guard

_MOST_GUARDS = 8
_MOST_RUNS = 1e6
"""To be wrong less often than once in so many runs is said of no run."""
_OPEN = ("inconclusive", "not-comparable")
"""Verdicts that leave a reader without an answer."""
_LONGEST_S = 100 * 60
"""A run that would take longer than this is no smoke test."""


def open_questions(view: View, workload: WorkloadView) -> list[Sentence]:
    """Why some questions have no verdict, and what it would take."""
    sentences = [
        one
        for comparison in workload.comparisons
        if comparison.verdict in _OPEN
        for one in (_why_no_verdict(comparison), _finding(view, workload, comparison))
    ]
    return list(dict.fromkeys(filter(None, sentences)))  # one cause may leave several open


def answers(view: View, workload: WorkloadView) -> list[Sentence]:
    """What the pairs of each other comparison say; without any, what one side gave."""
    if not workload.comparisons:
        return [_one_side(view, workload)]
    answered = (one for one in workload.comparisons if one.verdict not in _OPEN)
    return [_finding(view, workload, one) for one in answered]


def beside(workload: WorkloadView, texts_told: bool) -> list[Sentence]:
    """What must be said beside the verdict, once each.

    Args:
        texts_told: whether the report has shown already that the outputs differ.
    """
    sentences = [
        guard.sentence
        for comparison in workload.comparisons
        for guard in comparison.guards
        # What the report has said in its own words, with the numbers and texts, is not repeated.
        if not (guard.name == "texts-differ" and texts_told)
        and not (guard.name == "tokens-differ" and comparison.verdict == "not-comparable")
        and guard not in decisive(comparison)
    ]
    return [quoted(one) for one in list(dict.fromkeys(sentences))[:_MOST_GUARDS]]


def gravest_of(view: View) -> Sentence:
    """How many questions were asked, and how often their answers may be wrong."""
    base = view.lead.base
    # Each has its share of the run's error rate.
    wrong = sum(question.rule.alpha for question in view.questions)
    since = sentence(", since ", base.called) if base and len(view.lead.bases) > 1 else ()
    return sentence(
        f"The gravest of {counting(len(view.questions), 'answer')}",
        since,
        f"; together they are wrong in at most 1 run of {min(1 / wrong, _MOST_RUNS):,.0f}.",
    )


def decisive(comparison: Comparison | None) -> list[Guard]:
    """The guards that left no verdict where the pairs would have given one."""
    if comparison is None or comparison.verdict != "inconclusive" or comparison.low is None:
        return []
    return [guard for guard in comparison.guards if guard.effect == "no-verdict"]


def _finding(view: View, workload: WorkloadView, comparison: Comparison) -> Sentence:
    low, high, base = comparison.low, comparison.high, workload.base_of(comparison)
    if comparison.verdict == "not-comparable":
        return _not_comparable(workload, comparison, base)
    if low is None or high is None:
        fewest = max(compare.FEWEST_PAIRS, comparison.pairs_needed or 0)
        pairs = counting(comparison.pairs, "pair")
        takes = f"{pairs} of steps cannot give a verdict. It takes at least {fewest}"
        remedy = _remedy(view, workload, comparison, fewest)
        none = sentence("There is no pair of steps to compare.")
        return sentence(takes, *remedy, ".") if comparison.pairs else none
    if comparison.verdict == "inconclusive":
        return _cannot_tell(
            view, workload, comparison, f"{numbers.change(low)} and {numbers.change(high)}"
        )
    margin, of_what = numbers.share(comparison.rule.margin), _interval_of(comparison)
    if low <= 0 <= high:
        inside = strong(numbers.interval(low, high))
        said = sentence(
            f"Head is within {margin} of ", *base.called, ": ", inside, f" ({of_what})."
        )
        return join([said, _limit(comparison)])
    metric = BY_NAME.get(comparison.metric, BY_NAME["e2e"])
    verb, end = metric.longer if low > 0 else metric.shorter
    small = f": surely so, and surely less than the {margin} that count as a change"
    return sentence(
        *(f"Head {verb} ", strong(numbers.sizes(low, high)), f" {end} than ", base.called),
        f" ({of_what}){small if comparison.verdict == 'no-change' else ''}. ",
        _limit(comparison),
    )


def _one_side(view: View, workload: WorkloadView) -> Sentence:
    summary = workload.headline and workload.head.summary.get(workload.headline.key)
    if not summary:
        return sentence("No step of this run gave a number.")
    few = f"{counting(summary.n, 'step')}: below 6 no spread is shown."
    counts = "That of the warm-up is counted, as no other fitted into the budget."
    return join(
        [
            sentence(few if summary.low is None else ""),
            sentence(counts if workload.workload.warmup_counted else ""),
            () if view.result.lost_bases else _why_alone(view),  # it was said first
        ]
    )


def _why_alone(view: View) -> Sentence:
    inputs = view.row.base_inputs if view.row else ()
    built = sentence(code("base-ref"), " with ", code("build"))
    ways = join([built, *(sentence(code(name)) for name in inputs)], " or ")
    which = sentence(" (", ways, ")") if inputs else ""
    return sentence("Nothing to compare with: this run had no base", which, ".")


def _why_no_verdict(comparison: Comparison) -> Sentence:
    # First, as the interval below it may look like a verdict.
    guards = [quoted(guard.sentence) for guard in decisive(comparison)]
    return join([sentence(strong("Why there is no verdict:")), *guards]) if guards else ()


def _not_comparable(workload: WorkloadView, comparison: Comparison, base: BaseView) -> Sentence:
    head, other, change = workload.head.tokens, base.measurement.tokens, comparison.estimate
    if head is None or other is None or head == other:
        return sentence("The two sides did not do the same work, so there is no verdict.")
    produced = sentence(f"Head produced {counting(head, 'token')}, ", *base.called, f" {other}.")
    if change is None:
        return produced
    took = f"It took {numbers.percent(change)} {'less time' if change < 0 else 'longer'}, "
    less = change < 0 and head < other
    end = "but a run that says less is not faster." if less else "for other work."
    return join([produced, sentence(took, end)])


def _cannot_tell(
    view: View, workload: WorkloadView, comparison: Comparison, bounds: str
) -> Sentence:
    guarded, needed = bool(decisive(comparison)), comparison.pairs_needed
    since = sentence(" since ", *workload.base_of(comparison).called)
    change = sentence("change", since if len(workload.bases) > 1 else "")
    between = sentence(
        sentence("The pairs alone put the ", *change, " between ")
        if guarded
        else sentence("The ", *change, " lies between "),
        *(strong(bounds), f" ({_interval_of(comparison)})."),
    )
    if not needed or needed <= comparison.pairs:
        return join([between, () if guarded else _limit(comparison)])
    more = sentence(
        f"To see {numbers.share(comparison.rule.margin)} it would take a quieter machine, or about "
        f"{numbers.about(needed):,} pairs instead of {comparison.pairs:,}",
        *(_remedy(view, workload, comparison, numbers.about(needed)), "."),
    )
    return join([between, more])


def _remedy(view: View, workload: WorkloadView, comparison: Comparison, pairs: int) -> Sentence:
    if view.result.origin == "pairs-file":
        return sentence(": add pairs")
    budget_s = needed_s(view, workload, pairs)
    if comparison.stopped == "deadline":
        return sentence(": raise ", code("deadline"))
    if comparison.stopped == "runs":
        return sentence(": set ", code(f"runs: {pairs}"))
    if budget_s and budget_s > _LONGEST_S:
        return sentence(", too long for a smoke test: fewer ", code("tokens"), " make a step short")
    wanted = f"budget: {numbers.budget(budget_s)}" if budget_s else "budget"
    return sentence(": set ", code(wanted))


def _limit(comparison: Comparison) -> Sentence:
    size = numbers.percent(comparison.detectable or 0.0)
    seen = f"This run would have seen a change of {size} or more."
    return sentence("" if comparison.detectable is None else seen)


def _interval_of(comparison: Comparison) -> str:
    level = comparison.level or 0.0
    last = level < 1 - comparison.rule.alpha
    kind = "interval of the last equivalence test" if last else "interval"
    return f"{numbers.share(level)} {kind}, {phrase(comparison.metric)}"
