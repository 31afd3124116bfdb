"""What may go wrong, one entry each. What comes of them is docs/FAULTS.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

QUICK = {"runtime": "host", "command": "./engine", "runs": "1", "warmup": "0", "timeout": "20 s"}
BOTH = {**QUICK, "base-command": "./base"}
REPOSITORY = """
git init -q .
commit() { git add . && git -c user.name=a -c user.email=a@b commit -qm "$1" --allow-empty; }
commit 1
"""
"""A checkout of one commit; `commit NAME` makes another."""
PROMPT_FILE = {**QUICK, "prompt-file": "p.txt", "command": "./engine {prompt}"}
JSON = {**QUICK, "metrics": "json r.json:\n  e2e_ms /ms"}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong."""

    name: str
    """What somebody would say of it."""
    inputs: Mapping[str, str] = field(default_factory=lambda: QUICK)
    env: Mapping[str, str | None] = field(default_factory=dict)
    """Variables of the step; None unsets one."""
    engine: str = "echo 4"
    """The body of `./engine`, in bash."""
    base: str = "echo 4"
    """The body of `./base`."""
    before: str = ""
    """What happens in the workspace before the step, in bash."""


def _invalid(name: str, **inputs: str) -> Fault:
    given = {key.replace("_", "-"): value for key, value in inputs.items()}
    return Fault(name=name, inputs={**QUICK, **given})


INPUTS = (
    _invalid("tokens is a word", tokens="many"),
    _invalid("tokens is none", tokens="0"),
    _invalid("tokens is negative", tokens="-4"),
    _invalid("tokens has 400 digits", tokens="9" * 400),
    _invalid("tokens in other digits", tokens="٤"),
    _invalid("runs is a fraction", runs="1.5"),
    _invalid("warmup is negative", warmup="-1"),
    _invalid("threads is none", threads="0"),
    _invalid("seed is too large", seed="4294967296"),
    _invalid("budget without a unit that there is", budget="30 parsecs"),
    _invalid("budget is no number", budget="nan"),
    _invalid("budget is infinite", budget="inf s"),
    _invalid("timeout is none", timeout="0 s"),
    _invalid("margin is too wide", margin="150%"),
    _invalid("margin is none", margin="0"),
    _invalid("alpha is a coin", alpha="0.5"),
    _invalid("metric is unknown", metric="speed"),
    _invalid("metric that may not decide", metric="peak-rss"),
    _invalid("engine is misspelt", engine="lama-bench"),
    _invalid("engine that takes no command", engine="llama-bench"),
    _invalid("baseline is unknown", baseline="yesterday"),
    _invalid("comment is unknown", comment="sometimes"),
    _invalid("pr-number is a word", pr_number="seven"),
    _invalid("fail-on is unknown", fail_on="faster"),
    _invalid("runtime is unknown", runtime="moon"),
    _invalid("model-sha256 is too short", model_sha256="abc"),
    _invalid("model-sha256 without a model", model_sha256="0" * 64),
    _invalid("endpoint beside a command", endpoint="http://127.0.0.1:9"),
    _invalid("endpoint is no address", command="", endpoint="localhost"),
    _invalid("endpoint with a port that cannot be", command="", endpoint="http://h:99999"),
    _invalid("endpoint where nothing answers", command="", endpoint="http://127.0.0.1:9"),
    _invalid("prompt beside prompt-file", prompt="1+1=", prompt_file="p.txt"),
    _invalid("prompt-file that is not there", prompt_file="p.txt", command="./engine {prompt}"),
    _invalid("prompt-file that is a folder", prompt_file=".", command="./engine {prompt}"),
    Fault(
        name="prompt-file that is empty",
        inputs=PROMPT_FILE,
        before=": >p.txt",
    ),
    Fault(
        name="prompt-file that is a pipe",
        inputs=PROMPT_FILE,
        before="mkfifo p.txt",
    ),
    Fault(
        name="prompt-file that is no UTF-8",
        inputs=PROMPT_FILE,
        before="printf '\\xff\\xfe' >p.txt",
    ),
    Fault(
        name="prompt-file of a megabyte",
        inputs=PROMPT_FILE,
        before="head -c 1000000 /dev/zero | tr '\\0' a >p.txt",
    ),
    _invalid("working-directory that is not there", working_directory="nowhere"),
    _invalid("working-directory that is a file", working_directory="engine"),
    _invalid("command with an open quote", command="./engine 'half"),
    _invalid("command with a placeholder that there is not", command="./engine {modle}"),
    _invalid("command that is not there", command="./motor"),
    _invalid("command that is not on PATH", command="no-such-program-anywhere"),
    _invalid("command that is a folder", command="./"),
    Fault(name="command without the right to run", before="chmod -x engine"),
    Fault(name="command that is no program", before="printf '\\x7fELF' >engine"),
    Fault(
        name="command whose interpreter is missing", before="printf '#!/no/interpreter\\n' >engine"
    ),
    _invalid("command for a model that is not named", command="./engine {model}"),
    _invalid("model that is not there", command="./engine {model}", model="m.gguf"),
    _invalid("model that is a folder", command="./engine {model}", model="."),
    _invalid("model of an unknown scheme", command="./engine {model}", model="s3://bucket/m.gguf"),
    _invalid(
        "model by plain http", command="./engine {model}", model="http://192.0.2.1/model.gguf"
    ),
    _invalid(
        "model whose host does not exist",
        command="./engine {model}",
        model="https://no-such-host.invalid/model.gguf",
    ),
    _invalid("model of a hub without a file", command="./engine {model}", model="hf://owner"),
    _invalid("model of an index without a file", command="./engine {model}", model="pypi://x"),
    Fault(
        name="model that is a pointer of Git LFS",
        inputs={**QUICK, "command": "./engine {model}", "model": "m.gguf"},
        before="printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:%064d\\nsize' 0"
        " >m.gguf; echo ' 9' >>m.gguf",
    ),
    Fault(
        name="model that is another file than its sum says",
        inputs={
            **QUICK,
            "command": "./engine {model}",
            "model": "m.gguf",
            "model-sha256": "0" * 64,
        },
        before="echo GGUF >m.gguf",
    ),
    _invalid("metrics without a source", metrics="e2e_ms /ms"),
    _invalid("metrics with a name that there is not", metrics="text stdout:\n(?P<speed>.+)"),
    _invalid("metrics with a broken pattern", metrics="text stdout:\n(?P<text>.+"),
    _invalid("metrics without a named group", metrics="text stdout:\n.+"),
    _invalid("base-command without a command", command="", base_command="./base"),
    _invalid("base-binary beside a command", base_binary="./base"),
    _invalid("baseline none beside a base", baseline="none", base_command="./base"),
    _invalid("baseline ref without a base", baseline="ref"),
    _invalid("base-ref that is an option", base_ref="--upload-pack=x", build="true"),
    _invalid("base-ref outside a repository", base_ref="main", build="true"),
    _invalid("build that fails", build="echo error: no such file; exit 3"),
    _invalid("build with a syntax error", build="if"),
    _invalid("label of two lines", label="a\n::error::b"),
    _invalid("features that the command does not take", features="gpu"),
    _invalid("output-dir that is a file", output_dir="engine"),
    _invalid("output-dir that cannot be made", output_dir="/proc/nowhere"),
)


