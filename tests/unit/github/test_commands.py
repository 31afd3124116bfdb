"""What the runner is told, byte for byte; and that nothing else acts as a command."""

from __future__ import annotations

import io
import re
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_smoke.github.commands import (
    LONGEST_ANNOTATION,
    MOST_ANNOTATIONS,
    OUTPUTS_ROOM,
    SUMMARY_ROOM,
    WorkflowLog,
    append_summary,
    set_outputs,
)
from perf_smoke.github.shorten import CUT_SENTENCE
from perf_smoke.secret import Secret

LARGE = 1_000_000


@pytest.fixture
def no_large_files() -> Iterator[None]:
    """Files of this process end at LARGE bytes, as at the end of a disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGE, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestAnnotations:
    def test_have_a_title_and_no_empty_properties(self, capfd: pytest.CaptureFixture[str]) -> None:
        runner = WorkflowLog()
        runner.notice("perf-smoke", "no change")
        runner.warning("perf-smoke", "not measured")
        runner.error("perf-smoke", "tokens must be a number")

        assert capfd.readouterr().out == (
            "::notice title=perf-smoke::no change\n"
            "::warning title=perf-smoke::not measured\n"
            "::error title=perf-smoke::tokens must be a number\n"
        )

    def test_without_a_title_have_no_property(self, capfd: pytest.CaptureFixture[str]) -> None:
        WorkflowLog().notice("", "text")

        assert capfd.readouterr().out == "::notice::text\n"

    def test_of_hostile_text_stay_one_command(self, capfd: pytest.CaptureFixture[str]) -> None:
        WorkflowLog().warning("a,b::c\n::error::t", "100%\n::error::boom\r::set-env name=A::b")

        assert capfd.readouterr().out == (
            "::warning title=a%2Cb%3A%3Ac%0A%3A%3Aerror%3A%3At::"
            "100%25%0A::error::boom%0D::set-env name=A::b\n"
        )

    def test_are_cut_where_the_runner_would(self, capfd: pytest.CaptureFixture[str]) -> None:
        WorkflowLog().notice("t" * 300, "m" * 5000)

        title, message = re.fullmatch(
            "::notice title=(.*)::(.*)\n", capfd.readouterr().out
        ).groups()  # type: ignore[union-attr]  # a failing match fails the test
        assert (len(title), title[-1]) == (255, "…")
        assert (len(message), message[-1]) == (LONGEST_ANNOTATION, "…")

    def test_past_ten_of_a_kind_are_lines(self, capfd: pytest.CaptureFixture[str]) -> None:
        runner = WorkflowLog()
        for number in range(12):
            runner.error("inputs", f"problem {number}")
        runner.notice("inputs", "another kind")

        lines = capfd.readouterr().out.splitlines()
        assert sum(line.startswith("::error title=inputs::") for line in lines) == MOST_ANNOTATIONS
        assert lines[10:] == [
            "error: inputs: problem 10",
            "error: inputs: problem 11",
            "::notice title=inputs::another kind",
        ]


class TestTheLog:
    def test_lets_hostile_text_do_nothing(self, capfd: pytest.CaptureFixture[str]) -> None:
        runner = WorkflowLog()
        runner.text("fine\n  ::error::boom\n##[error]boom")
        runner.text("plain")

        out = capfd.readouterr().out
        token = re.match("::stop-commands::([0-9a-f]{40})\n", out)
        assert token is not None
        assert out == (
            f"::stop-commands::{token[1]}\n"
            "fine\n  ::error::boom\n##[error]boom\n"
            f"::{token[1]}::\n"
            "plain\n"
        )

    def test_takes_a_new_token_each_time_and_starts_commands_again(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        runner = WorkflowLog()
        for _ in range(2):
            with pytest.raises(KeyError), runner.stopped_commands():
                raise KeyError

        first, end, second, _ = capfd.readouterr().out.splitlines()
        assert end == f"::{first.removeprefix('::stop-commands::')}::"
        assert first != second

    def test_masks_every_line_of_a_secret(self, capfd: pytest.CaptureFixture[str]) -> None:
        WorkflowLog().mask(Secret("one\n\ntwo%"))

        assert capfd.readouterr().out == "::add-mask::one\n::add-mask::two%25\n"

    def test_is_written_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="utf-8"))
        runner = WorkflowLog()
        runner.notice("a", "b")
        runner.text("c")

        assert raw.getvalue() == b"::notice title=a::b\nc\n"

    def test_survives_text_that_the_stream_cannot_hold(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
        runner = WorkflowLog()
        runner.notice("−1 %", "\ud800")
        runner.text("é")

        assert raw.getvalue() == b"::notice title=?1 %25::?\n?\n"


class TestOutputs:
    def parsed(self, path: Path) -> dict[str, str]:
        """As the runner reads the file."""
        found, lines = {}, iter(path.read_text(encoding="utf-8").split("\n")[:-1])
        for line in lines:
            name, _, delimiter = line.partition("<<")
            found[name] = "\n".join(iter(lambda: next(lines), delimiter))
        return found

    def test_are_read_back_whatever_they_hold(self, tmp_path: Path) -> None:
        values = {
            "status": "measured",
            "empty": "",
            "peak-rss-mib": "165",
            "hostile": "a\nstatus=forged\nx<<EOF\nEOF\n::set-output name=a::b %0A é",
        }
        path = tmp_path / "output"
        path.write_text("")

        assert set_outputs(values, path) == ""
        assert self.parsed(path) == values

    def test_are_added_to_what_is_there(self, tmp_path: Path) -> None:
        path = tmp_path / "output"
        set_outputs({"a": "1"}, path)
        set_outputs({"b": "2"}, path)

        assert self.parsed(path) == {"a": "1", "b": "2"}

    @pytest.mark.parametrize("name", ["", "a b", "a\nb", "a=b", "a<<b", "1a", "-a", "é"])
    def test_with_a_name_that_would_be_misread_are_a_bug(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(ValueError, match="is no name for an output"):
            set_outputs({name: "x"}, tmp_path / "output")
        assert not (tmp_path / "output").exists()

    def test_without_a_file_are_said_and_never_printed(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        assert set_outputs({"a": "1"}, None) == "No outputs were set: GITHUB_OUTPUT is not set."
        assert capfd.readouterr().out == ""

    def test_to_a_file_that_cannot_be_written_are_said(self, tmp_path: Path) -> None:
        problem = set_outputs({"a": "1"}, tmp_path / "no" / "output")

        assert "The outputs could not be written" in problem
        assert problem.endswith(": No such file or directory.")

    @pytest.mark.usefixtures("no_large_files")
    def test_that_do_not_fit_on_the_disk_leave_no_half_of_one(self, tmp_path: Path) -> None:
        path = tmp_path / "output"
        path.write_bytes(b"#" * (LARGE - 10))

        problem = set_outputs({"status": "measured"}, path)

        assert problem.endswith(": File too large.")
        assert path.stat().st_size == LARGE - 10

    def test_past_a_megabyte_leave_out_the_longest(self, tmp_path: Path) -> None:
        path = tmp_path / "output"
        values = {"a": "1", "long": "x" * OUTPUTS_ROOM, "b": "2"}

        problem = set_outputs(values, path)

        assert problem == ("Too long for the 1 MB that a job's outputs may take, so not set: long.")
        assert self.parsed(path) == {"a": "1", "b": "2"}


class TestTheSummary:
    def test_is_added_to_what_is_there(self, tmp_path: Path) -> None:
        path = tmp_path / "summary"
        assert append_summary("one", path) == ""
        assert append_summary("two\n\n", path) == ""

        assert path.read_text() == "one\ntwo\n"

    def test_is_cut_at_a_line_with_a_sentence(self, tmp_path: Path) -> None:
        path = tmp_path / "summary"
        path.write_text("x" * 100_000)

        assert append_summary("### verdict\n" + "| a | b |\n" * 200_000, path) == ""
        assert SUMMARY_ROOM - 100 < path.stat().st_size <= SUMMARY_ROOM
        assert path.read_text().endswith(f"| a | b |\n\n{CUT_SENTENCE}\n")

    def test_finds_no_room_left(self, tmp_path: Path) -> None:
        path = tmp_path / "summary"
        path.write_text("x" * SUMMARY_ROOM)

        assert "leaves no room" in append_summary("text", path)
        assert path.stat().st_size == SUMMARY_ROOM

    def test_without_a_file_is_said(self) -> None:
        assert append_summary("text", None) == (
            "No job summary was written: GITHUB_STEP_SUMMARY is not set."
        )

    @pytest.mark.parametrize("place", ["none/summary", "file/summary", "."])
    def test_that_cannot_be_written_is_said(self, tmp_path: Path, place: str) -> None:
        (tmp_path / "file").write_text("")

        assert "job summary" in append_summary("text", tmp_path / place)
