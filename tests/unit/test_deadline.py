"""One bound for everything that is waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from perf_smoke import inputs, numbers, settings
from perf_smoke.deadline import Deadline
from perf_smoke.result import Unmeasured

ROOT = Path(__file__).parents[2]


def test_what_knows_no_limit_is_interrupted_and_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(Unmeasured) as caught, Deadline.within(0.05, 7200).waiting_for("a pipe"):
        (tmp_path / "pipe").read_bytes()
    assert caught.value.failure.reason == "deadline-passed"
    assert caught.value.failure.sentence == (
        "The deadline of 2 h came while waiting for a pipe; raise `deadline` if it may take longer."
    )
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_failure_before_it_is_its_own_and_one_after_it_the_deadlines() -> None:
    with pytest.raises(Unmeasured, match="no cargo"), Deadline.within(60).waiting_for("a build"):
        raise Unmeasured("build-failed", "There is no cargo.")
    with pytest.raises(Unmeasured) as caught, Deadline.within(0).waiting_for("the build of x"):
        raise Unmeasured("build-failed", "The build took longer than 3 s.", "its last lines")
    assert caught.value.failure.reason == "deadline-passed"
    assert caught.value.failure.tail == "its last lines"


def test_what_is_there_in_time_is_not_disturbed() -> None:
    with Deadline.within(0.05).waiting_for("nothing"):
        pass
    time.sleep(1.2)  # beyond the alarm


def test_what_is_kept_for_another_is_told() -> None:
    early = Deadline.within(100, 3600).keeping(30)
    assert early.left_s == pytest.approx(70, abs=5)
    assert early.passed("the build of x").failure.sentence.startswith(
        "The deadline of 1 h, of which 30 s are kept for head alone, came while waiting for"
    )


def test_another_thread_is_left_to_its_own_limits() -> None:
    reasons: list[str] = []

    def work() -> None:
        with pytest.raises(Unmeasured) as caught, Deadline.within(0).waiting_for("it"):
            raise Unmeasured("model-offline", "Nobody answers.")
        reasons.append(caught.value.failure.reason)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert reasons == ["deadline-passed"]


@pytest.mark.parametrize(
    ("value_s", "text"),
    [
        (7200, "2 h"),
        (5400, "90 m"),
        (3600, "1 h"),
        (45, "45 s"),
        (0.5, "0.5 s"),
        (5400.5, "5400 s"),
    ],
)
def test_a_limit_is_written_as_it_is_given(value_s: float, text: str) -> None:
    assert numbers.limit(value_s) == text


@pytest.mark.parametrize(
    "text", ["2 h", "1.5h", "90 m", "90min", "300", "300 s", "1500 ms", "1.234 s", "09 s", "24 h"]
)
def test_launch_reads_it_as_python_does(text: str) -> None:
    script = '. "$0/runtime/deadline.bash"; seconds_of "$1"'
    told = subprocess.run(
        ["bash", "-c", script, ROOT, text], capture_output=True, text=True, check=True
    )
    exact_s = settings.parse({"deadline": text}).deadline_s
    assert exact_s <= int(told.stdout) < exact_s + 1


@pytest.mark.parametrize("text", ["soon", "", "0 s", "25 h", "-1 s", "1e9", "9" * 30, "2 h; rm x"])
def test_what_python_refuses_is_the_default_to_launch(text: str) -> None:
    script = '. "$0/runtime/deadline.bash"; seconds_of "$1"'
    told = subprocess.run(
        ["bash", "-c", script, ROOT, text], capture_output=True, text=True, check=True
    )
    assert (told.stdout, told.stderr) == ("7200\n", "")
    if text:
        with pytest.raises(inputs.InvalidInputs, match="deadline must be a time from 1 s to"):
            settings.parse({"deadline": text})