def _crash(signal_name: str) -> Fault:
    return Fault(name=f"engine that ends by {signal_name}", engine=f"kill -{signal_name} $$")


ENGINE = (
    Fault(name="engine that exits with 1", engine="echo no model >&2; exit 1"),
    Fault(name="engine that exits with 255", engine="exit 255"),
    *map(_crash, ("SEGV", "ABRT", "KILL", "TERM", "ILL", "BUS", "FPE", "INT", "HUP", "PIPE")),
    Fault(
        name="engine that fails at its second step",
        inputs={**QUICK, "runs": "4"},
        engine="[ ! -e ran ] || { echo broken; exit 1; }; : >ran",
    ),
    Fault(name="engine that never ends", inputs={**QUICK, "timeout": "1 s"}, engine="sleep 600"),
    Fault(
        name="engine that hears no signal",
        inputs={**QUICK, "timeout": "1 s"},
        engine="trap '' INT TERM HUP; sleep 600; sleep 600",
    ),
    Fault(
        name="engine that stops itself",
        inputs={**QUICK, "timeout": "1 s"},
        engine="kill -STOP $$",
    ),
    Fault(name="engine that leaves a child in its group", engine="sleep 600 & echo 4"),
    Fault(name="engine that leaves a child outside its group", engine="setsid sleep 600 & echo 4"),
    Fault(
        name="engine that leaves a daemon of two forks",
        engine="(setsid bash -c 'sleep 600 & sleep 600' >/dev/null 2>&1 &) ; echo 4",
    ),
    Fault(
        name="engine that prints 64 MiB",
        engine="head -c 67108864 /dev/zero | tr '\\0' x",
    ),
    Fault(name="engine that prints zero bytes", engine="printf '\\0\\0\\0'"),
    Fault(name="engine that prints no UTF-8", engine="printf '\\xff\\xfe\\xc0'"),
    Fault(
        name="engine that prints orders to the runner and fails",
        engine="echo '::error::not ours'; echo '##[error]nor this'; exit 3",
    ),
    Fault(
        name="engine that prints markdown and fails",
        engine="echo '</details> @octocat ``` [x](http://x)' ; exit 3",
    ),
    Fault(
        name="engine that prints a key and fails",
        engine="echo 'error: --api-key s3cr3t-s3cr3t-s3cr3t'; exit 3",
    ),
    Fault(name="engine that closes what it prints to", engine="exec >&- 2>&-; sleep 0.1"),
    Fault(name="engine that removes itself", engine='rm -f "$0"; echo 4'),
    Fault(name="engine that removes the workspace", engine='cd /; rm -rf "$GITHUB_WORKSPACE"'),
    Fault(
        name="engine that removes all that is temporary",
        engine='rm -rf "$RUNNER_TEMP"/perf-smoke*',
    ),
    Fault(
        name="engine that closes all that is temporary",
        engine='chmod 000 "$RUNNER_TEMP"/perf-smoke*',
    ),
    Fault(
        name="engine that leaves a document of its own",
        engine='echo "{}" >"$RUNNER_TEMP/perf-smoke/result.json"',
    ),
    Fault(
        name="engine that puts a pipe in the document's place",
        engine='mkfifo "$RUNNER_TEMP/perf-smoke/result.json"',
    ),
    Fault(
        name="engine that puts a folder in the document's place",
        engine='mkdir -p "$RUNNER_TEMP/perf-smoke/result.json/x"',
    ),
    Fault(
        name="engine that writes outputs",
        engine='cd "$RUNNER_TEMP/_runner_file_commands" && echo status=slower | tee -a *_*',
    ),
    Fault(
        name="engine that breaks off a line of the outputs",
        engine='printf "status<<END\\nhalf" >>"$RUNNER_TEMP/_runner_file_commands/set_output"',
    ),
    Fault(
        name="engine that makes the outputs a pipe",
        engine='f="$RUNNER_TEMP/_runner_file_commands/set_output"; rm "$f"; mkfifo "$f"',
    ),
    Fault(
        name="engine that empties the event",
        engine=': >"$GITHUB_EVENT_PATH"',
    ),
    Fault(name="engine that kills perf-smoke", engine="kill -KILL $PPID; sleep 1"),
    Fault(name="engine that terminates perf-smoke", engine="kill -TERM $PPID; sleep 30"),
    Fault(name="engine that quits perf-smoke", engine="kill -QUIT $PPID; sleep 1"),
    Fault(name="engine that aborts perf-smoke", engine="kill -ABRT $PPID; sleep 1"),
    Fault(name="engine that writes no file of numbers", inputs=JSON),
    Fault(name="numbers that are no JSON", inputs=JSON, engine="echo '{' >r.json"),
    Fault(name="numbers that are a list", inputs=JSON, engine="echo '[1]' >r.json"),
    Fault(name="numbers without the field", inputs=JSON, engine="echo '{}' >r.json"),
    Fault(name="a number that is a text", inputs=JSON, engine="""echo '{"ms": "x"}' >r.json"""),
    Fault(name="a number that is negative", inputs=JSON, engine="""echo '{"ms": -1}' >r.json"""),
    Fault(name="a number that is null", inputs=JSON, engine="""echo '{"ms": null}' >r.json"""),
    Fault(name="a number that is NaN", inputs=JSON, engine="""echo '{"ms": NaN}' >r.json"""),
    Fault(
        name="a number of 400 digits",
        inputs=JSON,
        engine="""printf '{"ms": %0400d}' 9 | tr 0 9 >r.json""",
    ),
    Fault(
        name="a time that is longer than the step",
        inputs=JSON,
        engine="""echo '{"ms": 99999999}' >r.json""",
    ),
    Fault(name="numbers in a pipe", inputs=JSON, engine="mkfifo r.json"),
    Fault(name="numbers in a folder", inputs=JSON, engine="mkdir r.json"),
    Fault(
        name="numbers nested a hundred thousand deep",
        inputs=JSON,
        engine="head -c 100000 /dev/zero | tr '\\0' '[' >r.json",
    ),
    Fault(name="numbers of 100 MB", inputs=JSON, engine="truncate -s 100M r.json"),
    Fault(
        name="numbers that an earlier program left",
        inputs=JSON,
        before="""echo '{"ms": 0.001}' >r.json""",
    ),
)

