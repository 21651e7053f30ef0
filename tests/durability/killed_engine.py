"""An engine that is killed at a point of its own choice, then served again by another.

`python killed_engine.py SEED FOLDER POINT…` prints a line of JSON for each point: after how many
points of its life the first server was killed, where, and what became of the run. Each gets a copy
of SEED, a data folder in which a run was prepared. Point 0 kills nobody. `every` kills each server
after its second commit (the first sees to the bucket), until one has nothing left to write.

A point is before, and after, everything that outlives a server: a transaction, an object, a claim
on a process, its start.
"""

import asyncio
import functools
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowmaker.clock import SystemClock
from flowmaker.executors import claims, sandbox
from flowmaker.executors.local import LocalExecutor
from flowmaker.executors.warm import Zygotes
from flowmaker.objects.disk import DiskObjectStore
from flowmaker.pipelines.repository import runs
from flowmaker.store.database import Database

if TYPE_CHECKING:
    from tests.fakes.engine import OneEnvironment, engine
else:  # as a program it is in no package
    sys.path.insert(0, str(Path(__file__).parents[1] / "fakes"))
    from engine import OneEnvironment, engine

RUN = "run-1"
#: What each execution of a component prints.
MARK = "this is one execution"
SECOND = 2
#: Servers that are killed after their second commit at most: far more than the run has commits.
LIVES = 200


class Fate:
    """Counts points, and kills this process at one of them."""

    def __init__(self, folder: Path, point: int, *, only: str = "") -> None:
        self._record = folder / "killed-at"
        self._point = point
        self._only = only
        self._passed = 0

    def __call__(self, name: str) -> None:
        if self._only and name != self._only:
            return
        self._passed += 1
        if self._passed == self._point:
            self._record.write_text(name)
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, owner: Any, name: str) -> None:
        """Have `owner.name`, a coroutine function or a function, be a point before and after."""
        effect: Callable[..., Any] = getattr(owner, name)
        label = f"{getattr(owner, '__name__', owner)}.{name}"

        @functools.wraps(effect)
        async def later(*args: Any, **kwargs: Any) -> Any:
            self(f"before {label}")
            result = await effect(*args, **kwargs)
            self(f"after {label}")
            return result

        @functools.wraps(effect)
        def at_once(*args: Any, **kwargs: Any) -> Any:
            self(f"before {label}")
            result = effect(*args, **kwargs)
            self(f"after {label}")
            return result

        setattr(owner, name, later if asyncio.iscoroutinefunction(effect) else at_once)


def serve(folder: Path, fate: Fate) -> None:
    """Serve until the run is over, unless fate has it otherwise."""
    for owner, name in (
        (Database, "write"),
        (DiskObjectStore, "put_file"),
        (LocalExecutor, "ensure_started"),
        (LocalExecutor, "stop"),
        (claims, "claim"),
        (Zygotes, "launch"),
    ):
        fate.watch(owner, name)
    asyncio.run(_serve(folder))


async def _serve(folder: Path) -> None:
    executor = LocalExecutor(
        folder / "jobs", folder / "run", SystemClock(), levels=sandbox.Levels(), sweep=0.5
    )
    await executor.start()
    async with engine(folder, executor, OneEnvironment(Path(sys.prefix))) as made:
        if await made.database.read(runs.get_run, RUN) is None:
            package = json.loads((folder / "package.json").read_text())
            await made.submit((package, {}), RUN)
        await made.finished(RUN)
    await executor.close()


def became(folder: Path) -> dict[str, Any]:
    """What a user sees of the run, and what was executed for it."""
    database = Database(folder / "flowmaker.db")
    run, tasks = database.read_now(runs.get_run, RUN), database.read_now(runs.tasks_of, RUN)
    database.close()
    assert run is not None
    logs = {path.parent.name: path.read_text() for path in folder.glob("jobs/*/log")}
    return {
        "run": [run.state, run.error, [change.state for change in run.state_history]],
        "tasks": {
            task.task_id: [
                task.name,
                task.error,
                [change.state for change in task.state_history],
                task.inputs,
                task.outputs,
                task.process_id,
            ]
            for task in tasks
        },
        "executions": {name: text.count(MARK) for name, text in logs.items()},
    }


def in_a_fork(serve_it: Callable[[], None]) -> bool:
    """Whether it was let end."""
    pid = os.fork()
    if pid == 0:
        try:
            serve_it()
        except BaseException as error:  # noqa: BLE001 - it must not go on as the parent
            sys.excepthook(type(error), error, error.__traceback__)
            os._exit(1)
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "see the standard error"
    return not os.WIFSIGNALED(status)


def try_one(folder: Path, point: str) -> dict[str, Any]:
    kills = 0
    if point == "every":
        after = "after Database.write"
        while not in_a_fork(lambda: serve(folder, Fate(folder, SECOND, only=after))):
            kills += 1
            assert kills < LIVES, "it never comes to an end"
    elif not in_a_fork(lambda: serve(folder, Fate(folder, int(point)))):
        kills += 1
        in_a_fork(lambda: serve(folder, Fate(folder, 0)))
    record = folder / "killed-at"
    at = record.read_text() if kills else ""
    return {"point": point, "kills": kills, "at": at, **became(folder)}


def main(seed: Path, folder: Path, points: list[str]) -> None:
    for point in points:
        data = folder / f"data-{point}"
        shutil.copytree(seed, data, symlinks=True, ignore=shutil.ignore_patterns("run"))
        print(json.dumps(try_one(data, point)), flush=True)
        shutil.rmtree(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
