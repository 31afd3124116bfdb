"""Files over HTTP from a real server, with the faults that servers have."""

from __future__ import annotations

import datetime as dt
import email.utils
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from perf_smoke.models.reference import Web
from tests.integration.models.fetcher import Fetcher
from tests.integration.models.server import (
    FileServer,
    answer,
    cut_after,
    hang_up,
    in_chunks,
    redirect,
    rest_of,
    running,
    status,
)

CONTENT = os.urandom(700_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PATH = "/models/tiny.gguf"


@pytest.fixture(autouse=True)
def _one_model(server: FileServer) -> None:
    server.files[PATH] = CONTENT


def test_a_file_arrives_whole_with_its_hash_and_name(server: FileServer, fetcher: Fetcher) -> None:
    model = fetcher(server.url(PATH))
    assert model.path.read_bytes() == CONTENT
    assert model.path.name == "tiny.gguf"
    assert (model.sha256, model.bytes) == (SHA256, len(CONTENT))
    assert (model.from_cache, model.notes) == (False, ())
    assert model.download_s > 0
    assert model.reference == server.url(PATH)
    assert fetcher.kept() == [".tiny.gguf.json", "tiny.gguf"]


def test_progress_begins_at_nothing_and_ends_at_all(server: FileServer, fetcher: Fetcher) -> None:
    fetcher(server.url(PATH))
    assert fetcher.progress[0] == (0, len(CONTENT))
    assert fetcher.progress[-1] == (len(CONTENT), len(CONTENT))


def test_a_known_sha256_needs_no_server_the_second_time(
    server: FileServer, fetcher: Fetcher
) -> None:
    fetcher(server.url(PATH), sha256=SHA256)
    again = fetcher(server.url(PATH), sha256=SHA256)
    assert again.from_cache
    assert again.download_s == 0
    assert len(server.seen) == 1


def test_without_a_sha256_the_server_is_asked_whether_it_changed(
    server: FileServer, fetcher: Fetcher
) -> None:
    fetcher(server.url(PATH))
    assert fetcher(server.url(PATH)).from_cache
    assert server.seen[1].headers["if-none-match"] == '"one"'
    server.files[PATH], server.etag = b"another", '"two"'
    changed = fetcher(server.url(PATH))
    assert (changed.from_cache, changed.path.read_bytes()) == (False, b"another")


def test_a_server_without_etags_is_asked_by_date(server: FileServer, fetcher: Fetcher) -> None:
    server.etag, server.last_modified = "", "Mon, 23 Nov 2026 08:00:00 GMT"
    fetcher(server.url(PATH))
    assert fetcher(server.url(PATH)).from_cache
    server.last_modified = "Tue, 24 Nov 2026 08:00:00 GMT"
    assert not fetcher(server.url(PATH)).from_cache


def test_a_copy_that_the_server_cannot_confirm_is_fetched_again(
    server: FileServer, fetcher: Fetcher
) -> None:
    server.etag = ""
    fetcher(server.url(PATH))
    assert not fetcher(server.url(PATH)).from_cache


def test_offline_the_copy_is_used_and_the_reader_is_told(fetcher: Fetcher) -> None:
    with running(FileServer()) as server:
        server.files[PATH] = CONTENT
        url = server.url(PATH)
        fetcher(url)
    model = fetcher(url)
    assert model.from_cache
    assert model.path.read_bytes() == CONTENT
    [note] = model.notes
    assert note.startswith(f"Whether {url} has changed could not be asked (Connection refused)")


def test_a_changed_file_that_breaks_off_is_not_replaced_by_the_old_copy(
    server: FileServer, fetcher: Fetcher
) -> None:
    fetcher(server.url(PATH))
    server.etag = '"two"'
    server.faults.extend([cut_after(1000), *[hang_up] * 5])
    failure = fetcher.refused(server.url(PATH)).failure
    assert failure.reason == "model-offline"


def test_offline_without_a_copy_says_why(fetcher: Fetcher) -> None:
    with running(FileServer()) as server:
        url = server.url(PATH)
    failure = fetcher.refused(url).failure
    assert failure.reason == "model-offline"
    assert failure.sentence == (f"{url} could not be fetched (tried 6 times): Connection refused.")
    assert fetcher.slept_s == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("damage", [b"", CONTENT[:-1], CONTENT[:-1] + b"\0"])
def test_a_damaged_copy_is_noticed_and_fetched_again(
    server: FileServer, fetcher: Fetcher, damage: bytes
) -> None:
    first = fetcher(server.url(PATH), sha256=SHA256)
    time.sleep(0.05)  # a file system tells no two times within a tick of its clock
    first.path.write_bytes(damage)
    again = fetcher(server.url(PATH), sha256=SHA256)
    assert not again.from_cache
    assert again.path.read_bytes() == CONTENT


def test_another_sha256_is_refused_and_nothing_stays(server: FileServer, fetcher: Fetcher) -> None:
    wanted = "0" * 64
    failure = fetcher.refused(server.url(PATH), sha256=wanted).failure
    assert failure.reason == "model-hash"
    assert SHA256 in failure.sentence
    assert wanted in failure.sentence
    assert fetcher.kept() == []


def test_a_transfer_that_drops_goes_on_where_it_stopped(
    server: FileServer, fetcher: Fetcher
) -> None:
    server.faults.append(cut_after(400_000))
    model = fetcher(server.url(PATH))
    assert model.path.read_bytes() == CONTENT
    resumed = server.seen[1].headers
    # What was still in flight when the connection ended may be lost, no more than that.
    assert 0 < int(resumed["range"].removeprefix("bytes=").removesuffix("-")) <= 400_000
    assert resumed["if-range"] == '"one"'
    assert fetcher.kept() == [".tiny.gguf.json", "tiny.gguf"]


def test_the_next_run_goes_on_where_this_one_gave_up(server: FileServer, fetcher: Fetcher) -> None:
    fetcher.attempts = 1
    server.faults.append(cut_after(400_000))
    failure = fetcher.refused(server.url(PATH)).failure
    assert failure.reason == "model-truncated"
    assert failure.sentence.endswith(
        "could not be fetched (tried once): the transfer broke off after 0.4 MB of 0.7 MB."
    ) or failure.sentence.endswith("after 0.3 MB of 0.7 MB.")
    assert ".tiny.gguf.part" in fetcher.kept()
    assert "tiny.gguf" not in fetcher.kept()
    assert fetcher(server.url(PATH)).path.read_bytes() == CONTENT
    assert "range" in server.seen[1].headers


def test_a_file_that_changed_meanwhile_is_not_glued_together(
    server: FileServer, fetcher: Fetcher
) -> None:
    server.faults.append(cut_after(400_000))
    other = os.urandom(500_000)

    def replaced() -> None:
        server.files[PATH], server.etag = other, '"two"'

    fetcher.meanwhile = replaced
    assert fetcher(server.url(PATH)).path.read_bytes() == other


def test_a_partial_answer_of_another_version_is_thrown_away(
    server: FileServer, fetcher: Fetcher
) -> None:
    server.faults.extend([cut_after(400_000), rest_of(os.urandom(700_000), etag='"two"')])
    assert fetcher(server.url(PATH)).path.read_bytes() == CONTENT


def test_a_partial_answer_that_is_shorter_than_it_says_is_not_the_end(
    server: FileServer, fetcher: Fetcher
) -> None:
    server.faults.extend([cut_after(400_000), rest_of(CONTENT, until=600_000)])
    assert fetcher(server.url(PATH)).path.read_bytes() == CONTENT
    assert server.seen[2].headers["range"] == "bytes=600000-"


def test_a_partial_answer_need_not_know_the_whole_length(
    server: FileServer, fetcher: Fetcher
) -> None:
    server.faults.extend([cut_after(400_000), rest_of(CONTENT, total="*")])
    assert fetcher(server.url(PATH)).path.read_bytes() == CONTENT


def test_a_partial_answer_from_another_place_is_thrown_away(
    server: FileServer, fetcher: Fetcher
) -> None:
    wrong = {"Content-Range": "bytes 7-699999/700000"}
    server.faults.extend([cut_after(400_000), answer(206, CONTENT[7:], wrong)])
    assert fetcher(server.url(PATH)).path.read_bytes() == CONTENT


def test_a_partial_answer_that_nobody_asked_for_is_thrown_away(
    server: FileServer, fetcher: Fetcher
) -> None:
    server.faults.append(answer(206, CONTENT[7:], {"Content-Range": "bytes 7-699999/700000"}))
    assert fetcher(server.url(PATH)).path.read_bytes() == CONTENT


def test_a_server_that_ignores_ranges_sends_it_all_again(
    server: FileServer, fetcher: Fetcher
) -> None:
    server.resumes = False
    server.faults.append(cut_after(400_000))
    assert fetcher(server.url(PATH)).path.read_bytes() == CONTENT
    assert "range" in server.seen[1].headers


def test_a_part_that_is_whole_already_is_fetched_anew(server: FileServer, fetcher: Fetcher) -> None:
    fetcher.attempts = 1
    server.faults.append(cut_after(400_000))
    fetcher.refused(server.url(PATH))
    part = next(fetcher.cache.rglob(".tiny.gguf.part"))
    part.write_bytes(CONTENT)
    fetcher.attempts = 2
    assert fetcher(server.url(PATH)).path.read_bytes() == CONTENT
    assert [seen.headers.get("range") for seen in server.seen[1:]] == ["bytes=700000-", None]


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_strong_version_a_broken_transfer_leaves_nothing(
    server: FileServer, fetcher: Fetcher, etag: str
) -> None:
    fetcher.attempts = 1
    server.faults.append(cut_after(400_000, etag=etag))
    assert fetcher.refused(server.url(PATH)).failure.reason == "model-truncated"
    assert fetcher.kept() == []


def test_a_server_that_announces_more_than_it_sends_is_caught(
    server: FileServer, fetcher: Fetcher
) -> None:
    server.faults.extend([cut_after(400_000)] * 6)
    failure = fetcher.refused(server.url(PATH)).failure
    assert failure.reason == "model-truncated"
    assert "tried 6 times" in failure.sentence


def test_a_cache_that_can_only_be_read_gives_what_it_has(
    server: FileServer, fetcher: Fetcher, read_only: Callable[[Path], None]
) -> None:
    path = fetcher(server.url(PATH), sha256=SHA256).path
    read_only(fetcher.cache)
    again = fetcher(server.url(PATH), sha256=SHA256)
    assert (again.path, again.from_cache) == (path, True)
    failure = fetcher.refused(server.url("/other.gguf"), sha256="0" * 64).failure
    assert failure.reason == "cache-unusable"
    assert "Set XDG_CACHE_HOME" in failure.sentence


def test_a_damaged_copy_in_a_cache_that_can_only_be_read_is_not_given(
    server: FileServer, fetcher: Fetcher, read_only: Callable[[Path], None]
) -> None:
    fetcher(server.url(PATH), sha256=SHA256).path.write_bytes(CONTENT[:-1])
    read_only(fetcher.cache)
    failure = fetcher.refused(server.url(PATH), sha256=SHA256).failure
    assert failure.reason == "cache-unusable"


def test_a_rest_beyond_all_disks_is_no_rest(server: FileServer, fetcher: Fetcher) -> None:
    server.faults.extend([cut_after(300_000), rest_of(CONTENT, total="9" * 5000)])
    assert fetcher(server.url(PATH)).sha256 == SHA256


def test_a_length_beyond_all_disks_is_no_length(server: FileServer, fetcher: Fetcher) -> None:
    server.faults.append(answer(200, CONTENT, {"Content-Length": "9" * 400}))
    failure = fetcher.refused(server.url(PATH)).failure
    assert failure.reason == "model-download"
    assert "does not say how long the file is" in failure.sentence


def test_a_server_that_announces_less_than_it_has_is_caught_by_the_hash(
    server: FileServer, fetcher: Fetcher
) -> None:
    server.faults.append(answer(200, CONTENT, {"Content-Length": "500000"}))
    assert fetcher.refused(server.url(PATH), sha256=SHA256).failure.reason == "model-hash"
    assert fetcher.kept() == []


def test_chunks_that_end_properly_are_a_whole_file(server: FileServer, fetcher: Fetcher) -> None:
    server.faults.append(in_chunks(CONTENT))
    assert fetcher(server.url(PATH)).sha256 == SHA256
    assert fetcher.progress[0] == (0, None)
    assert fetcher.progress[-1] == (len(CONTENT), len(CONTENT))


def test_a_length_that_nobody_knows_is_taken_only_with_a_sha256(
    server: FileServer, fetcher: Fetcher
) -> None:
    server.faults.extend([answer(200, CONTENT, {}, without_length=True)] * 2)
    failure = fetcher.refused(server.url(PATH)).failure
    assert failure.reason == "model-download"
    assert "give model-sha256" in failure.sentence
    assert fetcher(server.url(PATH), sha256=SHA256).sha256 == SHA256


def test_retry_after_is_obeyed(server: FileServer, fetcher: Fetcher) -> None:
    soon = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=30)
    server.faults.extend(
        [
            status(429, Retry_After="7"),
            status(503, Retry_After=email.utils.format_datetime(soon, usegmt=True)),
            status(503, Retry_After="soon"),
            status(502),
        ]
    )
    assert fetcher(server.url(PATH)).sha256 == SHA256
    first, second, third, fourth = fetcher.slept_s
    assert (first, third, fourth) == (7, 4, 8)
    assert 0 <= second <= 30


