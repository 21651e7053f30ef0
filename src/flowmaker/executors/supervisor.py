"""The supervisor of a process: it outlives the server, and knows nothing of it.

It runs under the Python of any environment (3.9 and later), usually in a fork of the zygote, so it
imports the standard library alone. One folder is its whole interface:

    spec.json     what to run (written by the server; the claim to run it)
    lock          locked (POSIX record lock) from before the start until the end is recorded
    pid.json      written once, before the process is let go: it was started, never start it again
    log           the process's stdout and stderr: the file itself, so that no byte passes through
                  anything that could die
    stop.json     {"grace": seconds}: end it (written by the server, then SIGTERM to us; the signal
                  alone says nothing)
    outcome.json  how it ended
    ../.exits     a datagram with the folder's name goes there at the end, if somebody listens

Neither pid.json nor a lock: it may be started (again). A lock: it runs. pid.json without lock and
outcome: its supervisor was killed and the process with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # who forks it hands it over: nothing is imported from beside this file
    from flowmaker.executors.ahead import Ahead
    from flowmaker.executors.limits import Limits, Say
    from flowmaker.executors.unsynced import Unsynced

    #: The limits of a process, by its spec.json.
    LimitsOf = Callable[[dict[str, Any], Say], Limits | None]

#: Seconds that strays get to vanish after SIGKILL (one may sit in the kernel).
_STRAYS = 5.0
#: Exit codes by which shells, and bubblewrap, tell of a signal.
_SHELLS_SIGNALLED = range(129, 160)


def supervise(folder: str, ahead: Ahead, limits_of: LimitsOf, unsynced: Unsynced) -> bool:
    """Run what `folder`/spec.json says, unless it was ever started, and record how it ends.

    Returns whether nothing of it is left: then this process may supervise another. `ahead` is its
    child, and is used up. `limits_of` is `limits.of`. What is not on the disk yet is added to
    `unsynced`.
    """
    os.chdir(folder)
    os.umask(0o077)
    lock = os.open("lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        return not _is_taken(lock) and _run_and_record(ahead, limits_of, unsynced)
    finally:
        ahead.close()
        os.close(lock)


def _is_taken(lock: int) -> bool:
    """Whether it is, or was, another's to supervise. If not, the lock is ours."""
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return os.path.exists("pid.json") or os.path.exists("outcome.json")


def _run_and_record(ahead: Ahead, limits_of: LimitsOf, unsynced: Unsynced) -> bool:
    ahead.begin()  # it reads for itself, meanwhile
    with open("spec.json", "rb") as file:
        spec = json.load(file)
    log = ahead.open_log()
    said_before = os.fstat(log).st_size
    started = time.time()
    _start(spec, ahead)
    limits = limits_of(spec, functools.partial(_say, log))
    outcome = _Watch(ahead, spec, limits).until_end()
    # One that leaves, and alone, is not waited for.
    is_clean = _is_alone(ahead.pid) or _end_strays(ahead.pid)
    if spec.get("remove"):
        _run(spec["remove"], spec["env"])
    record = {**outcome, "sandbox": spec["sandbox"], "started_at": started}
    put("outcome.json", {**record, "ended_at": time.time()})
    # Whoever is told now puts it on the disk by himself, before he tells anybody else. Where
    # nobody listens, it is to outlive the machine all the same.
    here = os.getcwd()
    _tell(os.path.basename(here))
    unsynced.add(f"{here}/outcome.json")
    if os.fstat(log).st_size != said_before:
        unsynced.add(f"{here}/log")
    os.close(log)
    return is_clean and _end_strays(ahead.pid)


def _say(log: int, line: str) -> None:
    os.write(log, f"[flowmaker] {line}\n".encode())


