"""The input `metrics`: what can be written, what is refused, and what is read."""

from __future__ import annotations

import json
import signal

import pytest

from perf_smoke.deadline import Deadline
from perf_smoke.engines import metrics_text
from perf_smoke.engines.metrics_syntax import fields, parse, problems
from perf_smoke.engines.one_shot import Reading, Unreadable
from perf_smoke.result import Unmeasured
from tests.unit.engines.finished import finished

BOTH = r"""
# numbers from the file, the text from stdout
json out/result.json:
  n_out             /tokens/generated
  n_prompt          /tokens/prompt
  n_prompt_cached   /tokens/cached
  ttft_us           /times/0
  decode_s          /times/1
  load_ms           /with a space

text stderr:
  prompt=(?P<prompt_ms>[0-9.]+).*total=(?P<e2e_ns>[0-9]+)
text stdout:
  (?s)^answer: (?P<text>.*)
"""

EVERYTHING_WRONG = """
n_out /too/early
json a.json:
  n_out tokens.generated
  decode_tps /rate
  decode_ms /d
json ../b.json:
  text /t
json /c.json:
text log.txt:
  (?P<e2e_ms>
  e2e=([0-9]+)
  (?P<speed>.)(?P<decode_s>.)
"""


def read(recipe: str, *, stdout: str = "", stderr: str = "", file: object = None) -> Reading:
    content = file if isinstance(file, str) else json.dumps(file)
    return parse(recipe).read(finished(stdout, stderr), content.encode())


def complaint(recipe: str, **given: object) -> str:
    with pytest.raises(Unreadable) as caught:
        read(recipe, **given)  # type: ignore[arg-type] # as `read` takes them
    return str(caught.value)


def test_numbers_come_from_the_file_and_the_streams_in_milliseconds_with_their_tiers() -> None:
    reading = read(
        BOTH,
        stdout="log\nanswer: 11, so\nand more",
        stderr="prompt=1 total=5\nprompt=20.5 total=60000000\n",
        file={
            "tokens": {"generated": 4, "prompt": 5, "cached": 1},
            "times": [25_000, 0.03],
            "with a space": 12,
        },
    )
    assert reading == Reading(
        n_out=4,
        n_prompt=5,
        n_prompt_cached=1,
        ttft_ms=25.0,
        decode_ms=30.0,
        load_ms=12.0,
        prompt_ms=20.5,
        e2e_ms=60.0,
        text="11, so\nand more",
        tiers={
            "ttft_ms": "A",
            "decode_ms": "A",
            "load_ms": "A",
            "prompt_ms": "D",
            "e2e_ms": "D",
        },
    )
    assert parse(BOTH).file == "out/result.json"


def test_an_empty_recipe_reads_nothing() -> None:
    assert read("\n  \n# nothing\n", stdout="x") == Reading()
    assert parse("").file == ""


def test_a_null_and_an_optional_group_are_not_given_rather_than_zero() -> None:
    reading = read(
        "json stdout:\n n_out /n\n decode_ms /d\ntext stderr:\n ttft=(?:-|(?P<ttft_ms>.+))",
        stdout='{"n": 1, "d": null}',
        stderr="ttft=-",
    )
    assert reading == Reading(n_out=1)


def test_json_on_stdout_may_follow_a_log() -> None:
    assert read("json stdout:\n n_out /0/n", stdout='loading…\n[1/2]\n[{"n": 4}]\n').n_out == 4


def test_a_pointer_understands_arrays_and_escapes() -> None:
    document = {"a/b": {"m~n": [0, {"": 7}]}}
    assert read("json x.json:\n n_out /a~1b/m~0n/1/", file=document).n_out == 7


@pytest.mark.parametrize(
    ("pointer", "document"),
    [
        ("/a/b", {"a": {}}),
        ("/a/b", {"a": 5}),
        ("/a/1", {"a": [1]}),
        ("/a/-1", {"a": [1]}),
        ("/a/01", {"a": [1, 2]}),
        ("/", {"a": 1}),
    ],
)
def test_what_is_not_there_is_said(pointer: str, document: object) -> None:
    assert complaint(f"json x.json:\n n_out {pointer}", file=document) == (
        f"x.json holds nothing at {pointer}"
    )


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("fast", 'its e2e_ms is `"fast"`, not a number'),
        (True, "its e2e_ms is `true`, not a number"),
        ([1.0], "its e2e_ms is `[1.0]`, not a number"),
        ("inf", 'its e2e_ms is `"inf"`, not a number'),
        ("nan", 'its e2e_ms is `"nan"`, not a number'),
        (10**400, "not a number"),
        ("x" * 100, f'its e2e_ms is `"{"x" * 59}…`, not a number'),
    ],
)
def test_what_is_no_number_is_said(value: object, wrong: str) -> None:
    assert complaint("json x.json:\n e2e_ms /t", file={"t": value}).endswith(wrong)


