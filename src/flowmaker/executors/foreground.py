"""Runs a prepared process in this terminal, confined as its supervisor would confine it.

    python -I foreground.py FOLDER

FOLDER has the spec.json of `supervisor.py`, and is locked while the process runs as by one. Its
stdin, stdout and stderr are this terminal's, and so is its process group: a Ctrl-C is its own.
Standard library alone, for every Python of an environment (3.9 and later).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowmaker.executors import zygote
else:
    import importlib.util

    def _load(name: str) -> types.ModuleType:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    zygote = _load("zygote")

#: What a program needs to know to draw in this terminal.
_TERMINAL = ("TERM", "COLORTERM", "COLUMNS", "LINES")


def main(folder: str) -> int:
    """Run it; returns its exit code, 128 + n when signal n ended it."""
    os.chdir(folder)
    lock = os.open("lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    spec: dict[str, Any] = json.loads(Path("spec.json").read_text(encoding="utf-8"))
    for name in _TERMINAL:
        if name in os.environ:
            spec["env"].setdefault(name, os.environ[name])
    child = os.fork()
    if child == 0:
        _be(spec)
    # What is typed is for the process; who stops us means it.
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: _pass_on(child, number))
    _, status = os.waitpid(child, 0)
    # It holds environment variables, of which some are secrets.
    Path("spec.json").unlink()
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _be(spec: dict[str, Any]) -> None:
    """In the child: the process itself. Never returns."""
    try:
        os.umask(0o022)
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)  # whatever they were for who started us
        zygote.enter(spec)
        os.chdir(spec["cwd"])
        zygote.run(spec)
    except BaseException as error:  # noqa: BLE001 - it must end here, whatever happened
        os.write(2, f"flowmaker: cannot start it: {error}\n".encode())
    os._exit(127)


def _pass_on(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
