"""The validation: what is recorded is read back, and what is scored is what the product says."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import attacks, jobs, recorder, simulated, strata
from benchmarks.order import order_costs
from benchmarks.ours import extended_outcome, outcome, seconds
from benchmarks.peers import as_taken
from benchmarks.validate import main


def recorded(count: int, noise: float = 0.05) -> list[jobs.Job]:
    made = [simulated.job(noise, simulated.Starts(spread=0.003), 4, seed) for seed in range(count)]
    return [dataclasses.replace(job, stratum="idle") for job in made]


def test_jobs_are_read_back_as_they_were_recorded(tmp_path: Path) -> None:
    path = jobs.path_of("idle", tmp_path / "data")
    assert jobs.read(path) == []
    made = recorded(3)
    for job in made:
        jobs.append(job, path)
    assert jobs.read(path) == made
    assert path.stat().st_size < 3 * 3000


def test_a_change_that_is_put_in_is_called_at_the_first_look_that_is_sure() -> None:
    (job,) = recorded(1)
    slower, still = outcome(job, 1.2), outcome(job, 1.0)
    assert (slower.verdict, slower.stopped) == ("slower", "decided")
    assert slower.estimate == pytest.approx(1.2 * (1 + (still.estimate or 0.0)) - 1, abs=0.03)
    assert slower.pairs < still.pairs
    assert seconds(job, slower) == job.elapsed_ms[slower.pairs - 1] / 1e3


def test_a_side_s_second_place_is_replayed() -> None:
    (job,) = recorded(1)
    later = [time + 10_000 * first for time, first in zip(job.base_us, job.head_first, strict=True)]
    guards = outcome(dataclasses.replace(job, base_us=later), 1.0).guards
    assert "carry-over" in [guard.name for guard in guards]
    assert "cost base " in guards[-1].sentence


def test_starts_that_differ_pass_for_changes_only_where_nobody_knows_of_them() -> None:
    def called(made: list[jobs.Job]) -> int:
        return sum(outcome(job, 1.0).verdict in ("slower", "faster") for job in made)

    kind = simulated.Starts(spread=0.01)
    made = [simulated.job(0.015, kind, 8, seed) for seed in range(100)]
    assert called(made) <= 2
    assert called([simulated.starts_unknown(job) for job in made]) >= 10


def test_a_state_that_this_machine_cannot_be_put_into_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strata, "_CGROUPS", tmp_path / "none")
    monkeypatch.setattr(recorder, "find_model", lambda: tmp_path / "unused.gguf")
    done = CliRunner().invoke(
        main, ["record", "--stratum", "quota", "--data", str(tmp_path), "--jobs", "1"]
    )
    assert done.exit_code == 0, done.output
    assert "quota: left out, a quota of CPU time needs root" in done.output
    assert not list(tmp_path.glob("*.gz"))


def test_blocks_are_the_same_steps_in_the_order_of_time() -> None:
    job = dataclasses.replace(
        recorded(1)[0], head_first=[1, 0], base_us=[1, 2], head_us=[10, 20], start=[0, 0]
    )
    taken = as_taken(job, "blocks", 2.0, [])
    assert (taken.base.tolist(), taken.head.tolist()) == ([10, 1], [4, 40])
    pairs = as_taken(job, "pairs", 2.0, [])
    assert (pairs.base.tolist(), pairs.head.tolist()) == ([1, 2], [20, 40])


def test_the_tables_are_made_from_the_data_files_alone(tmp_path: Path) -> None:
    for job in recorded(3):
        jobs.append(job, jobs.path_of("idle", tmp_path))
    real = dataclasses.replace(recorded(1)[0], threads=2, head_threads=1)
    jobs.append(real, jobs.path_of("idle-head-threads-1", tmp_path))
    out = tmp_path / "tables.md"
    done = CliRunner().invoke(main, ["table", "--data", str(tmp_path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    text = out.read_text(encoding="utf-8")
    assert "| idle | 3 | 170 |" in text
    assert "| **ours** | pairs | 0/3 (0.0 … 56.1 %) | " in text
    assert "Mann-Whitney (benchstat)" in text
    assert "1 threads instead of 2" in text


def test_what_was_predicted_stands_beside_what_came(tmp_path: Path) -> None:
    *equal, one = recorded(4)
    differs = dataclasses.replace(one, head_us=[2 * time for time in one.head_us])
    for job in (*equal, differs):
        rested = dataclasses.replace(job, budget_s=60.0, rests=1)
        jobs.append(rested, jobs.path_of("rested-idle-60", tmp_path))
    page = tmp_path / "page.md"
    page.write_text("Before\n<!-- predictions -->\nold\n<!-- /predictions -->\nafter\n")
    out = ("--out", str(tmp_path / "tables.md"))
    done = CliRunner().invoke(
        main, ["table", "--data", str(tmp_path), *out, "--evidence", str(page)]
    )
    assert done.exit_code == 0, done.output
    lines = page.read_text(encoding="utf-8").splitlines()
    assert (lines[0], lines[-1]) == ("Before", "after")
    assert "| false verdicts | ≤ 1 % | 1/4 (4.6 … 69.9 %) | **missed** |" in lines
    assert "| shared, +5 % called in 60 s | 80 % | not recorded | untested |" in lines
    assert "old" not in lines
    (sign,) = (line for line in lines if line.startswith("| wrong signs |"))
    assert sign.endswith("| **missed** |"), (
        "doubled times are slower also where 20 % were taken off"
    )


def test_jobs_whose_state_was_not_had_stand_apart(tmp_path: Path) -> None:
    for number, job in enumerate(recorded(6)):
        for stratum in ("neighbour", "shared"):
            job_then = dataclasses.replace(job, stratum=stratum, others=(0.5, 0.9)[number % 2])
            jobs.append(job_then, jobs.path_of(f"{stratum}-30", tmp_path))
    out = tmp_path / "tables.md"
    done = CliRunner().invoke(main, ["table", "--data", str(tmp_path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    rows = [line.split(" | ")[:2] for line in out.read_text("utf-8").splitlines() if "-30" in line]
    assert rows[:4] == [
        ["| neighbour-30", "3"],
        ["| neighbour-30, no CPU free", "3"],
        ["| shared-30", "6"],
        ["| shared-30, a CPU free", "3"],
    ]
    assert "| all without a rest | 0/12 " in out.read_text("utf-8"), "each is counted once"


def test_what_too_few_pairs_cannot_tell_is_left_open_in_the_tables(tmp_path: Path) -> None:
    columns = ("start", "head_first", "base_us", "head_us", "base_cpu_us", "head_cpu_us")
    whole = recorded(1)[0]
    kept = {name: getattr(whole, name)[:2] for name in (*columns, "elapsed_ms")}
    jobs.append(dataclasses.replace(whole, **kept), jobs.path_of("idle", tmp_path))
    out = tmp_path / "tables.md"
    done = CliRunner().invoke(main, ["table", "--data", str(tmp_path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    row = next(line for line in out.read_text(encoding="utf-8").splitlines() if "| idle |" in line)
    assert row.split(" | ")[4:7] == ["–", "1", "–"]
    assert "nan" not in out.read_text(encoding="utf-8")


def test_without_recordings_there_is_no_table(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["table", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "no recorded jobs" in done.output


QUICK = [attack for attack in attacks.ATTACKS if attack.quick]


@pytest.mark.parametrize("attack", QUICK, ids=lambda attack: attack.name)
def test_noise_that_misleads_gets_next_to_no_false_verdict(attack: attacks.Attack) -> None:
    (found,) = attacks.outcomes(25, lambda: None, [attack])
    assert found.false <= 1
    assert abs(found.estimate) < 0.01


def test_a_false_side_is_seen_by_the_same_count() -> None:
    slower = dataclasses.replace(QUICK[0], after_other=(0.0, 0.12), noise=attacks.normal(0.03))
    (found,) = attacks.outcomes(5, lambda: None, [slower])
    assert (found.false, found.surprising) == (5, True)
    assert not dataclasses.replace(found, attack=dataclasses.replace(slower, why="…")).surprising


def test_the_table_of_attacks_has_a_row_for_each(tmp_path: Path) -> None:
    out = tmp_path / "attacks.md"
    done = CliRunner().invoke(main, ["attack", "--jobs", "2", "--only", "turbo", "--out", str(out)])
    assert done.exit_code == 0, done.output
    rows = [line for line in out.read_text("utf-8").splitlines() if line.startswith("| turbo")]
    assert len(rows) == 3
    assert "0/2 (0.0 … 65.8 %)" in rows[0]


@pytest.mark.skipif(
    not (shutil.which("cc") and shutil.which("objcopy")), reason="there is no C compiler"
)
def test_work_that_is_really_added_is_recorded_with_the_sides_names_swapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "find_model", lambda: tmp_path / "unused.gguf")
    wanted = ["--stratum", "shared", "--sides", "work-10", "--budget", "2", "--jobs", "2"]
    for _ in range(2):  # the second time there is nothing left to do
        done = CliRunner().invoke(main, ["record", "--data", str(tmp_path), *wanted])
        assert done.exit_code == 0, done.output
    made = jobs.read(jobs.path_of("rested-shared-2-work-10", tmp_path))
    assert [job.swapped for job in made] == [False, True]
    assert [job.head_work for job in made] == [1.1, 1 / 1.1]
    for job in made:
        assert (job.built, job.same) == (True, False)
        assert job.rests > job.pairs

    out = tmp_path / "tables.md"
    done = CliRunner().invoke(main, ["table", "--data", str(tmp_path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "| rested-shared-2-work-10 | 10% more work | 2 | " in out.read_text("utf-8")


def long_jobs() -> list[jobs.Job]:
    """Jobs of 60 s, a pair every 200 ms."""
    made = recorded(2, noise=0.05)
    times = [200 * (pair + 1) for pair in range(made[0].pairs)]
    return [dataclasses.replace(job, budget_s=60.0, elapsed_ms=times, rests=1) for job in made]


def test_a_long_job_is_scored_as_what_it_was_after_the_usual_time_too(tmp_path: Path) -> None:
    for job in long_jobs():
        jobs.append(job, jobs.path_of("rested-idle-60", tmp_path))
    out = tmp_path / "tables.md"
    done = CliRunner().invoke(main, ["table", "--data", str(tmp_path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    text = out.read_text("utf-8")
    assert "| rested-idle-60, the first 30 s | 2 | 150 |" in text
    assert "| rested-idle-60 | 2 | 170 |" in text
    assert "## rested-idle-60: all CPUs, nothing else runs; 60 s" in text
    assert "| change | called | no change % | went on % | time, mean |" in text


def test_a_run_that_may_go_on_decides_as_the_short_one_or_from_more_pairs() -> None:
    for job in long_jobs():
        for factor in (1.0, 1.02, 1.1):
            found = extended_outcome(job, factor, 30.0)
            assert found.extension is not None
            if found.extension.looks:
                assert found.pairs > found.extension.looks[0] == job.first(30.0).pairs == 150
            else:
                assert found.pairs <= 150
    assert extended_outcome(long_jobs()[0], 1.1, 30.0).verdict == "slower"


@pytest.mark.parametrize(
    ("after_other", "second"), [(0.0, 0.0), (0.12, 0.0), (0.0, 0.05), (0.12, -0.06)]
)
def test_what_order_costs_is_found_as_it_was_put_in(after_other: float, second: float) -> None:
    attack = attacks.Attack(
        name="order",
        after_other=(after_other,) * 2,
        second=(second,) * 2,
        noise=attacks.normal(0.02),
    )
    costs = order_costs([attack.job(seed) for seed in range(8)])
    assert costs is not None
    assert costs.after_other.mean == pytest.approx(after_other, abs=0.01)
    # a second step follows the other side always, a first one every second time
    assert costs.second.mean == pytest.approx(second + after_other / 2, abs=0.02)
    assert (costs.explained > 0.5) is (after_other > 0 or second > 0)


def test_a_job_of_few_pairs_does_not_tell_what_order_costs() -> None:
    few = attacks.Attack(name="few", pairs=12)
    assert order_costs([few.job(seed) for seed in range(4)]) is None
