"""Head and base are two programs: where they would be one, there is no verdict."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perf_smoke.result import BASE, HEAD, Result
from tests import results
from tests.integration.engines.fake_llama_server import well
from tests.integration.engines.http_server import HttpServer, answering
from tests.integration.engines.programs import executable
from tests.integration.test_run import TEXT, Place, assert_head_alone

BUILD = "printf '#!/bin/sh\\necho %s\\n' \"$(cat content)\" >engine; chmod +x engine"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "work").mkdir()
    return Place(tmp_path)


def assert_own_texts(found: Result) -> None:
    assert (results.output(found).text, results.output(found, BASE).text) == ("new", "old")


def test_an_absolute_path_into_heads_tree_is_no_program_of_the_base(place: Place) -> None:
    base, _ = place.commits("old", "new")
    program = place.work / "engine"

    found = place.run(command=str(program), build=BUILD, base_ref=base, metrics=TEXT, runs="1")

    assert_head_alone(found, f"`{program}` lies in head's tree")
    assert found.sides.keys() == {HEAD}
    assert results.output(found).text == "new"


def test_nor_is_a_name_that_is_found_in_heads_tree(place: Place) -> None:
    base, _ = place.commits("old", "new")
    place.variables = {"PATH": f"{place.work}:{os.environ['PATH']}"}
    found = place.run(command="engine", build=BUILD, base_ref=base, runs="1")
    assert_head_alone(found, f"`{place.work}/engine` lies in head's tree")


def test_nor_is_a_link_from_the_bases_checkout_into_heads_tree(place: Place) -> None:
    base, _ = place.commits("old", "new")
    program = place.work / "engine"
    build = f"{BUILD}; [ $PWD -ef {place.work} ] || ln -sf {program} engine"
    found = place.run(command="./engine", build=build, base_ref=base, runs="1")
    assert_head_alone(found, "lies in head's tree")


def test_an_engine_that_lies_elsewhere_is_the_same_on_both_sides(place: Place) -> None:
    (place.work / "tiny.gguf").write_bytes(b"GGUF")
    (base,) = place.commits("one")
    program = executable(place.folder / "bitnet", "tests.integration.engines.fake_bitnet")
    asked = {"engine": "bitnet-rs", "model": "tiny.gguf", "base_ref": base, "runs": "1"}

    assert_head_alone(place.run(binary=str(program), **asked), "would run the same program")

    place.variables = {"PATH": f"{place.folder}:{os.environ['PATH']}"}
    assert_head_alone(place.run(**asked), f"`{program}` lies in neither checkout")


def test_an_interpreter_may_be_shared_as_what_it_reads_is_each_sides_own(place: Place) -> None:
    base, _ = place.commits("old", "new")

    found = place.run(command="cat content", base_ref=base, metrics=TEXT, runs="1")

    assert (found.status, found.failure, found.notes) == ("measured", None, ())
    assert_own_texts(found)


def test_the_python_of_an_environment_in_the_tree_is_an_interpreter_too(place: Place) -> None:
    base, _ = place.commits("old", "new")
    folder = place.work / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "snake").symlink_to("/bin/cat")
    place.variables = {"PATH": f"{folder}:{os.environ['PATH']}"}
    found = place.run(command="snake content", base_ref=base, metrics=TEXT, runs="1")
    assert_own_texts(found)


def test_the_scripts_of_an_environment_in_the_tree_run_what_is_in_each_checkout(
    place: Place,
) -> None:
    base, _ = place.commits("old", "new")
    folder = place.work / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder.parent / "pyvenv.cfg").touch()
    script = folder / "tool"
    script.write_text("#!/bin/sh\ncat content\n")
    script.chmod(0o755)
    place.variables = {"PATH": f"{folder}:{os.environ['PATH']}"}
    found = place.run(command="tool", base_ref=base, metrics=TEXT, runs="1")
    assert_own_texts(found)


def test_a_build_may_put_each_sides_program_into_a_store_of_its_own(place: Place) -> None:
    (place.work / "tiny.gguf").write_bytes(b"GGUF")
    base, _ = place.commits("old", "new")
    program = executable(place.folder / "bitnet", "tests.integration.engines.fake_bitnet")
    store = place.folder / "store"
    build = (
        f'mkdir -p "{store}/$(cat content)"; cp "{program}" "{store}/$(cat content)/bitnet"; '
        f'ln -sfn "{store}/$(cat content)" result'
    )
    found = place.run(
        engine="bitnet-rs",
        model=str(place.work / "tiny.gguf"),
        binary="result/bitnet",
        build=build,
        base_ref=base,
        runs="1",
    )
    assert results.comparison(found).pairs == 1, found.lost_bases


def test_arguments_that_name_heads_files_are_told(place: Place) -> None:
    base, _ = place.commits("old", "new")
    said = "`command` names files in head's tree by an absolute path: both sides read those."

    found = place.run(command=f"cat {place.work}/content", base_ref=base, metrics=TEXT, runs="1")

    (note,) = found.notes
    assert note.startswith(said)
    assert results.output(found, BASE).text == "new"


@pytest.mark.parametrize("and_then", ["", "; grep new content"])
def test_a_build_that_puts_the_base_in_heads_place_leaves_nothing_to_measure(
    place: Place, and_then: str
) -> None:
    base, _ = place.commits("old", "new")
    installed = place.folder / "installed"
    build = f"{BUILD}; cp engine {installed}{and_then}"

    found = place.run(command=str(installed), build=build, base_ref=base, runs="2")

    assert (found.status, found.reason) == ("failed", "head-overwritten")
    assert f"has replaced head's program `{installed}`" in results.failure(found).sentence
    assert HEAD in found.sides
    assert results.steps(found) == ()
    assert found.comparisons == ()


def test_a_build_that_installs_the_same_again_does_no_harm(place: Place) -> None:
    base, _ = place.commits("same", "new")
    installed = place.folder / "installed"
    build = f"echo '#!/bin/sh' >{installed}; chmod +x {installed}"
    found = place.run(command=str(installed), build=build, base_ref=base, runs="1")
    assert (found.status, found.notes) == ("measured", ())
    assert found.sides.keys() == {HEAD, BASE}


def test_both_sides_say_which_commit_they_are_of(place: Place) -> None:
    base, head = place.commits("old", "new")
    place.git("branch", "release", base)

    found = place.run(command="cat content", base_ref="release", metrics=TEXT, runs="1")

    sides = [found.sides[name] for name in (HEAD, BASE)]
    assert [(side.ref, side.commit) for side in sides] == [("topic", head), ("release", base)]
    assert [side.parents for side in sides] == [(base,), ()]
    assert {side.process for side in sides} == {"step"}


def test_the_workflow_names_the_branch_of_its_own_commit_alone(place: Place) -> None:
    base, head = place.commits("old", "new")
    for here, name in ((head, "my-branch"), (base, "")):
        place.git("checkout", "--quiet", "--detach", here)
        place.variables = {"GITHUB_SHA": head, "GITHUB_HEAD_REF": "my-branch"}
        assert place.run(command="cat content", runs="1").sides[HEAD].ref == name


def test_what_is_missing_here_is_said_before_anything_is_fetched(place: Place) -> None:
    found = place.run(engine="llama-bench", binary="./gone", model="https://127.0.0.1:1/m.gguf")
    assert found.reason == "engine-missing"


def test_of_a_server_the_checkout_says_nothing(place: Place) -> None:
    place.commits("old", "new")
    (place.work / "content").write_text("changed")
    properties = answering({"default_generation_settings": {}})
    with HttpServer({"/props": properties, "/completion": well}) as server:
        found = place.run(engine="llama-server", endpoint=server.url, runs="1")
    assert (found.status, found.notes) == ("measured", ()), found.failure
    assert found.sides[HEAD].process == "running"


def test_a_branch_that_is_heads_own_commit_is_no_base(place: Place) -> None:
    (head,) = place.commits("one")
    place.git("tag", "v1")
    asked = {"command": "cat content", "metrics": TEXT, "runs": "1"}
    for ref in ("topic", "v1", "v1~0"):
        found = place.run(**asked, base_ref=ref)
        assert_head_alone(found, f"head and base are one commit, {head[:12]}")
        assert (found.lost_bases[BASE].reason, found.verdict) == ("base-is-head", "no-baseline")

    (place.work / "content").write_text("changed")
    assert place.run(**asked, base_ref="topic").comparisons


@pytest.mark.parametrize("ref", ["HEAD", "@", "HEAD^{}", "{head}", "{head:.7}"])
def test_a_commit_that_is_named_may_be_compared_with_itself(place: Place, ref: str) -> None:
    (head,) = place.commits("one")
    named = ref.replace("{head}", head).replace("{head:.7}", head[:7])
    found = place.run(command="cat content", base_ref=named, runs="1")
    assert found.comparisons
    assert "compared with itself (A/A)" in found.notes[0]


def test_an_event_that_names_no_commit_is_told_in_one_sentence(place: Place) -> None:
    place.commits("one")
    place.merge_target = "--upload-pack=touch pwned"
    found = place.run(command="cat content", build="true", runs="1")
    assert_head_alone(found, "which the event names as the other side, is no commit")
    assert list(place.folder.rglob("pwned")) == []


def test_no_base_is_built_where_head_is_not_what_the_event_is_about(place: Place) -> None:
    base, head = place.commits("old", "new")
    place.pull_request_head = "ab" * 20
    found = place.run(command="cat content", build="echo >>built", base_ref=base, runs="1")
    why = "is neither the pull request's head abababababab nor a merge of it"
    assert why in found.lost_bases[BASE].sentence
    assert (found.verdict, list(found.sides)) == ("not-comparable", [HEAD])
    assert found.lost_bases[BASE].reason == "other-checkout"

    place.pull_request_head = head
    assert place.run(command="cat content", base_ref=base, runs="1").comparisons


def test_a_failed_head_is_known_by_its_commit(place: Place) -> None:
    (head,) = place.commits("one")
    found = place.run(command="cat content", build="exit 3")
    assert (found.reason, found.sides[HEAD].commit) == ("build-failed", head)
    assert found.sides[HEAD].engine is None
