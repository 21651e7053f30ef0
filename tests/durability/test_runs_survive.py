"""The server may be killed at any moment: its runs go on, and nothing is started twice."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from kfp import dsl

from flowmaker.clock import SystemClock
from flowmaker.executors.local import LocalExecutor
from flowmaker.pipelines.repository import runs
from flowmaker.store.database import Database
from tests.fakes.compiled import compiled
from tests.fakes.engine import OneEnvironment, engine

#: A server that is nothing but the engine, on the folder that it is given.
HOST = """
import asyncio, sys
from pathlib import Path

sys.path.insert(0, sys.argv[2])
from flowmaker.clock import SystemClock
from flowmaker.executors.local import LocalExecutor
from engine import OneEnvironment, engine

async def main():
    folder = Path(sys.argv[1])
    executor = LocalExecutor(folder / "jobs", folder / "run", SystemClock())
    await executor.start()
    async with engine(folder, executor, OneEnvironment(Path(sys.prefix))):
        print("up", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
FAKES = Path(__file__).parents[1] / "fakes"


@dsl.component(base_image="python:3.11")
def step(seconds: float) -> str:
    import time

    print("this is one execution")
    time.sleep(seconds)
    return "done"


@dsl.pipeline(name="long")
def pipeline():
    # Not from the cache: both branches are alike, and each execution is counted.
    for _ in range(2):
        before = step(seconds=0.2).set_caching_options(enable_caching=False)
        for _ in range(4):
            before = step(seconds=0.1).after(before).set_caching_options(enable_caching=False)


def test_a_run_goes_on_after_each_of_many_kills(tmp_path: Path):
    asyncio.run(_submit(tmp_path))
    kills = 0
    while not _is_over(tmp_path):
        # At other moments of the run each time, until it is let be.
        _serve_and_kill(tmp_path, 0.05 + 0.07 * kills if kills < 8 else 20)
        kills += 1
        assert kills < 12
    assert kills > 3
    database = Database(tmp_path / "flowmaker.db")
    run = database.read_now(runs.get_run, "run-1")
    tasks = database.read_now(runs.tasks_of, "run-1")
    database.close()
    assert run is not None
    assert (run.state, run.error) == ("SUCCEEDED", "")
    processes = [task.process_id for task in tasks if task.process_id]
    logs = [(tmp_path / "jobs" / each / "log").read_text() for each in processes]
    assert [log.count("this is one execution") for log in logs] == [1] * 10
    assert {each.rpartition("-")[2] for each in processes} == {"1"}
    assert len(list((tmp_path / "jobs").glob("*-*"))) == 10


async def _submit(folder: Path) -> None:
    executor = LocalExecutor(folder / "other", folder / "run", SystemClock())
    async with engine(folder, executor, OneEnvironment(Path(sys.prefix))) as made:
        made.hints._listeners.clear()  # it is for the servers below
        await made.submit(compiled(pipeline, folder))


def _serve_and_kill(folder: Path, seconds: float) -> None:
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, str(folder), str(FAKES)], stdout=subprocess.PIPE
    )
    try:
        assert host.stdout is not None
        assert host.stdout.readline() == b"up\n"
        asyncio.run(_wait_for_end(folder, seconds))
        assert host.poll() is None
    finally:
        os.kill(host.pid, signal.SIGKILL)
        host.communicate()


def _is_over(folder: Path) -> bool:
    database = Database(folder / "flowmaker.db")
    try:
        return not database.read_now(runs.open_run_ids)
    finally:
        database.close()


async def _wait_for_end(folder: Path, seconds: float) -> None:
    """Until the run is over, or the time is."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not await asyncio.to_thread(_is_over, folder):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
