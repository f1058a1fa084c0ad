"""The number of threads follows the CPU affinity and the cgroup quota of the process."""

import contextlib
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from nutgraf_models import loading
from nutgraf_models.runtime.cpus import usable_cpus


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)))


def files(folder: Path, contents: dict[str, str]) -> None:
    for name, content in contents.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content + "\n")


@pytest.mark.parametrize(
    ("cgroup", "contents", "expected"),
    [
        ("0::/", {}, 8),
        ("0::/", {"cpu.max": "max 100000"}, 8),
        ("0::/", {"cpu.max": "200000 100000"}, 2),
        ("0::/", {"cpu.max": "250000 100000"}, 2),
        ("0::/", {"cpu.max": "50000 100000"}, 1),
        ("0::/", {"cpu.max": "1600000 100000"}, 8),
        # The minimum over the process's cgroup and its parents.
        ("0::/pods/one", {"pods/one/cpu.max": "max 100000", "pods/cpu.max": "300000 100000"}, 3),
        ("0::/pods/one", {"pods/one/cpu.max": "400000 100000", "pods/cpu.max": "600000 100000"}, 4),
        # The host's path, while the container's own cgroup is the root of its mount.
        ("0::/kubepods/pod7", {"cpu.max": "200000 100000"}, 2),
        ("4:memory:/x\n1:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ("1:cpu:/", {"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3),
        (
            "2:cpu,cpuacct:/docker/a",
            {"cpu,cpuacct/docker/a/cpu.cfs_quota_us": "150000", "cpu,cpuacct/docker/a/cpu.cfs_period_us": "50000"},
            3,
        ),
        ("3:cpuset:/small", {"cpuset/small/cpu.cfs_quota_us": "1", "cpuset/small/cpu.cfs_period_us": "1"}, 8),
    ],
)
def test_cgroup_quota_limits_usable_cpus(tmp_path: Path, cgroup: str, contents: dict[str, str], expected: int) -> None:
    files(tmp_path / "proc", {"cgroup": cgroup})
    files(tmp_path / "fs", contents)
    assert usable_cpus(tmp_path / "proc", tmp_path / "fs") == expected


def test_affinity_limits_usable_cpus_without_cgroups(tmp_path: Path) -> None:
    assert usable_cpus(tmp_path / "proc", tmp_path / "fs") == 8


@contextlib.contextmanager
def quota_of_one_cpu() -> Iterator[Path]:
    """A cgroup with one CPU; skips if it cannot be created."""
    name = f"nutgraf-test-{uuid.uuid4().hex[:8]}"
    for root in (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")):
        folder = root / name
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            if (folder / "cpu.max").exists():
                (folder / "cpu.max").write_text("100000 100000")
            elif (folder / "cpu.cfs_quota_us").exists():
                (folder / "cpu.cfs_period_us").write_text("100000")
                (folder / "cpu.cfs_quota_us").write_text("100000")
            else:
                continue
            yield folder
            return
        finally:
            folder.rmdir()
    pytest.skip("no cgroup with a quota can be made here")


def test_threads_follow_the_quota() -> None:
    code = (
        "import os, sys, torch, pathlib; pathlib.Path(sys.argv[1], 'cgroup.procs').write_text(str(os.getpid()));"
        "from nutgraf_models.loading import default_threads; from nutgraf_models.runtime.cpus import usable_cpus;"
        "print(usable_cpus(), default_threads())"
    )
    if (os.cpu_count() or 1) < 2:
        pytest.skip("one CPU is all there is")
    with quota_of_one_cpu() as folder:
        done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1"]


def test_engine_chooses_threads_without_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "usable_cpus", os.cpu_count)
    assert loading.default_threads() is None