def test_a_server_that_asks_to_wait_for_an_hour_is_given_up_at_once(
    server: FileServer, fetcher: Fetcher
) -> None:
    fetcher.total_s = 7200
    server.faults.append(status(429, Retry_After="3600"))
    failure = fetcher.refused(server.url(PATH)).failure
    assert failure.reason == "model-download"
    assert "(tried once): the server says 429 Too Many Requests and asks to wait 3600 s" in (
        failure.sentence
    )
    assert fetcher.slept_s == []


def test_a_server_that_stays_broken_is_given_up(server: FileServer, fetcher: Fetcher) -> None:
    server.faults.extend([status(503)] * 6)
    failure = fetcher.refused(server.url(PATH)).failure
    assert failure.reason == "model-download"
    assert "tried 6 times): the server says 503 Service Unavailable" in failure.sentence


def test_a_broken_server_and_a_copy_at_hand_give_the_copy(
    server: FileServer, fetcher: Fetcher
) -> None:
    fetcher(server.url(PATH))
    server.faults.extend([status(503)] * 2)
    model = fetcher(server.url(PATH))
    assert model.from_cache
    assert "503 Service Unavailable" in model.notes[0]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (404, "model-missing"),
        (410, "model-missing"),
        (401, "model-forbidden"),
        (403, "model-forbidden"),
        (418, "model-download"),
        (304, "model-download"),
    ],
)
def test_a_refusal_is_final(server: FileServer, fetcher: Fetcher, code: int, reason: str) -> None:
    server.faults.append(status(code))
    failure = fetcher.refused(server.url(PATH)).failure
    assert failure.reason == reason
    assert str(code) in failure.sentence
    assert len(server.seen) == 1