def put(name: str, content: dict[str, Any]) -> None:
    """Write a file so that nobody ever reads half of it."""
    file = os.open(f"{name}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, json.dumps(content).encode())
    finally:
        os.close(file)
    os.replace(f"{name}.new", name)


def _start(spec: dict[str, Any], ahead: Ahead) -> None:
    """Start the process. It is let go only when pid.json says that it was started."""
    while signal.sigtimedwait({ahead.LEAVES}, 0) is not None:
        pass  # of the one before, which ended as it said so
    started = {
        "supervisor": os.getpid(),
        "pid": ahead.pid,
        "birth": birth(ahead.pid),
        "boot": boot_id(),
        "sandbox": spec["sandbox"],
        "started_at": time.time(),
    }
    put("pid.json", started)
    ahead.let_go()


class _Watch:
    """Waits for the end of the process, and brings it about when told to or when time is up."""

    def __init__(self, ahead: Ahead, spec: dict[str, Any], limits: Limits | None) -> None:
        self._child = ahead.pid
        self._watched = ahead.WATCHED
        self._leaves = ahead.LEAVES
        self._wrapped = bool(spec["wrapper"])
        self._terminate: list[str] = spec.get("terminate", [])
        self._env: dict[str, str] = spec["env"]
        self._grace = float(spec["grace"])
        self._timeout = time.monotonic() + spec["timeout"] if spec["timeout"] else None
        self._limits = limits
        self._kill_at: float | None = None
        self._reason = ""
        self._status: int | None = None
        self._unborn = False

    def until_end(self) -> dict[str, Any]:
        self._stop_if_told()  # it may have been before we were there to be told
        while self._status is None:
            signalled = signal.sigtimedwait(self._watched, self._patience())
            if signalled is not None and signalled.si_signo == signal.SIGTERM:
                self._stop_if_told()
            elif signalled is not None and signalled.si_signo == self._leaves:
                self._let_leave(signalled.si_pid)
            if self._status is None:
                self._watch_the_limits()
            self._watch_the_time()
            self._reap()
        self._lift_limits()
        return {"exit_code": self._exit_code(self._status), "reason": self._reason}

    def _let_leave(self, pid: int) -> None:
        """It says itself that it has ended well; nobody else can say so."""
        if pid == self._child:
            self._status = 0

    def _stop_if_told(self) -> None:
        # A signal without word may have been meant for what we supervised before.
        if os.path.exists("stop.json"):
            self._stop("stopped")

    def _patience(self) -> float:
        until = self._timeout if self._kill_at is None else self._kill_at
        patience = 3600.0 if until is None else max(0.0, until - time.monotonic())
        return patience if self._limits is None else min(patience, self._limits.pause())

    def _watch_the_limits(self) -> None:
        if self._limits is not None and self._limits.is_over():
            self._lift_limits()
            self._kill_at = time.monotonic()
            self._reason = "memory"

    def _lift_limits(self) -> None:
        if self._limits is not None:
            self._limits.lift()
            self._limits = None

    def _watch_the_time(self) -> None:
        now = time.monotonic()
        if self._kill_at is not None and now >= self._kill_at:
            _signal_group(self._child, signal.SIGKILL)
            self._kill_at = now + 1
        elif self._kill_at is None and self._timeout is not None and now >= self._timeout:
            self._stop("timeout")

    def _stop(self, reason: str) -> None:
        """SIGTERM now and SIGKILL after the grace; a later stop may shorten it, not prolong it."""
        kill_at = time.monotonic() + _asked_grace(self._grace)
        if self._kill_at is not None:
            self._kill_at = min(self._kill_at, kill_at)
            return
        self._kill_at = kill_at
        self._reason = reason
        self._lift_limits()  # it is to hear of it
        if self._terminate:
            if _run(self._terminate, self._env):
                self._kill_at = time.monotonic()  # there is nothing of that name yet, or any more
        elif not self._wrapped:
            _signal_group(self._child, signal.SIGTERM)
            _terminate(_descendants(os.getpid()) - set(group_members(self._child)))
        elif not _terminate_inside(self._child):
            self._kill_at = time.monotonic()  # nothing of the user's runs in it yet
            self._unborn = True

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self._child:
                    self._status = status

    def _exit_code(self, status: int) -> int:
        """As subprocess has it. Bubblewrap and engines say 128+n for signal n, as shells do."""
        if self._unborn:
            return -signal.SIGTERM  # that is what would have ended it
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
        shells = self._wrapped or bool(self._terminate)
        return 128 - code if shells and code in _SHELLS_SIGNALLED else code


def _asked_grace(default: float) -> float:
    try:
        grace = json.loads(Path("stop.json").read_text(encoding="utf-8"))["grace"]
    except FileNotFoundError:
        return default
    return default if grace is None else float(grace)


def _run(command: list[str], env: dict[str, str]) -> int:
    """Run a command that prints nothing that matters, and wait for it; its exit code."""
    null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    pid = os.posix_spawn(command[0], command, env, file_actions=null, setsigmask=[])
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _terminate_inside(wrapper: int) -> bool:
    """SIGTERM to all but the sandbox's two processes, whose end would be its SIGKILL."""
    inside = _descendants(wrapper) - set(_children(wrapper))
    _terminate(inside)
    return bool(inside)


def _terminate(pids: set[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM)


def group_members(group: int) -> list[int]:
    """Every process of the group that lives."""
    return [pid for pid, _, its_group in _living() if its_group == group]


def _descendants(pid: int) -> set[int]:
    """Every process that lives below `pid`, in whatever group or session."""
    children: dict[int, list[int]] = {}
    for each, parent, _ in _living():
        children.setdefault(parent, []).append(each)
    found: set[int] = set()
    ahead = [pid]
    while ahead:
        for child in children.get(ahead.pop(), ()):
            found.add(child)
            ahead.append(child)
    return found


def _living() -> Iterator[tuple[int, int, int]]:
    """Number, parent and group of every process that lives, as this machine numbers them."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            state, parent, group, *_ = _stat(int(entry.name))
            if state not in "ZX":
                yield int(entry.name), int(parent), int(group)


def birth(pid: int) -> int:
    """When the process began, in ticks since the boot; 0 when there is none.

    Process numbers are used again, but not with the same birth.
    """
    try:
        return int(_stat(pid)[19])
    except OSError:
        return 0


def _stat(pid: int) -> list[str]:
    """What the kernel tells of a process, from its state on (proc_pid_stat(5), field 3)."""
    # Before it is the name, which may contain anything.
    return _told(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _told(path: str) -> str:
    """What the kernel says in a file, which is short."""
    with open(path, "rb", buffering=0) as file:
        return file.read().decode("utf-8", "replace")


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in _told(f"/proc/{pid}/task/{pid}/children").split()]
    except OSError:
        return []


def _is_alone(child: int) -> bool:
    """Whether nothing lives that it started. It is asked first: what it leaves comes to us."""
    tasks = f"/proc/{child}/task"
    try:
        threads = [f"{tasks}/{each}" for each in os.listdir(tasks)]
        threads.append(f"/proc/self/task/{os.getpid()}")
        below = [each for thread in threads for each in _told(f"{thread}/children").split()]
    except OSError:
        return False
    return set(below) <= {str(child)}


def _end_strays(group: int) -> bool:
    """What the process left running came to us, the subreaper, and ends with it.

    Returns whether all of it is gone.
    """
    _signal_group(group, signal.SIGKILL)
    until = time.monotonic() + _STRAYS
    while time.monotonic() < until:
        for pid in _children(os.getpid()):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
        signal.sigtimedwait({signal.SIGCHLD}, 0.02)
    return False


@functools.lru_cache(maxsize=1)
def boot_id() -> str:
    """Which boot of this machine it is: process numbers mean nothing in another."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _tell(name: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as exits:
        exits.settimeout(2)
        with contextlib.suppress(OSError):  # nobody there: the server looks when it starts
            exits.sendto(name.encode(), "../.exits")
