"""The action in Docker: the same files at the same paths, as the caller's user."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.e2e.conftest import NOBODY, MakeJob
from tests.e2e.job import INNER_STEPS, Job, command_lines, stop_token, wait_until
from tests.runner_log import commands

pytestmark = pytest.mark.docker

QUICK = {"runtime": "docker", "command": "true", "runs": "1", "warmup": "0"}
"""Measures a program that does nothing: for tests of the way there."""

EMBEDDED = {"runs": "1", "warmup": "0"}


def test_the_built_in_model_is_measured_and_reported(job: Job, docker: str, image: str) -> None:
    outcome = job.run({**EMBEDDED, "runtime": "docker"})
    assert (outcome.code, outcome.status, outcome.reason) == (0, "measured", ""), outcome.log
    assert float(outcome.outputs["e2e-ms"]) > 0
    assert outcome.result().tool.runtime == "docker"
    assert outcome.outputs["result-json"] == str(outcome.folder / "result.json")
    assert "| TTFT" in outcome.summary
    assert "perf-smoke: in Docker, as asked" in outcome.log
    assert job.containers() == []


def test_auto_takes_docker_for_our_engine_when_the_image_is_here(job: Job, image: str) -> None:
    outcome = job.run(EMBEDDED)
    assert (outcome.status, outcome.result().tool.runtime) == ("measured", "docker"), outcome.log
    assert (
        f"perf-smoke: in Docker, for nothing of the caller's is executed, and {image} is here"
        in (outcome.log)
    )


def test_auto_takes_the_host_for_the_callers_programs(job: Job, image: str) -> None:
    outcome = job.run({**QUICK, "runtime": "auto"})
    assert (outcome.status, outcome.result().tool.runtime) == ("measured", "host"), outcome.log
    assert "perf-smoke: on the host, for the caller's own programs run there" in outcome.log


def test_auto_takes_the_host_when_no_engine_answers_and_says_so(job: Job) -> None:
    outcome = job.run(EMBEDDED, {"DOCKER_HOST": "unix:///nowhere.sock"})
    assert (outcome.status, outcome.result().tool.runtime) == ("measured", "host"), outcome.log
    assert "perf-smoke: on the host, for no Docker engine answers" in outcome.log
    assert outcome.warnings == []


def test_auto_neither_builds_nor_pulls_an_image(job: Job, docker: str) -> None:
    outcome = job.run({**EMBEDDED, "image": "127.0.0.1:9/nobody/nothing:1"})
    assert (outcome.status, outcome.result().tool.runtime) == ("measured", "host"), outcome.log
    assert "unasked only one pinned by digest is pulled" in outcome.log


def test_auto_takes_the_host_when_the_pinned_image_cannot_be_pulled(job: Job, docker: str) -> None:
    outcome = job.run({**EMBEDDED, "image": f"127.0.0.1:9/nobody/nothing@sha256:{'0' * 64}"})
    assert (outcome.status, outcome.result().tool.runtime) == ("measured", "host"), outcome.log
    assert "could not be pulled" in outcome.log


def test_an_explicit_docker_builds_the_image_once(
    make_job: MakeJob, docker: str, image: str, action_copy: Path
) -> None:
    # Another content, and so another image; the layers below it are those of `image`.
    (action_copy / "src" / "perf_smoke" / "more.py").write_text(
        f"# {os.urandom(8).hex()}\n", "utf-8"
    )
    first = make_job(action=action_copy).run(QUICK)
    second = make_job(action=action_copy).run(QUICK)
    assert [first.status, second.status] == ["measured", "measured"], first.log
    assert "perf-smoke: building perf-smoke:" in first.log
    assert "perf-smoke: building" not in second.log


def test_the_files_it_leaves_belong_to_the_user_of_the_step(job: Job, image: str) -> None:
    folder = job.workspace / "reports" / "deep"
    outcome = job.run({**QUICK, "output-dir": str(folder)})
    assert outcome.status == "measured", outcome.log
    assert outcome.outputs["result-json"] == str(folder / "result.json")
    for path in (folder, *folder.iterdir()):
        assert path.stat().st_uid == os.getuid()


@pytest.mark.parametrize("absolute", [True, False])
def test_a_folder_for_the_output_outside_of_the_job_is_made_and_filled(
    job: Job, image: str, absolute: bool
) -> None:
    folder = job.workspace.parent / "out, side"
    outcome = job.run({**QUICK, "output-dir": str(folder) if absolute else "../out, side"})
    assert outcome.status == "measured", outcome.log
    assert (folder / "report.md").exists()


def test_a_model_and_a_tokenizer_outside_of_the_job_are_read_and_cannot_be_changed(
    job: Job, image: str, tmp_path: Path
) -> None:
    files = []
    for name in ("model", "tokenizer"):
        files.append(tmp_path / f"{name}s, all of them" / f"{name}.bin")
        files[-1].parent.mkdir()
        files[-1].write_text("content", "utf-8")
    script = job.workspace / "check"
    script.write_text('#!/bin/sh\ncat "$1" "$2" && ! touch "$1"\n', "utf-8")
    script.chmod(0o755)
    inputs = {"command": "./check {model} {tokenizer}", "model": str(files[0])}
    outcome = job.run({**QUICK, **inputs, "tokenizer": str(files[1])})
    assert outcome.status == "measured", outcome.log


def linked(link: Path, target: str | Path) -> Path:
    """A link that was just made."""
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
    return link


def file(path: Path) -> Path:
    """A file that was just made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("content", "utf-8")
    return path


