"""Which machine it is: read from files as all kinds of machines have them."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from pathlib import Path

import pytest

from perf_smoke.measure.machine import System, available_cpus, describe, state
from perf_smoke.result import Gpu, Machine, MachineState

UNKNOWN = MachineState(load_1min=None, cpu_ticks=None, steal_ticks=None)

X86 = """processor\t: 0
vendor_id\t: AuthenticAMD
model\t\t: 1
model name\t: AMD EPYC 7763  64-Core Processor
flags\t\t: fpu sse4_2 avx2
bugs\t\t: sysret_ss_attrs

processor\t: 1
model name\t: AMD EPYC 7763  64-Core Processor
flags\t\t: fpu sse4_2 avx2
"""
ARM_SERVER = """processor\t: 0
BogoMIPS\t: 2000.00
Features\t: fp asimd atomics
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd49
CPU revision\t: 0
"""
RASPBERRY = ARM_SERVER + "\nHardware\t: BCM2835\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n"


@pytest.fixture
def system(tmp_path: Path) -> System:
    """A system of which nothing can be read, as yet."""
    return System(root=tmp_path)


def write(system: System, path: str, text: str) -> None:
    place = system.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")


def identified(system: System, **environment: str) -> Machine:
    return describe(system, environment, before=UNKNOWN, measuring=None, after=state(system))


@pytest.fixture
def eight_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """An affinity that leaves room for quotas."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)))


