"""A warm interpreter that forks a supervisor per request, so that none pays for a Python start.

It runs under the Python of any environment (3.9 and later) with the standard library and the
modules that it was told to import. It imports and never computes, and holds no threads: a fork of
it is as good as a new process (OpenMP hangs in the fork of a process that already used it).

    python -I [-S] zygote.py SOCKET [MODULE…]

SOCKET is the number of an inherited seqpacket socket: a request is a job's folder, the answer is
the supervisor's pid. When the server ends, the socket closes and the zygote ends; what it forked
lives on.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import importlib.util
import os
import random
import signal
import socket
import sys
import threading
import time
import types
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
    from flowmaker.executors import namespace, peers, supervisor
else:
    namespace = _sibling("namespace")
    peers = _sibling("peers")
    supervisor = _sibling("supervisor")


def serve(requests: socket.socket, preload: list[str]) -> None:
    """Fork a supervisor for each request until the server is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the server's terminal is not for us
    for name in preload:
        # What cannot be imported is told by the process that needs it, in its own log.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    while True:
        folder = requests.recv(65536).decode()
        if not folder:
            return
        pid = os.fork()
        if pid == 0:
            requests.close()
            _be_supervisor(folder)
        requests.send(str(pid).encode())


def _be_supervisor(folder: str) -> NoReturn:
    try:
        os.setsid()
        supervisor.supervise(folder, enter, run)
    except BaseException as error:  # noqa: BLE001 - it must not go on as a zygote
        sys.excepthook(type(error), error, error.__traceback__)
    os._exit(0)


def enter(spec: dict[str, Any]) -> None:
    """In the process itself: its network, and its view of the machine."""
    if spec["inlet"]:
        peers.open_inlet(spec["inlet"])
    if spec["joins"]:
        peers.join(spec["joins"])
    if spec["view"] is not None:
        namespace.enter(spec["view"])


def run(spec: dict[str, Any]) -> NoReturn:
    """In the process itself: the command, or the call."""
    if spec["call"]:
        _call(spec)
    supervisor.execute(spec)


def _call(spec: dict[str, Any]) -> NoReturn:
    """Call `module:function` as if this interpreter had been started for it alone."""
    _seem_new(spec)
    module, _, name = spec["call"].partition(":")
    code = 0
    try:
        getattr(importlib.import_module(module), name)()
    except SystemExit as ended:
        code = _exit_code(ended)
    except BaseException as error:  # noqa: BLE001 - the interpreter's own last resort
        trace = error.__traceback__
        own = error.with_traceback(trace.tb_next if trace else None)  # without this function
        sys.excepthook(type(own), own, own.__traceback__)
        code = 1
    os._exit(_wind_up(code))


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
    random.seed()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()


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