def test_a_file_that_is_gone_from_the_server_is_not_taken_from_the_cache(
    server: FileServer, fetcher: Fetcher
) -> None:
    fetcher(server.url(PATH))
    del server.files[PATH]
    assert fetcher.refused(server.url(PATH)).failure.reason == "model-missing"


def test_a_page_to_sign_in_is_no_model(server: FileServer, fetcher: Fetcher) -> None:
    page = {"Content-Type": "text/html; charset=utf-8"}
    server.faults.append(answer(200, b"<!doctype html>", page))
    failure = fetcher.refused(server.url(PATH)).failure
    assert failure.reason == "model-download"
    assert "web page" in failure.sentence


def test_an_address_that_a_browser_shows_is_told_in_the_form_of_the_hub(
    server: FileServer, fetcher: Fetcher
) -> None:
    page = answer(200, b"<!doctype html>", {"Content-Type": "text/html"})
    for view, fault in (("blob", page), ("resolve", answer(401, b"who are you?", {}))):
        server.faults.append(fault)
        failure = fetcher.refused(server.url(f"/o/r/{view}/v1/q4/m.gguf")).failure
        assert "such as hf://o/r/q4/m.gguf@v1" in failure.sentence


def test_an_error_that_was_sent_as_a_file_is_not_kept(server: FileServer, fetcher: Fetcher) -> None:
    server.faults.append(answer(200, b'{"error":"Repository not found"}', {}))
    assert fetcher.refused(server.url(PATH)).failure.reason == "model-error-page"
    assert not fetcher(server.url(PATH)).from_cache