def at_home(job: Job) -> str:
    file(job.root / "home" / "models" / "model.bin")
    return "~/models/model.bin"


def beside_the_workspace(job: Job) -> str:
    file(job.workspace.parent / "models" / "model.bin")
    return "../models/model.bin"


def as_the_hub_keeps_it(job: Job) -> str:
    hub = job.root / "hub, of models"
    file(hub / "blobs" / "0123")
    return str(linked(hub / "snapshots" / "abcd" / "model.bin", "../../blobs/0123"))


def behind_two_links(job: Job) -> str:
    store = file(job.root / "store" / "model.bin")
    linked(job.workspace / "model.bin", linked(job.root / "current" / "model.bin", store))
    return "model.bin"


def in_a_folder_that_is_a_link(job: Job) -> str:
    linked(job.workspace / "models", file(job.root / "store" / "model.bin").parent)
    return "models/model.bin"


@pytest.mark.parametrize(
    "place",
    [
        at_home,
        beside_the_workspace,
        as_the_hub_keeps_it,
        behind_two_links,
        in_a_folder_that_is_a_link,
    ],
)
def test_a_file_is_found_wherever_the_host_finds_it(
    job: Job, image: str, place: Callable[[Job], str]
) -> None:
    path = place(job)
    inputs = {**QUICK, "command": "cat {model} {tokenizer}", "model": path, "tokenizer": path}
    home = {"HOME": str(job.root / "home"), "XDG_CACHE_HOME": str(job.root / "cache")}
    assert job.run({**inputs, "runtime": "host"}, home).status == "measured"
    outcome = job.run(inputs, home)
    assert (outcome.status, outcome.result().tool.runtime) == ("measured", "docker"), outcome.log


def test_a_model_in_the_workspace_leaves_its_folder_writable(job: Job, image: str) -> None:
    file(job.workspace / "models" / "model.bin")
    inputs = {"command": "cp {model} models/copy", "model": "models/model.bin"}
    outcome = job.run({**QUICK, **inputs})
    assert outcome.status == "measured", outcome.log


def test_a_prompt_is_read_from_a_file_outside_of_the_workspace(job: Job, image: str) -> None:
    prompt = file(job.root / "prompts" / "long.txt")
    inputs = {"command": "test {prompt} = content", "prompt-file": str(prompt)}
    outcome = job.run({**QUICK, **inputs})
    assert (outcome.status, outcome.result().tool.runtime) == ("measured", "docker"), outcome.log


