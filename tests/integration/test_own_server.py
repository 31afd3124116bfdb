"""A GitHub Enterprise Server: under a path, with certificates of its own, behind a proxy."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.emulator.certificates import Authority
from tests.emulator.proxy import Proxy, answer
from tests.emulator.server import Emulator, PullRequest
from tests.emulator.tunnel import Tunnel, secrets_of_the_tunnel
from tests.integration.test_legs_step import Job, Step, read_outputs, started

HOST = "github.acme.example"
SERVER = f"https://{HOST}"
VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_OF_THE_MACHINE = re.compile("|".join((".*_proxy", *VARIABLES)), re.IGNORECASE)


@pytest.fixture
def server(emulator: Emulator, authority: Authority) -> Iterator[Proxy]:
    """Found by its address alone."""
    tls = authority.context("127.0.0.1", HOST)
    with Proxy(emulator.url, path="/api/v3", tls=tls).running() as server:
        yield server


@pytest.fixture
def hidden(emulator: Emulator, authority: Authority) -> Iterator[Proxy]:
    """Known by a name that no resolver knows."""
    tls = authority.context(HOST)
    with Proxy(emulator.url, path="/api/v3", tls=tls, host=HOST).running() as server:
        yield server


@pytest.fixture
def tunnel(hidden: Proxy) -> Iterator[Tunnel]:
    """The only way to it."""
    with Tunnel({f"{HOST}:443": hidden.port}).running() as tunnel:
        yield tunnel


@pytest.fixture
def job(tmp_path: Path, emulator: Emulator, pull_request: PullRequest) -> Job:
    return Job(folder=tmp_path, url="", emulator=emulator, pull_request=pull_request)


def reported(job: Job, server: Proxy, environ: Mapping[str, str], *, run_id: int = 7) -> Step:
    """The step of report/action.yml in a process of its own, with this way to the network."""
    job = dataclasses.replace(job, url=server.url)
    legs = (
        job.leg("gcc", run_id=run_id, slower_by=0.2 * (run_id - 7)),
        job.leg("clang", run_id=run_id),
    )
    event = job.pull_request_event()
    environment = {
        name: value
        for name, value in job.environment("pull_request", event, *legs, run_id=run_id).items()
        if not _OF_THE_MACHINE.fullmatch(name)
    }
    environment |= {"GITHUB_SERVER_URL": SERVER} | dict(environ)
    process = started(environment)
    log, _ = process.communicate(timeout=120)
    summary = Path(environment["GITHUB_STEP_SUMMARY"]).read_text("utf-8")
    outputs = read_outputs(Path(environment["GITHUB_OUTPUT"]))
    step = Step(exit_code=process.returncode, log=log, outputs=outputs, summary=summary)
    assert (step.exit_code, step.outputs["status"]) == (0, "measured"), log
    return step


@pytest.mark.parametrize("variable", VARIABLES)
def test_it_gets_one_comment_with_links_to_itself(
    job: Job, server: Proxy, authority: Authority, variable: str
) -> None:
    server.when("GET", "/api/v3/user$", answer(403))
    viewer = {"data": {"viewer": {"login": "github-actions[bot]"}}}
    server.when("POST", "^/api/graphql$", answer(200, viewer))
    for number in range(100):  # as many as the first page holds
        job.emulator.add_comment(job.pull_request.number, str(number), job.emulator.stranger_token)
    trust = {variable: str(authority.file)}
    first = reported(job, server, trust)
    second = reported(job, server, trust, run_id=8)
    statuses = [step.outputs["comment-status"] for step in (first, second)]
    assert statuses == ["created", "updated"], first.log + second.log
    (comment,) = (body for body in job.comments() if body.startswith("<!-- perf-smoke"))
    assert f"[run](<{SERVER}/acme/engine/actions/runs/8>)" in comment
    assert "https://github.com" not in comment + second.summary
    assert {request.path.split("/")[2] for request in server.requests} == {"v3", "graphql"}


def test_a_certificate_that_nobody_vouches_for_is_told_with_what_to_do(
    job: Job, server: Proxy
) -> None:
    step = reported(job, server, {})
    assert step.outputs["comment-status"] == "failed"
    assert f"the certificate of {server.url} is not trusted" in step.log
    assert "SSL_CERT_FILE" in step.log


def test_a_file_of_certificates_that_is_not_there_is_named(job: Job, server: Proxy) -> None:
    step = reported(job, server, {"SSL_CERT_FILE": "/nowhere/authority.pem"})
    assert step.outputs["comment-status"] == "failed"
    assert "/nowhere/authority.pem" in step.log


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_it_is_reached_through_a_proxy_whose_password_is_nowhere(
    job: Job, hidden: Proxy, tunnel: Tunnel, authority: Authority, variable: str
) -> None:
    environ = {"SSL_CERT_FILE": str(authority.file), variable: tunnel.url}
    step = reported(job, hidden, environ)
    assert step.outputs["comment-status"] == "created", step.log
    assert set(tunnel.asked) == {f"{HOST}:443"}
    assert_no_password(job, step)


def test_a_proxy_that_refuses_the_password_costs_the_comment_alone(
    job: Job, hidden: Proxy, tunnel: Tunnel, authority: Authority
) -> None:
    wrong = tunnel.url_with("wrong-horse-battery")
    step = reported(job, hidden, {"SSL_CERT_FILE": str(authority.file), "HTTPS_PROXY": wrong})
    assert step.outputs["comment-status"] == "failed"
    assert f"{hidden.url} could not be reached" in step.log
    assert tunnel.asked == []
    assert "wrong-horse" not in step.log + step.summary


@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_what_needs_no_proxy_is_asked_directly(
    job: Job, server: Proxy, tunnel: Tunnel, authority: Authority, variable: str
) -> None:
    directly = {variable: "localhost,127.0.0.1", "https_proxy": tunnel.url}
    step = reported(job, server, {"SSL_CERT_FILE": str(authority.file), **directly})
    assert step.outputs["comment-status"] == "created", step.log
    assert tunnel.asked == []


def assert_no_password(job: Job, step: Step) -> None:
    """Neither in what is published nor in the log."""
    report = Path(step.outputs["report-md"]).read_text("utf-8")
    everything = "".join([step.log, step.summary, report, *step.outputs.values(), *job.comments()])
    assert not [text for text in secrets_of_the_tunnel() if text in everything]
