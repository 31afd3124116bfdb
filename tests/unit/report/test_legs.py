"""The common report of several jobs: the gravest first, and nobody left out."""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import replace

import pytest

from perf_smoke.github.comment import BODY_ROOM
from perf_smoke.report.legs import OUTCOMES, Absent, Legs, annotation
from perf_smoke.report.legs_story import legs_story
from perf_smoke.report.markdown import LegsReport
from perf_smoke.result import HEAD, Output, Result, Rule
from tests import documents
from tests.unit.report import golden, runs
from tests.unit.report.test_escaping import NASTY, hostile, tokens


def written(legs: Legs, room: int = 10**9) -> str:
    """As markdown."""
    return LegsReport.of(legs_story(legs, golden.LINKS, label="", fail_on=())).within(room)


def rows(text: str) -> list[list[str]]:
    """The cells of the tables above the legs' own reports, as plain text."""
    above = re.split(r"<details><summary><code>", text)[0]
    lines = [line for line in above.splitlines() if line.startswith("| ") and "verdict" not in line]
    plain = (re.sub(r"[*`]", "", line).replace("\N{NO-BREAK SPACE}", " ") for line in lines)
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in plain]


def every_outcome() -> list[Result]:
    """A leg of each kind, the gravest first."""
    fewer = runs.two(pairs=24, steps={"tokens": 2})
    unequal = replace(
        fewer,
        workloads={
            name: replace(
                workload,
                measurements={
                    side: replace(
                        found,
                        samples=tuple(
                            replace(step, n_out=4 if side == HEAD else 2) for step in found.samples
                        ),
                    )
                    for side, found in workload.measurements.items()
                },
            )
            for name, workload in fewer.workloads.items()
        },
    )
    return [
        documents.leg("crashes", result=documents.failed("engine-crashed")),
        documents.leg("slow", slower_by=0.2),
        documents.leg("unequal", result=runs.decide(unequal, Rule())),
        documents.leg("no model", result=documents.failed("model-download")),
        documents.leg("noisy", result=runs.two(pairs=12, steps={"noise": 0.4})),
        documents.leg("alone", result=runs.alone(24)),
        documents.leg("fast", slower_by=-0.2),
        documents.leg("same", pairs=182),
    ]


def test_the_gravest_comes_first_in_every_pair_of_outcomes() -> None:
    results = every_outcome()
    legs = Legs.of(results)
    assert [leg.outcome for leg in legs.legs] == list(OUTCOMES)
    assert [leg.name for leg in legs.legs] == [
        *("crashes", "slow", "unequal", "no model", "noisy", "alone", "fast", "same"),
    ]
    assert legs.headline == "1 of 8 crashing"
    for graver, milder in itertools.combinations(range(len(results)), 2):
        pair = Legs.of([results[milder], results[graver]])
        assert [leg.name for leg in pair.legs] == [
            legs.legs[graver].name,
            legs.legs[milder].name,
        ]


def test_the_table_says_what_each_leg_found() -> None:
    table = {name: (said, change) for name, said, change in rows(written(Legs.of(every_outcome())))}
    assert table["crashes"] == ("head crashes", "–")
    assert table["slow"][0] == "slower"
    assert re.fullmatch(r"\+\d+\.\d % \(\+\d+\.\d … \+\d+\.\d\)", table["slow"][1])
    assert table["unequal"] == ("not comparable", "–")
    assert table["no model"] == ("not measured", "–")
    assert table["noisy"][0] == "cannot tell"
    assert re.fullmatch(r"5\d\.\d ms for 4 tokens", table["alone"][0])
    assert table["fast"][0] == "faster"
    assert table["same"][0] == "no change"


def test_the_text_is_the_same_whichever_order_the_results_come_in() -> None:
    results = [*every_outcome(), *(documents.leg("twin", seed=seed) for seed in range(4))]
    texts = set()
    for seed in range(12):
        random.Random(seed).shuffle(results)
        texts.add(written(Legs.of(results, expected=["twin", "gone"])))
    assert len(texts) == 1


def test_legs_that_were_expected_and_did_not_come_are_named_and_others_only_counted() -> None:
    came = [documents.leg("gcc"), documents.leg("clang")]
    text = written(Legs.of(came, expected=["gcc", "msvc", '{"cc": "clang"}', "msvc"]))
    assert "2 results came, 3 legs were expected." in text
    assert ["msvc", "not measured: no result came", "–"] in rows(text)
    assert text.startswith("### perf-smoke: 1 of 3 not measured\n")
    assert "\n2 results came. 2 answers: together" in written(Legs.of(came))


def test_a_leg_is_known_by_its_label_its_place_or_its_job() -> None:
    leg = documents.leg(matrix='{"cc":"gcc","machine":"arm64"}')
    labelled = replace(leg, settings={**leg.settings, "label": "a label"})
    alone = documents.leg(matrix="")
    known = Legs.of([leg, labelled], expected=["gcc, arm64", "a label"])
    assert known.missing == []
    assert Legs.of([alone], expected=["bench"]).missing == []
    assert Legs.of([alone], expected=["perf / bench"]).missing == []
    assert Legs.of([alone], expected=["other"]).missing == ["other"]


def test_legs_of_the_same_name_are_told_apart() -> None:
    names = {leg.name for leg in Legs.of([documents.leg(job=job) for job in "ab"]).legs}
    assert names == {"gcc, perf / a", "gcc, perf / b"}
    same = {leg.name for leg in Legs.of([documents.leg(seed=seed) for seed in (1, 2)]).legs}
    assert len(same) == 2


