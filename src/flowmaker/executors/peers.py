"""Processes without a network that have each other: the instances of one training job.

The first has a network of its own with nothing but a loopback; the others move into it before they
begin. Standard library only (it runs under the Python of any environment, 3.9 and later), for a
forked child that is about to become a user's process. It needs what `namespace.py` needs.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import time
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
#: ioctl_ns(2): the user namespace that a namespace belongs to.
NS_GET_USERNS = 0xB701
#: Seconds that the first may take to begin, and between looks.
_PATIENCE = 120.0
_TICK = 0.02


def join(first: str) -> None:
    """Move this (single-threaded) process into the network of the one whose folder `first` is.

    Raises:
        ConnectionError: it does not run, or does not begin in time.
    """
    network = _network(Path(first))
    try:
        owner = fcntl.ioctl(network, NS_GET_USERNS)
        try:
            if os.fstat(owner).st_ino != os.stat("/proc/self/ns/user").st_ino:  # noqa: PTH116
                _enter(owner, CLONE_NEWUSER)
        finally:
            os.close(owner)
        _enter(network, CLONE_NEWNET)
    finally:
        os.close(network)


def _enter(namespace: int, kind: int) -> None:
    if _LIBC.setns(namespace, kind):
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


def _network(first: Path) -> int:
    """A handle on its network, once it has one of its own."""
    deadline = time.monotonic() + _PATIENCE
    mine = Path("/proc/self/ns/net").stat().st_ino
    while time.monotonic() < deadline:
        pid = _pid(first)
        if (first / "outcome.json").exists() or Path("stop.json").exists():
            break
        if pid:
            try:
                network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                pass
            else:
                if os.fstat(network).st_ino != mine:
                    return network
                os.close(network)
        # There is no event to wait for: the other process is not ours.
        time.sleep(_TICK)  # noqa: TID251
    raise ConnectionError(f"{first.name}, whose network it shares, does not run")


def _pid(first: Path) -> int:
    """The process, or the one inside of its sandbox program; 0 while there is none."""
    try:
        started = json.loads((first / "pid.json").read_bytes())
        pid = int(started["pid"])
        if started["sandbox"] != "bubblewrap":
            return pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    except (OSError, IndexError):
        return 0