@pytest.mark.parametrize("value", [-1, 3.5])
def test_what_is_no_count_is_said(value: float) -> None:
    assert complaint("json x.json:\n n_out /n", file={"n": value}) == (
        f"its n_out is `{value}`, not a count"
    )


def test_what_is_no_text_is_said() -> None:
    assert complaint("json x.json:\n text /t", file={"t": 1}) == "its text is `1`, not a text"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("[", "x.json is no JSON (Expecting value"),
        ('{"t": NaN}', "x.json is no JSON (NaN is no number of JSON)"),
        ("[" * 100_000, "x.json is no JSON ("),
        ("", "x.json is no JSON ("),
    ],
)
def test_what_is_no_json_is_said(content: str, why: str) -> None:
    assert complaint("json x.json:\n e2e_ms /t", file=content).startswith(why)


def test_printed_text_without_json_is_said() -> None:
    assert complaint("json stderr:\n e2e_ms /t", stderr="a\nb").startswith(
        "the last line of stderr is no JSON ("
    )


def test_an_expression_that_finds_nothing_is_said() -> None:
    assert complaint("text stdout:\n t=(?P<e2e_ms>.)", stdout="u=1") == (
        "`metrics` looks for `t=(?P<e2e_ms>.)`, which is not in stdout"
    )


@pytest.mark.parametrize(
    "printed",
    ["t=\x1b[1;32m12.5\x1b[0m ms\n", "t=12.5 ms\r\nbye\r\n", "10 %\r50 %\rt=12.5 ms\r"],
    ids=["colours", "line ends of Windows", "a progress bar"],
)
def test_text_is_searched_as_a_reader_sees_it(printed: str) -> None:
    assert read("text stdout:\n ^t=(?P<e2e_ms>[0-9.]+) ms$", stdout=printed).e2e_ms == 12.5


@pytest.mark.parametrize(
    ("expression", "printed", "whole"),
    [
        ("t=(?P<e2e_ms>[0-9.]+)", "t=12,5 ms", "12,5"),  # printed in German
        ("t=(?P<e2e_ms>[0-9.]+)", "t=1.25e-05 s", "1.25e-05"),
        ("t=(?P<e2e_ms>[0-9]+)", "t=12.5 ms", "12.5"),
        ("t=(?P<e2e_ms>[0-9]{2})", "t=125 ms", "125"),
        ("t=.*(?P<e2e_ms>[0-9.]+) ms", "t=12.5 ms", "12.5"),
        ("(?P<e2e_ms>[0-9.]+) ms", "t=12,5 ms", "12,5"),
        ("t=(?P<e2e_ms>[0-9.]+)", "t=4,125,300 ns", "4,125,300"),
        ("t=(?P<e2e_ms>[0-9.]+)", "t=4,125.5 us", "4,125.5"),
        ("^(?P<e2e_ms>[0-9.]+)", "1.25e-05,3", "1.25e-05"),
        (r"^(?P<e2e_ms>\d)", "42,5.1,6.2", "42"),
    ],
)
def test_a_part_of_a_number_is_not_taken_for_the_number(
    expression: str, printed: str, whole: str
) -> None:
    assert complaint(f"text stdout:\n {expression}", stdout=printed) == (
        f"`metrics` takes only a part of the number `{whole}` in stdout as e2e_ms"
    )


@pytest.mark.parametrize(
    "printed", ["4;12.5;x", "n4-12.5ms", "4, 12.5", "v4 (12.5)", "4/12.5.", "4..12.5,"]
)
def test_numbers_beside_each_other_are_two(printed: str) -> None:
    reading = read("text stdout:\n (?P<n_out>[0-9]+)\\D+(?P<e2e_ms>[0-9.]*[0-9])", stdout=printed)
    assert reading == Reading(n_out=4, e2e_ms=12.5, tiers={"e2e_ms": "D"})


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("4,12.5,30.1", r"^(?P<n_out>\d+)"),
        ("4,12,30", r"^(?P<n_out>\d+)"),
        ("tiny,4,12", r"^\w+,(?P<n_out>\d+)"),
        ("4,12,tiny", r"^(?P<n_out>\d+)"),
        ("1.5e3,4,12", r"(?P<n_out>\d+),\d+$"),
        ("12.5,30.1,4", r"(?P<n_out>\d+)$"),
        ("4,12", r"^(?P<n_out>\d+),"),
        ("n_out,e2e\n4,12,30\n", r"^(?P<n_out>\d+),"),
        (",4,12", r"(?P<n_out>4)"),
    ],
)
def test_a_column_of_a_table_is_a_whole_number(row: str, column: str) -> None:
    assert read(f"text stdout:\n {column}", stdout=row).n_out == 4


