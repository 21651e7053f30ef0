"""`flowmaker gc`: remove what nothing refers to any more."""

import argparse
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from flowmaker.clock import SystemClock
from flowmaker.errors import FailedPrecondition
from flowmaker.executors import claims
from flowmaker.server.data_folder import DataFolder

_AGE = re.compile(r"(\d{1,5})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
#: A task's process is `<task id>-<attempt>`, perhaps with the number of the run's retries.
_OF_TASK = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[\d.]+")
_DEBUG = "debug-"
#: What is younger is somebody's who is about to use it.
_YOUNG = timedelta(hours=1)


class Why(StrEnum):
    """Why something is not needed."""

    DELETED = "of runs that were deleted"
    OLD = "and logs of tasks that ended long ago"
    DEBUGGED = "of debug sessions that are over"
    UNUSED = "of environments that nothing used for long"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A folder as it is found."""

    name: str
    #: A process runs in it, or a job's folder names it.
    in_use: bool
    modified_at: datetime


def configure(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--older-than",
        type=age,
        default=age("30d"),
        metavar="AGE",
        help="of logs and environments: 12h, 30d, 8w (default: 30d)",
    )
    command.add_argument("--dry-run", action="store_true", help="only say what would be removed")


def age(text: str) -> timedelta:
    """`30d` and the like.

    Raises:
        ArgumentTypeError: it is nothing of the kind.
    """
    match = _AGE.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no age: write 12h, 30d or 8w")
    return int(match[1]) * _UNITS[match[2]]


def job_to_remove(
    entry: Entry, known: Collection[str], ended_long_ago: Collection[str], now: datetime
) -> Why | None:
    """Why a folder of `jobs` may go. Those of SageMaker's jobs stay: their logs are CloudWatch's.

    `known` are the ids of all tasks that there are.
    """
    if entry.in_use:
        return None
    if entry.name.startswith(_DEBUG):
        return Why.DEBUGGED if now - entry.modified_at > _YOUNG else None
    match = _OF_TASK.fullmatch(entry.name)
    if match is None:
        return None
    if match[1] not in known:
        return Why.DELETED
    return Why.OLD if match[1] in ended_long_ago else None


def environment_to_remove(entry: Entry, older_than: timedelta, now: datetime) -> Why | None:
    """Why an environment may go."""
    is_old = now - entry.modified_at > max(older_than, _YOUNG)
    return Why.UNUSED if is_old and not entry.in_use else None


def run(arguments: argparse.Namespace) -> int:
    folder = DataFolder(arguments.data)
    if not folder.database.exists():
        raise FailedPrecondition(f"{arguments.data} is no data folder: it has no flowmaker.db")
    now = SystemClock().now()
    with _held(folder) as is_ours:
        jobs = list(_jobs(folder))
        found = [(folder.jobs / name, why) for name, why in _jobs_to_remove(folder, jobs, now,
                 arguments.older_than)]  # fmt: skip
        if is_ours:
            going = {path.name for path, _ in found}
            environments = _environments(folder, [job for job in jobs if job.name not in going])
            for entry in environments:
                if why := environment_to_remove(entry, arguments.older_than, now):
                    found.append((folder.environments / entry.name, why))  # noqa: PERF401
        _remove(found, dry=arguments.dry_run)
    if not is_ours:
        print("A server runs, so its environments were left alone.")
    return 0


@contextmanager
def _held(folder: DataFolder) -> Generator[bool]:
    """Keep servers from starting meanwhile; False when one runs already."""
    try:
        lock = folder.hold()
    except FailedPrecondition:
        yield False
        return
    try:
        yield True
    finally:
        os.close(lock)


def _jobs_to_remove(
    folder: DataFolder, jobs: Iterable[Entry], now: datetime, older_than: timedelta
) -> list[tuple[str, Why]]:
    from flowmaker.pipelines.repository import nodes  # noqa: PLC0415 - the database is slow
    from flowmaker.store.database import Database  # noqa: PLC0415

    # After the folders were listed: a task is written before it gets one.
    database = Database(folder.database)
    try:
        known = database.read_now(nodes.all_task_ids)
        ended = database.read_now(nodes.task_ids_ended_before, now - older_than)
    finally:
        database.close()
    reasons = ((entry.name, job_to_remove(entry, known, ended, now)) for entry in jobs)
    return [(name, why) for name, why in reasons if why is not None]


def _jobs(folder: DataFolder) -> Iterator[Entry]:
    for path in folder.jobs.glob("*/"):
        yield Entry(
            name=path.name,
            in_use=claims.supervisor_pid(path) is not None,
            modified_at=_modified_at(path),
        )


def _environments(folder: DataFolder, jobs: Iterable[Entry]) -> list[Entry]:
    specs = [folder.jobs / job.name / "spec.json" for job in jobs]
    used = "\n".join(spec.read_text(errors="replace") for spec in specs if spec.exists())
    return [
        Entry(name=path.name, in_use=path.name in used, modified_at=_modified_at(path))
        for path in folder.environments.glob("*/")
        if re.fullmatch(r"[0-9a-f]{32}", path.name)
    ]


def _modified_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _remove(found: Iterable[tuple[Path, Why]], *, dry: bool) -> None:
    count: defaultdict[Why, int] = defaultdict(int)
    room: defaultdict[Why, int] = defaultdict(int)
    for path, why in found:
        count[why] += 1
        room[why] += _room(path)
        if not dry:
            shutil.rmtree(path, ignore_errors=True)
    verb = "Would remove" if dry else "Removed"
    for why, number in count.items():
        print(f"{verb} {number} folder{'s'[: number > 1]} {why}: {room[why] / 1e6:.1f} MB")
    if not count:
        print("There is nothing to remove.")


def _room(path: Path) -> int:
    """The bytes that go with it; a file with another name stays."""
    files = (each.lstat() for each in path.rglob("*"))
    return sum(each.st_blocks * 512 for each in files if each.st_nlink == 1)
