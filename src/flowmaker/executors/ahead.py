"""The process that a supervisor runs, from its fork to the command: see `supervisor.py`.

It is forked before there is anything to run, so that no task waits for a fork. Like its supervisor,
it runs under the Python of any environment with the standard library alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
#: What a process says to its supervisor that is done, with exit code 0. The kernel takes two
#: milliseconds to take its memory apart, and nobody has to wait for that.
LEAVES = int(signal.SIGRTMIN) + 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_STDERR = 2

#: Moves the process into its network and its own view of the machine.
Enter = Callable[["dict[str, Any]"], None]
#: Replaces the process by the command, or runs the call in it. Never returns.
Body = Callable[["dict[str, Any]"], NoReturn]
#: What it does while there is nothing to run yet; it may wait so many seconds for the latter.
Prepare = Callable[[Callable[[float], bool]], None]


class Ahead:
    """A child that was forked before it is known what it is to run."""

    LEAVES = LEAVES
    #: The signals that its supervisor takes with sigtimedwait, and the child as any process does.
    WATCHED = frozenset({signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, LEAVES})

    def __init__(self, enter: Enter, body: Body, prepare: Prepare = lambda _: None) -> None:
        """Fork it. It waits for its folder, makes itself ready there, and waits to be let go."""
        # Blocked signals wait for sigtimedwait, the one place where we look at them: from before
        # the lock on, by which others find us.
        for number in self.WATCHED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_BLOCK, self.WATCHED)
        _LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        me = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            self._channel.close()
            _be_child(theirs, me, enter, body, prepare)
        theirs.close()
        _lead_a_group(self.pid)

    def begin(self) -> None:
        """Let it make itself ready for what is in our folder.

        Raises:
            BrokenPipeError: it was killed.
        """
        self._channel.send(os.getcwdb())

    def let_go(self) -> None:
        with contextlib.suppress(BrokenPipeError):  # it could not be prepared, and has ended
            self._channel.send(b"go")

    def close(self) -> None:
        """Let go of its namespace too, whose end takes the kernel longer than the process's."""
        self._channel.close()

    @staticmethod
    def open_log() -> int:
        """The log of the folder that we are in, to append to."""
        return os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _be_child(
    channel: socket.socket, parent: int, enter: Enter, body: Body, prepare: Prepare
) -> NoReturn:
    name = "a process"
    try:
        _lead_a_group(0)
        _die_with(parent)
        prepare(lambda seconds: bool(select.select([channel], [], [], seconds)[0]))
        folder = channel.recv(65536)
        if not folder:
            os._exit(125)  # nothing was to be run
        os.chdir(folder)
        with open("spec.json", "rb") as file:
            spec = json.load(file)
        name = spec["call"] or spec["argv"][0]
        _prepare(spec, parent, enter)
        _wait_for_release(channel)
        os.chdir(spec["cwd"])
        body(spec)
    except BaseException as error:  # noqa: BLE001 - it must end here, whatever happened
        os.write(2, f"flowmaker: cannot start {name}: {_said(error)}\n".encode())
        os._exit(126 if isinstance(error, PermissionError) else 127)


def _prepare(spec: dict[str, Any], parent: int, enter: Enter) -> None:
    """In the child: streams, limits and a view of its own."""
    # Its streams first, so that whatever goes wrong now is in its log.
    log = Ahead.open_log()
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    for target, source in enumerate((null, log, log)):
        os.dup2(source, target)
    os.close(log)
    os.umask(0o022)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    enter(spec)
    _die_with(parent)  # entering a user namespace may have cleared it
    for number in (*Ahead.WATCHED, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())


def _lead_a_group(pid: int) -> None:
    """Done by parent and child, so that the group is there whoever comes first."""
    with contextlib.suppress(OSError):  # the child may have made its own, or have ended
        os.setpgid(pid, pid)


def _wait_for_release(channel: socket.socket) -> None:
    # While its supervisor has this unread, the namespace outlives the process, whose end would
    # else be told only after that of the namespace.
    with contextlib.suppress(OSError):
        view = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        socket.send_fds(channel, [b"view"], [view])
        os.close(view)
    if not channel.recv(2):
        os._exit(125)  # the supervisor died before it could record that we were started
    channel.close()


def _die_with(parent: int) -> None:
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(125)


def say_that_it_leaves() -> None:
    """The call has ended well, and all that it printed is out.

    The next task may begin now: locks, ports and devices are let go first. Who has threads, which
    may use them, is waited for.
    """
    try:
        if len(os.listdir("/proc/self/task")) > 1:
            return
        files = [int(number) for number in os.listdir("/proc/self/fd")]
    except OSError:  # it cannot be known
        return
    for file in files:
        if file > _STDERR:
            with contextlib.suppress(OSError):
                os.close(file)
    os.kill(os.getppid(), LEAVES)


def execute(spec: dict[str, Any]) -> NoReturn:
    """Replace this process by the command of the spec, through the sandbox's program if any."""
    argv: list[str] = spec["argv"]
    env: dict[str, str] = spec["env"]
    wrapper: list[str] = spec["wrapper"]
    if wrapper:
        # The wrapper would report a missing command with an exit code of its own.
        if "/" not in argv[0] and not _on_path(argv[0], env.get("PATH", "")):
            raise FileNotFoundError(2, "command not found", argv[0])
        os.execve(wrapper[0], [*wrapper, *argv], env)  # noqa: S606
    os.execvpe(argv[0], argv, env)  # noqa: S606 - a shell is the author's to ask for


def _on_path(name: str, path: str) -> bool:
    return any(os.access(Path(folder) / name, os.X_OK) for folder in path.split(":") if folder)


def _said(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{where}"
    return f"{type(error).__name__}: {error}"
