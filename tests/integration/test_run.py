"""The path from Settings to Result: whatever ends it, what was known until then is in the Result.

The engines are small programs that are run for every step, and the embedded one.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from perf_smoke import build_log, result_file
from perf_smoke.cancel import Cancelled
from perf_smoke.compare import decide_again
from perf_smoke.context import Context
from perf_smoke.deadline import Deadline
from perf_smoke.measure import machine
from perf_smoke.measure.schedule import Progress
from perf_smoke.models.store import user_cache
from perf_smoke.processes.kinship import MARK
from perf_smoke.report.markdown import render
from perf_smoke.result import BASE, HEAD, WORKLOAD, MachineState, Prompt, Result, Series
from perf_smoke.run import run
from perf_smoke.settings import parse
from tests import results
from tests.integration.engines.http_server import HttpServer
from tests.integration.engines.programs import executable

TEXT = "text stdout:\n(?P<text>.+)"
COUNTS = (
    "json stdout:\nn_out /n\nn_prompt /prompt\nn_prompt_cached /cached\nprompt_ms /ms\ntext /text"
)


@dataclass
class Watching:
    """Somebody who watches, and may have a say at each step."""

    phases: list[str] = field(default_factory=list)
    steps: int = 0
    at_step: Callable[[int], None] = lambda _number: None

    def phase(self, sentence: str) -> None:
        self.phases.append(sentence)

    def download(self, done_bytes: int, total_bytes: int | None) -> None:
        pass

    def step(self, progress: Progress) -> None:
        self.steps += 1
        self.at_step(self.steps)


@dataclass
class Place:
    """A working directory, with programs in it."""

    folder: Path
    watching: Watching = field(default_factory=Watching)
    cache: Path = field(init=False)
    merge_target: str = ""
    pull_request_head: str = ""
    deadline_s: float = 600
    variables: dict[str, str] = field(default_factory=dict)
    build_lines: list[str] = field(default_factory=list)
    build_line: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        self.cache = self.folder / "cache"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def program(self, name: str, script: str) -> str:
        """A bash script; `$step` says the how-manieth call of it this is, from 1."""
        path = self.work / name
        counting = f'echo >>"{path}.calls"; step=$(wc -l <"{path}.calls")'
        path.write_text(f"#!/bin/bash\n{counting}\n{script}\n")
        path.chmod(0o755)
        return f"./{name}"

    def run(self, **inputs: str) -> Result:
        given = {name.replace("_", "-"): text for name, text in inputs.items()}
        scratch = Path(tempfile.mkdtemp(dir=self.folder))
        settings = parse({"warmup": "0", "working-directory": str(self.work), **given})
        context = Context(
            deadline=Deadline.within(self.deadline_s),
            environment={**self.environment(), **self.variables},
            cache=self.cache,
            scratch=scratch,
            runtime="cli",
            leg=None,
            merge_target=self.merge_target,
            pull_request_head=self.pull_request_head,
            watcher=self.watching,
            interruptible=nullcontext,
            folder=self.folder / "out",
            build_line=self.build_line or self.build_lines.append,
        )
        return run(settings, context)

    def environment(self) -> dict[str, str]:
        who = {
            f"GIT_{who}_{what}": "a@b"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CEILING_DIRECTORIES": str(self.folder),
            **who,
        }

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.work), *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commits(self, *contents: str) -> list[str]:
        """A repository with one commit for each content of a file `content`."""
        self.git("init", "--quiet", "--initial-branch=topic")
        made = []
        for content in contents:
            (self.work / "content").write_text(content)
            self.git("add", "content")
            self.git("commit", "--quiet", "-m", content)
            made.append(self.git("rev-parse", "HEAD"))
        return made


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "work").mkdir()
    return Place(tmp_path)


def steps(found: Result) -> list[str]:
    """Each step of head: `ok`, or why it does not count."""
    return [sample.error or "ok" for sample in results.steps(found)]


def series(found: Result) -> Series:
    assert found.series is not None
    return found.series


# --- ends before the first step -------------------------------------------------------------


def test_without_its_model_a_run_knows_where_it_was_and_what_was_asked(place: Place) -> None:
    found = place.run(command="cat {model}", model="gone.gguf", label="nightly")

    assert (found.status, found.reason) == ("failed", "model-missing")
    assert found.settings["label"] == "nightly"
    assert found.machine is not None
    assert found.machine.after.load_1min is not None
    assert found.cost.total_s > 0
    assert (found.model, found.series) == (None, None)
    assert (found.sides, found.comparisons, found.verdict) == ({}, (), None)


def test_an_engine_that_is_missing_is_told_before_anything_is_fetched(place: Place) -> None:
    found = place.run(command="./gone {model}", model="https://127.0.0.1:9/tiny.gguf")

    assert (found.status, found.reason) == ("invalid", "engine-missing")
    assert "gone" in results.failure(found).sentence
    assert (found.sides, found.series, found.model) == ({}, None, None)
    assert place.watching.phases == []


def test_a_tokenizer_that_is_missing_leaves_the_model_known(place: Place) -> None:
    (place.work / "tiny.gguf").write_bytes(b"GGUF")

    found = place.run(command="true {tokenizer}", model="tiny.gguf", tokenizer="gone.json")

    assert found.reason == "model-missing"
    assert "gone.json" in results.failure(found).sentence
    assert found.model is not None


def test_an_engine_that_reads_a_model_asks_for_it(place: Place) -> None:
    executable(place.work / "main", "tests.integration.engines.fake_llama_completion")
    found = place.run(engine="llama-completion", binary="./main")
    assert found.reason == "model-missing"
    assert results.failure(found).sentence.startswith("Engine `llama-completion` needs a model")


def test_a_program_that_nobody_knows_is_a_reason(place: Place) -> None:
    found = place.run(binary="./something", model="tiny.gguf")
    assert found.reason == "engine-unclear"
    assert found.series is None


def test_a_server_that_does_not_answer_leaves_the_models_name_known(place: Place) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else will
        port = taken.getsockname()[1]
        found = place.run(engine="openai", endpoint=f"http://127.0.0.1:{port}", model="tiny")

    assert found.status == "failed"
    assert found.model is not None
    assert (found.model.reference, found.model.sha256) == ("tiny", "")


def test_a_build_that_fails_ends_the_run_with_its_last_lines(place: Place) -> None:
    found = place.run(command="true", build="echo no such file >&2; exit 3")
    assert found.reason == "build-failed"
    assert results.failure(found).tail == "no such file"
    assert found.cost.build_s > 0
    assert place.watching.phases == ["Building head"]


BUILD = "touch built; exit 1"


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"command": "./bench {modle}", "model": "gone.gguf"}, "{modle}, which is no placeholder"),
        ({"command": "./bench {model}"}, "it holds {model}, but `model` is empty"),
        ({"command": "./bench", "base_command": "./old {tokn}"}, "`base-command` cannot be run"),
        ({"command": "./bench", "metrics": "json out.json:\nspeed /s"}, "`speed` is no metric"),
        ({"command": "./bench", "metrics": "text stderr:\n(?P<e2e_ms>["}, "regular expression"),
        ({"command": "./bench", "metric": "ttft"}, "does not say where the command's ttft_ms is"),
        ({"binary": "./llama-bench", "model": "https://h/m", "metric": "ttft"}, "does not give"),
        ({"binary": "./llama-server", "model": "https://h/m", "features": "gpuu"}, "`gpuu`"),
        ({"binary": "./bitnet", "model": "https://h/m", "features": "cuda,sse"}, "`sse`"),
        ({"binary": "./llama-cli", "model": "ftp://h/m"}, "ftp://"),
        ({"binary": "./llama-cli"}, "needs a model"),
        ({"binary": "./engine", "model": "https://h/m"}, "does not tell which engine it is"),
        ({"command": "./bench", "prompt_file": "gone.txt"}, "gone.txt cannot be read"),
        ({}, "nothing that it makes would be run"),
        ({"engine": "embedded", "model": "hf://o/r/f.gguf"}, "nothing that it makes would be run"),
        ({"command": "./bench", "metric": "decode", "tokens": "1", "metrics": "json stdout:\n"
          "decode_s /d\nn_out /n"}, "no decode step"),
        ({"command": "./bench", "base_ref": "v1.O"}, "The base `v1.O` is neither a commit here"),
    ],
)  # fmt: skip
def test_a_typo_costs_no_build_and_no_download(
    place: Place, inputs: dict[str, str], why: str
) -> None:
    place.commits("one")

    found = place.run(build=BUILD, **inputs)

    assert found.status == "invalid"
    failure = results.failure(found)
    assert why in f"{failure.sentence} {failure.tail}"
    assert place.watching.phases == []
    assert not (place.work / "built").exists()
    assert [side for side in found.sides.values() if side.engine] == []


def test_all_that_cannot_work_is_told_at_once(place: Place) -> None:
    place.commits("one")

    found = place.run(
        command="./bench {modle}",
        model="gone.gguf",
        tokenizer="gone.json",
        metric="prefill",
        base_ref="gone",
        build=BUILD,
    )

    failure = results.failure(found)
    assert (found.status, found.reason) == ("invalid", "invalid-inputs")
    said = failure.tail.splitlines()
    for part in ("{modle}", "prompt_ms", "gone.gguf", "gone.json", "The base `gone`"):
        assert [sentence for sentence in said if part in sentence], part
    assert failure.sentence == f"{len(said)} inputs are invalid."
    assert len(set(said)) == 5


def test_a_server_that_runs_already_gives_no_cpu_time(place: Place) -> None:
    asked = {"engine": "llama-server", "endpoint": "http://127.0.0.1:9", "metric": "cpu"}
    found = place.run(**asked)
    assert found.status == "invalid"
    assert "does not give at `endpoint`; it gives e2e, ttft" in results.failure(found).sentence


def test_a_base_that_origin_cannot_be_asked_for_stops_no_build(place: Place) -> None:
    place.commits("one")
    place.git("remote", "add", "origin", f"{place.folder}/nowhere")
    found = place.run(command="true", build="touch built", base_ref="release", runs="1")
    assert_head_alone(found, "The base `release` is neither a commit here")
    assert (place.work / "built").exists()


def test_what_is_odd_is_a_note_of_the_run(place: Place) -> None:
    found = place.run(command="true '>' out", features="fast", tokenizer="t.json", runs="1")
    assert found.reason == "model-missing"
    odd = "so that `>` would be an argument", "has no {features}: it only names the series"
    assert [part for part in odd if part not in " ".join(found.notes)] == []


@pytest.mark.parametrize("named", ["main", "origin"])
def test_the_merge_base_can_be_named_where_there_is_no_pull_request(
    place: Place, named: str
) -> None:
    left, _ = place.commits("old", "new")
    if named == "main":
        place.git("branch", "main", left)
    else:
        place.git("update-ref", "refs/remotes/origin/develop", left)
        place.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/develop")
    found = place.run(command="cat content", base_ref="merge-base", metrics=TEXT, runs="1")
    assert found.sides[BASE].commit == left
    assert results.output(found, BASE).text == "old"


def test_what_a_build_prints_is_shown_as_it_comes_and_kept(place: Place) -> None:
    base, _ = place.commits("old", "new")

    def lines_until(text: str) -> None:
        place.build_lines.append(text)
        (place.work / "seen").touch()

    place.build_line = lines_until
    build = (
        "echo compiling $(cat content) with --token hidden-123; "
        # It ends only when somebody has seen the line.
        "[ $(cat content) = old ] || timeout 60 sh -c 'until [ -e seen ]; do sleep 0.05; done'; "
        "printf '10 %%\\r100 %%\\n'; printf 'a warning' >&2"
    )

    found = place.run(command="cat content", build=build, base_ref=base, runs="1")

    assert found.status == "measured", found.failure
    told = ["compiling {} with --token ***", "100 %", "a warning"]
    for side, content in ((HEAD, "new"), (BASE, "old")):
        kept = (place.folder / "out" / f"build-{side}.log").read_text().splitlines()
        assert sorted(kept) == sorted(line.format(content) for line in told)
    assert len(place.build_lines) == 6
    assert "hidden-123" not in str(place.build_lines)


def test_no_line_of_a_private_key_that_a_build_prints_is_kept(place: Place) -> None:
    key = [
        "-----BEGIN PRIVATE KEY-----",
        *["MIIEvQIBADANBgkqhkiG9w0BAQ"] * 3,
        "-----END PRIVATE KEY-----",
    ]
    lines = "; ".join(f"echo '{line}'" for line in ["before", *key, "after"])
    place.run(command="true", build=lines, runs="1")
    kept = (place.folder / "out" / "build-head.log").read_text()
    assert "MIIE" not in kept + str(place.build_lines)
    assert kept.splitlines()[0] == "before"
    assert kept.splitlines()[-1] == "after"


def test_a_build_log_is_bounded_and_its_end_is_kept(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MOST_SHOWN", "MOST_KEPT"):
        monkeypatch.setattr(build_log, name, 5_000)
    place.run(command="true", build="seq 20000; head -c 9000 /dev/zero", runs="1")
    kept = (place.folder / "out" / "build-head.log").read_text().splitlines()
    assert kept[:2] == ["1", "2"]
    assert "20000" in kept[-5:]
    assert len(kept) < 2_500
    assert [line for line in kept if "lines left out" in line]
    assert len(place.build_lines) < 1_500
    assert place.build_lines[-1] == "[… more is in the file …]"
    assert max(map(len, kept)) <= 4_000


def test_a_build_that_fails_shows_its_errors_beside_its_last_lines(place: Place) -> None:
    errors = "src/x.c:3:5: error: boom", "error[E0425]: no such value", "CMake Error at x.txt:3"
    noise = "cc -Werror -c error.c", "0 warnings"
    script = "; ".join(f"echo '{line}'" for line in (noise[0], *errors, noise[1]))
    found = place.run(command="true", build=f"{script}; seq 100; exit 2")
    tail = results.failure(found).tail.splitlines()
    assert tail[:4] == [*errors, "…"]
    assert tail[4:] == [str(number) for number in range(81, 101)]


def test_build_auto_is_refused_where_nobody_knows_how(place: Place) -> None:
    found = place.run(command="true", build="auto")
    assert found.reason == "build-unknown"
    assert results.failure(found).sentence.endswith("that build command.")


def test_build_auto_measures_what_cargo_has_built(place: Place) -> None:
    (place.work / "tiny.gguf").write_bytes(b"GGUF")
    built = executable(place.work / "built", "tests.integration.engines.fake_bitnet")
    package = {"packages": [{"name": "bitnet-cli", "features": {"cpu": [], "full-cli": []}}]}
    target = {"name": "bitnet", "kind": ["bin"]}
    artifact = {"reason": "compiler-artifact", "executable": str(built), "target": target}
    place.program(
        "cargo",
        f"[ $1 = metadata ] && echo '{json.dumps(package)}' || echo '{json.dumps(artifact)}'",
    )
    place.variables = {"PATH": f"{place.work}:{os.environ['PATH']}"}

    found = place.run(engine="bitnet-rs", build="auto", model="tiny.gguf", runs="1")

    assert found.status == "measured", found.failure
    assert results.engine(found).binary == str(built)
    assert found.cost.build_s > 0


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\xff\xfe", "is no text in UTF-8"),
        (b"\n", "is empty: write the prompt into it"),
        (b"2+2\0", "holds a NUL character, which no prompt may"),
        (b"a" + "é".encode() * 32 * 1024, "is longer than 64 KiB: give a shorter one"),
    ],
)
def test_a_prompt_that_cannot_be_had_from_its_file_is_a_reason(
    place: Place, content: bytes | None, why: str
) -> None:
    if content is not None:
        (place.work / "prompt.txt").write_bytes(content)
    found = place.run(command="true", prompt_file="prompt.txt")
    assert found.reason == "prompt-unreadable"
    path = place.work / "prompt.txt"
    assert results.failure(found).sentence == f"`prompt-file`: {path} {why}."


# --- ends on the way ------------------------------------------------------------------------


def test_what_was_measured_before_the_engine_died_is_kept(place: Place) -> None:
    dies = '[ "$step" -lt 3 ] || { echo it broke >&2; exit 7; }; echo a text'

    found = place.run(command=place.program("engine", dies), metrics=TEXT, runs="5")

    assert (found.status, found.reason) == ("failed", "engine-crashed")
    assert results.failure(found).tail == "it broke"
    assert steps(found) == ["ok", "ok", "engine-crashed"]
    assert results.of(found).summary["wall_ms"].n == 2
    assert (results.output(found).text, results.output(found).stable) == ("a text", True)
    assert (found.comparisons, found.verdict) == ((), None)
    assert found.cost.steps_s > 0
    assert series(found).parts["engine"] == "command"


def test_no_sentence_or_last_line_repeats_a_secret(place: Place) -> None:
    dies = 'echo \'{"Authorization": "Bearer in-a-header"} HF_TOKEN=in-a-variable\' >&2; exit 7'
    with HttpServer({}) as server:
        address = server.url.replace("//", "//me:in-an-address@")
        asked: list[dict[str, str]] = [
            {"command": place.program("engine", dies)},
            {"engine": "openai", "endpoint": f"{address}/v1?key=in-a-query"},
            {"command": "true", "model": f"{address}/m.gguf?sig=in-a-query"},
        ]
        for inputs in asked:
            found = place.run(runs="2", **inputs)
            assert found.status == "failed"
            assert results.failure(found).sentence
            assert "in-a" not in str(found)
    assert any("/m.gguf" in phase for phase in place.watching.phases)
    assert "in-a" not in str(place.watching.phases)


def test_a_bug_of_ours_is_told_and_costs_nothing_that_was_measured(place: Place) -> None:
    def stumble(number: int) -> None:
        if number == 3:
            raise RuntimeError("a bug \x1b[31mof ours")

    place.watching.at_step = stumble
    found = place.run(command="true", runs="5")

    assert (found.status, found.reason) == ("failed", "internal-error")
    assert results.failure(found).tail.endswith("RuntimeError: a bug of ours\n")
    assert "stumble" in results.failure(found).tail
    assert steps(found) == ["ok"] * 3


def test_a_cancelled_run_ends_also_what_was_started_unnoticed(place: Place) -> None:
    left: list[psutil.Process] = []

    def interrupt(_step: int) -> None:
        script = f"trap '' INT TERM HUP; setsid sleep 600 & : >{place.work}/ready; wait"
        child = psutil.Popen(["bash", "-c", script], env={**os.environ, **place.variables})
        while not (place.work / "ready").exists():
            time.sleep(0.01)
        left.extend([child, *child.children()])
        raise Cancelled

    place.watching.at_step = interrupt
    place.variables = {MARK: "this run/"}
    found = place.run(command="true", runs="5")
    _, alive = psutil.wait_procs(left, timeout=30)
    for process in alive:
        process.kill()

    assert (found.status, found.reason) == ("cancelled", "cancelled")
    assert steps(found) == ["ok"]
    assert len(left) == 2
    assert alive == []


# --- the base -------------------------------------------------------------------------------


def assert_head_alone(found: Result, why: str) -> None:
    """Head is measured, nothing is decided, and the reader learns why."""
    assert (found.status, found.failure) == ("measured", None)
    assert (found.comparisons, found.verdict) == ((), "no-baseline")
    lost = results.lost_base(found)
    assert why in f"{lost.sentence} {lost.tail}"


def test_a_base_that_is_missing_costs_only_the_verdict(place: Place) -> None:
    found = place.run(command="true", base_command="./gone", runs="3")
    assert_head_alone(found, f"no program `./gone` at {place.work}/gone: build or install it")
    assert steps(found) == ["ok"] * 3
    assert list(found.sides) == [HEAD]


def test_a_base_that_is_already_built_is_not_built_again(place: Place) -> None:
    (place.work / "tiny.gguf").write_bytes(b"GGUF")
    for name in ("bitnet", "bitnet-before"):
        executable(place.work / name, "tests.integration.engines.fake_bitnet")
    sides = {"binary": "./bitnet", "base_binary": "./bitnet-before", "model": "tiny.gguf"}

    found = place.run(**sides, engine="bitnet-rs", build="echo >>builds", runs="1")

    assert found.status == "measured", found.failure
    assert found.sides[BASE].ref == "base-binary"
    sides_of = [Path(results.engine(found, side).binary).name for side in (HEAD, BASE)]
    assert sides_of == ["bitnet", "bitnet-before"]
    assert (place.work / "builds").read_text() == "\n"
    assert found.notes == ()


def test_a_base_that_dies_at_once_leaves_head_as_if_it_had_none(place: Place) -> None:
    for which in range(4):  # a coin decides which of the two comes first
        base = place.program(f"base-{which}", "echo it broke >&2; exit 7")
        found = place.run(command="true", base_command=base, runs="9")
        assert_head_alone(found, "exited with code 7")
        assert steps(found) == ["ok"] * 9
        assert [sample.order for sample in results.steps(found)][-1] == 9
        assert len({sample.start for sample in results.steps(found)}) == 9
        assert [sample.error for sample in results.steps(found, BASE)] == ["engine-crashed"]


def test_a_base_that_dies_later_leaves_what_head_gave_until_then(place: Place) -> None:
    base = place.program("base", '[ "$step" -lt 8 ]')
    found = place.run(command="true", base_command=base, runs="30")
    assert_head_alone(found, "exited with code 1")
    assert steps(found) in (["ok"] * 7, ["ok"] * 8)
    assert [sample.ok for sample in results.steps(found, BASE)] == [True] * 7 + [False]
    assert results.of(found, BASE).summary["wall_ms"].n == 7


def test_a_head_that_dies_keeps_what_both_sides_gave(place: Place) -> None:
    head = place.program("head", '[ "$step" -lt 4 ]')
    found = place.run(command=head, base_command="true", runs="30")
    assert (found.status, found.reason) == ("failed", "engine-crashed")
    assert steps(found) == ["ok"] * 3 + ["engine-crashed"]
    assert len(results.steps(found, BASE)) in (3, 4)
    assert (found.comparisons, found.verdict) == ((), None)
    assert found.outcome == "head-crashes"


def test_a_base_whose_build_fails_costs_only_the_verdict(place: Place) -> None:
    base, head = place.commits("broken", "good")
    build = 'grep good content || { echo "it is $(cat content)"; exit 3; }'

    found = place.run(command="true", build=build, base_ref=base, runs="3")

    why = f"The build of {base[:12]} exited with code 3. it is broken"
    assert_head_alone(found, why)
    assert {name: side.commit for name, side in found.sides.items()} == {HEAD: head}
    assert place.watching.phases == [
        f"Building head {head[:12]}",
        f"Building base {base[:12]}",
        "Measuring head",
    ]
    assert place.git("worktree", "list", "--porcelain").count("worktree ") == 1


@pytest.mark.parametrize(
    ("build", "remedy"),
    [("", "give `build`, which makes it on both sides."), ("true", "`build` does not make it.")],
)
def test_a_checkout_without_the_program_is_told_by_its_name_and_not_by_its_place(
    place: Place, build: str, remedy: str
) -> None:
    (base,) = place.commits("one")
    head = place.program("engine", "")

    found = place.run(command=head, base_ref=base, build=build, runs="1")

    assert_head_alone(found, f"The base's checkout has no `./engine`: {remedy}")


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"base_ref": "gone"}, "gone"),
        ({"baseline": "ref"}, "a base needs `base-binary`"),
    ],
)
def test_a_base_that_cannot_be_had_costs_only_the_verdict(
    place: Place, inputs: dict[str, str], why: str
) -> None:
    place.commits("one")
    found = place.run(command="true", runs="1", **inputs)
    assert_head_alone(found, why)


def test_changes_that_are_not_committed_are_part_of_head_and_said_so(place: Place) -> None:
    place.commits("one")
    (place.work / "untracked").touch()
    assert place.run(command="true", runs="1").notes == ()

    (place.work / "content").write_text("two")
    said = "Head is the working tree as it is: it has changes that are not committed."
    assert place.run(command="true", runs="1").notes == (said,)
    place.git("add", "content")
    assert place.run(command="true", runs="1").notes == (said,)


def test_a_merge_target_without_a_build_is_no_base(place: Place) -> None:
    (place.merge_target,) = place.commits("one")
    found = place.run(command="true", runs="1")
    assert (found.verdict, list(found.sides), found.notes) == ("no-baseline", [HEAD], ())


def test_baseline_none_asks_for_no_base_where_there_is_one(place: Place) -> None:
    (place.merge_target,) = place.commits("one")
    found = place.run(command="true", build="true", baseline="none", runs="1")
    assert (found.status, list(found.sides), found.notes) == ("measured", [HEAD], ())


def test_a_pull_request_is_compared_with_where_it_left(place: Place) -> None:
    left, _ = place.commits("old", "new")
    place.git("checkout", "--quiet", "-b", "target", left)
    (place.work / "other").touch()
    place.git("add", ".")
    place.git("commit", "--quiet", "-m", "target went on")
    place.merge_target = place.git("rev-parse", "HEAD")
    place.git("checkout", "--quiet", "-")
    build = "printf '#!/bin/sh\\ncat content\\n' >engine; chmod +x engine; ! [ -e other ]"

    found = place.run(command="./engine", build=build, metrics=TEXT, runs="2")

    assert found.status == "measured", found.failure
    head = place.git("rev-parse", "HEAD")
    assert {name: side.commit for name, side in found.sides.items()} == {HEAD: head, BASE: left}
    head_said, base_said = results.output(found), results.output(found, BASE)
    assert (head_said.text, base_said.text) == ("new", "old")
    assert (head_said.stable, base_said.stable) == (True, True)
    assert head_said.sha256 != base_said.sha256


def test_measuring_stops_when_a_look_has_decided(place: Place) -> None:
    slow, quick = "sleep 0.05", "true"
    found = place.run(command=slow, base_command=quick, runs="200", metric="wall")
    assert results.comparison(found).verdict == "slower"
    assert results.comparison(found).stopped == "decided"
    assert results.comparison(found).pairs in results.comparison(found).looks[:-1]
    assert results.comparison(found).pairs < 200


def test_whoever_decides_again_knows_the_machine_as_the_look_that_decided_did(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[MachineState] = []

    def noted(system: machine.System) -> MachineState:
        states.append(state(system))
        return states[-1]

    state = machine.state
    monkeypatch.setattr(machine, "state", noted)
    found = place.run(command="sleep 0.05", base_command="true", runs="200", metric="wall")
    assert results.comparison(found).stopped == "decided"
    looks_taken = results.comparison(found).looks.index(results.comparison(found).pairs) + 1
    assert len(states) == 3 + looks_taken, (
        "when the run and its measuring began, each look, the end"
    )
    assert found.machine is not None
    assert (results.comparison(found).machine_then, found.machine.after) == tuple(states[-2:])
    assert decide_again(found) == found


def test_a_step_that_does_not_count_puts_the_look_off_but_does_not_cancel_it(place: Place) -> None:
    def answering(us: str) -> str:
        return f'echo "$((step == 3 ? 3 : 4)) tokens, {us} us"'

    found = place.run(
        command=place.program("head", answering("$((400 + step * 7))")),
        base_command=place.program("base", answering("$((100 + step * 3))")),
        metrics="text stdout:\n(?P<n_out>[0-9]+) tokens, (?P<e2e_us>[0-9]+) us",
        runs="48",
    )
    assert (results.comparison(found).verdict, results.comparison(found).stopped) == (
        "slower",
        "decided",
    )
    assert results.comparison(found).pairs == 12
    assert steps(found).count("ok") == 12
    assert len(steps(found)) > 12


def test_the_machine_is_judged_by_the_time_of_measuring_alone(place: Place) -> None:
    def seconds_counted(build: str) -> float:
        found = place.run(command="sleep 0.01", runs="3", build=build)
        assert found.machine is not None
        assert found.machine.measuring is not None
        assert found.machine.after.cpu_ticks is not None
        assert found.machine.measuring.cpu_ticks is not None
        ticks = found.machine.after.cpu_ticks - found.machine.measuring.cpu_ticks
        return ticks / os.sysconf("SC_CLK_TCK") / (os.cpu_count() or 1)

    assert seconds_counted("sleep 3") < 2


def test_every_run_draws_an_order_of_its_own_and_records_it(place: Place) -> None:
    def drawn() -> tuple[int | None, list[int]]:
        found = place.run(command="true", base_command="true", runs="40", margin="0.1%")
        return found.workloads[WORKLOAD].order_seed, [
            sample.order for sample in results.steps(found)
        ]

    runs = [drawn() for _ in range(2)]
    assert runs[0][0] is not None
    assert runs[0] != runs[1]
    assert runs[0][1] != runs[1][1]


def test_two_different_programs_have_a_higher_floor(place: Place) -> None:
    floors = []
    for base in ("true", place.program("other", "")):
        found = place.run(command="true", base_command=base, runs="1")
        floors.append(results.comparison(found).rule.floor)
    assert floors == [0.005, 0.01]


# --- what a Result says ---------------------------------------------------------------------


def test_a_run_that_nothing_disturbed_says_all_that_it_knows(place: Place) -> None:
    (place.work / "tiny.gguf").write_bytes(b"GGUF")
    found = place.run(
        command=place.program("engine", 'echo "a text of $1"') + " {model}",
        metrics=TEXT,
        model="tiny.gguf",
        threads="2",
        runs="7",
    )
    assert (found.status, found.failure, found.notes) == ("measured", None, ())
    assert steps(found) == ["ok"] * 7
    assert place.watching.steps == 7
    assert results.of(found).summary["wall_ms"].low is not None
    assert results.output(found).text.endswith("tiny.gguf")
    assert list(found.workloads[WORKLOAD].measurements) == [HEAD]
    assert found.verdict == "no-baseline"
    assert series(found).parts == {
        "engine": "command",
        "model": hashlib.sha256(b"GGUF").hexdigest(),
        "features": "",
        "tokens": "4",
        "threads": "2",
        "prompt": "2+2=",
        "label": "",
        "runtime": "cli",
    }


def test_a_prompt_from_a_file_is_asked_and_not_published(place: Place) -> None:
    (place.work / "prompt.txt").write_text("a private question\r\n", "utf-8")
    command = place.program("engine", 'printf %s "$1" >asked; echo an answer') + " {prompt}"

    found = place.run(command=command, prompt_file="prompt.txt", metrics=TEXT, runs="1")

    assert found.status == "measured", found.failure
    assert (place.work / "asked").read_text() == "a private question"
    asked = found.workloads[WORKLOAD].request
    assert asked is not None
    sha256 = hashlib.sha256(b"a private question").hexdigest()
    assert asked.prompt == Prompt(text="", file="prompt.txt", characters=18, sha256=sha256)
    assert series(found).parts["prompt"] == f"sha256:{sha256}"
    document = place.folder / "result.json"
    result_file.write(found, document)
    assert "private" not in document.read_text() + render(found)
    assert "prompt from `prompt.txt` (18 characters)" in render(found)


def test_prefill_decides_where_it_is_asked_for(place: Place) -> None:
    def printing(prompt_us: int) -> str:
        return f"echo '5 tokens in {prompt_us}'.$((step % 7)) us"

    found = place.run(
        command=place.program("head", printing(300)),
        base_command=place.program("base", printing(200)),
        metrics="text stdout:\n(?P<n_prompt>[0-9]+) tokens in (?P<prompt_us>[0-9.]+) us",
        metric="prefill",
        runs="14",
    )

    assert (found.verdict, results.comparison(found).metric) == ("slower", "prefill")
    assert "Head takes **4" in render(found)
    assert "longer per prompt token than base" in render(found)


def test_the_same_parts_are_one_series_in_any_order_and_others_another(place: Place) -> None:
    keys = []
    for inputs in (
        {"features": "b,a"},
        {"features": "a,b", "seed": "7"},
        {"features": "a"},
        {"features": "a,b", "label": "nightly"},
    ):
        found = place.run(command="true", runs="1", **inputs)
        keys.append(series(found).key)
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_the_embedded_engines_version_is_part_of_its_series(place: Place) -> None:
    place.cache = user_cache(os.environ, user=os.getuid(), platform=sys.platform)
    place.variables = {name: text for name, text in os.environ.items() if name.startswith("PIP_")}
    found = place.run(runs="1")
    assert found.status == "measured", found.failure
    assert found.model is not None
    assert found.model.reference == "smollm2-135m"
    assert series(found).parts["engine_version"].startswith("xllamacpp ")
    assert series(found).parts["rest"] == "asleep"
    rest = found.workloads[WORKLOAD].rest
    assert rest is not None
    assert (rest.rests, rest.given_up) == (2, False), "before the warm-up and the step"
    assert "Before each step whoever still ran was waited for" in render(found)


def test_a_server_whose_threads_never_sleep_is_not_waited_for_and_that_is_said(
    place: Place,
) -> None:
    inner = executable(place.work / "inner", "tests.integration.engines.fake_llama_server")
    wrapper = place.work / "llama-server"
    wrapper.write_text(f'#!/bin/sh\n(while :; do :; done) &\nexec "{inner}" "$@"\n')
    wrapper.chmod(0o755)
    (place.work / "m.gguf").write_bytes(b"GGUF")

    found = place.run(binary="./llama-server", model="m.gguf", runs="2")

    assert found.status == "measured", found.failure
    rest = found.workloads[WORKLOAD].rest
    assert rest is not None
    assert (rest.rests, rest.vain, rest.given_up) == (1, 1, True)
    assert "there was no rest between the steps, and they may disturb each other" in render(found)
    assert "was waited for" not in render(found)
    assert "rest" not in series(found).parts


def test_a_run_that_decides_nothing_in_its_budget_goes_on_to_the_longer_one(place: Place) -> None:
    sides = {
        "command": place.program("head", "sleep 0.1"),
        "base_command": place.program("base", "sleep 0.01"),
    }
    found = place.run(budget="0.1-10 s", **sides)

    comparison = results.comparison(found)
    assert (found.verdict, comparison.stopped) == ("slower", "decided")
    assert comparison.extension is not None
    turn, *later = comparison.extension.looks
    assert turn < 11 <= comparison.pairs
    assert comparison.pairs in later[:-1]
    assert decide_again(found).comparisons == found.comparisons
    said = " ".join(render(found).split())
    assert f"20 % of the error rate was kept for a longer budget: {turn} pairs decided noth" in said

    ended = place.run(budget="0.1 s", **sides)
    assert results.comparison(ended).extension is None
    assert "longer budget" not in render(ended)


def test_only_the_beginning_of_a_long_text_is_kept_and_its_hash_is_of_all(place: Place) -> None:
    long = "x" * 30_000
    command = place.program("engine", "head -c 30000 /dev/zero | tr '\\0' x")
    found = place.run(command=command, base_command=command, metrics=TEXT, runs="1")
    assert results.output(found).text == results.output(found, BASE).text == long[:20_000]
    assert results.output(found).sha256 == hashlib.sha256(long.encode()).hexdigest()
    assert results.output(found) == results.output(found, BASE)
    assert results.output(found).stable


def test_texts_that_change_are_not_stable_and_match_nothing(place: Place) -> None:
    head = place.program("head", "echo $((step % 2))")
    found = place.run(command=head, base_command="echo 1", metrics=TEXT, runs="2")
    assert not results.output(found).stable
    base = place.program("base", "echo $((step % 2))")
    found = place.run(command="echo 1", base_command=base, metrics=TEXT, runs="2")
    assert (results.output(found).stable, results.output(found, BASE).stable) == (True, False)


def test_notes_say_what_a_reader_of_the_numbers_must_know(place: Place) -> None:
    def printing(n_out: str) -> str:
        values = {"n": n_out, "prompt": "5", "cached": "3", "ms": "2", "text": '"a"'}
        members = ", ".join(f'"{name}": {value}' for name, value in values.items())
        return f"cat <<END\n{{{members}}}\nEND"

    found = place.run(
        command=place.program("head", printing("$((step == 2 ? 3 : 4))")),
        base_command=place.program("base", printing("2")),
        metrics=COUNTS,
        runs="3",
    )
    cached = "Part of the prompt came from a cache: prefill speed counts only the rest."
    assert found.notes == (
        "1 of 3 steps gave another number of tokens than 4: left out.",
        cached,
        "Base: 2 of 4 tokens were produced: the engine ends early.",
        f"Base: {cached}",
    )
    assert steps(found) == ["ok", "short", "ok"]
    assert results.comparison(found).verdict == "not-comparable"


@pytest.mark.parametrize("base", [{}, {"base_command": "sleep 0.2"}])
def test_where_only_the_warm_up_fits_it_counts_and_the_document_says_so(
    place: Place, base: dict[str, str]
) -> None:
    found = place.run(command="sleep 0.2", warmup="1", budget="0.1 s", **base)
    assert found.status == "measured"
    assert steps(found) == ["ok"]
    assert found.workloads[WORKLOAD].warmup_counted
    assert found.machine is not None
    ticks = (found.machine.before.cpu_ticks, found.machine.after.cpu_ticks)
    assert ticks[0] is not None
    assert ticks[1] is not None
    assert ticks[0] < ticks[1], "its state was not taken anew at the end"