def test_each_question_of_a_leg_has_a_row() -> None:
    legs = Legs.of([documents.leg("gcc", result=runs.questions()), documents.leg("clang")])
    table = rows(written(legs))
    questions = [row for row in table if row[0].startswith("gcc: ")]
    assert len(questions) == len(runs.questions().comparisons) > 2
    assert len({row[0] for row in questions}) == len(questions)
    orders = [row.order for row in legs.rows]
    assert orders == sorted(orders)


def test_another_output_is_said_in_the_row() -> None:
    results = [documents.leg("gcc", result=runs.two(texts=("11, so", "4."))), documents.leg("x")]
    assert ["gcc", "no change, other output"] in [
        row[:2] for row in rows(written(Legs.of(results)))
    ]


def test_a_hundred_legs_fit_into_a_comment_with_a_row_each() -> None:
    results = [
        documents.leg(f"a compiler of some name, {number}", slower_by=0.1 if number % 9 else 0.0)
        for number in range(100)
    ]
    legs = Legs.of(results)
    text = written(legs, BODY_ROOM)
    assert len(text.encode()) <= BODY_ROOM
    for number in range(100):
        assert (
            text.count(f"a compiler of some name, {number} ")
            + text.count(f"a compiler of some name, {number}**")
            == 1
        )
    assert re.search(r"No room here for the reports of \d+ more legs: `report.md` has all\.", text)
    assert text.count("<details>") == text.count("</details>") > 2
    assert text.splitlines()[-1].startswith("*Informational")
    whole = written(legs)
    assert "No room here" not in whole
    assert whole.count("<details><summary><code>a compiler") == 100


def test_what_came_and_cannot_be_shown_is_told_with_its_reason() -> None:
    absent = Absent(name="a/result.json", why="no valid result", sentence="It is `x`.")
    text = written(Legs.of([documents.leg("gcc")], absent=[absent], notes=["Not all was read."]))
    assert ["a/result.json", "not measured: no valid result", "–"] in rows(text)
    assert "- `a/result.json`: It is `x`." in text
    assert "Note: Not all was read." in text


def test_the_annotation_names_the_gravest_leg_in_a_line() -> None:
    title, message = annotation(Legs.of(every_outcome()[1:]), "nightly")
    assert title == "perf-smoke nightly"
    assert re.fullmatch(r"1 of 7 slower: slow: slower, \+[\d.]+ % \(.*\)", message)
    assert annotation(Legs.of([]), "") == ("perf-smoke", "no result came")


def assert_inert(text: str, *addresses: str) -> None:
    """Nothing but our own headings, folds and links."""
    headings = folds = 0
    for token in tokens(text):
        if token.type == "html_block":
            for line in token.content.strip().splitlines():
                bare = re.sub(r"<code>[^<]*</code>", "", line)
                assert re.fullmatch(r"</details>|<details><summary>[^<@#$]*</summary>", bare), line
                folds += 1 if line.startswith("<details>") else -1
                assert folds in (0, 1, 2)
        assert token.type not in ("html_inline", "image", "hr", "code_block", "blockquote_open")
        headings += token.type == "heading_open"
        if token.type == "link_open":
            assert token.attrs["href"] in {*vars(golden.LINKS).values(), *addresses}
        if token.type == "text":
            assert not re.search(r"@|#\d|GH-\d|://|www\.|:tada:|\$", token.content)
    assert (headings, folds) == (1, 0)


FIELDS = [
    f"{before}{text}{after}"
    for text in NASTY
    for before, after in [
        *(("", ""), ("gcc ", ""), ("", " gcc"), ("\n", "\n"), ("**", "**"), ("|", "|")),
        *(("`", "`"), ("<b>", "</b>"), ("a\u202e", "\u202c"), ("\r", ""), ("](", ")")),
        ("<!-- ", " -->"),
    ]
]
"""At least 200 strings that want to act."""


def test_there_are_at_least_two_hundred_hostile_strings() -> None:
    assert len(set(FIELDS)) >= 200


@pytest.mark.parametrize("chunk", range(8))
def test_no_hostile_string_acts_wherever_it_stands(chunk: int) -> None:
    for text in FIELDS[chunk::8]:
        legs = Legs.of(
            [hostile(text, "failed" if "a" in text else "measured"), documents.leg("gcc")],
            absent=[Absent(name=text, why="no valid result", sentence=text)],
            expected=[text],
            notes=[text],
        )
        cut = written(legs, BODY_ROOM)
        assert_inert(cut)
        assert len(cut.encode()) <= BODY_ROOM
        for line in annotation(legs, text):
            assert len(line.splitlines()) == 1
            assert len(line) < 600


def test_an_output_is_no_secret_way_into_the_table() -> None:
    """The greedy text stands in the leg's own report alone."""
    marked = runs.two()
    workload = next(iter(marked.workloads.values()))
    measurement = replace(
        workload.measurements[HEAD], output=Output(text="UNIQUE", sha256="0" * 64, stable=True)
    )
    changed = replace(
        marked,
        workloads={
            name: replace(one, measurements={**one.measurements, HEAD: measurement})
            for name, one in marked.workloads.items()
        },
    )
    text = written(Legs.of([documents.leg("a", result=changed), documents.leg("b")]))
    assert "UNIQUE" not in " ".join(cell for row in rows(text) for cell in row)
