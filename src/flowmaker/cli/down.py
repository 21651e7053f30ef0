"""`flowmaker down`: stop the server."""

import argparse
import fcntl
import os
import signal

from flowmaker.cli import running
from flowmaker.server.data_folder import DataFolder

NAME = "down"
HELP = "stop the server; processes that run go on, and the next server finds them"


def configure(command: argparse.ArgumentParser) -> None:
    del command


def run(arguments: argparse.Namespace) -> int:
    stop(running.find(arguments.data), DataFolder(arguments.data))
    print(f"The server on {arguments.data} has stopped.")
    return 0


def stop(server: running.Running, folder: DataFolder) -> None:
    """Ask the server to end; return once nobody serves the folder, when its lock is free."""
    os.kill(server.pid, signal.SIGTERM)
    lock = os.open(folder.path / "lock", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)
