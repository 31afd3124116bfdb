"""Files from a hub: the real huggingface_hub against a server that speaks enough of its API."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perf_smoke.models import hub as hub_module
from perf_smoke.processes.python import ISOLATED
from tests.integration.models.fetcher import Fetcher
from tests.integration.models.hub_server import COMMIT, CONTENT, SHA256, HubServer
from tests.integration.models.server import FileServer, running

TOKEN = "hf_secret"


@pytest.fixture(autouse=True)
def _this_hub(hub: HubServer, fetcher: Fetcher, tmp_path: Path) -> None:
    fetcher.environment |= {"HF_ENDPOINT": hub.url(""), "HF_HOME": str(tmp_path / "hf")}


def test_a_file_comes_into_the_hubs_own_cache(fetcher: Fetcher, tmp_path: Path) -> None:
    model = fetcher("hf://acme/tiny/tiny.gguf@main")
    assert model.path.read_bytes() == CONTENT
    assert model.path == (tmp_path / f"hf/hub/models--acme--tiny/snapshots/{COMMIT}" / "tiny.gguf")
    assert (model.sha256, model.bytes, model.from_cache) == (SHA256, len(CONTENT), False)
    assert model.reference == "hf://acme/tiny/tiny.gguf@main"
    assert model.download_s > 0
    assert fetcher.progress[-1] == (len(CONTENT), len(CONTENT))
    assert fetcher.kept() == []


def test_a_revision_may_be_left_out_or_be_a_commit(fetcher: Fetcher, hub: HubServer) -> None:
    fetcher("hf://acme/tiny/tiny.gguf")
    asked = len(hub.seen)
    assert fetcher(f"hf://acme/tiny/tiny.gguf@{COMMIT}").from_cache
    assert len(hub.seen) == asked


def test_a_second_run_offline_uses_the_cache(fetcher: Fetcher, hub: HubServer) -> None:
    fetcher("hf://acme/tiny/tiny.gguf")
    asked = len(hub.seen)
    model = fetcher("hf://acme/tiny/tiny.gguf", HF_HUB_OFFLINE="1")
    assert (model.from_cache, model.download_s) == (True, 0)
    assert len(hub.seen) == asked


def test_a_hub_that_cannot_be_reached_leaves_the_copy_at_hand(fetcher: Fetcher) -> None:
    fetcher("hf://acme/tiny/tiny.gguf")
    with running(FileServer()) as gone:
        nowhere = gone.url("")
    model = fetcher("hf://acme/tiny/tiny.gguf", HF_ENDPOINT=nowhere)
    assert (model.from_cache, model.sha256) == (True, SHA256)


def test_offline_without_a_copy_says_so(fetcher: Fetcher, hub: HubServer) -> None:
    failure = fetcher.refused("hf://acme/tiny/tiny.gguf", HF_HUB_OFFLINE="1").failure
    assert failure.reason == "model-offline"
    assert "OfflineModeIsEnabled" in failure.sentence
    assert hub.seen == []


def test_the_token_of_the_environment_is_sent(fetcher: Fetcher, hub: HubServer) -> None:
    fetcher("hf://acme/tiny/tiny.gguf", HF_TOKEN=TOKEN)
    assert {seen.headers["authorization"] for seen in hub.seen} == {f"Bearer {TOKEN}"}


def test_the_token_does_not_go_to_the_storage_host(fetcher: Fetcher, hub: HubServer) -> None:
    with running(FileServer("127.0.0.2")) as storage:
        storage.files["/blob"] = CONTENT
        hub.storage = storage.url("/blob")
        model = fetcher("hf://acme/tiny/tiny.gguf", HF_TOKEN=TOKEN)
    assert model.sha256 == SHA256
    assert all(seen.headers["authorization"] for seen in hub.seen)
    assert [seen.headers.get("authorization") for seen in storage.seen] == [None]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("hf://acme/other/tiny.gguf", "acme/other is not on the hub"),
        ("hf://acme/tiny/tiny.gguf@v9", "acme/tiny has no revision v9"),
        ("hf://acme/tiny/none.gguf", "acme/tiny at main holds no file none.gguf"),
    ],
)
def test_what_is_missing_is_named(fetcher: Fetcher, reference: str, said: str) -> None:
    failure = fetcher.refused(reference).failure
    assert failure.reason == "model-missing"
    assert failure.sentence.startswith(said)


@pytest.mark.parametrize(
    ("code", "headers", "reason", "said"),
    [
        (403, {"X-Error-Code": "GatedRepo"}, "model-forbidden", "accept its terms"),
        (401, {}, "model-forbidden", "may not be read"),
        (418, {}, "model-offline", "HfHubHTTPError"),
        (200, {"ETag": '"x"'}, "model-offline", "FileMetadataError"),
    ],
)
def test_a_refusal_has_its_reason(
    fetcher: Fetcher,
    hub: HubServer,
    code: int,
    headers: dict[str, str],
    reason: str,
    said: str,
) -> None:
    hub.answer = (code, headers)
    failure = fetcher.refused("hf://acme/tiny/tiny.gguf").failure
    assert failure.reason == reason
    assert said in failure.sentence
    assert failure.tail


def test_the_wrong_file_is_taken_out_of_the_cache_again(fetcher: Fetcher, tmp_path: Path) -> None:
    reference = "hf://acme/tiny/tiny.gguf"
    assert fetcher.refused(reference, sha256="0" * 64).failure.reason == "model-hash"
    left = [path for path in (tmp_path / "hf").rglob("*") if path.is_file() or path.is_symlink()]
    assert not [path for path in left if path.name in ("tiny.gguf", SHA256)]


def test_the_wrong_file_of_somebody_else_stays(fetcher: Fetcher) -> None:
    model = fetcher("hf://acme/tiny/tiny.gguf")
    failure = fetcher.refused("hf://acme/tiny/tiny.gguf", sha256="0" * 64).failure
    assert failure.reason == "model-hash"
    assert model.path.read_bytes() == CONTENT


def test_a_damaged_copy_is_noticed_and_fetched_again(fetcher: Fetcher) -> None:
    model = fetcher("hf://acme/tiny/tiny.gguf")
    model.path.write_bytes(CONTENT[:1000])
    again = fetcher("hf://acme/tiny/tiny.gguf")
    assert (again.from_cache, again.path.read_bytes()) == (False, CONTENT)


def test_a_hub_that_gives_damaged_files_is_caught(fetcher: Fetcher, hub: HubServer) -> None:
    hub.damaged = os.urandom(len(CONTENT))
    failure = fetcher.refused("hf://acme/tiny/tiny.gguf").failure
    assert failure.reason == "model-truncated"


def test_a_tokenizer_comes_the_same_way(fetcher: Fetcher) -> None:
    assert fetcher("hf://acme/tiny/tokenizer.json").path.read_bytes() == b"{}"


def test_shards_come_together(fetcher: Fetcher, hub: HubServer) -> None:
    names = [f"big-0000{number}-of-00002.gguf" for number in (1, 2)]
    hub.files |= {f"q4/{names[0]}": b"first", f"q4/{names[1]}": b"second"}
    model = fetcher(f"hf://acme/tiny/q4/{names[0]}")
    assert model.bytes == 11
    assert [path.name for path in sorted(model.path.parent.iterdir())] == names
    del hub.files[f"q4/{names[1]}"]
    hub.files[f"q8/{names[0]}"] = b"first"
    failure = fetcher.refused(f"hf://acme/tiny/q8/{names[0]}").failure
    assert (failure.reason, names[1] in failure.sentence) == ("model-missing", True)


def test_without_the_library_the_reader_learns_what_to_install(
    fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "ISOLATED", (*ISOLATED, "-S"))  # it knows of nothing installed
    failure = fetcher.refused("hf://acme/tiny/tiny.gguf").failure
    assert failure.reason == "hub-library-missing"
    assert "`pip install huggingface_hub`" in failure.sentence


def test_a_file_named_like_the_library_in_the_callers_tree_is_not_run(fetcher: Fetcher) -> None:
    (fetcher.base_directory / "huggingface_hub.py").write_text("raise SystemExit(3)\n")
    assert fetcher("hf://acme/tiny/tiny.gguf").sha256 == SHA256


def test_a_worker_that_dies_is_a_reason(
    fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = tmp_path / "dying.py"
    dying.write_text("import os\nprint('oh')\nos._exit(7)\n")
    monkeypatch.setattr(hub_module, "_WORKER", dying)
    failure = fetcher.refused("hf://acme/tiny/tiny.gguf").failure
    assert failure.reason == "model-download"
    assert "exited with code 7" in failure.sentence


def test_a_hub_that_redirects_to_the_machines_own_link_is_refused(
    fetcher: Fetcher, hub: HubServer
) -> None:
    hub.storage = "http://2852039166/blob"  # 169.254.169.254
    failure = fetcher.refused("hf://acme/tiny/tiny.gguf", HF_HUB_DOWNLOAD_TIMEOUT="2").failure
    assert failure.reason == "model-insecure"
    assert "only the machine's own link answers" in failure.sentence


@pytest.mark.parametrize("place", ["refs/main", "blobs/*", "snapshots/*/*"])
def test_a_pipe_in_the_hubs_cache_is_not_waited_for(
    fetcher: Fetcher, tmp_path: Path, place: str
) -> None:
    fetcher("hf://acme/tiny/tiny.gguf@main")
    (path,) = (tmp_path / "hf/hub/models--acme--tiny").glob(place)
    path.unlink()
    os.mkfifo(path)
    assert fetcher("hf://acme/tiny/tiny.gguf@main").sha256 == SHA256


@pytest.mark.parametrize("name", ["huggingface_hub", "sitecustomize", "json", "shutil"])
def test_nothing_of_the_callers_is_imported(fetcher: Fetcher, tmp_path: Path, name: str) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / f"theirs/{name}.py").write_text("raise SystemExit(9)\n")
    hostile = {
        "PYTHONPATH": str(tmp_path / "theirs"),
        "PYTHONHOME": "/nowhere",
        "PYTHONWARNINGS": "error",
        "PYTHONINSPECT": "1",
    }
    assert fetcher("hf://acme/tiny/tiny.gguf", **hostile).sha256 == SHA256
