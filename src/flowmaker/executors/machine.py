"""How much this machine has for those who ask: its cores and its memory, or its container's."""

import os
from contextlib import suppress
from pathlib import Path

from flowmaker.executors.room import Amount

#: Where a container of cgroup v2 finds its own limits.
_CGROUP = Path("/sys/fs/cgroup")


def capacity(cores: float = 0.0, memory: int = 0, cgroup: Path = _CGROUP) -> Amount:
    """What there is to be asked for. Cores, and bytes of memory, that are given here win."""
    return Amount(
        millicores=round(cores * 1000) or _millicores(cgroup),
        memory=memory or _memory(cgroup),
    )


def _millicores(cgroup: Path) -> int:
    found = len(os.sched_getaffinity(0)) * 1000
    with suppress(OSError, ValueError):
        quota, period = (cgroup / "cpu.max").read_text().split()
        found = min(found, int(quota) * 1000 // int(period))  # `max`: no limit
    return max(found, 1)


def _memory(cgroup: Path) -> int:
    found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):
        found = min(found, int((cgroup / "memory.max").read_text()))
    return found