def test_a_compressed_answer_is_refused(server: FileServer, fetcher: Fetcher) -> None:
    server.faults.append(answer(200, b"\x1f\x8b", {"Content-Encoding": "gzip"}))
    assert "compressed" in fetcher.refused(server.url(PATH)).failure.sentence
    assert server.seen[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "model-truncated"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "model-lfs-pointer"),
    ],
)
def test_what_stands_in_for_a_model_is_refused(
    server: FileServer, fetcher: Fetcher, content: bytes, reason: str
) -> None:
    server.files[PATH] = content
    assert fetcher.refused(server.url(PATH)).failure.reason == reason
    assert fetcher.kept() == []


def test_a_redirect_carries_no_password_to_another_host(
    server: FileServer, fetcher: Fetcher
) -> None:
    with running(FileServer("127.0.0.2")) as other:
        other.files["/elsewhere"] = CONTENT
        server.faults.append(redirect(other.url("/elsewhere")))
        model = fetcher(server.url(PATH, user="maria:s3cret"))
    assert model.sha256 == SHA256
    assert server.seen[0].headers["authorization"].startswith("Basic ")
    assert "authorization" not in other.seen[0].headers
    assert "s3cret" not in repr(model)
    assert model.reference == server.url(PATH, user="***")


def test_a_redirect_to_another_port_carries_no_password(
    server: FileServer, fetcher: Fetcher
) -> None:
    with running(FileServer()) as other:
        other.files["/elsewhere"] = CONTENT
        server.faults.append(redirect(other.url("/elsewhere")))
        fetcher(server.url(PATH, user="maria:s3cret"))
    assert "authorization" not in other.seen[0].headers


