"""In which order is a report told?"""

from __future__ import annotations

from dataclasses import dataclass

from perf_smoke import numbers
from perf_smoke.report import (
    busy,
    canary,
    chart,
    facts,
    failure,
    finding,
    reproduce,
    table,
    verdict,
    what_ran,
)
from perf_smoke.report.parts import (
    Block,
    Facts,
    Folded,
    Foot,
    Part,
    Sentence,
    code,
    link,
    quoted,
    sentence,
)
from perf_smoke.report.view import View, WorkloadView, counting
from perf_smoke.result import fail_on

_MOST_NOTES = 6


@dataclass(frozen=True, kw_only=True)
class Links:
    """Where a reader can go on. What is empty is left out; only http and https become links."""

    run_url: str = ""
    result_url: str = ""
    result_path: str = ""
    """Where result.json lies, when it has no address."""
    docs_url: str = ""
    """How to read the verdict."""
    verdict_url: str = ""
    """How to get one: the inputs for a base."""
    package: str = ""
    """Where pip gets this perf-smoke from: `git+https://host/owner/name@ref`."""


def story(view: View, links: Links) -> tuple[Part, ...]:
    """Everything that there is to tell: the verdict, the numbers, then what is folded."""
    return (
        verdict.title(view),
        *filter(None, _before_the_numbers(view)),
        *(_questions(view) if view.several else _question(view, links)),
        *failure.lost_tails(view),
        *_command(view, links),
        Foot(_consequence(view), where_to_go_on(links)),
    )


def _question(view: View, links: Links) -> list[Part]:
    workload = view.lead
    found = [
        *_unanswered(view, workload),
        *_answered(view, workload),
        *_differences(workload),
        *_beside(workload),
    ]
    how = link("How to get a verdict", links.verdict_url)
    if how and found and not (workload.bases or view.result.lost_bases):
        found[-1] = sentence(*found[-1], " ", *how, ".")
    measured, run = facts.of_workload(view, workload), facts.of_run(view)
    picture = chart.parts(workload)
    return [
        *found,
        *failure.details(view),
        *table.main_tables(view, workload),
        *canary.differing_texts(workload),
        *_texts(view, workload),
        *_notes(view),
        Folded(
            sentence(facts.title(view, workload)),
            (Facts((*measured.facts, *run.facts)), *table.further_tables(workload)),
        ),
        *([Folded(sentence("Paired differences"), picture)] if picture else ()),
    ]


def _questions(view: View) -> list[Part]:
    return [
        *([finding.gravest_of(view)] if view.questions else []),
        *failure.details(view),
        *(
            sentence(code(workload.name, 60), ": ", *one) if len(view.workloads) > 1 else one
            for workload in view.workloads
            for one in (*_unanswered(view, workload), *_differences(workload))
        ),
        *table.questions(view),
        *(part for workload in view.workloads for part in _long_texts(view, workload)),
        *_notes(view),
        *(
            Folded(
                sentence(code(workload.name, 60), f": {facts.title(view, workload).lower()}"),
                (
                    *_answered(view, workload),
                    *_beside(workload),
                    *table.main_tables(view, workload),
                    *_texts(view, workload),
                    facts.of_workload(view, workload),
                    *table.further_tables(workload),
                    *chart.parts(workload),
                ),
            )
            for workload in view.workloads
        ),
        Folded(sentence("Programs and machine"), (facts.of_run(view),)),
    ]


def _before_the_numbers(view: View) -> list[Sentence]:
    whose, busyness = what_ran.whose_engine(view), busy.warning(view)
    lost, wrong = failure.lost_bases(view), failure.paragraphs(view)
    if view.result.status == "measured":
        return [*lost, whose, busyness, *wrong]
    return [whose, *wrong, *lost, busyness]


def _unanswered(view: View, workload: WorkloadView) -> list[Sentence]:
    return finding.open_questions(view, workload) if view.result.status == "measured" else []


def _answered(view: View, workload: WorkloadView) -> list[Sentence]:
    if view.result.status != "measured":
        return []
    same = (what_ran.same_program(view, base) for base in workload.bases)
    return [one for one in (*finding.answers(view, workload), *same) if one]


def _differences(workload: WorkloadView) -> list[Sentence]:
    return list(filter(None, [canary.difference(workload)]))


def _beside(workload: WorkloadView) -> list[Sentence]:
    return finding.beside(workload, bool(canary.differing(workload)))


def _texts(view: View, workload: WorkloadView) -> list[Part]:
    return [
        *canary.output(view, workload),
        *filter(None, [what_ran.what_ran(view, workload)]),
    ]


def _long_texts(view: View, workload: WorkloadView) -> list[Part]:
    """Unfolded, for a terminal folds nothing out: a sentence says that they stand below."""
    texts = canary.differing_texts(workload)
    named = len(view.workloads) > 1 and texts
    return [*([sentence(code(workload.name, 60), ":")] if named else []), *texts]


def _notes(view: View) -> list[Part]:
    notes = [sentence("Note: ", *quoted(note, 500)) for note in view.result.notes[:_MOST_NOTES]]
    if more := len(view.result.notes) - len(notes):
        notes.append(sentence(f"Note: {counting(more, 'more note')} in result.json."))
    return [*notes]


def _command(view: View, links: Links) -> list[Part]:
    command = reproduce.command(view)
    lines = "\n".join(filter(None, (reproduce.installation(view, links.package), command)))
    folded = Folded(sentence("Reproduce on your machine"), (Block(lines, language="sh"),))
    return [folded] if command else []


def _consequence(view: View) -> Sentence:
    """What the check may do to the job, as `fail-on` says."""
    asked = fail_on(view.result.settings.get("fail-on", ""))
    if not asked:
        return sentence("Informational: this check never blocks a merge.")
    cause = view.result.fails_step(asked)
    size = f"{numbers.share(view.lead.leading.rule.margin)} " if view.lead.leading else ""
    when = {
        "error": f"measuring fails{', never for what it finds' if asked == ('error',) else ''}",
        "slower": f"head is slower by more than the {size}margin",
    }
    ends = " or when ".join(when[one] for one in asked)
    failed = sentence(" It failed because of ", code(f"fail-on: {cause}"), ".") if cause else ()
    return sentence(code(f"fail-on: {','.join(asked)}"), f": this step fails when {ends}.", failed)


def where_to_go_on(links: Links) -> tuple[Sentence, ...]:
    """The links at the foot of a report."""
    document = link("result.json", links.result_url)
    if not links.result_url and links.result_path:
        document = sentence(code(links.result_path, 200))
    go_on = link("run", links.run_url), document, link("how to read this", links.docs_url)
    return tuple(filter(None, go_on))