BASE = (
    Fault(name="base that exits with 1", inputs=BOTH, base="echo no model >&2; exit 1"),
    Fault(name="base that crashes", inputs=BOTH, base="kill -SEGV $$"),
    Fault(name="base that never ends", inputs={**BOTH, "timeout": "1 s"}, base="sleep 600"),
    Fault(name="base that is not there", inputs=BOTH, before="rm base"),
    Fault(name="head that crashes beside a base that works", inputs=BOTH, engine="kill -SEGV $$"),
    Fault(name="head and base that crash", inputs=BOTH, engine="exit 1", base="exit 1"),
    Fault(
        name="base that fails on the way",
        inputs={**BOTH, "runs": "6"},
        base="echo >>b; [ $(wc -l <b) -lt 4 ]",
    ),
    Fault(
        name="base whose daemon writes head's numbers",
        inputs={**JSON, "base-command": "./base", "runs": "3"},
        base="""echo '{"ms": 0.001}' >r.json
(setsid bash -c 'for i in $(seq 200); do echo "{\\"ms\\": 0.002}" >r.json; sleep 0.01; done' &)""",
    ),
    Fault(
        name="base that is head's own program",
        inputs={**QUICK, "base-ref": "HEAD~1", "build": "true", "command": "/bin/true"},
        before=REPOSITORY + "commit 2",
    ),
    Fault(
        name="base whose commit is not there",
        inputs={**QUICK, "base-ref": "deadbeef" * 5, "build": "true"},
        before=REPOSITORY,
    ),
    Fault(
        name="base whose branch is not there",
        inputs={**QUICK, "base-ref": "no-such-branch", "build": "true"},
        before=REPOSITORY,
    ),
    Fault(
        name="base that does not build",
        inputs={**QUICK, "base-ref": "HEAD~1", "build": "sh build"},
        before="echo 'echo error: base; exit 7' >build" + REPOSITORY + ": >build; commit 2",
    ),
    Fault(
        name="base of a repository whose configuration runs programs",
        inputs={**QUICK, "base-ref": "HEAD~1", "build": "true"},
        before=REPOSITORY
        + "commit 2; mkdir h; printf '#!/bin/sh\\nkill -9 $PPID' >h/post-checkout; chmod +x h/*;"
        "git config core.hooksPath h; git config core.fsmonitor 'kill -9 $PPID'",
    ),
    Fault(
        name="base that is damaged in the repository",
        inputs={**QUICK, "base-ref": "HEAD~1", "build": "true"},
        before=REPOSITORY + "commit 2; rm -rf .git/objects/*",
    ),
)


