"""What does the verdict rest on, or what would it take to have one?"""

from __future__ import annotations

from perf_smoke import compare
from perf_smoke.metrics import BY_NAME
from perf_smoke.report import numbers
from perf_smoke.report.spans import Sentence, code, join, quoted, sentence, strong
from perf_smoke.report.view import View, WorkloadView, counting, phrase
from perf_smoke.result import Comparison, Guard

_MOST_GUARDS = 8
_LONGEST_S = 100 * 60
"""A run that would take longer than this is no smoke test."""


def findings(view: View, workload: WorkloadView) -> list[Sentence]:
    """Why there is no verdict, and what the pairs of each comparison say."""
    several = len(workload.comparisons) > 1
    paragraphs = []
    for comparison in workload.comparisons:
        parts = _why_no_verdict(comparison), _finding(view, workload, comparison)
        if several:
            paragraphs.append(join([_which(workload, comparison), *parts]))
        else:
            paragraphs += parts
    return paragraphs or [_one_side(view, workload)]


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
        and guard not in _without_verdict(comparison)
    ]
    return [quoted(one) for one in list(dict.fromkeys(sentences))[:_MOST_GUARDS]]


def gravest_of(view: View) -> Sentence:
    """How many questions were asked, and how often their answers may be wrong."""
    leading, base = view.leading, view.lead.base
    if not leading or not base:
        return sentence("Nothing was compared.")
    since = (" The first is since ", *base.called, ".") if len(view.lead.bases) > 1 else ()
    # Each has its share of the run's error rate.
    wrong = sum(question.rule.alpha for question in view.questions)
    return sentence(
        f"The gravest of {counting(len(view.questions), 'question')}; together they are wrong in "
        f"at most 1 run of {1 / wrong:,.0f}.",
        *since,
    )


def decisive_guards(comparison: Comparison | None) -> list[Guard]:
    """The guards that left no verdict where the pairs would have given one."""
    return _without_verdict(comparison) if comparison else []


def _without_verdict(comparison: Comparison) -> list[Guard]:
    if comparison.verdict != "inconclusive" or comparison.low is None:
        return []
    return [guard for guard in comparison.guards if guard.effect == "no-verdict"]


def _which(workload: WorkloadView, comparison: Comparison) -> Sentence:
    since = next(base for base in workload.bases if base.name == comparison.base)
    parts: list[Sentence] = []
    if len({one.metric for one in workload.comparisons}) > 1:
        parts.append(sentence(strong(BY_NAME[comparison.metric].label)))
    if len(workload.bases) > 1:
        parts.append(sentence("since ", *since.called))
    return sentence(*join(parts), ":")


def _finding(view: View, workload: WorkloadView, comparison: Comparison) -> Sentence:
    if comparison.verdict == "not-comparable":
        return _not_comparable(workload, comparison)
    if comparison.low is None or comparison.high is None:
        return _too_few_pairs(view, workload, comparison)
    low, high = comparison.low, comparison.high
    if comparison.verdict == "inconclusive":
        return _cannot_tell(view, workload, comparison, low, high)
    said = _no_change if comparison.verdict == "no-change" else _changed
    return join([said(comparison, low, high), _limit(comparison)])


def _one_side(view: View, workload: WorkloadView) -> Sentence:
    if workload.headline is None:
        return sentence("No step of this run gave a number.")
    summary = workload.head.summary[workload.headline.key]
    few = sentence(f"{counting(summary.n, 'step')}: below 6 no spread is shown.")
    return join([few if summary.low is None else (), _why_alone(view)])


def _why_alone(view: View) -> Sentence:
    if view.result.lost_bases:
        return ()  # it was said first
    alone = "Nothing to compare with: this run had no base"
    if view.ours:
        return sentence(f"{alone}.")
    return sentence(
        *(alone, " (", code("base-ref"), " with ", code("build"), ", ", code("base-binary")),
        *(" or ", code("base-command"), ")."),
    )


def _why_no_verdict(comparison: Comparison) -> Sentence:
    """The guards that left none: first, as the interval below them may look like a verdict."""
    guards = _without_verdict(comparison)
    if not guards:
        return ()
    return join(
        [sentence(strong("Why there is no verdict:")), *(quoted(g.sentence) for g in guards)]
    )


def _changed(comparison: Comparison, low: float, high: float) -> Sentence:
    return sentence(*_takes(low, high, comparison), f" than base ({_interval_of(comparison)}).")