@pytest.mark.parametrize("absolute", [True, False])
def test_a_working_directory_outside_of_the_workspace_is_worked_in(
    job: Job, image: str, absolute: bool
) -> None:
    folder = file(job.workspace.parent / "elsewhere" / "model.bin").parent
    outcome = job.run(
        {
            **QUICK,
            "working-directory": str(folder) if absolute else "../elsewhere",
            "command": "cp {model} copy",
            "model": "model.bin",
        }
    )
    assert (outcome.status, outcome.result().tool.runtime) == ("measured", "docker"), outcome.log
    assert (folder / "copy").read_text("utf-8") == "content"


def test_the_hub_cache_is_the_callers_and_can_be_filled(job: Job, image: str) -> None:
    hub = job.root / "hub"
    hub.mkdir()
    outcome = job.run({**QUICK, "command": f"touch '{hub}/a-file'"}, {"HF_HUB_CACHE": str(hub)})
    assert outcome.status == "measured", outcome.log
    assert (hub / "a-file").exists()


def unmountable(job: Job) -> str:
    """A model in a folder that is a link to a link, of which only the ends are mounted."""
    store = file(job.root / "store" / "model.bin").parent
    linked(job.workspace / "models", linked(job.root / "current", store))
    return "models/model.bin"


def test_what_an_explicit_docker_does_not_see_is_named(job: Job, image: str) -> None:
    outcome = job.run({**QUICK, "command": "cat {model}", "model": unmountable(job)})
    assert (outcome.status, outcome.reason) == ("failed", "docker-sees-other-files"), outcome.log
    (warning,) = outcome.warnings
    place = job.workspace / "models" / "model.bin"
    assert warning.endswith(f"cannot run in Docker: the Docker engine does not see {place}.")


def test_auto_takes_the_host_for_what_docker_does_not_see_and_says_so(job: Job, image: str) -> None:
    outcome = job.run({**EMBEDDED, "model": unmountable(job)})
    # It is no model: that is what shows that it was read.
    assert (outcome.reason, outcome.result().tool.runtime) == ("model-unusable", "host"), (
        outcome.log
    )
    place = job.workspace / "models" / "model.bin"
    assert f"perf-smoke: on the host, for the Docker engine does not see {place}" in outcome.log


@pytest.mark.skipif(os.getuid() != 0, reason="every other test here runs as a plain user already")
def test_a_plain_user_can_do_it(nobodys_job: Job, docker: str) -> None:
    outcome = nobodys_job.run(QUICK, {"HOME": str(nobodys_job.root)})
    assert outcome.status == "measured", outcome.log
    assert {path.stat().st_uid for path in outcome.folder.iterdir()} == {NOBODY}


def test_the_container_gets_the_network_settings_of_the_job_and_a_home_of_its_own(
    job: Job, image: str
) -> None:
    seen = job.workspace / "seen"
    dump = job.workspace / "dump"
    dump.write_text(f'#!/bin/sh\nenv >"{seen}"; id -u >>"{seen}"\n', "utf-8")
    dump.chmod(0o755)
    certificates = job.workspace / "bundle.pem"
    certificates.write_text("", "utf-8")
    outcome = job.run(
        {**QUICK, "command": "./dump", "github-token": "a-secret"},
        {
            "https_proxy": "http://proxy.invalid:3128",
            "NO_PROXY": "127.0.0.1",
            "PIP_INDEX_URL": "http://index.invalid/simple",
            "SSL_CERT_FILE": str(certificates),
            "THEIRS": "stays outside",
            "XDG_CACHE_HOME": str(job.root / "cache"),
        },
    )
    assert outcome.status == "measured", outcome.log
    *lines, uid = seen.read_text("utf-8").splitlines()
    assert uid == str(os.getuid())
    for line in (
        "https_proxy=http://proxy.invalid:3128",
        "NO_PROXY=127.0.0.1",
        "PIP_INDEX_URL=http://index.invalid/simple",
        f"SSL_CERT_FILE={certificates}",
        f"XDG_CACHE_HOME={job.root / 'cache'}",
        f"HF_HOME={job.root / 'cache' / 'huggingface'}",
    ):
        assert line in lines
    (home,) = (line.removeprefix("HOME=") for line in lines if line.startswith("HOME="))
    assert Path(home).is_relative_to(job.temp)
    assert not Path(home).exists()
    assert not [line for line in lines if line.startswith(("THEIRS=", "INPUT_"))]
    assert "a-secret" not in "".join(lines)
    assert stop_token(outcome.log) not in "".join(lines)