def _runner(name: str, **variables: str | None) -> Fault:
    return Fault(name=name, env=variables)


RUNNER = (
    _runner("no GITHUB_OUTPUT", GITHUB_OUTPUT=None),
    _runner("no GITHUB_STEP_SUMMARY", GITHUB_STEP_SUMMARY=None),
    _runner("no GITHUB_ENV and no GITHUB_PATH", GITHUB_ENV=None, GITHUB_PATH=None),
    _runner("GITHUB_STEP_SUMMARY on a full disk", GITHUB_STEP_SUMMARY="/dev/full"),
    Fault(
        name="GITHUB_STEP_SUMMARY that is a folder",
        env={"GITHUB_STEP_SUMMARY": "a folder"},
        before="mkdir 'a folder'",
    ),
    _runner("no GITHUB_EVENT_PATH", GITHUB_EVENT_PATH=None),
    _runner("GITHUB_EVENT_PATH that is a folder", GITHUB_EVENT_PATH="/"),
    _runner("GITHUB_EVENT_PATH that is a device", GITHUB_EVENT_PATH="/dev/zero"),
    Fault(
        name="an event that is no JSON",
        before='echo "{" >"$EVENT"',
    ),
    Fault(
        name="an event that is a list",
        before='echo "[1]" >"$EVENT"',
    ),
    Fault(
        name="an event nested a hundred thousand deep",
        before="head -c 100000 /dev/zero | tr '\\0' '[' >\"$EVENT\"",
    ),
    Fault(
        name="an event whose pull request is a number of 400 digits",
        env={"GITHUB_EVENT_NAME": "pull_request"},
        before="""printf '{"number": %0400d, "pull_request": {"number": []}}' 7"""
        ' >"$EVENT"',
    ),
    Fault(
        name="an event whose base is an option of git",
        inputs={**QUICK, "build": "true"},
        env={"GITHUB_EVENT_NAME": "pull_request"},
        before=REPOSITORY
        + """echo '{"pull_request": {"number": 1, "base": {"sha": "--output=x", "ref": "-x"}}}'"""
        ' >"$EVENT"',
    ),
    _runner("GITHUB_RUN_ID that is a word", GITHUB_RUN_ID="seven"),
    _runner("GITHUB_REPOSITORY that is a path", GITHUB_REPOSITORY="../../etc"),
    _runner("no GITHUB_WORKSPACE", GITHUB_WORKSPACE=None),
    _runner("no RUNNER_TEMP", RUNNER_TEMP=None),
    _runner("RUNNER_TEMP that cannot be written", RUNNER_TEMP="/proc/nowhere"),
    _runner("no RUNNER_TOOL_CACHE", RUNNER_TOOL_CACHE=None),
    _runner("no HOME", HOME=None),
    _runner("HOME that is not there", HOME="/nowhere"),
    _runner("PATH that is empty", PATH=""),
    _runner("PATH of one folder that is not there", PATH="/nowhere"),
    _runner("TMPDIR that is not there", TMPDIR="/nowhere"),
    _runner("LANG of no locale", LANG="xx_XX", LC_ALL="xx_XX"),
    _runner("LANG of Turkey", LANG="tr_TR.UTF-8", LC_ALL="tr_TR.UTF-8"),
    _runner("PYTHONHOME of another Python", PYTHONHOME="/nowhere"),
    _runner("PYTHONPATH with a module like one of ours", PYTHONPATH="/nowhere:."),
    _runner("PYTHONSTARTUP, PYTHONINSPECT", PYTHONSTARTUP="/nowhere", PYTHONINSPECT="1"),
    _runner("PYTHONWARNINGS that makes errors", PYTHONWARNINGS="error"),
    _runner("PYTHONOPTIMIZE", PYTHONOPTIMIZE="2"),
    _runner("GIT_DIR of another repository", GIT_DIR="/nowhere", GIT_WORK_TREE="/"),
    _runner("BASH_ENV that fails", BASH_ENV="/nowhere"),
    _runner("CDPATH that leads elsewhere", CDPATH="/tmp:/"),
    _runner("IFS of letters", IFS="perf"),
    _runner("GREP_OPTIONS and GREP_COLORS", GREP_OPTIONS="-v", GREP_COLOR="1"),
    _runner("POSIXLY_CORRECT", POSIXLY_CORRECT="1"),
    _runner("TZ of no place", TZ="Nowhere/At-All"),
    _runner("COLUMNS of none", COLUMNS="0", LINES="0", TERM="dumb"),
    _runner("SOURCE_DATE_EPOCH that is a word", SOURCE_DATE_EPOCH="long ago"),
    _runner("LD_PRELOAD that is not there", LD_PRELOAD="/nowhere.so"),
    _runner("HTTP_PROXY where nothing answers", HTTP_PROXY="http://127.0.0.1:9"),
    _runner("SSL_CERT_FILE that is not there", SSL_CERT_FILE="/nowhere"),
    _runner("PERF_SMOKE_MATRIX that is no JSON", PERF_SMOKE_MATRIX="{"),
    _runner("PERF_SMOKE_RUNTIME of the caller's", PERF_SMOKE_RUNTIME="moon"),
    Fault(
        name="no Docker engine where Docker is asked for",
        inputs={**QUICK, "runtime": "docker"},
        env={"DOCKER_HOST": "unix:///nowhere.sock"},
    ),
    Fault(
        name="an image whose name is two lines",
        inputs={**QUICK, "runtime": "docker", "image": "a\n::error::b"},
        env={"DOCKER_HOST": "unix:///nowhere.sock"},
    ),
    Fault(
        name="a Docker engine far away",
        inputs={**QUICK, "runtime": "docker"},
        env={"DOCKER_HOST": "tcp://127.0.0.1:9"},
    ),
)


def _pull_request(name: str, api: str) -> Fault:
    return Fault(
        name=name,
        inputs={**QUICK, "github-token": "not-a-token"},
        env={"GITHUB_EVENT_NAME": "pull_request", "GITHUB_API_URL": api},
        before="""echo '{"number": 5, "pull_request": {"number": 5, "head": {"sha": "'"""
        """$(printf %040d 1)'", "repo": {"full_name": "acme/engine"}}, "base": {"ref": "main"}}}'"""
        ' >"$EVENT"',
    )


API = (
    _pull_request("an API that refuses connections", "http://127.0.0.1:9"),
    _pull_request("an API whose host does not exist", "http://no-such-host.invalid"),
    _pull_request("an API at a port that cannot be", "http://127.0.0.1:99999"),
    _pull_request("an API of another scheme", "file:///etc/passwd"),
    _pull_request("an API that is no address", "somewhere"),
    _pull_request("an API that is empty", ""),
)

EVERY = (*INPUTS, *ENGINE, *BASE, *RUNNER, *API)
