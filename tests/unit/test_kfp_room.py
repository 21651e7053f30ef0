"""Tasks that ask for CPU or memory wait for their room; the executor does what the test says."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from flowmaker.executors.room import Amount, Room
from flowmaker.pipelines.records.run import RuntimeState
from flowmaker.pipelines.repository import runs
from tests.fakes.engine import Engine, OneEnvironment, engine
from tests.fakes.executor import FakeExecutor
from tests.unit.test_kfp_lifecycle_controller import quiet, until

MACHINE = Amount(millicores=2000, memory=8 << 30)


def pipeline(**cpus: str) -> Any:
    """A task for each name; it asks for so many cores. Empty: for nothing."""
    return asking({name: {"resourceCpuRequest": cpu} if cpu else {} for name, cpu in cpus.items()})


def asking(resources: Mapping[str, Mapping[str, Any]]) -> Any:
    """A task for each name, with these resources."""
    executors = {
        f"exec-{name}": {
            "container": {"image": "python:3.11", "command": ["true"], "resources": dict(asked)}
        }
        for name, asked in resources.items()
    }
    spec = {
        "pipelineInfo": {"name": "p"},
        "root": {"dag": {"tasks": {name: {"componentRef": {"name": name}} for name in resources}}},
        "components": {name: {"executorLabel": f"exec-{name}"} for name in resources},
        "deploymentSpec": {"executors": executors},
    }
    return spec, {}


@pytest.fixture
def executor(tmp_path: Path) -> FakeExecutor:
    return FakeExecutor(tmp_path / "jobs")


def house(
    tmp_path: Path, executor: FakeExecutor, room: Room, **more: Any
) -> AbstractAsyncContextManager[Engine]:
    return engine(tmp_path, executor, OneEnvironment(Path("/")), room=room, **more)


async def states(made: Engine, run_id: str = "run-1") -> Mapping[str, str]:
    tasks = await made.tasks(run_id)
    return {name: task.state.value for name, task in tasks.items() if name != "root"}


async def started(made: Engine, executor: FakeExecutor) -> list[str]:
    """The names of the tasks whose processes were started, in that order."""
    found: dict[str, str] = {}
    for run_id in ("run-1", "run-2"):
        if await made.database.read(runs.get_run, run_id):
            tasks = await made.tasks(run_id)
            found |= {task.process_id: name for name, task in tasks.items() if task.process_id}
    return [found[each] for each in executor.started]


async def test_tasks_that_ask_for_all_run_one_after_the_other(
    tmp_path: Path, executor: FakeExecutor
):
    room = Room(MACHINE)
    async with house(tmp_path, executor, room) as made:
        await made.submit(pipeline(a="2", b="2", c="2", free=""))
        await until(lambda: len(executor.started) == 2)
        await quiet(made)
        assert sorted(await started(made, executor)) == ["a", "free"]
        assert (await states(made))["b"] == "PENDING"
        for count in (3, 4):
            first = next(each for each in executor.started if room.holds(each))
            executor.finish(first)
            await until(lambda count=count: len(executor.started) == count)
            await quiet(made)
            assert len(executor.started) == count
        for process in executor.started:
            if executor.observations[process].outcome is None:
                executor.finish(process)
        assert (await made.finished("run-1")).state is RuntimeState.SUCCEEDED
        assert [each for each in await started(made, executor) if each != "free"] == list("abc")
    assert not room.held()
    assert not room.waiting()


async def test_runs_share_the_room_in_the_order_in_which_their_tasks_came(
    tmp_path: Path, executor: FakeExecutor
):
    async with house(tmp_path, executor, Room(MACHINE)) as made:
        await made.submit(pipeline(a="1"))
        await until(lambda: executor.started)
        await made.submit(pipeline(big="2"), run_id="run-2")
        await quiet(made)
        await made.submit(pipeline(small="1"), run_id="run-3")
        await until(lambda: "run-3" in made.controller._open)
        await quiet(made)
        assert len(executor.started) == 1, "the small one would fit, but the big one came first"
        executor.finish(next(iter(executor.started)))
        await until(lambda: len(executor.started) == 2)
        assert await started(made, executor) == ["a", "big"]
        executor.program = lambda _: 0
        executor.finish(list(executor.started)[1])
        for run_id in ("run-1", "run-2", "run-3"):
            assert (await made.finished(run_id)).state is RuntimeState.SUCCEEDED


async def test_a_run_that_is_terminated_waits_no_more(tmp_path: Path, executor: FakeExecutor):
    room = Room(MACHINE)
    async with house(tmp_path, executor, room) as made:
        await made.submit(pipeline(a="1"))
        await until(lambda: executor.started)
        await made.submit(pipeline(big="2"), run_id="run-2")
        await until(room.waiting)
        await made.submit(pipeline(small="1"), run_id="run-3")
        await until(lambda: len(room.waiting()) == 2)
        await made.terminate("run-2")
        assert (await made.finished("run-2")).state is RuntimeState.CANCELED
        await until(lambda: len(executor.started) == 2)
        executor.program = lambda _: 0
        for process in list(executor.started):
            executor.finish(process)
        assert (await made.finished("run-3")).state is RuntimeState.SUCCEEDED


async def test_what_ran_before_a_restart_holds_its_room(tmp_path: Path, executor: FakeExecutor):
    """The run that waits is looked at first: it is not let in before the other was looked at."""
    async with house(tmp_path, executor, Room(MACHINE)) as made:
        await made.submit(pipeline(a="2"))
        await until(lambda: executor.started)
        await made.submit(pipeline(b="2"), run_id="run-0")
        await quiet(made)
    executor._listeners.clear()
    room = Room(MACHINE)
    async with house(tmp_path, executor, room) as made:
        await until(room.waiting)
        await until(room.held)
        await quiet(made)
        assert len(executor.started) == 1
        executor.program = lambda _: 0
        executor.finish(next(iter(executor.started)))
        for run_id in ("run-0", "run-1"):
            assert (await made.finished(run_id)).state is RuntimeState.SUCCEEDED
    assert not room.held()


async def test_a_failed_attempt_gives_its_room_back(tmp_path: Path, executor: FakeExecutor):
    spec, platform = pipeline(a="2", b="2")
    spec["root"]["dag"]["tasks"]["a"]["retryPolicy"] = {"maxRetryCount": 2}
    room = Room(MACHINE)
    async with house(tmp_path, executor, room) as made:
        await made.submit((spec, platform))
        await until(lambda: executor.started)
        executor.program = lambda _: 0
        executor.finish(next(iter(executor.started)), 1)
        assert (await made.finished("run-1")).state is RuntimeState.SUCCEEDED
    assert len(executor.started) == 3
    assert not room.held()
    assert not room.waiting()


async def test_a_deleted_run_holds_its_room_until_its_processes_end(
    tmp_path: Path, executor: FakeExecutor
):
    executor.obeys_stop = False
    room = Room(MACHINE)
    async with house(tmp_path, executor, room) as made:
        await made.submit(pipeline(a="2", b="2"))
        await until(lambda: executor.started)
        await until(room.waiting)
        assert await made.database.write(runs.delete_run, "run-1")
        made.hints.hint("run", "run-1")
        await until(lambda: executor.stops)
        await until(lambda: not room.waiting())
        assert room.held()
        executor.finish(next(iter(executor.started)))
        assert not room.held()


async def test_more_than_the_machine_has_runs_alone_and_its_log_says_so(
    tmp_path: Path, executor: FakeExecutor
):
    executor.program = lambda _: 0
    async with house(tmp_path, executor, Room(MACHINE)) as made:
        await made.submit(pipeline(a="64"))
        assert (await made.finished("run-1")).state is RuntimeState.SUCCEEDED
    (process,) = executor.started
    assert (
        "[flowmaker] asks for 64 cores of this machine's 2 cores and 8 GiB: no other that asks "
        "for room runs beside it\n"
    ) in executor.log(process).read_text()


async def test_what_is_no_quantity_fails_the_task(tmp_path: Path, executor: FakeExecutor):
    async with house(tmp_path, executor, Room(MACHINE)) as made:
        await made.submit(pipeline(a="plenty"))
        run = await made.finished("run-1")
    assert run.error == "Task 'a' failed: 'plenty' is no quantity: write 2, 500m, 1.5G or 2Gi"
    assert not executor.started


async def test_a_thousand_that_wait_do_not_hold_up_one_that_asks_for_nothing(
    tmp_path: Path, executor: FakeExecutor
):
    room = Room(MACHINE)
    async with house(tmp_path, executor, room) as made:
        await made.submit(pipeline(**{f"t{n}": "2" for n in range(1000)}, free=""))
        await until(lambda: len(executor.started) == 2)
        await quiet(made)
        assert sorted(await started(made, executor)) == ["free", "t0"]
        assert len(room.waiting()) == 64
