"""`perf-smoke` as somebody at a terminal meets it: a process of its own, the real engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from perf_smoke import result, result_file
from perf_smoke.engines.table import IDS
from perf_smoke.settings import INPUTS
from tests import results

BROKEN_MODEL = "broken.gguf"


def perf_smoke(
    *arguments: str, cwd: Path, timeout_s: float = 240, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "perf_smoke", *arguments],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", **variables},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def test_without_any_option_it_measures_the_demonstration_and_leaves_both_files(
    tmp_path: Path,
) -> None:
    done = perf_smoke("run", "--runs", "6", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    found = result_file.read(tmp_path / "perf-smoke-out" / "result.json")
    assert found.status == "measured"
    assert [sample.n_out for sample in results.steps(found)] == [4] * 6
    assert results.output(found).text == "11, so"
    assert results.output(found).stable
    assert results.of(found).summary["e2e_ms"].n == 6
    assert results.of(found).summary["load_ms"].n == 1
    report = (tmp_path / "perf-smoke-out" / "report.md").read_text("utf-8")
    assert "smollm2-135m" in report
    assert "not your code" in done.stdout
    assert "perf-smoke-out/result.json" in done.stdout


def test_a_second_run_leaves_only_its_own_files(tmp_path: Path) -> None:
    folder = tmp_path / "perf-smoke-out"
    folder.mkdir()
    (folder / "result.json").write_text("an earlier run's")
    (folder / "report.md").write_text("an earlier run's")
    (tmp_path / BROKEN_MODEL).write_text("this is no model")

    done = perf_smoke("run", "--model", BROKEN_MODEL, cwd=tmp_path)

    assert done.returncode == 1
    found = result_file.read(folder / "result.json")
    assert (found.status, found.reason) == ("failed", "model-unusable")
    assert "an earlier run's" not in (folder / "report.md").read_text("utf-8")
    assert "invalid magic" in done.stdout, "the engine's own words are missing"


def test_all_invalid_options_are_told_at_once_and_nothing_runs(tmp_path: Path) -> None:
    done = perf_smoke("run", "--tokens", "many", "--margin", "-1", "--pr-number", "x", cwd=tmp_path)

    assert done.returncode == 2
    assert [line.split()[1] for line in done.stderr.splitlines()] == [
        "tokens",
        "margin",
        "pr-number",
    ]
    assert not (tmp_path / "perf-smoke-out").exists()


def test_a_missing_model_is_one_sentence_that_names_the_file(tmp_path: Path) -> None:
    done = perf_smoke("run", "--model", "no/such.gguf", cwd=tmp_path)

    assert done.returncode == 1
    assert "no/such.gguf" in done.stdout
    found = result_file.read(tmp_path / "perf-smoke-out" / "result.json")
    assert found.reason == "model-missing"
    assert found.head is None


def test_a_model_with_another_hash_is_refused(tmp_path: Path) -> None:
    done = perf_smoke("run", "--model-sha256", "0" * 64, cwd=tmp_path)

    assert done.returncode == 1
    assert result_file.read(tmp_path / "perf-smoke-out" / "result.json").reason == "model-hash"


def bitnet_called_with(folder: Path, *options: str) -> list[str]:
    """What a run of engine bitnet-rs on a model in `models/` calls its program with."""
    program = folder / "bitnet"
    program.write_text('#!/bin/sh\n[ "$1" = run ] && echo "$@" > called\nexit 1\n')
    program.chmod(0o755)
    (folder / "models").mkdir()
    (folder / "models" / "m.gguf").write_text("GGUF")
    for name in ("tokenizer.json", "other.json"):
        (folder / "models" / name).write_text("{}")

    perf_smoke("run", "--binary", "./bitnet", "--model", "models/m.gguf", *options, cwd=folder)
    return (folder / "called").read_text().split()


def test_a_tokenizer_in_the_models_folder_comes_along(tmp_path: Path) -> None:
    called = bitnet_called_with(tmp_path)
    assert called[called.index("--tokenizer") + 1] == str(tmp_path / "models" / "tokenizer.json")


def test_a_tokenizer_that_is_named_goes_before_the_one_in_the_models_folder(tmp_path: Path) -> None:
    called = bitnet_called_with(tmp_path, "--tokenizer", "models/other.json")
    assert called[called.index("--tokenizer") + 1] == str(tmp_path / "models" / "other.json")


def test_a_model_without_a_tokenizer_runs_without_one_and_the_reader_learns_why(
    tmp_path: Path,
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.gguf").write_text("GGUF")
    (tmp_path / "models" / "tokenizer.json").mkdir()

    perf_smoke(
        *("run", "--engine", "bitnet-rs", "--binary", "/bin/false", "--model", "models/m.gguf"),
        cwd=tmp_path,
    )

    found = result_file.read(tmp_path / "perf-smoke-out" / "result.json")
    assert found.reason == "engine-crashed"
    assert [note for note in found.notes if "No tokenizer was found" in note]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_what_it_measured_and_leaves_no_engine(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "perf_smoke", "run", "--runs", "100000"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        engine = _wait_for_engine(process.pid)
        time.sleep(3.0)  # some steps
        process.send_signal(number)
        process.communicate(timeout=60)
    finally:
        process.kill()

    assert process.returncode == 130
    found = result_file.read(tmp_path / "perf-smoke-out" / "result.json")
    assert (found.status, found.reason) == ("cancelled", "cancelled")
    assert not Path(f"/proc/{engine}").exists(), "the engine's process survived"


@pytest.mark.parametrize("folder", ["a file/out", "a file", "/proc/x"])
def test_an_output_folder_that_cannot_be_is_refused_before_anything_is_measured(
    tmp_path: Path, folder: str
) -> None:
    (tmp_path / "a file").write_text("in the way")

    done = perf_smoke("run", "--command", "touch ran", "--output-dir", folder, cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith(f"perf-smoke: {folder} cannot be written to: ")
    assert "output-dir" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]


def test_an_output_folder_that_is_lost_while_it_runs_loses_no_report(tmp_path: Path) -> None:
    done = perf_smoke(
        *("run", "--command", "touch out", "--runs", "1", "--output-dir", "out"), cwd=tmp_path
    )

    assert done.returncode == 0
    assert "out cannot be made: File exists." in done.stderr
    assert "Wall" in done.stdout


def test_the_folder_that_a_run_makes_for_itself_is_none_of_gits_business(tmp_path: Path) -> None:
    git = ("git", "-C", str(tmp_path))
    subprocess.run([*git, "init", "--quiet"], check=True)

    perf_smoke("run", "--command", "true", "--runs", "1", cwd=tmp_path)

    assert (tmp_path / "perf-smoke-out" / "result.json").exists()
    status = subprocess.run([*git, "status", "--porcelain"], check=True, capture_output=True)
    assert status.stdout == b""


def test_a_folder_that_was_there_or_was_named_gets_nothing_but_both_files(tmp_path: Path) -> None:
    (tmp_path / "perf-smoke-out").mkdir()
    perf_smoke("run", "--command", "true", "--runs", "1", cwd=tmp_path)
    perf_smoke("run", "--command", "true", "--runs", "1", "--output-dir", "own", cwd=tmp_path)
    for folder in ("perf-smoke-out", "own"):
        names = {path.name for path in (tmp_path / folder).iterdir()}
        assert names == {"result.json", "report.md"}


def test_inputs_that_only_the_action_heeds_are_named_and_cost_nothing(tmp_path: Path) -> None:
    heeded = {
        "comment": "never",
        "github-token": "t",
        "pr-number": "7",
        "runtime": "docker",
        "image": "i",
    }
    options = (part for name, value in heeded.items() for part in (f"--{name}", value))
    given = ("--command", "true", "--runs", "1", *options)
    run = perf_smoke("run", *given, cwd=tmp_path)
    doctor = perf_smoke("doctor", *given, cwd=tmp_path)

    sentence = (
        f"{', '.join(heeded)}: without effect on the command line, where everything runs on this "
        "machine and no comment is written.\n"
    )
    assert (run.returncode, run.stderr) == (0, f"perf-smoke: {sentence}")
    assert (doctor.returncode, doctor.stdout) == (1, sentence)


def test_usage_lines_say_what_is_typed(tmp_path: Path) -> None:
    assert "Usage: perf-smoke compare " in perf_smoke("compare", "-h", cwd=tmp_path).stdout


def test_help_lists_every_input_as_an_option(tmp_path: Path) -> None:
    done = perf_smoke("run", "--help", cwd=tmp_path)

    assert done.returncode == 0
    missing = [row.name for row in INPUTS if f"--{row.name} " not in done.stdout]
    assert missing == []


def test_help_groups_the_options_and_lists_the_words_that_they_take(tmp_path: Path) -> None:
    for command in ("run", "doctor"):
        words = " ".join(perf_smoke(command, "--help", cwd=tmp_path, COLUMNS="80").stdout.split())
        order = [
            "What is run:",
            "--engine",
            "How long it is measured:",
            "--budget",
            "--metric TEXT",
        ]
        order += ["How it is shown, and what comes of it:", "--fail-on"]
        order += ["heeded in a workflow alone:", "--comment"]
        places = [words.index(text) for text in order]
        assert places == sorted(places)
        assert "embedded, llama-completion, llama-bench" in words
        assert "always, changes, never" in words


@pytest.mark.parametrize("columns", ["0", "1", "many"])
def test_a_terminal_without_a_width_shows_the_report_all_the_same(
    tmp_path: Path, columns: str
) -> None:
    options = ("run", "--command", "true", "--runs", "6")
    done = perf_smoke(*options, cwd=tmp_path, COLUMNS=columns)
    assert "perf-smoke: " in done.stdout
    assert "Wall, ms" in done.stdout


def test_a_typo_is_told_at_once_with_the_code_of_invalid_inputs(tmp_path: Path) -> None:
    options = ("--command", "./bench {modle}", "--metric", "ttft", "--build", "touch built")
    done = perf_smoke("run", *options, cwd=tmp_path)
    doctor = perf_smoke("doctor", *options, cwd=tmp_path)
    assert (done.returncode, doctor.returncode) == (2, 1)
    for shown in (done.stdout, doctor.stdout):
        assert "{modle}, which is no placeholder" in " ".join(shown.replace("`", "").split())
        assert "does not say where the command's ttft_ms is" in " ".join(shown.split())
    assert not (tmp_path / "built").exists()


def test_a_step_at_the_terminal_says_because_of_what_it_fails(tmp_path: Path) -> None:
    done = perf_smoke(
        *("run", "--command", "sleep 0.1", "--base-command", "true", "--runs", "12"),
        *("--fail-on", "error,slower"),
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert done.stderr == "perf-smoke: failed because of `fail-on: slower`.\n"


def test_two_runs_are_not_compared_and_one_sentence_says_why(tmp_path: Path) -> None:
    for name, options in (("A", ("--tokens", "4")), ("B", ("--tokens", "8"))):
        given = (*options, "--runs", "1", "--output-dir", name)
        assert perf_smoke("run", "--command", "true", *given, cwd=tmp_path).returncode == 0
    done = perf_smoke("compare", "A/result.json", "B/result.json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("perf-smoke: 2 runs are not compared with each other: ")
    assert "the tokens" in line
    assert "`base-ref`" in line
    assert perf_smoke("compare", "A/result.json", "gone.json", cwd=tmp_path).returncode == 2


def _wait_for_engine(parent: int) -> int:
    for _ in range(600):
        for child in psutil.Process(parent).children(recursive=True):
            with suppress(psutil.Error):
                if "embedded_worker" in " ".join(child.cmdline()):
                    return child.pid
        time.sleep(0.1)
    raise AssertionError("no engine was started within a minute")


def test_a_saved_result_is_shown_and_decided_again_with_the_same_verdict(tmp_path: Path) -> None:
    measured = perf_smoke(
        "run", "--command", "sleep 0.01", "--base-command", "sleep 0.03", "--runs", "20",
        cwd=tmp_path,
    )  # fmt: skip
    document = "perf-smoke-out/result.json"

    shown = perf_smoke("report", document, cwd=tmp_path)
    decided = perf_smoke("compare", document, cwd=tmp_path)
    markdown = perf_smoke("report", "--markdown", document, cwd=tmp_path)

    assert measured.returncode == 0, measured.stderr
    found = result_file.read(tmp_path / document)
    assert results.comparison(found).verdict == "faster"
    headline = next(line for line in measured.stdout.splitlines() if "faster" in line)
    assert headline in shown.stdout
    assert headline in decided.stdout
    report = (tmp_path / "perf-smoke-out" / "report.md").read_text("utf-8")
    assert markdown.stdout.splitlines()[0] == report.splitlines()[0]


def test_fail_on_slower_fails_only_beyond_the_margin(tmp_path: Path) -> None:
    far = ("--command", "sleep 0.1", "--base-command", "sleep 0.01", "--runs", "12")
    near = ("--command", "sleep 0.06", "--base-command", "sleep 0.04", "--runs", "12")

    assert perf_smoke("run", *far, "--fail-on", "slower", cwd=tmp_path).returncode == 1
    assert perf_smoke("run", *far, cwd=tmp_path).returncode == 0
    wide = ("--fail-on", "slower", "--margin", "100%")
    assert perf_smoke("run", *far, *wide, cwd=tmp_path).returncode == 1
    assert perf_smoke("run", *near, *wide, cwd=tmp_path).returncode == 0


def test_a_plain_file_of_pairs_gets_a_verdict(tmp_path: Path) -> None:
    rows = [f"{0.1 + 0.001 * (pair % 7)},{0.12 + 0.001 * (pair % 5)}" for pair in range(40)]
    (tmp_path / "pairs.csv").write_text("\n".join(["base,head", *rows]))

    done = perf_smoke("compare", "--pairs", "pairs.csv", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "slower by" in done.stdout


def test_a_refused_file_of_pairs_is_invalid(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("base,head\n")
    done = perf_smoke("compare", "--pairs", "pairs.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "perf-smoke: pairs.csv holds no pair below its first line.\n"


def test_too_few_pairs_in_a_file_are_answered_with_more_pairs(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("base,head\n" + "0.1,0.2\n" * 5)
    done = perf_smoke("compare", "--pairs", "pairs.csv", cwd=tmp_path)
    assert done.returncode == 0
    assert "5 pairs" in done.stdout
    assert "add pairs" in done.stdout
    assert "budget" not in done.stdout


def test_a_file_of_pairs_handed_to_report_is_told_where_it_belongs(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("base,head\n0.1,0.2\n")
    for command in ("report", "compare"):
        done = perf_smoke(command, "pairs.csv", cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr == (
            "perf-smoke: pairs.csv is no perf-smoke result: it is not JSON (expected value at "
            "line 1 column 1). For a CSV of pairs: perf-smoke compare --pairs FILE.\n"
        )


def test_what_a_saved_result_fixes_cannot_be_asked_for_anew(tmp_path: Path) -> None:
    done = perf_smoke("compare", "same.json", "--margin", "1%", cwd=tmp_path)
    assert done.returncode == 2
    assert "--margin and --alpha count with --pairs only" in done.stderr


def test_compare_wants_exactly_one_source(tmp_path: Path) -> None:
    assert perf_smoke("compare", cwd=tmp_path).returncode == 2
    assert perf_smoke("compare", "a.json", "--pairs", "b.csv", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize("command", ["report", "compare"])
def test_a_document_that_is_no_result_is_refused_with_its_place(
    tmp_path: Path, command: str
) -> None:
    (tmp_path / "other.json").write_text('{"schema": 1, "status": "fine"}')

    done = perf_smoke(command, "other.json", cwd=tmp_path)

    assert done.returncode == 2
    assert "other.json is no perf-smoke result: status" in done.stderr


def test_engines_lists_every_engine_with_what_is_here(tmp_path: Path) -> None:
    done = perf_smoke("engines", cwd=tmp_path)

    assert done.returncode == 0
    assert [name for name in IDS if name not in done.stdout] == []
    assert "xllamacpp" in done.stdout


def test_doctor_says_what_would_not_work_and_is_content_with_what_would(tmp_path: Path) -> None:
    bad = perf_smoke("doctor", "--binary", "llama-bench", "--metrics", "x", cwd=tmp_path)
    invalid = perf_smoke("doctor", "--tokens", "none", cwd=tmp_path)
    good = perf_smoke("doctor", cwd=tmp_path)

    assert bad.returncode == 1
    assert "needs a model" in bad.stdout
    assert invalid.returncode == 2
    assert good.returncode == 0, good.stdout
    assert good.stdout.startswith("OK: embedded with smollm2-135m, 4 tokens, ")
    assert good.stdout.endswith("; base: none.\n")


def test_doctor_shows_what_is_hostile_and_does_not_obey_it(tmp_path: Path) -> None:
    for command in ("true '\x1b[31m' {tokens} ::\n::error::", "'\x1b[31m\n::error::'"):
        done = perf_smoke("doctor", "--command", command, cwd=tmp_path)
        assert "\x1b" not in done.stdout
        assert "\n::" not in done.stdout


def test_doctor_tells_an_output_folder_that_cannot_be(tmp_path: Path) -> None:
    done = perf_smoke("doctor", "--output-dir", "/proc/x", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("/proc/x cannot be written to: ")


def _comparison(folder: Path) -> result.Comparison:
    found = result_file.read(folder / "perf-smoke-out" / "result.json")
    return results.comparison(found)
