"""Sentences that depend on what no golden report has."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from perf_smoke.engines import failures
from perf_smoke.metrics import METRICS
from perf_smoke.report import terminal
from perf_smoke.report.markdown import Links, render
from perf_smoke.report.verdict import annotation
from perf_smoke.result import (
    BASE,
    HEAD,
    WORKLOAD,
    Failure,
    Gpu,
    Guard,
    MachineState,
    Rest,
    Result,
    Sample,
    Verdict,
)
from perf_smoke.settings import INPUTS
from tests.unit.report import golden, runs


def told(result: Result) -> str:
    """The report in plain spaces."""
    return render(result, golden.LINKS).replace("\N{NO-BREAK SPACE}", " ")


def judged(result: Result, **changes: Any) -> Result:
    """With another answer to its one question."""
    return replace(result, comparisons=(replace(result.comparisons[0], **changes),))


def of_head(result: Result, **changes: Any) -> Result:
    """With another head."""
    return replace(result, sides={**result.sides, HEAD: replace(result.sides[HEAD], **changes)})


ONE, SERVED = runs.every()["slower"], runs.every()["no-change"]


def test_the_gpus_of_the_machine_are_facts_of_how_it_was_measured() -> None:
    t4 = Gpu(name="Tesla T4", driver="550.54.15", memory_mib=15_360)
    machine = runs.machine(gpus=(t4, t4, Gpu(name="Intel GPU 0x56a0")))
    said = "`2 × Tesla T4 (15.0 GiB, driver 550.54.15), Intel GPU 0x56a0`"
    assert said in told(runs.alone(8, machine=machine))


@pytest.mark.parametrize("metric", [metric for metric in METRICS if metric.decides])
@pytest.mark.parametrize("verdict", ["slower", "faster"])
def test_the_direction_is_in_words_for_every_metric(metric: Any, verdict: Verdict) -> None:
    sign = 1 if verdict == "slower" else -1
    low, high = sorted((sign * 0.039, sign * 0.096))
    verb, end = metric.longer if verdict == "slower" else metric.shorter
    changed = judged(SERVED, metric=metric.name, verdict=verdict, low=low, high=high)
    assert f"Head {verb} **3.9 … 9.6 %** {end} than base (99 % interval, {metric.phrase})." in told(
        changed
    )
    assert f"| **{metric.label}, " in told(changed)


@pytest.mark.parametrize(
    ("tokens", "change", "end"),
    [
        ((4, 2), -0.31, "It took 31.0 % less time, but a run that says less is not faster."),
        ((2, 4), -0.31, "It took 31.0 % less time, for other work."),
        ((4, 2), 0.31, "It took 31.0 % longer, for other work."),
    ],
)
def test_other_work_is_neither_faster_nor_slower(
    tokens: tuple[int, int], change: float, end: str
) -> None:
    (base, _), (_, head) = (runs.rounds(12, 55, 55, tokens=count) for count in tokens)
    result = runs.run({HEAD: runs.measured(head), BASE: runs.measured(base)})
    assert result.comparisons[0].verdict == "not-comparable"
    ratio = judged(result, log_ratio=math.log1p(change))
    assert f"Head produced {tokens[1]} tokens, base {tokens[0]}. {end}" in told(ratio)


def test_no_verdict_names_each_guard_once_and_first() -> None:
    guards = tuple(
        Guard(name=name, effect=effect, sentence=f"{name}.")  # type: ignore[arg-type]
        for name, effect in (("steal", "no-verdict"), ("coarse-clock", "wider"))
    )
    doubtful = judged(ONE, verdict="inconclusive", guards=guards, pairs_needed=None)
    paragraphs = told(doubtful).split("\n\n")
    assert paragraphs[1] == "**Why there is no verdict:** steal."
    assert paragraphs[2].startswith("The pairs alone put the change between **+3.9 % and +8.3 %**")
    assert paragraphs[3] == "coarse-clock."
    assert annotation(doubtful) == ("perf-smoke", "cannot tell: steal.")
    few = judged(doubtful, low=None, high=None, pairs=3)
    assert "Why there is no verdict" not in told(few)
    assert told(few).count("steal.") == 1


def test_a_wide_interval_without_a_remedy_says_what_could_have_been_seen() -> None:
    assert "(99 % interval, E2E latency). This run would have seen a change of 3.9 % or more." in (
        told(judged(ONE, verdict="inconclusive"))
    )


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"stopped": "runs"}, "pairs instead of 60: set `runs: 1200`."),
        ({"stopped": "budget"}, "pairs instead of 60: set `budget: 4 m`."),
        ({"pairs_needed": 99_001}, "too long for a smoke test: fewer `tokens` make a step short."),
    ],
)
def test_the_remedy_fits_the_case(changes: dict[str, Any], remedy: str) -> None:
    wanting = judged(ONE, **{"verdict": "inconclusive", "pairs_needed": 1177, **changes})
    assert remedy in told(wanting)
    assert "1,177" not in told(wanting)


def test_a_file_wants_more_pairs_and_no_pair_is_no_number() -> None:
    few = judged(runs.every()["pairs-file"], low=None, high=None, pairs=9)
    assert "9 pairs of steps cannot give a verdict. It takes at least 11: add pairs." in told(few)
    assert "There is no pair of steps to compare." in told(judged(few, pairs=0))


@pytest.mark.parametrize(
    ("engine", "ways"),
    [
        (runs.BITNET, " (`base-ref` with `build` or `base-binary`)"),
        (runs.BENCH, " (`base-ref` with `build` or `base-command`)"),
        (runs.EMBEDDED, ""),
        (replace(runs.BITNET, id="of-tomorrow"), ""),
    ],
)
def test_a_base_is_asked_for_by_the_inputs_that_the_engine_has(engine: Any, ways: str) -> None:
    said = f"Nothing to compare with: this run had no base{ways}. [How to get a verdict]"
    assert said in told(runs.alone(8, engine=engine))


@pytest.mark.parametrize(
    ("engine", "settings", "said"),
    [
        (runs.BITNET, {}, "Head and base are the same program, byte for byte; only libraries"),
        (runs.BENCH, {}, "Head and base ran the same program, `bench`, byte for byte: only what"),
        (
            runs.BENCH,
            {"command": "bench a", "base-command": "bench a"},
            "Head and base are the same command and the same program, byte for byte.",
        ),
        (runs.BENCH, {"command": "bench a", "base-command": "bench b"}, ""),
        (runs.BENCH, {"command": "bench ***", "base-command": "bench ***"}, ""),
        (runs.EMBEDDED, {}, ""),
        (replace(runs.BITNET, binary_sha256=""), {}, ""),
    ],
)
def test_one_program_on_both_sides_is_said_where_it_is_sure(
    engine: Any, settings: dict[str, str], said: str
) -> None:
    sides = {name: replace(runs.side(name), engine=engine) for name in (HEAD, BASE)}
    report = told(runs.two(pairs=12, sides=sides, settings=settings))
    assert said in report
    assert ("byte for byte" in report) == bool(said)


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ("never", "*Informational: this check never blocks a merge.*"),
        ("error, slower", "*`fail-on: error,slower`: this step fails when measuring fails or when"),
        ("error", "*`fail-on: error`: this step fails when measuring fails, never for what it"),
        ("slower", "*`fail-on: slower`: this step fails when head is slower by more than the 5 %"),
    ],
)
def test_what_the_check_may_do_to_the_job_is_said_as_it_was_set(setting: str, line: str) -> None:
    strict = replace(ONE, settings={"fail-on": setting})
    assert told(strict).splitlines()[-1].startswith(line)
    assert ("It failed because of `fail-on: slower`." in told(strict)) == ("slower" in setting)
    assert "more than the margin" in told(runs.alone(8, settings={"fail-on": "slower"}))


def test_a_document_without_an_address_is_named_by_its_path() -> None:
    assert render(ONE, Links(result_path="out/result.json")).endswith("merge.* `out/result.json`\n")


def test_notes_problems_guards_looks_and_reasons_never_flood() -> None:
    guards = tuple(Guard(name="steal", effect="said", sentence=f"Guard {n}.") for n in range(50))
    looks = tuple(range(10, 1010, 10))
    many = judged(replace(ONE, notes=tuple(f"Sentence {n}." for n in range(50))), guards=guards)
    report = told(judged(many, looks=looks))
    assert "Note: Sentence 5.\n\nNote: 44 more notes in result.json." in report
    assert "Guard 7." in report
    assert "Guard 8." not in report
    assert "110, 120, … pairs." in report
    wrong = Failure(reason="invalid-inputs", sentence="Many.", tail="wrong\n" * 90)
    assert told(runs.failed(wrong, status="invalid")).count("- wrong\n") == 40


@pytest.mark.parametrize(
    ("head", "base", "line"),
    [
        ("engine-crashed", "engine-crashed", "head crashes, base too"),
        ("build-failed", "engine-crashed", "head does not build"),
        ("model-missing", "engine-crashed", "not measured"),
        ("engine-timeout", "", "not measured"),
    ],
)
def test_the_side_that_failed_stands_in_the_headline(head: Any, base: Any, line: str) -> None:
    lost = {BASE: Failure(reason=base, sentence="It is lost.")} if base else {}
    report = told(runs.failed(Failure(reason=head, sentence="It ended."), lost_bases=lost))
    whose = "Head: " if line.startswith("head") else ""
    assert report.startswith(f"### perf-smoke: {line} (bitnet-rs)\n\n{whose}It ended.\n")
    assert ("Nothing to compare with: It is lost." in report) == bool(base)


def test_whose_program_failed_stands_before_it() -> None:
    crashed = failures.exited("bitnet", -11, 0.4, "")
    said = "`bitnet` crashed (SIGSEGV) after 0.4 s.\n"
    assert f"\nHead's {said}" in told(replace(ONE, status="failed", failure=crashed))
    assert f"\n{said}" in told(runs.failed(crashed))
    assert f"Nothing to compare with: base's {said}" in told(runs.alone(lost_bases={BASE: crashed}))
    assert f"Not compared with `v1`: its {said}" in told(replace(ONE, lost_bases={"v1": crashed}))
    shared = Failure(reason="base-missing", sentence="`/usr/bin/x` lies in neither checkout.")
    assert "with: `/usr/bin/x` lies in" in told(runs.alone(lost_bases={BASE: shared}))
    model = Failure(reason="model-missing", sentence="`model`: The model x does not exist.")
    assert "\n`model`: The" in told(replace(ONE, status="failed", failure=model))


def test_of_two_bases_the_lost_one_is_named() -> None:
    lost = replace(ONE, lost_bases={"v1": Failure(reason="build-failed", sentence="No.", tail="x")})
    assert "Not compared with `v1`: No.\n" in told(lost)
    assert "<summary>Last lines of <code>v1</code></summary>\n\n```text\nx\n" in told(lost)
    assert "slower by 6.1 %" in annotation(lost)[1]


def test_what_cut_a_measured_run_short_is_said_and_silence_is_admitted() -> None:
    cut = replace(ONE, failure=runs.CRASHED)
    assert "`bitnet` crashed (SIGSEGV) after 0.402 s.\n" in told(cut)
    silent = replace(runs.failed(runs.CRASHED), failure=None)
    assert "The run ended without saying why." in told(silent)
    assert annotation(silent) == ("perf-smoke", "not measured")
    nothing = replace(silent, status="cancelled", failure=runs.CRASHED)
    assert "Nothing was measured." in told(nothing)
    assert "### perf-smoke: no numbers (bitnet-rs)\n\nNo step of this run" in told(runs.result())


def test_reproducing_begins_with_what_installs_the_same_perf_smoke() -> None:
    for settings, extras in (({}, ""), ({"model": "hf://o/r/f.gguf"}, "[huggingface]")):
        lines = told(replace(ONE, settings={"command": "x", **settings})).splitlines()
        place = lines.index("```sh")
        wanted = f"perf-smoke-action{extras} @ git+https://github.com/o/p@v1"
        assert lines[place + 1] == f"pip install '{wanted}'"
        assert lines[place + 2].startswith("perf-smoke run ")
    ours = told(runs.every()["demonstration"])
    assert "pip install 'perf-smoke-action[embedded] @ git+https" in ours
    for package in ("", "git+https://h/o/p@v1'; rm -rf ~", "git+ssh://h/o/p@v1"):
        assert "pip install" not in render(ONE, replace(golden.LINKS, package=package))


def test_a_merge_base_is_reproduced_by_its_commit() -> None:
    report = told(replace(ONE, settings={"command": "x", "base-ref": "merge-base"}))
    assert f"--base-ref {runs.COMMITS[BASE]}" in report
    assert "--base-ref merge-base" not in report


def test_texts_that_are_said_to_stand_below_do_so_at_a_terminal_too() -> None:
    several = runs.questions(new_text="a line\nand more")
    for report in (golden.printed(several), told(several)):
        before, _, after = report.partition("as shown below")
        assert "and more" not in before
        assert "Output of head:" in after
        assert "and more" in after
        assert after.count("and more") == 1


def test_greedy_output_that_differs_is_said_and_none_is_no_sentence() -> None:
    guard = Guard(name="texts-differ", effect="said", sentence="Texts differ.")
    other = runs.every()["faster-with-another-text"]
    assert any(guard.name == "texts-differ" for guard in other.comparisons[0].guards)
    assert told(other).count("differs") == 1
    assert "the greedy output differs" in annotation(other)[1]
    assert "Texts differ." in told(judged(ONE, guards=(guard,)))
    long = runs.two(pairs=12, texts=("a\nb", "c\nd"))
    assert "Output of head:\n\n```text\nc\nd\n```\n\nOutput of base:\n\n```text\na\nb" in told(long)
    one_long = told(runs.two(pairs=12, texts=("11, so", "4" * 61)))
    assert "**The greedy output differs**, as shown below." in one_long
    same = runs.two(pairs=12, texts=("a\nb", "a\nb"))
    assert "Output, the same on both sides, at every step:\n\n```text\na\nb\n```" in told(same)
    unsteady = replace(ONE.workloads[WORKLOAD].measurements[HEAD], output=None)
    measurements = {**ONE.workloads[WORKLOAD].measurements, HEAD: unsteady}
    silent = replace(ONE.workloads[WORKLOAD], measurements=measurements)
    assert "Output" not in told(replace(ONE, workloads={WORKLOAD: silent}))


def test_the_same_on_all_sides_is_said_where_each_has_a_text() -> None:
    several = runs.questions()
    assert told(several).count("Output `11, so`, the same on all sides, at every step.") == 2
    chat = several.workloads["chat"]
    silent = {**chat.measurements, BASE: replace(chat.measurements[BASE], output=None)}
    workloads = {**several.workloads, "chat": replace(chat, measurements=silent)}
    assert told(replace(several, workloads=workloads)).count("the same on all sides") == 1


def test_a_difference_of_memory_is_shown_from_a_thousandth_on() -> None:
    base, head = runs.rounds(12, 55, 55, peak_rss_kib=204_800)
    for kib, change in ((1024, "201 | +1.00 MiB"), (204, "200 | 0")):
        more = tuple(replace(step, peak_rss_kib=204_800 + kib) for step in head)
        found = runs.run({HEAD: runs.measured(more), BASE: runs.measured(base)})
        assert f"| Peak RSS, MiB | 200 | {change} |" in told(found)


def test_output_that_changes_from_step_to_step_is_said_prominently() -> None:
    (steps,) = runs.rounds(8, 55)
    found = runs.run({HEAD: runs.measured(steps, stable=False)})
    assert "Output `11, so` (the first), **not the same at every step**." in told(found)


def test_only_the_known_answer_of_the_demonstration_is_explained() -> None:
    explained = "A model of 135M parameters is expected to say so"
    assert explained in told(runs.demonstration())
    assert explained not in told(runs.demonstration(text="4"))
    hello = replace(runs.asked().prompt, text="Hello")
    assert explained not in told(runs.demonstration(request=runs.asked(prompt=hello)))
    assert explained in told(runs.demonstration(settings={"prompt": "2+2="}))
    own = runs.demonstration(model=runs.BITNET_MODEL)
    assert explained not in told(own)
    assert "This measures perf-smoke's own llama.cpp, not a build of yours." in told(own)
    assert "(embedded llama.cpp)" in annotation(own)[1]


def test_a_prompt_file_an_address_and_a_cache_are_named() -> None:
    prompt = replace(runs.asked().prompt, text="", file="long.txt", characters=90_000)
    found = runs.alone(
        8,
        request=runs.asked(prompt=prompt),
        model=replace(runs.BITNET_MODEL, reference="hf://o/r/tiny.gguf@main"),
        steps={"n_prompt_cached": 5, "gone": frozenset()},
    )
    assert "with `tiny.gguf@main`, prompt from `long.txt` (90,000 characters), 4 out" in told(found)
    assert "**Missing**: Prefill: the prompt came from the cache" in told(found)


def test_repeated_runs_uncounted_steps_and_no_warm_up_are_said() -> None:
    small = runs.alone(9, engine=runs.BENCH, steps={"repeats": 25})
    assert "9 steps after the warm-up. Each step is the mean of up to 25 runs of the program." in (
        told(small)
    )
    bench = runs.alone(
        9, engine=replace(runs.LLAMA, id="llama-bench"), steps={"gone": frozenset(("e2e_ms",))}
    )
    assert "tok/s decode (llama-bench)" in told(bench).splitlines()[0]
    warm = runs.alone(9, process="start", steps={"repeats": 5, "starts": 8})
    assert "started 8 times. Each step is the mean of up to 5 requests." in told(warm)
    cold = replace(warm.workloads[WORKLOAD], warmup=0)
    assert "**Steps**: 9 steps. The engine" in told(replace(warm, workloads={WORKLOAD: cold}))
    bad = Sample(ok=False, error="short")
    measurements = {
        name: replace(side, samples=(*side.samples, bad, bad, replace(bad, error="")))
        for name, side in ONE.workloads[WORKLOAD].measurements.items()
    }
    lost = replace(ONE.workloads[WORKLOAD], measurements=measurements)
    assert (
        "Not counted: 2 `short`, 1 `unknown`. Not counted of base: 2 `short`, 1 `unknown`.\n"
        in told(replace(ONE, workloads={WORKLOAD: lost}))
    )


def test_the_pairs_shown_are_the_pairs_judged() -> None:
    assert "in 54 of 60 pairs." in told(ONE)
    assert "in 25 of 30 pairs." in told(judged(ONE, pairs=30))


@pytest.mark.parametrize(
    ("cpu", "idle", "load", "threads", "had"),
    [
        (0.475, 0.02, 3.3, (), "of which the program had 0.5"),
        (0.475, 0.02, 3.3, ("threads",), "of which the program had 0.5"),
        (1.2, 0.02, 3.3, ("threads",), "of which the program had 1.2"),
        (1.9, 0.02, 3.3, ("threads",), ""),
        (0.97, 0.02, 3.3, (), ""),
        (0.475, 0.7, 3.3, (), ""),
        (0.475, 0.02, 1.9, (), ""),
    ],
)
def test_a_machine_is_said_to_be_busy_on_evidence_alone(
    cpu: float, idle: float, load: float, threads: Any, had: str
) -> None:
    before = MachineState(load_1min=load, cpu_ticks=0, steal_ticks=0, idle_ticks=0)
    found = runs.alone(
        8,
        steps={"cpu_ms": 1260 * cpu, "wall_ms": 1260.0},
        request=runs.asked(threads=16, passed=threads),
        machine=runs.machine(idle=idle, cpus=2, before=before, load_after=0.1),
    )
    said = f"**The machine was busy** (load 3.3 on 2 CPUs, {had}). The program can do better"
    assert (said in told(found)) == bool(had)
    assert ("The machine was busy" in told(found)) == bool(had)


@pytest.mark.parametrize(
    ("own", "load", "said"),
    [
        (190, 0.1, True),  # ticks of 1000, of which 20 were idle: others had 1.6 of 2 CPUs
        (900, 9.0, False),  # the load is of a build that came before
        (470, 0.1, True),
        (570, 0.1, False),
    ],
)
def test_a_machine_is_busy_by_the_cpu_time_of_others_where_that_is_known(
    own: int, load: float, said: bool
) -> None:
    before = MachineState(load_1min=load, cpu_ticks=0, steal_ticks=0, idle_ticks=0, own_ticks=0)
    after = MachineState(load_1min=0.0, cpu_ticks=1000, steal_ticks=0, idle_ticks=20, own_ticks=own)
    found = runs.alone(
        8,
        steps={"cpu_ms": 500.0, "wall_ms": 1260.0},
        request=runs.asked(threads=1, passed=("threads",)),
        machine=replace(runs.machine(cpus=2), before=before, measuring=None, after=after),
    )
    others = 2 * (980 - own) / 1000
    words = f"(others took {others:.1f} of 2 CPUs, of which the program had 0.4)"
    assert (words in told(found)) == said
    assert ("**The machine was busy**" in told(found)) == said


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (Rest(rests=40, vain=0, rested_s=0.123, given_up=False), "0.123 s in all."),
        (Rest(rests=40, vain=3, rested_s=2.0), "2.00 s in all; 3 times in vain."),
        (Rest(rests=2, vain=2, rested_s=0.1, given_up=True), ""),
        (None, ""),
    ],
)
def test_what_was_rested_is_told(rest: Rest | None, said: str) -> None:
    workload = replace(ONE.workloads[WORKLOAD], rest=rest)
    words = told(replace(ONE, workloads={WORKLOAD: workload}))
    assert ("Before each step whoever still ran was waited for" in words) == bool(said)
    assert said in words


def test_workloads_without_a_base_have_a_table_of_their_own_numbers() -> None:
    one = runs.alone(8).workloads[WORKLOAD]
    found = runs.result(workloads={"chat": one, "essay": replace(one, measurements={})})
    report = told(found)
    assert report.startswith("### perf-smoke: chat 55.4 ms for 4 tokens (bitnet-rs)\n")
    assert "| | head |\n|---|--:|\n| chat | 55.4 ms for 4 tokens |\n| essay | – |\n" in report
    assert "<summary><code>essay</code>: details</summary>" in report


def test_what_a_reader_of_several_questions_must_know_is_never_folded() -> None:
    found = runs.every()["questions-some-of-them-open"]
    above = told(found).partition("\n| |")[0]
    on_a_terminal = " ".join(golden.printed(found).split())
    for said in (
        "`chat`: The change since `main` lies between ",
        "`chat`: The change since `v1.2` lies between ",
        "`essay`: The greedy output differs: head says `12.`, `main` says `11, so`",
    ):
        assert said in above.replace("**", "")
        assert said in on_a_terminal
    assert told(found).count("To see 5 % it would take") == 4
    guarded = told(runs.questions(noise=0.3, machine=runs.machine(steal=0.143)))
    assert guarded.partition("\n| |")[0].count("`chat`: **Why there is no verdict:** The ma") == 1
    failed = replace(found, status="failed", comparisons=())
    assert "\n| |" not in told(failed).partition("<details>")[0]


@pytest.mark.parametrize(
    ("matrix", "label"),
    [
        ('{"cc":"gcc: O3","jobs":2}', "perf-smoke gcc: O3, 2"),
        ("[1]", "perf-smoke [1]"),
        ("no JSON", "perf-smoke no JSON"),
        ("[" * 9999, f"perf-smoke {'[' * 60}… (9,939 more characters)"),
        ("", "perf-smoke CI / bench"),
    ],
)
def test_a_leg_without_a_label_is_known_by_its_matrix_or_its_job(matrix: str, label: str) -> None:
    leg = replace(runs.LEG, matrix=matrix)
    title, message = annotation(replace(ONE, leg=leg))
    assert title == label
    assert message.startswith("slower by 6.1 %")
    assert annotation(replace(ONE, leg=leg, settings={"label": "x: y"}))[0] == "perf-smoke x: y"


@pytest.mark.parametrize(
    ("name", "code"),
    [("slower", "1;33"), ("no-change", "1;32"), ("failed-alone", "1;31"), ("demonstration", "1")],
)
def test_a_terminal_gets_the_verdict_in_its_colour(name: str, code: str) -> None:
    console = Console(force_terminal=True, color_system="standard", width=100, record=True)
    with console.capture() as captured:
        terminal.show(runs.every()[name], console)
    assert f"\x1b[{code}mperf-smoke" in captured.get()


@pytest.mark.parametrize(
    "settings",
    [{"build": "x" * 4000}, {"prompt": "a\u202eb"}, {"a": "***"}, {"a": "https://x/y?…"}],
)
def test_no_command_is_better_than_one_that_would_run_something_else(
    settings: dict[str, str],
) -> None:
    assert "perf-smoke run" not in told(replace(ONE, settings=settings))
    given = replace(ONE, settings={"base-ref": "main", "label": "x", "fail-on": "error"})
    assert "\nperf-smoke run --base-ref main\n" in told(given)


def test_no_number_of_a_document_is_hundreds_of_digits_long() -> None:
    rule = replace(ONE.comparisons[0].rule, alpha=1e-300)
    endless = judged(ONE, log_ratio=1e9, low=1e299, high=1e300, detectable=1e300, rule=rule)
    workloads = {WORKLOAD: ONE.workloads[WORKLOAD], "more": ONE.workloads[WORKLOAD]}
    several = replace(endless, workloads=workloads)
    for report in (told(endless), told(several)):
        assert "slower by more than 1,000,000 %" in report
        assert not re.search(r"[\d,]{30}", report)


def test_the_pairs_are_counted_that_went_the_way_of_the_estimate() -> None:
    assert "Head was faster than base in 60 of 60 pairs." in told(
        runs.two(pairs=60, slower_by=-0.5)
    )


@pytest.mark.parametrize("name", ["demonstration", "endpoint"])
def test_a_program_that_is_of_no_commit_is_shown_without_one(name: str) -> None:
    assert runs.COMMITS[HEAD][:7] not in told(runs.every()[name])


def test_pairs_that_lie_far_out_have_a_bar_of_their_own() -> None:
    for last_ms, axis, words in (
        ((870.0,), r'"\+20", ">\+21"\].* 1\]', "The last bar holds 1 pair from"),
        ((20.0, 10.0), r'\["<−7", "−6",.*\[2, ', "The first bar holds 2 pairs from"),
        (
            (870.0, 20.0),
            r'\["<−7", .* ">\+21"\].*\[1, .*, 1\]',
            "The outermost bars hold 2 pairs from",
        ),
    ):
        report = told(runs.pairs_file(*last_ms))
        assert f"{words} beyond, up to " in report
        assert re.search(axis, report, re.DOTALL)


def test_equal_pairs_make_no_useless_picture_and_a_few_no_halves_of_a_pair() -> None:
    assert '"pairs" 0 --> 8\n' in told(runs.two(pairs=11))
    assert "mermaid" not in told(runs.two(pairs=5))
    assert "mermaid" not in told(runs.two(pairs=12, steps={"noise": 0.0}))
    one_start = runs.two(pairs=60, steps={"gone": frozenset()}, metrics=("load",))
    assert "mermaid" not in told(judged(one_start, verdict="slower"))
    far = told(runs.two(slower_by=2.0, pairs=60))
    assert "Yellow marks the estimate, +198 %." in far
    assert '"0"' not in far


def test_what_is_not_there_is_said_before_what_is_wrong_with_what_is() -> None:
    lost = {BASE: runs.build_failed("9d8c7b6")}
    busy = runs.alone(
        8,
        lost_bases=lost,
        machine=runs.machine(steal=0.2),
        failure=runs.CRASHED,
    )
    parts = ["Nothing to compare with", "gave away 20.0 %", "SIGSEGV"]
    places = [told(busy).index(part) for part in parts]
    assert places == sorted(places)
    failed = told(replace(busy, status="failed"))
    assert failed.index(parts[2]) < failed.index(parts[0]) < failed.index(parts[1])


def test_odd_answers_claim_nothing() -> None:
    assert "E2E latency alone decides" not in told(judged(ONE, verdict="no-baseline"))
    assert told(judged(ONE, verdict="no-change", low=0.0)).startswith(
        "### perf-smoke: no change (b"
    )
    alike = judged(ONE, verdict="not-comparable")
    assert "did not do the same work, so there is no verdict." in told(alike)
    unsized = judged(runs.every()["not-comparable"], log_ratio=None)
    assert "Head produced 2 tokens, base 4.\n" in told(unsized)
    assert annotation(judged(ONE, log_ratio=None))[1].startswith("slower (+3.9")


def test_workloads_share_a_budget() -> None:
    one = judged(ONE, verdict="inconclusive", pairs_needed=1177, stopped="budget")
    names = ("chat", "essay")
    both = replace(
        one,
        workloads=dict.fromkeys(names, one.workloads[WORKLOAD]),
        comparisons=tuple(replace(one.comparisons[0], workload=name) for name in names),
    )
    assert "set `budget: 8 m`" in told(both)
    assert "### perf-smoke: chat: cannot tell (bitnet-rs)\n" in told(both)


def test_sides_that_have_one_text_in_common_do_not_differ() -> None:
    workload = ONE.workloads[WORKLOAD]
    base = workload.measurements[BASE]
    odd = (replace(base.samples[0], text_sha256="f"), *base.samples[1:])
    measurements = {**workload.measurements, BASE: replace(base, samples=odd)}
    mixed = replace(ONE, workloads={WORKLOAD: replace(workload, measurements=measurements)})
    assert "differs" not in told(mixed)


def test_inputs_that_count_in_a_workflow_alone_are_in_no_command() -> None:
    alone = [row.name for row in INPUTS if row.workflow_only]
    shown = told(replace(ONE, settings={"runs": "7", **dict.fromkeys(alone, "x")}))
    assert "perf-smoke run --runs 7" in shown
    assert not [name for name in alone if f"--{name}" in shown]
