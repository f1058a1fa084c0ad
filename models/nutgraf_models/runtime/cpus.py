"""The number of CPUs available to this process, including container quotas."""

import os
from pathlib import Path


def usable_cpus(proc: Path = Path("/proc/self"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """The CPUs of the process's affinity mask, limited by its cgroup quotas (version 1 or 2); at least 1.

    A quota of 2.5 CPUs counts as 2: three threads would be throttled at the end of each period.
    """
    try:
        affinity = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1
    quotas = [quota for folder in _folders(proc, cgroups) if (quota := _quota(folder)) is not None]
    return max(1, int(min([affinity, *quotas])))


def _folders(proc: Path, cgroups: Path) -> list[Path]:
    """The folders of the process's cgroups and their parents, as far as they are visible."""
    try:
        lines = (proc / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    folders = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        # In a container, the path may be the host's, and the mount's root the container's own cgroup.
        mounts = (cgroups / controllers, cgroups / "cpu") if controllers else (cgroups, cgroups / "unified")
        own = Path(path.lstrip("/"))
        folders += [mount / part for mount in mounts for part in (own, *own.parents)]
    return folders


def _quota(folder: Path) -> float | None:
    """The CPU quota of a cgroup; None without a limit, or if there is no such cgroup."""
    try:
        if (folder / "cpu.max").is_file():
            quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
        else:
            quota, period = (
                (folder / f"cpu.cfs_{name}_us").read_text(encoding="utf-8").strip() for name in ("quota", "period")
            )
    except OSError:
        return None
    return None if quota in ("max", "-1") else int(quota) / int(period)
