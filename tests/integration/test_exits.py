"""A secret in each text that others give us: it is seen at no exit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

BY_VALUE = "v4lue-of-the-environment"
BY_NAME = "n4med-by-an-option"
BY_LOOKS = "ghp_l00ks0f1t"
TEXT = f"--api-key {BY_NAME} and {BY_VALUE}, {BY_LOOKS}"
IN_AN_ADDRESS = f"http://me:{BY_NAME}@127.0.0.1:9/{BY_VALUE}/m.gguf?sig={BY_LOOKS}"
SECRETS = (BY_VALUE, BY_NAME, BY_LOOKS)

PRINTS = f"#!/bin/sh\necho 'out {TEXT}'; echo 'err {TEXT}' >&2\n"
ENGINE = f"{PRINTS}echo 'text: {TEXT}.'; echo 'ms: 0.5'\n"
RECIPE = "text stdout:\n  ms: (?P<e2e_ms>[0-9.]+)\n  text: (?P<text>.*)"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A text that others give, with secrets in it."""

    inputs: Mapping[str, str]
    said: str
    """What tells that the text came that far."""
    files: Mapping[str, str] = field(default_factory=dict)


PLACES = {
    "last lines of an engine": Place(
        inputs={"command": "./engine"}, files={"engine": f"{PRINTS}exit 3\n"}, said="err --api-key"
    ),
    "last lines of a build": Place(
        inputs={"binary": "./engine", "build": f"echo 'err {TEXT}'; exit 3"}, said="err --api-key"
    ),
    "why a base was lost": Place(
        inputs={
            "command": "./engine",
            "metrics": RECIPE,
            "base-command": "./base",
            "runs": "1",
            "warmup": "0",
        },
        files={"engine": ENGINE, "base": f"{PRINTS}exit 3\n"},
        said="err --api-key",
    ),
    "address of a model": Place(
        inputs={"command": "./engine {model}", "model": IN_AN_ADDRESS},
        files={"engine": ENGINE},
        said="127.0.0.1:9",
    ),
    "address of a model that is refused": Place(
        inputs={"command": "./engine {model}", "model": f"ftp://me:{BY_NAME}@h/?token={BY_LOOKS}"},
        files={"engine": ENGINE},
        said="ftp",
    ),
    "query of an endpoint": Place(
        inputs={"engine": "openai", "endpoint": f"http://127.0.0.1:9/v1?api_key={BY_NAME}"},
        said="endpoint",
    ),
    "expressions that are wrong": Place(
        inputs={
            "command": "./engine",
            "metrics": f"text stdout:\n  (?P<n_out>{TEXT}\n  token={BY_NAME}(",
        },
        files={"engine": ENGINE},
        said="is no regular expression",
    ),
    "expressions without a match": Place(
        inputs={"command": "./engine", "metrics": f"text stdout:\n  {TEXT} (?P<n_out>[0-9]+)"},
        files={"engine": ENGINE},
        said="which is not in stdout",
    ),
    "name of a program": Place(
        inputs={"command": f"./engine-{BY_VALUE}-{BY_LOOKS} --token {BY_NAME}", "runs": "1"},
        files={f"engine-{BY_VALUE}-{BY_LOOKS}": "#!/bin/sh\n"},
        said="engine-***",
    ),
    "name of a program that is missing": Place(
        inputs={"command": f"./no-{BY_VALUE}-{BY_LOOKS} --token {BY_NAME}"}, said="no-***"
    ),
    "parts of the series, and inputs": Place(
        inputs={
            "command": "./engine {prompt}",
            "label": f"token={BY_NAME}",
            "features": f"{BY_VALUE},{BY_LOOKS}",
            "prompt": TEXT,
            "runs": "1",
        },
        files={"engine": ENGINE},
        said="token=***",
    ),
    "text of a model": Place(
        inputs={"command": "./engine", "metrics": RECIPE, "runs": "2", "warmup": "0"},
        files={"engine": ENGINE},
        said="--api-key ***",
    ),
    "an input that is invalid": Place(
        inputs={"command": "./engine", "tokens": TEXT, "runs": f"token={BY_NAME}"}, said="tokens"
    ),
    "a prompt's file that is missing": Place(
        inputs={"command": "./engine {prompt}", "prompt-file": f"{BY_VALUE}-{BY_LOOKS}"},
        files={"engine": ENGINE},
        said="prompt-file",
    ),
    "a base that is missing": Place(
        inputs={
            "binary": "./engine",
            "engine": "command",
            "command": "./engine",
            "base-ref": f"{BY_VALUE}-{BY_LOOKS}",
            "runs": "1",
        },
        files={"engine": ENGINE},
        said="***",
    ),
}


