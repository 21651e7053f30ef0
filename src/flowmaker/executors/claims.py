"""The folders of processes, as the server reads and writes them: `supervisor.py` has the contract.

A folder is the claim to run a process and all that is known of it. Nothing here waits or keeps
anything in memory, so a server that starts sees what the one before it saw.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import struct
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flowmaker import ids
from flowmaker.executors import supervisor
from flowmaker.executors.executor import Observation, Outcome, ProcessState

#: struct flock of 64-bit Linux: type, whence, start, length, pid.
_FLOCK = "hhqqi"
_STAGED = "spec.json.staged"


def prepare(folder: Path, hosts: str) -> None:
    """Make the folder with what the process will find in it. It may be there already."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for own in ("work", "tmp"):
        (folder / own).mkdir(exist_ok=True)
    if hosts:
        (folder / "hosts").write_text(hosts, encoding="utf-8")


def stage(folder: Path, job: dict[str, Any]) -> None:
    """Write what may be run, for `claim`. Nothing is claimed yet, and it may be written anew."""
    _write_private(folder / _STAGED, job)


def claim(folder: Path) -> None:
    """What was staged is to be run: from now on the id is taken. The first claim holds.

    Raises:
        FileNotFoundError: nothing was staged since the last claim.
    """
    staged = folder / _STAGED
    with contextlib.suppress(FileExistsError):
        (folder / "spec.json").hardlink_to(staged)
    staged.unlink()


def is_claimed(folder: Path) -> bool:
    return (folder / "spec.json").exists()


def variable(folder: Path, name: str) -> str:
    """An environment variable that the process was given; empty if it was not."""
    return (_read(folder / "spec.json") or {}).get("env", {}).get(name, "")


def was_started(folder: Path) -> bool:
    """Whether its supervisor got so far that it must never be started again."""
    return (folder / "pid.json").exists() or (folder / "outcome.json").exists()


def observe(folder: Path) -> Observation:
    """What the folder alone tells."""
    ended = _ended(folder)
    if ended is not None:
        return ended
    # In this order: who wrote that it was started had taken the lock before.
    started = was_started(folder)
    alive = supervisor_pid(folder) is not None
    if not started:
        return Observation(state=ProcessState.RUNNING if alive else ProcessState.ABSENT)
    sandbox = _sandbox(folder)
    if alive:
        return Observation(state=ProcessState.RUNNING, sandbox=sandbox)
    # It may have ended between the two looks.
    return _ended(folder) or Observation(state=ProcessState.LOST, sandbox=sandbox)


def _ended(folder: Path) -> Observation | None:
    record = _read(folder / "outcome.json")
    if record is None:
        return None
    outcome = Outcome(
        exit_code=int(record["exit_code"]),
        started_at=datetime.fromtimestamp(record["started_at"], UTC),
        ended_at=datetime.fromtimestamp(record["ended_at"], UTC),
        reason=str(record["reason"]),
    )
    # An earlier version's outcome does not say it.
    sandbox = str(record["sandbox"]) if "sandbox" in record else _sandbox(folder)
    return Observation(state=ProcessState.EXITED, outcome=outcome, sandbox=sandbox)


def _sandbox(folder: Path) -> str:
    pid_file = _read(folder / "pid.json")
    return "" if pid_file is None else str(pid_file["sandbox"])


def supervisor_pid(folder: Path) -> int | None:
    """The supervisor that holds the folder's lock. Asking does not take it."""
    try:
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        question = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        answer = struct.unpack(_FLOCK, fcntl.fcntl(lock, fcntl.F_GETLK, question))
    finally:
        os.close(lock)
    return None if answer[0] == fcntl.F_UNLCK else int(answer[4])


def stop(folder: Path, grace: float | None) -> None:
    """Leave word that it shall end, and wake its supervisor if there is one."""
    if not is_claimed(folder) or (folder / "outcome.json").exists():
        return
    _write_aside(folder / "stop.json", {"grace": grace}).replace(folder / "stop.json")
    pid = supervisor_pid(folder)
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            # The number may have been given to another since; the handle cannot.
            if supervisor_pid(folder) == pid:
                signal.pidfd_send_signal(handle, signal.SIGTERM)
        finally:
            os.close(handle)


def end_orphans(folder: Path) -> None:
    """Kill what a killed supervisor left: its process died with it, not that one's children."""
    record = _read(folder / "pid.json")
    if record is None or record["boot"] != supervisor.boot_id():
        return
    group = int(record["pid"])
    if supervisor.birth(group) not in {0, record["birth"]}:
        return  # the number is another process's by now
    for member in supervisor.group_members(group):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(member, signal.SIGKILL)


def given(
    jobs: Path, names: Collection[str], about_to_start: Collection[str] = ()
) -> dict[str, list[str]]:
    """Of the names of folders, those that processes have which have not ended: whose they are.

    Those that are `about_to_start` were staged, and may be claimed at any moment.
    """
    found: dict[str, list[str]] = {}
    claimed = {spec.parent.name for spec in jobs.glob("*/spec.json")}
    for process in sorted({*claimed, *about_to_start}):
        folder = jobs / process
        if (folder / "outcome.json").exists():
            continue
        text = _text(folder / _STAGED) or _text(folder / "spec.json")
        named = [name for name in names if name in text]
        if named and observe(folder).state is not ProcessState.LOST:
            for name in named:
                found.setdefault(name, []).append(process)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:  # it was forgotten, or claimed, meanwhile
        return ""


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    # What was not on the disk yet when the machine went down is empty.
    return json.loads(content) if content.strip(b"\0") else None


def _write_aside(path: Path, content: dict[str, Any]) -> Path:
    """A new file beside `path`."""
    new = path.with_name(f"{path.name}.{ids.token()}.new")
    _write_private(new, content)
    return new


def _write_private(path: Path, content: dict[str, Any]) -> None:
    """For the owner's eyes only: environment variables hold secrets."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as out:
        out.write(json.dumps(content).encode())