def test_a_netrc_file_is_not_read(server: FileServer, fetcher: Fetcher) -> None:
    home = fetcher.base_directory
    (home / ".netrc").write_text("machine 127.0.0.1 login maria password s3cret\n")
    fetcher(server.url(PATH), HOME=str(home), NETRC=str(home / ".netrc"))
    assert "authorization" not in server.seen[0].headers


@pytest.mark.parametrize("code", [404, 500])
def test_secrets_of_an_address_are_not_in_its_failure(
    server: FileServer, fetcher: Fetcher, code: int
) -> None:
    fetcher.attempts = 1
    server.faults.append(status(code))
    url = server.url(PATH + "?X-Signature=s3cret", user="maria:s3cret")
    failure = fetcher.refused(url).failure
    assert "s3cret" not in repr(failure)
    assert f"{PATH}?…" in failure.sentence
    assert server.seen[0].path.endswith("?X-Signature=s3cret")


def test_redirects_without_end_are_a_reason(server: FileServer, fetcher: Fetcher) -> None:
    server.faults.extend([redirect(server.url(PATH))] * 20)
    assert "redirects without end" in fetcher.refused(server.url(PATH)).failure.sentence


@pytest.mark.parametrize("to", ["ftp://127.0.0.1/x", "http://["])
def test_a_redirect_to_nowhere_is_a_reason(server: FileServer, fetcher: Fetcher, to: str) -> None:
    server.faults.append(redirect(to))
    failure = fetcher.refused(server.url(PATH)).failure
    assert failure.reason == "model-download"
    assert "the address is not usable" in failure.sentence


def test_plain_http_to_another_machine_needs_a_sha256(server: FileServer, fetcher: Fetcher) -> None:
    # 192.0.2.0/24 is reserved for documentation: nothing is sent, or it would not arrive.
    for host in ("192.0.2.1", "models.example"):
        failure = fetcher.refused(f"http://{host}/tiny.gguf").failure
        assert failure.reason == "model-insecure"
        assert "give model-sha256" in failure.sentence
    server.faults.append(redirect("http://192.0.2.1/tiny.gguf"))
    assert fetcher.refused(server.url(PATH)).failure.reason == "model-insecure"


