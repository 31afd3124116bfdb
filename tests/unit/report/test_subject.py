"""What was measured, in a sentence."""

from __future__ import annotations

import dataclasses

from perf_smoke.report import subject
from perf_smoke.report.spans import flat
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
