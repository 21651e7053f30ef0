"""Limits of memory and CPU on a process and all that it started, kept by its supervisor.

A kernel would do it with cgroups, which an ordinary user, or a container, may seldom write. So the
supervisor watches, which needs no rights: who has more memory than its limit is killed; who used
more CPU than its limit, counted over a tenth of a second, is held (SIGSTOP) until that is made good
(SIGCONT). A process without limits is not looked at.

Like its supervisor, it runs under the Python of any environment (3.9 and later) with the standard
library alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
#: Seconds between two looks: at least, and at most.
_SHORTEST, _LONGEST = 0.01, 0.25
#: Bytes a second that memory can grow by, about: the further away the limit, the later the look.
_GROWTH = 4 << 30
#: Seconds over which CPU time is counted: what was not used for longer is not saved up.
_PERIOD = 0.1
#: Passes over a family to hold all of it: what is forked during one is held in the next.
_PASSES = 5

#: Writes a line to the log of the process.
Say = Callable[[str], None]


class _Process(NamedTuple):
    pid: int
    state: str
    #: CPU time of it and of its children that have ended.
    ticks: int
    #: Bytes that are resident, of which some may be another's too.
    resident: int


class Limits:
    """Of one process, the child of the calling one. Use it until it ended, or until `lift`."""

    def __init__(self, memory: int, cores: float, say: Say) -> None:
        """Bytes of memory and cores, 0 for no limit."""
        self._memory = memory
        self._cores = cores if cores < len(os.sched_getaffinity(0)) else 0.0
        self._say = say
        self._at = time.monotonic()
        self._used = _cpu_seconds(_family())
        self._credit = cores * _PERIOD
        self._held: set[int] = set()
        self._held_for = 0.0
        self._next = self._at

    def pause(self) -> float:
        """Seconds until it is to be looked again."""
        return max(0.0, self._next - time.monotonic())

    def is_over(self) -> bool:
        """Whether it has more memory than it may have. It is held, or let go on, as to its CPU."""
        if self.pause():
            return False
        pause = _LONGEST
        family = list(_family())
        if self._memory:
            resident = sum(each.resident for each in family)
            # Pages that several of them have, or the one that forked them, count once, or in part.
            if resident > self._memory:
                resident = sum(map(_proportional, family))
            if resident > self._memory:
                self._say(
                    f"OOMKilled: used {resident >> 20} MiB of memory, and its limit is "
                    f"{self._memory / (1 << 20):g} MiB"
                )
                return True
            pause = _within((self._memory - resident) / _GROWTH)
        if self._cores:
            pause = min(pause, self._throttle(family))
        self._next = time.monotonic() + pause
        return False

    def lift(self) -> None:
        """Let it go on for good, and say how long it was held."""
        self._release()
        if self._held_for >= _PERIOD:
            self._say(f"its CPU limit of {self._cores:g} cores held it for {self._held_for:.1f} s")
        self._memory, self._cores, self._held_for = 0, 0.0, 0.0

    def _throttle(self, family: list[_Process]) -> float:
        """Hold it or let it go on. Seconds until that may have to change."""
        now, used = time.monotonic(), _cpu_seconds(family)
        passed, self._at = now - self._at, now
        # Who has just ended is missed by one look and counted by the next.
        spent, self._used = max(0.0, used - self._used), max(used, self._used)
        most = self._cores * _PERIOD
        self._credit = min(most, self._credit + self._cores * passed) - spent
        if self._held:
            self._held_for += passed
        if self._credit > 0:
            self._release()
            soonest = self._credit / (len(os.sched_getaffinity(0)) - self._cores)
        else:
            self._hold()
            soonest = -self._credit / self._cores
        return _within(soonest)

    def _hold(self) -> None:
        for _ in range(_PASSES):
            news = [
                each.pid
                for each in _family()
                # One that its own family stopped is theirs to let go on.
                if each.pid not in self._held and each.state not in "TtZX"
            ]
            if not news:
                return
            self._held.update(news)
            _signal(news, signal.SIGSTOP)

    def _release(self) -> None:
        if self._held:
            _signal(self._held, signal.SIGCONT)
            self._held.clear()


def of(spec: dict[str, Any], say: Say) -> Limits | None:
    """The limits of a process by its spec.json; None when it has none, or they cannot be kept."""
    memory, cores = int(spec.get("memory_limit", 0)), float(spec.get("cpu_limit", 0.0))
    if not memory and not cores:
        return None
    if not Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists():
        say("its limits are not enforced: this kernel does not tell what a process started")
        return None
    return Limits(memory, cores, say)


def _within(seconds: float) -> float:
    return min(_LONGEST, max(_SHORTEST, seconds))


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _family() -> Iterator[_Process]:
    """All that lives below this process, in whatever group, session or namespace: parents first."""
    waiting = _children(os.getpid())
    while waiting:
        pid = waiting.pop()
        try:
            text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:
            continue  # it has just ended
        # From its state on (proc_pid_stat(5), field 3): before is the name, which may be anything.
        fields = text.rpartition(")")[2].split()
        ticks = sum(int(each) for each in fields[11:15])
        yield _Process(pid, fields[0], ticks, int(fields[21]) * _PAGE)
        waiting += _children(pid)


def _children(pid: int) -> list[int]:
    """Of all its threads."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                text = (thread / "children").read_text()
                found += [int(child) for child in text.split()]
    return found


def _cpu_seconds(family: Iterable[_Process]) -> float:
    """Also of those that ended: their parents were told, and of orphans that is this process."""
    own = os.times()
    below = sum(each.ticks for each in family) / _TICKS
    return below + own.children_user + own.children_system


def _proportional(process: _Process) -> int:
    """Bytes of memory, where a page that n processes have counts 1/n; whole, if it is not told."""
    try:
        with Path(f"/proc/{process.pid}/smaps_rollup").open() as lines:
            return next(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))
    except PermissionError:
        return process.resident
    except (OSError, StopIteration):
        return 0  # it has just ended