def test_the_jobs_proxy_is_used_and_no_proxy_obeyed(server: FileServer, fetcher: Fetcher) -> None:
    with running(FileServer()) as proxy:
        proxy.files[PATH] = CONTENT
        url = server.url(PATH)
        fetcher(url, http_proxy=proxy.url(""), no_proxy="")
        assert proxy.seen[0].path == url
        assert server.seen == []
        fetcher(url, http_proxy=proxy.url(""), no_proxy="127.0.0.1")
        assert len(proxy.seen) == 1
        assert len(server.seen) == 1


def test_a_proxy_asks_a_password_of_its_own(server: FileServer, fetcher: Fetcher) -> None:
    with running(FileServer()) as proxy:
        proxy.files[PATH] = CONTENT
        fetcher(server.url(PATH), http_proxy=proxy.url("", user="me:mine"), no_proxy="")
        assert proxy.seen[0].headers["proxy-authorization"].startswith("Basic ")


def test_shards_come_together_and_have_one_hash(server: FileServer, fetcher: Fetcher) -> None:
    parts = [os.urandom(1000 + number) for number in range(3)]
    names = [f"big-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    server.files.update({f"/{name}": part for name, part in zip(names, parts, strict=True)})
    lines = "".join(
        f"{hashlib.sha256(part).hexdigest()}  {name}\n"
        for name, part in zip(names, parts, strict=True)
    )
    together = hashlib.sha256(lines.encode()).hexdigest()
    model = fetcher(server.url(f"/{names[0]}"), sha256=together)
    assert (model.sha256, model.bytes) == (together, 3003)
    assert model.path.name == names[0]
    assert [path.name for path in sorted(model.path.parent.glob("*.gguf"))] == names
    assert fetcher(server.url(f"/{names[0]}"), sha256=together).from_cache
    assert len(server.seen) == 3


def test_shards_are_asked_for_as_the_address_writes_them(
    server: FileServer, fetcher: Fetcher
) -> None:
    server.files.update({f"/My%20Model-0000{n}-of-00002.gguf": b"%d" % n for n in (1, 2)})
    model = fetcher(server.url("/My%20Model-00001-of-00002.gguf"))
    names = [path.name for path in sorted(model.path.parent.glob("*.gguf"))]
    assert names == [f"My_Model-0000{n}-of-00002.gguf" for n in (1, 2)]
    assert (model.path.name, model.bytes) == (names[0], 2)


def test_shards_of_another_model_are_refused_together(server: FileServer, fetcher: Fetcher) -> None:
    server.files.update({f"/big-0000{number}-of-00002.gguf": b"abc" for number in (1, 2)})
    url = server.url("/big-00001-of-00002.gguf")
    assert fetcher.refused(url, sha256="0" * 64).failure.reason == "model-hash"
    assert fetcher.kept() == []


def test_the_sha256_of_one_shard_is_not_that_of_the_model(
    server: FileServer, fetcher: Fetcher
) -> None:
    server.files.update({f"/big-0000{number}-of-00002.gguf": b"abc" for number in (1, 2)})
    url = server.url("/big-00001-of-00002.gguf")
    first = hashlib.sha256(b"abc").hexdigest()
    assert fetcher.refused(url, sha256=first).failure.reason == "model-hash"


def test_shards_that_are_swapped_in_the_cache_are_fetched_again(
    server: FileServer, fetcher: Fetcher
) -> None:
    server.files.update({f"/big-0000{n}-of-00002.gguf": b"%d" % n for n in (1, 2)})
    url = server.url("/big-00001-of-00002.gguf")
    together = fetcher(url).sha256
    model = fetcher(url, sha256=together)
    folder = model.path.parent
    for name in ("big-00001-of-00002.gguf", ".big-00001-of-00002.gguf.json"):
        (folder / name).replace(folder / name.replace("00001", "00002"))
    (folder / "big-00001-of-00002.gguf").write_bytes(b"2")
    sidecar = json.dumps({"sha256": hashlib.sha256(b"2").hexdigest()})
    (folder / ".big-00001-of-00002.gguf.json").write_text(sidecar)
    again = fetcher(url, sha256=together)
    assert (again.from_cache, again.sha256) == (False, together)


def test_users_of_one_address_share_its_copy() -> None:
    shared = {
        Web(url=url).identity
        for url in ("https://a:b@host/m.gguf", "https://host/m.gguf#part", "https://host/m.gguf")
    }
    assert shared == {"https://host/m.gguf"}