def test_an_x86_machine_is_known_by_its_model_and_flags(system: System) -> None:
    write(system, "proc/cpuinfo", X86)
    write(system, "etc/os-release", 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n')
    found = identified(system, ImageOS="ubuntu24", ImageVersion="20261101.1")
    assert found.cpu_model == "AMD EPYC 7763 64-Core Processor"
    assert found.flags_hash == hashlib.sha256(b"avx2 fpu sse4_2").hexdigest()[:12]
    assert found.os == "Debian GNU/Linux 13 (trixie)"
    assert found.image == "ubuntu24 20261101.1"
    assert (found.arch, found.kernel) == (platform.machine(), platform.release())


def test_flags_in_another_order_are_the_same_flags(system: System) -> None:
    write(system, "proc/cpuinfo", X86)
    first = identified(system).flags_hash
    write(system, "proc/cpuinfo", X86.replace("fpu sse4_2 avx2", "avx2 sse4_2 fpu"))
    assert identified(system).flags_hash == first
    write(system, "proc/cpuinfo", X86.replace("avx2", "avx512f"))
    assert identified(system).flags_hash != first


def test_an_arm_server_is_known_by_its_numbers(system: System) -> None:
    write(system, "proc/cpuinfo", ARM_SERVER)
    found = identified(system)
    assert found.cpu_model == f"{platform.machine()} implementer 0x41 part 0xd49"
    assert found.flags_hash == hashlib.sha256(b"asimd atomics fp").hexdigest()[:12]


def test_an_arm_board_is_known_by_its_name(system: System) -> None:
    write(system, "proc/cpuinfo", RASPBERRY)
    assert identified(system).cpu_model == "Raspberry Pi 5 Model B Rev 1.0"


def test_a_mac_is_asked_by_sysctl(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    # Here there is no sysctl that knows a Mac's processor: what is left is its architecture.
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert identified(system).cpu_model == platform.machine()


def test_a_machine_that_tells_nothing_is_still_a_machine(system: System) -> None:
    found = identified(system)
    assert found.cpu_model == platform.machine()
    assert found.flags_hash == ""
    assert found.os == f"{platform.system()} {platform.release()}"
    assert found.memory_mib > 0
    assert found.cpus >= 1
    assert found.image == ""


def test_its_gpus_are_told(system: System, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho Tesla T4, 550.54.15, 15360\n")
    program.chmod(0o755)
    found = identified(system, PATH=str(program.parent))
    assert found.gpus == (Gpu(name="Tesla T4", driver="550.54.15", memory_mib=15_360),)


def test_files_that_are_no_text_are_read_all_the_same(system: System) -> None:
    (system.root / "proc").mkdir()
    (system.root / "proc" / "cpuinfo").write_bytes(b"model name\t: caf\xe9 \xff\n")
    assert identified(system).cpu_model == "caf\ufffd \ufffd"
    (system.root / "proc" / "stat").mkdir()
    assert state(system).cpu_ticks is None


@pytest.mark.parametrize("line", ["PRETTY_NAME='One'", "PRETTY_NAME=One", 'PRETTY_NAME="One"'])
def test_the_name_of_the_system_may_be_quoted_in_any_way(system: System, line: str) -> None:
    write(system, "etc/os-release", f"ID=x\n{line}\n")
    assert identified(system).os == "One"


def test_cpu_time_and_steal_are_counted_without_guests(system: System) -> None:
    write(system, "proc/stat", "cpu  100 2 30 4000 5 6 7 80 90 9\ncpu0 1 2 3 4 5 6 7 8 9 9\n")
    assert state(system).cpu_ticks == 100 + 2 + 30 + 4000 + 5 + 6 + 7 + 80
    assert state(system).steal_ticks == 80
    assert state(system).idle_ticks == 4000 + 5


@pytest.mark.parametrize(
    ("stat", "cpu_ticks"), [("", None), ("intr 5\n", None), ("cpu  1 2 3 4\n", 10)]
)
def test_steal_that_is_not_told_is_none(system: System, stat: str, cpu_ticks: int | None) -> None:
    write(system, "proc/stat", stat)
    found = state(system)
    assert (found.cpu_ticks, found.steal_ticks, found.idle_ticks) == (cpu_ticks, None, None)


def test_what_others_took_is_neither_idle_nor_stolen_nor_ours() -> None:
    def at(total: int, steal: int, idle: int, own: int | None) -> MachineState:
        return MachineState(
            load_1min=None, cpu_ticks=total, steal_ticks=steal, idle_ticks=idle, own_ticks=own
        )

    def others(own: int | None) -> float | None:
        begin, end = at(1000, 10, 100, 50), at(2000, 60, 300, own)
        return describe(System(), {}, before=begin, measuring=None, after=end).others_fraction

    assert others(50 + 150) == pytest.approx(1 - 0.05 - 0.2 - 0.15)
    assert others(50 + 900) == 0.0, "clocks that do not agree to the tick"
    assert others(None) is None


def test_the_cpu_time_of_children_that_have_ended_is_ours() -> None:
    before = state(System()).own_ticks
    subprocess.run(
        ["/bin/sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"], check=True
    )
    after = state(System()).own_ticks
    assert before is not None
    assert after is not None
    assert after > before


def test_the_shares_are_of_the_time_since_measuring_began(system: System) -> None:
    def at(ticks: str) -> MachineState:
        write(system, "proc/stat", f"cpu {ticks}\n")
        return state(system)

    before, measuring, after = (
        at("0 0 0 0 0 0 0 0"),
        at("900 0 0 0 0 0 0 0"),
        at("930 0 0 60 0 0 0 10"),
    )
    found = describe(system, {}, before=before, measuring=measuring, after=after)
    assert (found.idle_fraction, found.steal_fraction) == (0.6, 0.1)
    found = describe(system, {}, before=before, measuring=None, after=after)
    assert (found.idle_fraction, found.steal_fraction) == (0.06, 0.01)


def test_a_cpu_that_became_another_one_is_known(system: System) -> None:
    write(system, "proc/cpuinfo", "model name : EPYC 7763\n")
    before = state(system)
    write(system, "proc/cpuinfo", "model name : Xeon 8370C\n")
    found = describe(system, {}, before=before, measuring=None, after=state(system))
    assert found.cpu_models == ("EPYC 7763", "Xeon 8370C")
    assert found.cpu_model == "Xeon 8370C"


def test_a_load_that_is_not_told_is_none(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> tuple[float, float, float]:
        raise OSError("Load averages are unobtainable")

    monkeypatch.setattr(os, "getloadavg", refuse)
    assert state(system).load_1min is None


def test_the_real_machine_can_be_identified_again_and_again() -> None:
    system = System()
    before = state(system)
    found = describe(system, os.environ, before=before, measuring=None, after=state(system))
    again = describe(system, os.environ, before=before, measuring=None, after=found.after)
    assert again == found
    assert found.before.load_1min is not None
    assert 1 <= found.cpus <= (os.cpu_count() or 1)


def test_affinity_limits_the_cpus(system: System) -> None:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert available_cpus(system) == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert available_cpus(system) == len(allowed)


def test_where_there_is_no_affinity_all_cpus_may_be_used(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")  # as on macOS
    assert available_cpus(system) == os.cpu_count()


@pytest.mark.usefixtures("eight_cpus")
@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        # version 2: a container sees its own group as the root of the tree
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, 8),
        # version 2: the closest limit of a service and of the slices above it
        (
            {
                "proc/self/cgroup": "0::/system.slice/runner.service\n",
                "sys/fs/cgroup/system.slice/cpu.max": "300000 100000\n",
                "sys/fs/cgroup/system.slice/runner.service/cpu.max": "max 100000\n",
            },
            3,
        ),
        # rounded down, but never to none
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "290000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 1),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "9900000 100000\n"}, 8),
        # version 1, in a container: the path is the host's, the mount its own
        (
            {
                "proc/self/cgroup": "5:memory:/docker/0a\n4:cpu,cpuacct:/docker/0a\n1:name=x:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "150000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "50000\n",
            },
            3,
        ),
        # version 1, no limit
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            8,
        ),
        # both versions at once: the processor is governed by the old one
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/job\n1:name=systemd:/job\n0::/job\n",
                "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "400000\n",
                "sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000\n",
            },
            4,
        ),
        # nothing is said of this process: the usual places are tried
        ({"sys/fs/cgroup/cpu.max": "100000 100000\n"}, 1),
        # nonsense is no limit
        ({"sys/fs/cgroup/cpu.max": "100000 0\n"}, 8),
        ({"sys/fs/cgroup/cpu.max": "many few\n"}, 8),
        ({"proc/self/cgroup": "broken\n\n::\n0::/../../x\n"}, 8),
        ({}, 8),
    ],
)
def test_a_quota_limits_the_cpus(system: System, files: dict[str, str], cpus: int) -> None:
    for path, text in files.items():
        write(system, path, text)
    assert available_cpus(system) == cpus