def test_a_document_is_found_among_the_lines_of_a_log() -> None:
    document = json.dumps({"runs": [{"t": 1}], "t": 5}, indent=2)
    recipe = "json stdout:\n e2e_ms /t"
    for printed in (f"loading\n{document}", f"{document}\nbye", f'{{"t": 1}}\n{document}\nbye {{'):
        assert read(recipe, stdout=printed).e2e_ms == 5.0


FAILS = (
    "text stderr:\n fail /^ERROR: .*/\ntext stdout:\n fail /panicked|out of memory/\n (?P<n_out>4)"
)


@pytest.mark.parametrize(
    ("streams", "said"),
    [
        ({"stdout": "4", "stderr": "ok\nERROR: no model\nbye"}, "`ERROR: no model` to stderr"),
        ({"stdout": "4\nthread panicked at 3\n"}, "`thread panicked at 3` to stdout"),
        ({"stderr": "ERROR: `x`"}, "`ERROR: 'x'` to stderr"),
    ],
)
def test_a_line_that_means_failure_fails_the_step(streams: dict[str, str], said: str) -> None:
    assert complaint(FAILS, **streams) == f"it printed {said}, which `metrics` calls a failure"


def test_without_such_a_line_the_step_counts() -> None:
    assert read(FAILS, stdout="4", stderr="an ERROR: none").n_out == 4
    assert fields(FAILS) == {"n_out"}
    assert read("text stdout:\n fail /x/", stdout="y") == Reading()


def test_a_line_that_means_failure_is_checked_before_anything_runs() -> None:
    wrong = problems("text stdout:\n fail /(/\n fail /(?P<n_out>4)/\njson x.json:\n fail /x/")
    assert [sentence.partition("`")[2].partition("`")[0] for sentence in wrong] == [
        "fail /(/",
        "fail /(?P<n_out>4)/",
        "fail",
    ]


def test_a_comma_between_two_numbers_that_are_both_taken_is_no_decimal_comma() -> None:
    recipe = "text stdout:\n ^(?P<n_out>[0-9]+),(?P<decode_ms>[0-9.]+),(?P<e2e_ms>[0-9.]+)$"
    reading = read(recipe, stdout="4,12.5,300")
    assert (reading.n_out, reading.decode_ms, reading.e2e_ms) == (4, 12.5, 300.0)


def test_an_expression_that_never_comes_to_an_end_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics_text, "SEARCHED_S", 0.2)
    others = signal.getsignal(signal.SIGALRM)
    assert complaint("text stdout:\n (?P<text>(x+x+)+)y", stdout="x" * 60) == (
        "`metrics` searches stdout for longer than 0.2 s: make its expressions simpler, one "
        "repetition inside another takes for ever"
    )
    assert signal.getsignal(signal.SIGALRM) is others


UNLUCKY = "text stdout:\n (?P<text>(x+x+)+)y"


def test_a_search_costs_a_deadline_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_text, "SEARCHED_S", 0.2)
    deadline = Deadline.within(1000.0)
    with deadline.waiting_for("the steps"):
        before_s = signal.getitimer(signal.ITIMER_REAL)[0]
        complaint(UNLUCKY, stdout="x" * 60)
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= before_s - 0.2


def test_a_deadline_ends_a_search() -> None:
    over = pytest.raises(Unmeasured, match="waiting for the steps")
    with over, Deadline.within(0.1).waiting_for("the steps"):
        read(UNLUCKY, stdout="x" * 60)


def test_only_the_end_of_a_long_text_is_searched() -> None:
    recipe = "text stdout:\n t=(?P<e2e_ms>[0-9]+)"
    assert read(recipe, stdout="x" * 200_000 + "t=5").e2e_ms == 5.0
    assert "not in stdout" in complaint(recipe, stdout="t=5" + "x" * 200_000)


def test_all_problems_are_found_at_once() -> None:
    found = problems(EVERYTHING_WRONG)
    assert [sentence.partition(" ")[0] for sentence in found] == [
        "`n_out",  # stands before any source
        "`n_out",  # is not a name and a JSON pointer
        "`decode_tps`",
        "`../b.json`",
        "`/c.json`",
        "nothing",
        "`text",
        "`(?P<e2e_ms>`",
        "`e2e=([0-9]+)`",
        "`speed`",
        "decode_ms",
        "3",  # result files
    ]
    assert "load_ms, prompt_ms, ttft_ms, decode_ms, e2e_ms (or _s, _us, _ns)" in found[2]


def test_a_recipe_with_problems_is_no_recipe() -> None:
    with pytest.raises(ValueError, match="stands before any source"):
        parse("n_out /n")


def test_its_fields_are_known_before_anything_runs() -> None:
    assert fields(BOTH) == {
        *("n_out", "n_prompt", "n_prompt_cached", "ttft_ms", "decode_ms", "load_ms"),
        *("prompt_ms", "e2e_ms", "text"),
    }
    assert fields("lost\njson x:\n n_out /n\n bad") == {"n_out"}
