"""Head and base are two programs: where they would be one, there is no verdict."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.engines.programs import executable
from tests.integration.test_run import TEXT, Place, assert_head_alone, failure

BUILD = "printf '#!/bin/sh\\necho %s\\n' \"$(cat content)\" >engine; chmod +x engine"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "work").mkdir()
    return Place(tmp_path)


def test_an_absolute_path_into_heads_tree_is_no_program_of_the_base(place: Place) -> None:
    base, _ = place.commits("old", "new")
    program = place.work / "engine"

    found = place.run(command=str(program), build=BUILD, base_ref=base, metrics=TEXT, runs="1")

    assert_head_alone(found, f"`{program}` lies in head's tree")
    assert found.base is None
    assert found.output is not None
    assert found.output.text == "new"


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
    assert found.output is not None
    assert (found.output.text, found.output.base_text) == ("new", "old")


def test_the_python_of_an_environment_in_the_tree_is_an_interpreter_too(place: Place) -> None:
    base, _ = place.commits("old", "new")
    folder = place.work / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "snake").symlink_to("/bin/cat")
    place.variables = {"PATH": f"{folder}:{os.environ['PATH']}"}
    found = place.run(command="snake content", base_ref=base, metrics=TEXT, runs="1")
    assert found.output is not None
    assert (found.output.text, found.output.base_text) == ("new", "old")


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
    assert found.output is not None
    assert (found.output.text, found.output.base_text) == ("new", "old")


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
    assert found.comparison is not None, found.failure
    assert found.comparison.kind == "paired", found.notes


def test_arguments_that_name_heads_files_are_told(place: Place) -> None:
    base, _ = place.commits("old", "new")
    said = "`command` names files in head's tree by an absolute path: both sides read those."

    found = place.run(command=f"cat {place.work}/content", base_ref=base, metrics=TEXT, runs="1")

    (note,) = found.notes
    assert note.startswith(said)
    assert found.output is not None
    assert found.output.base_text == "new"


@pytest.mark.parametrize("and_then", ["", "; grep new content"])
def test_a_build_that_puts_the_base_in_heads_place_leaves_nothing_to_measure(
    place: Place, and_then: str
) -> None:
    base, _ = place.commits("old", "new")
    installed = place.folder / "installed"
    build = f"{BUILD}; cp engine {installed}{and_then}"

    found = place.run(command=str(installed), build=build, base_ref=base, runs="2")

    assert (found.status, found.reason) == ("failed", "head-overwritten")
    assert f"has replaced head's program `{installed}`" in failure(found).sentence
    assert found.head is not None
    assert found.head.samples == ()
    assert found.comparison is None


def test_a_build_that_installs_the_same_again_does_no_harm(place: Place) -> None:
    base, _ = place.commits("same", "new")
    installed = place.folder / "installed"
    build = f"echo '#!/bin/sh' >{installed}; chmod +x {installed}"
    found = place.run(command=str(installed), build=build, base_ref=base, runs="1")
    assert (found.status, found.notes) == ("measured", ())
    assert found.base is not None
