"""How much this machine has for those who ask: its cores, its memory, its accelerators.

Of a container the cores and the memory are those that it may use.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from flowmaker.executors.room import Amount

#: Where a container of cgroup v2 finds its own limits.
_CGROUP = Path("/sys/fs/cgroup")
#: Where NVIDIA's driver has a folder for each of its devices.
_NVIDIA = Path("/proc/driver/nvidia/gpus")
#: As Kubernetes calls them, and kfp's `set_accelerator_type`.
NVIDIA = "nvidia.com/gpu"


def capacity(
    cores: float = 0.0,
    memory: int = 0,
    accelerators: Mapping[str, int] | None = None,
    *,
    cgroup: Path = _CGROUP,
    nvidia: Path = _NVIDIA,
) -> Amount:
    """What there is to be asked for. Cores, bytes and accelerators that are given here win."""
    return Amount(
        millicores=round(cores * 1000) or _millicores(cgroup),
        memory=memory or _memory(cgroup),
        accelerators=accelerators or _found(nvidia),
    )


def _found(nvidia: Path) -> Mapping[str, int]:
    with suppress(OSError):
        return {NVIDIA: count} if (count := len(list(nvidia.iterdir()))) else {}
    return {}


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
