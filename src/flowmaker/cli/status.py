"""`flowmaker status`: is it there, and what does it do?"""

import argparse

from flowmaker.cli import running

NAME = "status"
HELP = "say whether a server runs, where, and how much memory it takes"


def configure(command: argparse.ArgumentParser) -> None:
    del command


def run(arguments: argparse.Namespace) -> int:
    server = running.find(arguments.data)
    print(f"Flowmaker is ready at {server.url}")
    print(f"  process {server.pid}, {memory(server.pid):.0f} MB of memory")
    print(f"  data in {arguments.data}")
    return 0


def memory(pid: int) -> float:
    """The proportional set size of a process, in MB; the resident one where that is not told."""
    for file, field in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            with open(f"/proc/{pid}/{file}") as lines:  # noqa: PTH123 - not a file on a disk
                for line in lines:
                    if line.startswith(field):
                        return int(line.split()[1]) / 1024
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
    return 0.0
