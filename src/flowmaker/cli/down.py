"""`flowmaker down`: stop the server."""

import argparse
import fcntl
import os
import signal

from flowmaker.cli import running
from flowmaker.cli.folders import data_option
from flowmaker.executors import claims
from flowmaker.server.data_folder import DataFolder

#: Seconds that a process gets to end by itself.
GRACE = 10.0


def configure(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--all", action="store_true", help="stop the processes of jobs and endpoints as well"
    )


def run(arguments: argparse.Namespace) -> int:
    folder = DataFolder(arguments.data)
    stop(running.find(arguments.data), folder)
    left = [job for job in folder.jobs.glob("*/") if claims.supervisor_pid(job)]
    print(f"The server on {arguments.data} has stopped.")
    if left and arguments.all:
        for job in left:
            claims.stop(job, GRACE)
        print(f"So were {len(left)} running processes told to.")
    elif left:
        option = data_option(arguments.data)
        print(
            f"Its {len(left)} running processes go on, and the next `flowmaker up{option}` finds "
            f"them. `flowmaker down --all{option}` would have stopped them too."
        )
    return 0


def stop(server: running.Running, folder: DataFolder) -> None:
    """Ask the server to end; return once nobody serves the folder, when its lock is free."""
    os.kill(server.pid, signal.SIGTERM)
    lock = os.open(folder.path / "lock", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)
