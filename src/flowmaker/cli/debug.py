"""`flowmaker debug`: run a task again in this terminal, with its inputs, under pdb."""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

import flowmaker
from flowmaker.cli import logs, run_logs, running
from flowmaker.cli.folders import data_option
from flowmaker.cli.kfp_api import KfpApi
from flowmaker.errors import FailedPrecondition


def configure(command: argparse.ArgumentParser) -> None:
    command.add_argument("what", metavar="RUN", help="its id, the beginning of it, or its name")
    command.add_argument("task", metavar="TASK", help="its name, or its id")
    how = command.add_mutually_exclusive_group()
    how.add_argument(
        "--pdb",
        dest="how",
        action="store_const",
        const="post-mortem",
        help="Python components: pdb where it fails (the default)",
    )
    how.add_argument(
        "--break",
        dest="how",
        action="store_const",
        const="break",
        help="Python components: pdb at the first line of the function",
    )
    how.add_argument(
        "--shell",
        dest="how",
        action="store_const",
        const="shell",
        help="a shell that sees what the task saw; ./task.sh there is its command",
    )
    command.set_defaults(how="post-mortem")


def run(arguments: argparse.Namespace) -> int:
    kfp = KfpApi(running.find(arguments.data))
    run_id = logs.find(arguments.what, kfp, None).id
    task = run_logs.one(kfp.tasks(kfp.run(run_id)), arguments.task)
    session = kfp.debug(run_id, task["task_id"], arguments.how)
    folder = Path(session["folder"])
    if not (folder / "spec.json").exists():
        raise FailedPrecondition(f"the server is on another machine: {folder} is not here")
    _tell(session["program"], task["display_name"], arguments.how)
    program = Path(flowmaker.__file__).parent / "executors" / "foreground.py"
    options = ["-I"] if session["program"] == "pdb" else ["-I", "-S"]
    # A Ctrl-C is typed for the task, which is of this process group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = subprocess.run(  # noqa: S603 - our own program
        [session["python"], *options, str(program), str(folder)],
        check=False,
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
    ).returncode
    print(
        f"[flowmaker] exit code {code}. What it wrote is in {folder / 'work'}; nothing of it is "
        f"recorded, and `flowmaker gc{data_option(arguments.data)}` removes it.",
        file=sys.stderr,
    )
    return code


#: What a terminal program needs; the task's own environment is in the session.
_KEPT = ("PATH", "TERM", "COLORTERM", "LANG", "COLUMNS", "LINES")


def _tell(program: str, task: str, how: str) -> None:
    what = {
        "pdb": f"running {task} again; pdb begins "
        + ("at its first line" if how == "break" else "where it fails"),
        "command": f"running {task} again: it is a command, so there is no pdb (try --shell)",
        "shell": f"a shell as {task} has it; ./task.sh is its command, `exit` ends it",
    }[program]
    print(f"[flowmaker] {what}", file=sys.stderr)
