"""Files that are to outlive the machine, put on its disk when there is nothing more urgent.

A log is written to long before its process has ended, so that all that waits here is a flush, which
would hold up the server's own. Standard library only (it runs under the Python of any environment,
3.9 and later), for a supervisor.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket

#: Files that wait at most.
MOST = 64
#: Seconds without an order after which there is time.
QUIET = 0.1


class Unsynced:
    """Files by their paths: who removes one needs it no more."""

    def __init__(self) -> None:
        self._paths: list[str] = []

    def add(self, path: str) -> None:
        self._paths.append(path)
        if len(self._paths) >= MOST:
            self.sync()

    def sync_unless_wanted(self, orders: socket.socket) -> None:
        """Wait for the next order, or for quiet."""
        if self._paths and not select.select([orders], [], [], QUIET)[0]:
            self.sync()

    def sync(self) -> None:
        while self._paths:
            sync(self._paths.pop())


def sync(path: str) -> None:
    """Put a file on the disk, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(file)
        finally:
            os.close(file)
