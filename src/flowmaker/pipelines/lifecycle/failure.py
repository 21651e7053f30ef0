"""What is said of a task that failed: what happened, where, and how to see more. Pure.

An error is read in `kfp run get`, in a notebook, in a list: what matters comes first, and it is
never longer than `LONGEST`.
"""

import re
import signal
from dataclasses import dataclass

from flowmaker.pipelines.records.run import Task

#: Characters of an error.
LONGEST = 4000
#: Of a log that is no traceback, and of one that is: its last frames and the message.
_LINES, _TRACE_LINES = 12, 24
#: Characters of one line.
_LINE = 300
_TRACE = "Traceback (most recent call last):"
#: The beginning of the lines that this server writes into a log.
_OURS = "[flowmaker] "
#: What shells, and this server's supervisor, mean by an exit code.
_CODES = {126: "the command cannot be executed", 127: "the command was not found"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """Whose failure it is."""

    task: Task
    #: The component's key in the spec.
    component: str
    image: str
    #: As it was written, e.g. `512Mi`.
    memory_limit: str = ""


def ended(failed: Failed, exit_code: int, reason: str, log: str) -> str:
    """The process failed: by itself, by a signal, or (`reason`) because it was told to end."""
    said = _quoted(log)
    summary = _summary(said)
    if reason == "timeout":
        how = "The process was stopped because its time was up"
    elif reason == "memory":
        summary = ""  # an exception that it survived
        how = (
            f"OOMKilled: used more than its memory limit of {failed.memory_limit}; "
            "raise it with set_memory_limit"
        )
    elif reason:
        how = f"The process was ended from outside ({reason})"
    elif exit_code < 0:
        how = _signalled(-exit_code)
    else:
        what = _CODES.get(exit_code)
        how = f"Exit code {exit_code}" + (f" ({what})" if what else "")
    head = f"{summary}\n{how}" if summary else how
    return _whole(failed, head, _log(said), _advice(log) or _absent(failed.task, log))


def lost(failed: Failed) -> str:
    """The process is gone and nobody saw how."""
    head = (
        "The process was killed from outside, with its supervisor; "
        "a restart of this machine or a lack of memory does that"
    )
    return _whole(failed, head, "", "")


def left_wrong(failed: Failed, why: str, log: str) -> str:
    """The process succeeded, but what it left is not what it was to leave."""
    said = _quoted(log)
    return _whole(failed, why, _log(said), "")


def _log(said: str) -> str:
    return f"Its log ends:\n{said}" if said else "It printed nothing"


def _whole(failed: Failed, head: str, tail: str, advice: str) -> str:
    task = failed.task
    where = f"component {failed.component}, image {failed.image}"
    if task.attempt > 1:
        where += f", attempt {task.attempt}"
    begin = f"{head.rstrip('.')} ({where})."
    more = (
        f"More: flowmaker logs {task.run_id} --task {task.task_id}   "
        f"Look into it: flowmaker debug {task.run_id} {task.task_id}"
    )
    end = f"{advice}\n{more}" if advice else more
    room = max(0, LONGEST - len(begin) - len(end) - 2)
    begin = begin[: LONGEST - len(end) - 2]
    if len(tail) > room:
        tail = f"…{tail[len(tail) - room + 1 :]}" if room else ""
    return "\n".join(part for part in (begin, tail, end) if part)


def _signalled(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    how = f"The process was ended by signal {number} ({name})"
    if number == signal.SIGKILL:
        return f"{how}: somebody killed it, or this machine ran out of memory (see `dmesg`)"
    if number == signal.SIGSEGV:
        return f"{how}: native code in it, often of a package, crashed"
    return how


def _quoted(log: str) -> str:
    """The last traceback with what follows it, or the last lines."""
    printed = (line.rstrip()[:_LINE] for line in log.splitlines())
    lines = [line for line in printed if line and not line.startswith(_OURS)]
    starts = [i for i, line in enumerate(lines) if line.strip() == _TRACE]
    if not starts:
        return "\n".join(lines[-_LINES:])
    trace = lines[starts[-1] :]
    if len(trace) > _TRACE_LINES:
        trace = [trace[0], "  …", *trace[-_TRACE_LINES + 2 :]]
    return "\n".join(trace)


def _summary(said: str) -> str:
    """The exception itself: `ValueError: no way`."""
    if not said.startswith(_TRACE):
        return ""
    for line in reversed(said.splitlines()):
        if re.match(r"[A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt|Warning)\b(: .*)?$", line):
            return line
    return ""


def _advice(log: str) -> str:
    """What to do, where the log itself says what is missing."""
    missing = re.findall(r"ModuleNotFoundError: No module named '([\w.]+)'", log)
    if missing:
        package = missing[-1].partition(".")[0]
        return (
            f"The environment has no module {package!r}: name its package in the component's "
            f"packages_to_install, e.g. @dsl.component(packages_to_install=[{package!r}])."
        )
    if re.search(r"PicklingError|cannot pickle|Can't pickle", log):
        return (
            "A component's inputs and outputs are JSON values and files: write such an object to "
            "an output artifact's path."
        )
    if "is not JSON serializable" in log:
        return (
            "A component returns JSON values of the types that it declares; others are artifacts."
        )
    if "NameError: name " in log:
        return (
            "A component sees nothing that is outside of its function: imports and constants go "
            "inside."
        )
    return ""


def _absent(task: Task, log: str) -> str:
    """Which input artifact it is that the task looked for in vain."""
    paths = re.findall(r"No such file or directory: '([^']+)'", log)
    for name, artifacts in task.inputs.get("artifacts", {}).items() if paths else ():
        for uri in (artifact.get("uri", "") for artifact in artifacts):
            place = uri.partition("://")[2]
            if place and paths[-1].endswith(f"/{place}"):
                return (
                    f"Input artifact {name!r} is {uri}, and there is nothing: the task that made "
                    "it wrote no file to its path, or what was imported is not there."
                )
    return ""
