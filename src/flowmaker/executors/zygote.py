"""A warm interpreter that forks supervisors, so that none pays for a Python start.

It runs under the Python of any environment (3.9 and later) with the standard library and the
modules that it was told to import. It imports and never computes, and holds no threads: a fork of
it is as good as a new process (OpenMP hangs in the fork of a process that already used it).

    python -I [-S] zygote.py SOCKET [MODULE…]

SOCKET is the number of an inherited seqpacket socket: a request is a job's folder, the answer is
the pid of the supervisor that it was given to. A supervisor has one process at a time, and when
nothing is left of that it waits for another. When the server ends, the socket closes and the zygote
ends; its supervisors live on until their processes have ended.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import importlib.util
import os
import select
import signal
import socket
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn


def _sibling(name: str) -> types.ModuleType:
    """Load a file beside this one under a name of our own: its folder stays off `sys.path`."""
    spec = importlib.util.spec_from_file_location(
        f"flowmaker_{name}", Path(__file__).with_name(f"{name}.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


if TYPE_CHECKING:
    from flowmaker.executors import ahead, limits, namespace, pages, peers, supervisor, unsynced
else:
    ahead = _sibling("ahead")
    limits = _sibling("limits")
    namespace = _sibling("namespace")
    pages = _sibling("pages")
    peers = _sibling("peers")
    supervisor = _sibling("supervisor")
    unsynced = _sibling("unsynced")


#: Supervisors that wait for work at most; of more, those that have none end. Where many tasks end
#: at about the same time, the next ones would else need new supervisors.
MOST_WAITING = 16
#: How many of them stay when there was nothing to do for so many milliseconds.
STAY, QUIET = 4, 10_000


def serve(requests: socket.socket, preload: list[str]) -> None:
    """Give each request to a supervisor until the server is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the server's terminal is not for us
    for name in preload:
        # What cannot be imported is told by the process that needs it, in its own log.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    _Crew(requests).work()


