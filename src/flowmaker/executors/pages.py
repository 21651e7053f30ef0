"""The memory that a fork will write to, copied for it before it has anything to do.

A fork shares its pages with its parent, and the first write to each costs a fault and a copy. A
Python function writes to hundreds, if only to count references, and to much the same ones as the
function before it: so the first few say which, and each process that waits for its task copies
them meanwhile. It is a matter of speed alone; whatever goes wrong here is passed over.

Standard library only (it runs under the Python of any environment, 3.9 and later). Linux says in
/proc/self/pagemap which pages are a process's own (bit 56), and copies them when it is told to
(MADV_POPULATE_WRITE, Linux 5.14 and later).
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import re
from collections.abc import Callable
from pathlib import Path

MADV_POPULATE_WRITE = 23
#: Bytes of a page's entry in /proc/self/pagemap; its last byte has bit 56 as its lowest.
_ENTRY = 8
_OWN = bytes(number & 1 for number in range(256))
#: Processes that want to run, for each processor: more than these are many.
MANY = 3
#: Seconds until it is looked again whether they are; then twice as long each time.
_FIRST_PAUSE = 0.01
#: How many processes say what they wrote to. What only some of them did is not copied.
LEARNERS = 3
#: Pages that were written to, with at most one between them that was not: a call costs more.
_TOGETHER = re.compile(rb"\x01(?:\x00?\x01)*")
_ADVISE = ctypes.CDLL(None).madvise
_ADVISE.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


class Pages:
    """The pages of this process when it was made, and which of them its forks write to.

    What is learned is in memory that all its forks share: one byte that counts the learners, and
    one for each page. Whoever finds that all is learned lets go of it before it runs anything.
    """

    def __init__(self) -> None:
        self._areas = _own_areas()
        self._learned: mmap.mmap | None = mmap.mmap(-1, 1 + sum(size for _, size in self._areas))

    def copy(self, is_wanted: Callable[[float], bool]) -> None:
        """Copy those that forks write to. This process will be the next of them.

        `is_wanted` waits so many seconds for something to do: where many processes want to run,
        nothing is copied. What is written to by chance is copied for less.
        """
        with contextlib.suppress(OSError, ValueError, IndexError):
            if self._learned is None or self._learned[0] < LEARNERS:
                return
            if _is_there_time(is_wanted):
                begin = 1
                for address, size in self._areas:
                    written = self._learned[begin : begin + size]
                    begin += size
                    for found in _TOGETHER.finditer(written):
                        _populate(address, found.start(), found.end())
            self._learned.close()
            self._learned = None

    def learn(self) -> None:
        """Say what this process wrote to; it is about to end."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            if self._learned is None or self._learned[0] >= LEARNERS:
                return
            written = self._written()
            if self._learned[0]:
                both = _number(written) & _number(self._learned[1:])
                written = both.to_bytes(len(written), "little")
            self._learned[1:] = written
            self._learned[0] += 1

    def _written(self) -> bytes:
        """A byte for each page: 1 if it is this process's own."""
        flags: list[bytes] = []
        with Path("/proc/self/pagemap").open("rb", buffering=0) as entries:
            for address, size in self._areas:
                entries.seek(address // mmap.PAGESIZE * _ENTRY)
                flags.append(entries.read(size * _ENTRY)[_ENTRY - 1 :: _ENTRY])
        return b"".join(flags).translate(_OWN)


def _number(flags: bytes) -> int:
    return int.from_bytes(flags, "little")


def _is_there_time(is_wanted: Callable[[float], bool]) -> bool:
    """Wait while many want to run; False once this process itself has something to do."""
    pause = _FIRST_PAUSE
    while _are_many_waiting():
        if is_wanted(pause):
            return False
        pause *= 2
    return True


def _are_many_waiting() -> bool:
    """Whether so much wants to run that whatever is done ahead holds up others."""
    with Path("/proc/loadavg").open("rb", buffering=0) as load:
        running = load.read(64).split()[3].partition(b"/")[0]
    return int(running) > MANY * len(os.sched_getaffinity(0))


def _populate(address: int, begin: int, end: int) -> None:
    size = (end - begin) * mmap.PAGESIZE
    _ADVISE(address + begin * mmap.PAGESIZE, size, MADV_POPULATE_WRITE)


def _own_areas() -> list[tuple[int, int]]:
    """Address and pages of what this process may write to and shares with its forks only."""
    areas: list[tuple[int, int]] = []
    try:
        maps = Path("/proc/self/maps").read_text()
    except OSError:
        return []
    for line in maps.splitlines():
        reach, mode, *_ = line.split()
        if mode == "rw-p" and not line.endswith("[stack]"):
            begin, end = (int(number, 16) for number in reach.split("-"))
            areas.append((begin, (end - begin) // mmap.PAGESIZE))
    return areas
