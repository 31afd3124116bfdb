"""What was measured, in a sentence."""

from __future__ import annotations

import dataclasses

import pytest

from perf_smoke.report import subject, words
from perf_smoke.report.spans import flat
from perf_smoke.result import EngineIdentity, Result
from tests.unit.report import builders


def test_pairs_from_a_file_name_no_program() -> None:
    assert subject.what_ran(builders.pairs_file()) == ()


def test_what_ran_names_program_model_request_and_commits() -> None:
    assert flat(subject.what_ran(builders.two_sides())) == (
        "Ran bitnet (bitnet-rs 0.9.1) with models/ggml-model-i2_s.gguf, prompt 2+2=, 4 output "
        "tokens, 4 threads, features cpu,avx2. Base 9d8c7b6, head 3f1c9ab."
    )


def test_a_server_that_was_there_already_is_not_said_to_have_our_threads() -> None:
    found = builders.two_sides()
    asked = dataclasses.replace(found, settings={**found.settings, "endpoint": "http://host"})
    assert flat(subject.what_ran(asked)) == (
        "Ran bitnet (bitnet-rs 0.9.1) with models/ggml-model-i2_s.gguf, prompt 2+2=, 4 output "
        "tokens. Base 9d8c7b6, head 3f1c9ab."
    )


def test_a_command_is_said_to_have_only_what_it_names() -> None:
    found = dataclasses.replace(
        builders.one_token(), settings={"command": "bench {prompt}", "features": "fast"}
    )
    assert flat(subject.what_ran(found)) == (
        "Ran mybench (command), prompt 2+2=, 1 output token. Commit 3f1c9ab."
    )


def test_what_ran_shortens_addresses_to_the_file_and_leaves_out_what_is_unknown() -> None:
    found = builders.result(
        series=None,
        model=dataclasses.replace(
            builders.DEMONSTRATION, reference="hf://owner/repo/model.gguf@main"
        ),
        head=dataclasses.replace(builders.side((), engine=builders.EMBEDDED), ref=""),
    )
    assert flat(subject.what_ran(found)) == "Ran embedded xllamacpp 2026.10.1 with model.gguf@main."
    assert subject.what_ran(builders.skipped()) == ()


def programs(head: EngineIdentity, base: EngineIdentity, **settings: str) -> Result:
    found = builders.two_sides()
    assert found.head
    assert found.base
    return dataclasses.replace(
        found,
        settings=settings,
        head=dataclasses.replace(found.head, engine=head),
        base=dataclasses.replace(found.base, engine=base),
    )


BITNET, COMMAND, PLAIN = (
    EngineIdentity(id=engine, binary="/usr/bin/program", binary_sha256="c2" * 32)
    for engine in ("bitnet-rs", "command", "openai")
)


def test_two_sides_of_the_same_program_are_said_to_be() -> None:
    assert flat(subject.same_program(programs(BITNET, BITNET))) == (
        "Head and base are the same program, byte for byte; only libraries that it loads can "
        "differ."
    )
    assert flat(words.lead(programs(BITNET, BITNET))[-1]).startswith("Head and base are the same")
    assert "same program" not in "".join(map(flat, words.lead(builders.two_sides())))


def test_two_commands_are_the_same_only_where_the_whole_lines_are() -> None:
    same = {"command": "python3 bench.py", "base-command": "python3 bench.py"}
    assert flat(subject.same_program(programs(COMMAND, COMMAND, **same))) == (
        "Head and base are the same command and the same program, byte for byte."
    )
    other = {"command": "python3 new.py", "base-command": "python3 old.py"}
    assert subject.same_program(programs(COMMAND, COMMAND, **other)) == ()
    hidden = {"command": "./bench --token ***", "base-command": "./bench --token ***"}
    assert subject.same_program(programs(COMMAND, COMMAND, **hidden)) == ()


def test_one_command_in_two_checkouts_is_said_to_differ_by_what_it_reads_at_most() -> None:
    checkouts = {"command": "python3 bench.py", "base-ref": "main"}
    assert flat(subject.same_program(programs(COMMAND, COMMAND, **checkouts))) == (
        "Head and base ran the same program, program, byte for byte: only what it reads in its own "
        "checkout can differ."
    )
    rebuilt = dataclasses.replace(COMMAND, binary_sha256="d3" * 32)
    assert subject.same_program(programs(COMMAND, rebuilt, **checkouts)) == ()


@pytest.mark.parametrize(
    ("head", "base"),
    [
        (BITNET, dataclasses.replace(BITNET, binary_sha256="d3" * 32)),
        (PLAIN, dataclasses.replace(PLAIN, binary_sha256="")),
        (dataclasses.replace(BITNET, binary_sha256=""),) * 2,
        (builders.EMBEDDED, builders.EMBEDDED),
    ],
)
def test_what_is_not_known_to_be_the_same_is_not_called_so(
    head: EngineIdentity, base: EngineIdentity
) -> None:
    assert subject.same_program(programs(head, base)) == ()


def test_one_side_alone_is_no_two_programs() -> None:
    assert subject.same_program(builders.base_died()) == ()