def test_a_perf_smoke_killed_in_the_middle_is_said(job: Job, image: str) -> None:
    outcome = job.run({**QUICK, "command": "bash -c 'kill -KILL $PPID'"})
    assert (outcome.code, outcome.status, outcome.reason) == (0, "failed", "perf-smoke-crashed")
    assert len(outcome.warnings) == 1, outcome.log


def test_no_value_is_on_a_command_line(job: Job, image: str) -> None:
    ready, go = job.workspace / "ready", job.workspace / "go"
    wait = job.workspace / "wait"
    wait.write_text(f'#!/bin/sh\n: >"{ready}"\nuntil [ -e "{go}" ]; do sleep 0.1; done\n', "utf-8")
    wait.chmod(0o755)
    step = job.start(
        {**QUICK, "command": "./wait", "github-token": "the-secret-token"},
        {"HF_TOKEN": "another-secret"},
    )
    wait_until(ready.exists)
    lines = "\n".join(command_lines())
    go.touch()
    assert step.wait().status == "measured"
    assert "docker run" in lines
    assert "the-secret-token" not in lines
    assert "another-secret" not in lines
    assert stop_token(step.log()) not in lines


def test_an_engine_that_sees_another_workspace_is_found_out(
    docker: str, action: Path, image: str, tmp_path: Path
) -> None:
    # Docker beside Docker: in a container that has the engine's socket, the paths are its own, and
    # for the engine those of the machine. Both have this one, with other files in it.
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "a-file").touch()
    (tmp_path / "work").mkdir()
    (tmp_path / "temp").mkdir()
    mounts = {tmp_path: tmp_path, tmp_path / "others": tmp_path / "work"}
    outcome = run_in_container(docker, action, image, mounts, at=tmp_path, runtime="docker")
    assert re.search(r"^(reason=)?docker-sees-other-files$", outcome, re.MULTILINE)
    outcome = run_in_container(docker, action, image, mounts, at=tmp_path, runtime="auto")
    # The image has no pip for the host, so this is how far it gets.
    assert "perf-smoke: on the host, for the Docker engine sees other files" in outcome
    assert re.search(r"^(reason=)?install-failed$", outcome, re.MULTILINE)


def test_an_engine_that_does_not_see_the_folders_is_found_out(
    docker: str, action: Path, image: str, tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "temp").mkdir()
    mounts = {tmp_path: Path("/only/here")}
    outcome = run_in_container(
        docker, action, image, mounts, at=Path("/only/here"), runtime="docker"
    )
    assert "status=failed\nreason=docker-sees-other-files\n" in outcome


def run_in_container(
    docker: str, action: Path, image: str, mounts: Mapping[Path, Path], *, at: Path, runtime: str
) -> str:
    """Run launch in a container with the engine's socket; what it printed, and the outputs."""
    socket = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    variables = {
        "GITHUB_WORKSPACE": at / "work",
        "RUNNER_TEMP": at / "temp",
        "GITHUB_OUTPUT": at / "temp" / "outputs",
        "INPUT_RUNTIME": runtime,
        "INPUT_IMAGE": image,
        "HOME": at / "temp",
    }
    command: list[str | Path] = [docker, "run", "--rm", "--user", "0", "--workdir", at / "work"]
    for name, value in variables.items():
        command += ["--env", f"{name}={value}"]
    tools = {socket: "/var/run/docker.sock", docker: "/usr/bin/docker", action: "/action"}
    for outer, inner in [*tools.items(), *mounts.items()]:
        command += ["--mount", f'type=bind,"source={outer}","target={inner}"']
    command += ["--entrypoint", "/bin/bash", image, "-c"]
    done = subprocess.run([*command, INNER_STEPS], capture_output=True, text=True, check=True)
    return done.stdout


