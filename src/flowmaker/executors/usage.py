"""What a process and all that it started use of the machine: from Linux's /proc."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
#: Fields of /proc/PID/stat behind the command's name: utime, stime and those of ended children;
#: and resident pages.
_TIMES = slice(11, 15)
_RESIDENT = 21


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds since it began, also of what has ended since; bytes that are resident now."""

    cpu_seconds: float
    memory: int


def usage(pid: int) -> Usage | None:
    """Of a process with its descendants; None if it is gone, or /proc does not tell. Blocking."""
    if not Path(f"/proc/{pid}/task/{pid}/children").exists():
        return None
    ticks = pages = 0
    for one in _family(pid):
        try:
            stat = Path(f"/proc/{one}/stat").read_text()
        except OSError:
            continue  # it has just ended
        fields = stat.rpartition(")")[2].split()
        ticks += sum(int(each) for each in fields[_TIMES])
        pages += int(fields[_RESIDENT])
    return Usage(cpu_seconds=ticks / _TICKS, memory=pages * _PAGE)


def _family(pid: int) -> Iterator[int]:
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        yield one
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                waiting += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