def _no_change(comparison: Comparison, low: float, high: float) -> Sentence:
    margin = numbers.share(comparison.rule.margin)
    if low * high > 0:
        return sentence(
            *_takes(low, high, comparison),
            f" than base ({_interval_of(comparison)}): surely something, and surely less than "
            f"{margin}, which counts as no change.",
        )
    return sentence(
        f"Head is within {margin} of base: ",
        strong(numbers.interval(low, high)),
        f" ({_interval_of(comparison)}).",
    )


def _takes(low: float, high: float, comparison: Comparison) -> Sentence:
    """`Head takes 3.9 … 9.6 % longer`, where both ends have one sign."""
    metric = BY_NAME.get(comparison.metric, BY_NAME["e2e"])
    verb, end = metric.longer if low > 0 else metric.shorter
    return sentence(f"Head {verb} ", strong(numbers.sizes(low, high)), f" {end}")


def _not_comparable(workload: WorkloadView, comparison: Comparison) -> Sentence:
    base = next(one for one in workload.bases if one.name == comparison.base)
    head, other = workload.head.tokens, base.measurement.tokens
    if head is None or other is None or head == other:
        return sentence("The two sides did not do the same work, so there is no verdict.")
    produced = sentence(f"Head produced {counting(head, 'token')}, base {other}.")
    if comparison.estimate is None:
        return produced
    less = comparison.estimate < 0
    took = f"It took {numbers.percent(comparison.estimate)} {'less time' if less else 'longer'}, "
    but = "but a run that says less is not faster."
    return join([produced, sentence(took, but if less and head < other else "for other work.")])


def _too_few_pairs(view: View, workload: WorkloadView, comparison: Comparison) -> Sentence:
    if comparison.pairs == 0:
        return sentence("There is no pair of steps to compare.")
    fewest = max(compare.FEWEST_PAIRS, comparison.pairs_needed or 0)
    pairs = f"{counting(comparison.pairs, 'pair')} of steps"
    return sentence(
        f"{pairs} cannot give a verdict. It takes at least {fewest}",
        *_remedy(view, workload, comparison, fewest),
        ".",
    )


def _cannot_tell(
    view: View, workload: WorkloadView, comparison: Comparison, low: float, high: float
) -> Sentence:
    guarded = bool(_without_verdict(comparison))
    between = sentence(
        "The pairs alone put the change between " if guarded else "The change lies between ",
        strong(f"{numbers.change(low)} and {numbers.change(high)}"),
        f" ({_interval_of(comparison)}).",
    )
    needed = comparison.pairs_needed
    if not needed or needed <= comparison.pairs:
        return between if guarded else join([between, _limit(comparison)])
    more = sentence(
        f"To see {numbers.share(comparison.rule.margin)} it would take a quieter machine, or about "
        f"{needed:,} pairs instead of {comparison.pairs:,}",
        *_remedy(view, workload, comparison, needed),
        ".",
    )
    return join([between, more])


def _remedy(view: View, workload: WorkloadView, comparison: Comparison, pairs: int) -> Sentence:
    """What to write so that there are so many pairs."""
    if view.from_file:
        return sentence(": add pairs")
    if comparison.stopped == "runs":
        return sentence(": set ", code(f"runs: {pairs}"))
    if (each_s := workload.seconds_per_round) is None:
        return sentence(": raise ", code("budget"))
    # Up to a quarter of the budget goes into starts; the workloads take turns.
    budget_s = pairs * each_s / 0.75 * max(1, len(view.workloads))
    if budget_s > _LONGEST_S:
        return sentence(", too long for a smoke test: fewer ", code("tokens"), " make a step short")
    return sentence(": set ", code(f"budget: {numbers.budget(budget_s)}"))


def _limit(comparison: Comparison) -> Sentence:
    if comparison.detectable is None:
        return ()
    return sentence(
        f"This run would have seen a change of {numbers.percent(comparison.detectable)} or more."
    )


def _interval_of(comparison: Comparison) -> str:
    """Which interval this is, and of what."""
    if comparison.level is None:
        return phrase(comparison.metric)
    kind = "interval"
    if comparison.level < 1 - comparison.rule.alpha - 1e-9:
        kind = "interval of the last equivalence test"
    return f"{numbers.share(comparison.level)} {kind}, {phrase(comparison.metric)}"