def test_a_container_has_no_capabilities_but_to_write_as_root(job: Job, image: str) -> None:
    outcome = job.run({**QUICK, "command": "sh -c 'cp /proc/self/status status'"})
    assert outcome.status == "measured", outcome.log
    status = dict(
        line.split(":\t", 1)
        for line in (job.workspace / "status").read_text("utf-8").splitlines()
        if ":\t" in line
    )
    allowed = 1 << 1 if os.getuid() == 0 else 0  # CAP_DAC_OVERRIDE
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} <= {allowed, 2}
    assert int(status["CapEff"], 16) == allowed
    assert status["NoNewPrivs"] == "1"


def test_a_container_sees_of_the_temporary_folder_and_the_caches_what_it_needs(
    job: Job, image: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    others = [
        job.temp / "credentials.config",
        job.commands / "set_env",
        home / ".cache" / "pip" / "theirs",
        home / ".cache" / "huggingface" / "token",
        home / ".config" / "secret",
    ]
    for path in others:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("theirs", "utf-8")
    (home / ".cache" / "perf-smoke").mkdir()
    seen = " ".join(f'"{path}"' for path in others)
    look = f"sh -c 'ls -d {seen} >seen 2>/dev/null; ls -d \"{home}/.cache/perf-smoke\" >>seen'"
    outcome = job.run({**QUICK, "command": look}, {"HOME": str(home)})
    assert outcome.status == "measured", outcome.log
    assert (job.workspace / "seen").read_text("utf-8") == f"{home}/.cache/perf-smoke\n"


@pytest.mark.parametrize("named", ["/usr/lib/os-release", "/etc/passwd", "/bin/sh", "link.gguf"])
def test_no_mount_hides_the_images_own_files(job: Job, image: str, named: str) -> None:
    (job.workspace / "link.gguf").symlink_to("/usr/lib/os-release")
    refused = job.run({**QUICK, "command": "true {model}", "model": named})
    assert (refused.code, refused.reason) == (0, "docker-sees-other-files"), refused.log
    (warning,) = refused.warnings
    assert re.search(
        "the job's files lie in /(usr/lib|etc|bin|usr/bin), where the image has files of its own",
        warning,
    )
    auto = job.run({"engine": "embedded", "model": named, "runs": "1"})
    assert auto.reason == "model-unusable", "it came to the engine, on the host"
    assert auto.result().tool.runtime == "host"


def test_docker_that_does_not_answer_is_said_and_not_replaced(job: Job) -> None:
    outcome = job.run(QUICK, {"DOCKER_HOST": "unix:///nowhere.sock"})
    assert (outcome.code, outcome.status, outcome.reason) == (0, "failed", "docker-unavailable")
    (warning,) = outcome.warnings
    assert warning == "not measured: perf-smoke cannot run in Docker: no Docker engine answers."
    assert "nowhere.sock" in outcome.summary
    assert "never blocks a merge" in outcome.summary


def test_an_image_that_cannot_be_pulled_is_said(job: Job, docker: str) -> None:
    outcome = job.run({**QUICK, "image": "127.0.0.1:9/nobody/nothing:1"})
    assert (outcome.code, outcome.status, outcome.reason) == (0, "failed", "image-pull-failed")
    assert "perf-smoke run --command" in outcome.summary, "what to do again"


def test_the_name_of_an_image_is_text_of_one_line(job: Job, docker: str) -> None:
    outcome = job.run({**QUICK, "image": "x\n::error::y\n<img src=z>"})
    (warning,) = outcome.warnings
    assert "the image x ::error::y <img src=z> could not be pulled" in warning
    assert not [line for line in commands(outcome.log) if line.startswith("::error")]


def test_an_image_that_cannot_be_built_is_said(
    make_job: MakeJob, docker: str, action_copy: Path
) -> None:
    with (action_copy / "Dockerfile").open("a") as file:
        file.write("RUN echo the last straw >&2; exit 3\n")
    (action_copy / "requirements" / "runtime.txt").unlink()
    outcome = make_job(action=action_copy).run(QUICK)
    assert (outcome.code, outcome.status, outcome.reason) == (0, "failed", "image-build-failed")


def test_an_image_of_something_else_is_said(job: Job, docker: str) -> None:
    outcome = job.run({**QUICK, "image": "debian:trixie-slim"})
    assert (outcome.code, outcome.status, outcome.reason) == (0, "failed", "docker-run-failed")
