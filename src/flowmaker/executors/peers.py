"""The two ways into the network of a process that has none but its loopback.

The instances of one training job have each other: the first has a network of its own, the others
move into it before they begin. A model server can be asked: a relay listens on this machine and
connects inside. Standard library only (it runs under the Python of any environment, 3.9 and later),
for a forked child that is about to become a user's process. It needs what `namespace.py` needs.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

_LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG = 1
#: ioctl_ns(2): the user namespace that a namespace belongs to.
NS_GET_USERNS = 0xB701
#: Seconds that a process may take to begin, and between looks.
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


def open_inlet(port: int, inside: int) -> None:
    """Have a child of this process lead `port` of this machine to the port `inside` its network.

    To be called before it moves into that network, from the folder of the process.

    Raises:
        OSError: another program has the port.
    """
    # What accepts belongs to the network that it was made in, wherever its process goes.
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    parent = os.getpid()
    if os.fork() == 0:
        try:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends when what it leads to has
            _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            join(str(Path.cwd()))
            if os.getppid() == parent:
                _relay(listener, inside)
        except BaseException as error:  # noqa: BLE001 - it must end here, and be told why
            os.write(2, f"flowmaker: nothing leads to port {port} of it: {error}\n".encode())
        finally:
            os._exit(1)
    listener.close()


def _relay(listener: socket.socket, port: int) -> None:
    import asyncio  # noqa: PLC0415 - few have an inlet, and every fork has what is imported before

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, asks = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()  # as if nothing listened here
            return
        await asyncio.gather(_pass_on(reader, asks), _pass_on(answers, writer))

    async def serve() -> None:
        async with await asyncio.start_server(lead, sock=listener) as server:
            await server.serve_forever()

    asyncio.run(serve())


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


def _network(first: Path) -> int:
    """A handle on its network, once it has one of its own."""
    deadline = time.monotonic() + _PATIENCE
    mine = Path("/proc/self/ns/net").stat().st_ino
    while time.monotonic() < deadline:
        if (first / "outcome.json").exists() or Path("stop.json").exists():
            break
        for pid in _pids(first):
            with contextlib.suppress(OSError):
                network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
                if os.fstat(network).st_ino != mine:
                    return network
                os.close(network)
        # There is no event to wait for: the other process is not ours.
        time.sleep(_TICK)  # noqa: TID251
    raise ConnectionError(f"{first.name}, whose network it shares, does not run")


def _pids(first: Path) -> list[str]:
    """The process, and those inside of its sandbox program; none while it has not begun."""
    try:
        pid = json.loads((first / "pid.json").read_bytes())["pid"]
        return [str(pid), *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