def perf_smoke(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "HUB_TOKEN": BY_VALUE, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def exits(done: subprocess.CompletedProcess[str], folder: Path) -> dict[str, str]:
    """All that has left, by where."""
    files = {path.name: path.read_text("utf-8") for path in folder.glob("perf-smoke-out/*.*")}
    return {"stdout": done.stdout, "stderr": done.stderr, **files}


def leaks(left: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, secret) for name, text in left.items() for secret in SECRETS if secret in text]


@pytest.mark.parametrize("name", PLACES)
def test_no_exit_shows_it(name: str, tmp_path: Path) -> None:
    place = PLACES[name]
    for file, content in place.files.items():
        (tmp_path / file).write_text(content, "utf-8")
        (tmp_path / file).chmod(0o755)
    options = [word for name, value in place.inputs.items() for word in (f"--{name}", value)]
    done = perf_smoke("-m", "perf_smoke", "run", *options, cwd=tmp_path)
    left = exits(done, tmp_path)
    assert place.said in "".join(left.values()), left
    assert leaks(left) == [], left


def test_a_diagnosis_does_not_repeat_it(tmp_path: Path) -> None:
    done = perf_smoke(
        *("-m", "perf_smoke", "doctor", "--command", f"./no-{BY_VALUE} --token {BY_NAME}"),
        *("--model", IN_AN_ADDRESS, "--metrics", f"text stdout:\n  {TEXT}("),
        cwd=tmp_path,
    )
    assert "no-***" in done.stdout
    assert leaks(exits(done, tmp_path)) == []


def test_a_signed_address_that_a_hub_leads_to_is_not_told(tmp_path: Path) -> None:
    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:9/x?X-Amz-Signature={BY_NAME}")
            self.send_header("ETag", '"abc"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = HTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = perf_smoke(
            *("-m", "perf_smoke", "run", "--command", "true {model}"),
            *("--model", f"hf://o/r/{BY_VALUE}.gguf@main"),
            cwd=tmp_path,
            HF_ENDPOINT=f"http://127.0.0.1:{server.server_port}",
            HF_HOME=str(tmp_path / "hub"),
            HF_HUB_DOWNLOAD_TIMEOUT="2",
        )
    finally:
        server.shutdown()
        server.server_close()
    left = exits(done, tmp_path)
    assert '"status": "failed"' in left["result.json"]
    assert leaks(left) == [], left


def test_a_traceback_of_ours_is_told_without_it(tmp_path: Path) -> None:
    broken = (
        "import perf_smoke.at_terminal, perf_smoke.cli\n"
        f"def run(*_): raise RuntimeError({TEXT!r})\n"
        "perf_smoke.at_terminal.run = run\n"
        "perf_smoke.cli.main(['run', '--command', 'true'])\n"
    )
    done = perf_smoke("-c", broken, cwd=tmp_path)
    assert done.returncode == 1
    assert "RuntimeError: --api-key *** and ***, ***" in done.stderr
    assert leaks(exits(done, tmp_path)) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--command", "true", f"token={BY_NAME}"),
        ("report", f"{BY_VALUE}-{BY_LOOKS}.json"),
        ("compare", "--pairs", f"{BY_VALUE}-{BY_LOOKS}.csv"),
        (f"token={BY_NAME}",),
        ("compare", "--pairs", "pairs.csv"),
        ("compare", "result.json"),
        ("report", "result.json"),
    ],
)
def test_a_command_that_is_refused_does_not_repeat_it(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "pairs.csv").write_text(f"base,head\n1,{BY_VALUE}\n2,token={BY_NAME}\n")
    (tmp_path / "result.json").write_text(f'{{"token={BY_NAME}": "{BY_LOOKS}"}}')
    done = perf_smoke("-m", "perf_smoke", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr
    assert leaks(exits(done, tmp_path)) == [], done.stderr