class _Crew:
    """The supervisors that this interpreter forked, each with a socket for its orders."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._memory = pages.Pages()
        self._pids: dict[socket.socket, int] = {}
        self._waiting: list[socket.socket] = []
        self._poll = select.poll()
        self._poll.register(requests, select.POLLIN)

    def work(self) -> None:
        """Until the server is gone. One supervisor is always forked ahead."""
        while True:
            if not self._waiting:
                self._fork()
            ready = {number for number, _ in self._poll.poll(QUIET)}
            if not ready:
                for orders in self._waiting[STAY:]:
                    self._forget(orders)
            for orders in [each for each in self._pids if each.fileno() in ready]:
                self._hear(orders)
            if self._requests.fileno() in ready:
                folder = self._requests.recv(65536)
                if not folder:
                    return
                self._requests.send(str(self._give(folder)).encode())

    def _give(self, folder: bytes) -> int:
        while True:
            if not self._waiting:
                self._fork()
            # The one that waits longest: the next process of another may not be ready yet.
            orders = self._waiting.pop(0)
            try:
                orders.send(folder)
            except OSError:  # it was killed
                self._forget(orders)
            else:
                return self._pids[orders]

    def _hear(self, orders: socket.socket) -> None:
        """It waits for work again, or it has ended."""
        try:
            is_waiting = bool(orders.recv(16))
        except OSError:
            is_waiting = False
        if is_waiting and len(self._waiting) < MOST_WAITING:
            self._waiting.append(orders)
        else:
            self._forget(orders)

    def _forget(self, orders: socket.socket) -> None:
        """Without its socket it ends, once its process has."""
        self._poll.unregister(orders)
        del self._pids[orders]
        if orders in self._waiting:
            self._waiting.remove(orders)
        orders.close()

    def _fork(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            for each in (self._requests, ours, *self._pids):
                each.close()
            _be_supervisor(theirs, self._memory)
        theirs.close()
        self._pids[ours] = pid
        self._waiting.append(ours)
        self._poll.register(ours, select.POLLIN)


def _be_supervisor(orders: socket.socket, memory: pages.Pages) -> NoReturn:
    def enter_alone(spec: dict[str, Any]) -> None:
        orders.close()  # it is for its supervisor
        enter(spec)

    def run_and_leave(spec: dict[str, Any]) -> NoReturn:
        run(spec, leave)

    def leave(code: int) -> None:
        memory.learn()
        if code == 0:
            ahead.say_that_it_leaves()

    files = unsynced.Unsynced()
    try:
        os.setsid()
        child = ahead.Ahead(enter_alone, run_and_leave, memory.copy)
        while (folder := orders.recv(65536)) and supervisor.supervise(
            folder.decode(), child, limits.of, files
        ):
            os.chdir("/")
            child = ahead.Ahead(enter_alone, run_and_leave, memory.copy)
            orders.send(b"waiting")
            files.sync_unless_wanted(orders)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the zygote is gone
    except BaseException as error:  # noqa: BLE001 - it must not go on as a zygote
        sys.excepthook(type(error), error, error.__traceback__)
    with contextlib.suppress(OSError):
        files.sync()
    os._exit(0)


def enter(spec: dict[str, Any]) -> None:
    """In the process itself: its network, and its view of the machine."""
    if spec["inlet"]:
        peers.open_inlet(spec["inlet"], spec.get("inlet_to", spec["inlet"]))
    if spec["joins"]:
        peers.join(spec["joins"])
    if spec["view"] is not None:
        namespace.enter(spec["view"])


def run(spec: dict[str, Any], at_end: Callable[[int], None] = lambda _: None) -> NoReturn:
    """In the process itself: the command, or the call; after the call `at_end(exit code)`."""
    if spec["call"]:
        _call(spec, at_end)
    ahead.execute(spec)


def _call(spec: dict[str, Any], at_end: Callable[[int], None]) -> NoReturn:
    """Call `module:function` as if this interpreter had been started for it alone."""
    _seem_new(spec)
    module, _, name = spec["call"].partition(":")
    code = 0
    try:
        getattr(importlib.import_module(module), name)()
    except SystemExit as ended:
        code = _exit_code(ended)
    except BaseException as error:  # noqa: BLE001 - the interpreter's own last resort
        own = error.with_traceback(_within(error.__traceback__, module))
        sys.excepthook(type(own), own, own.__traceback__)
        code = 1
    code = _wind_up(code)
    at_end(code)
    os._exit(code)


def _within(trace: types.TracebackType | None, called: str) -> types.TracebackType | None:
    """Where it went wrong, without the frames of ours that only led there: this file, the callee.

    All of it, if it went wrong in the callee itself.
    """
    file = getattr(sys.modules.get(called), "__file__", None)
    inner = trace
    while inner is not None and inner.tb_frame.f_code.co_filename in (__file__, file):
        inner = inner.tb_next
    return inner or (trace and trace.tb_next)


def _seem_new(spec: dict[str, Any]) -> None:
    env: dict[str, str] = spec["env"]
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    sys.argv[:] = spec["argv"]
    sys.path[:0] = [spec["cwd"], *(part for part in env.get("PYTHONPATH", "").split(":") if part)]
    sys.modules["__main__"] = types.ModuleType("__main__")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(  # type: ignore[union-attr]
            encoding="utf-8", errors="backslashreplace", line_buffering=True
        )
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as Python itself starts
    # Forks share the state of a generator that was seeded in the zygote.
    for name in ("random", "numpy.random"):
        if name in sys.modules:
            sys.modules[name].seed()


def _exit_code(ended: SystemExit) -> int:
    if ended.code is None:
        return 0
    if isinstance(ended.code, int):
        return ended.code & 0xFF
    sys.stderr.write(f"{ended.code}\n")
    return 1


def _wind_up(code: int) -> int:
    """What an interpreter does at its end: threads are waited for, handlers run, buffers go out."""
    try:
        threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001
        atexit._run_exitfuncs()  # type: ignore[attr-defined] # noqa: SLF001
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException as error:  # noqa: BLE001
        sys.excepthook(type(error), error, error.__traceback__)
        return code or 1
    return code


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
