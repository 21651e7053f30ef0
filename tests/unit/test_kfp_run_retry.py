"""A run that failed or was cancelled goes on from where it did."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flowmaker.executors.executor import ProcessSpec
from flowmaker.pipelines.records.run import Run, RuntimeState
from flowmaker.pipelines.repository import runs
from tests.fakes.engine import Engine, OneEnvironment, engine
from tests.fakes.executor import FakeExecutor

WHATEVER = {"triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}}


def task(component: str, *after: str, **more: Any) -> dict[str, Any]:
    return {"componentRef": {"name": component}, "dependentTasks": list(after), **more}


def package(tasks: dict[str, Any], **components: Any) -> Any:
    container = {"image": "python:3.11", "command": ["do", "{{$.pipeline_task_name}}"]}
    return {
        "pipelineInfo": {"name": "p"},
        "root": {"dag": {"tasks": tasks}},
        "components": {"c": {"executorLabel": "e"}, **components},
        "deploymentSpec": {"executors": {"e": {"container": container}}},
    }, {}


class World:
    """What ran, and what fails at present."""

    def __init__(self, folder: Path) -> None:
        self.broken: set[str] = set()
        self.hanging: set[str] = set()
        self.ran: list[str] = []
        self.executor = FakeExecutor(folder / "jobs", program=self._run)

    def _run(self, spec: ProcessSpec) -> int | None:
        name = spec.argv[1]
        self.ran.append(name)
        if name in self.hanging:
            return None
        return 1 if name in self.broken else 0


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def retried(made: Engine, run_id: str = "run-1") -> Run:
    assert await made.database.write(runs.request_retry, run_id, made.clock.now())
    made.hints.hint("run", run_id)
    return await made.finished(run_id)


DIAMOND = package(
    {
        "a": task("c"),
        "b": task("c", "a"),
        "other": task("c", "a"),
        "last": task("c", "b"),
        "exit": task("c", "other", "b", **WHATEVER),
    }
)


async def test_only_what_failed_and_what_waited_for_it_runs_again(tmp_path: Path, world: World):
    world.broken = {"b"}
    async with engine(tmp_path, world.executor, OneEnvironment(Path("/"))) as made:
        await made.submit(DIAMOND)
        assert (await made.finished("run-1")).state == "FAILED"
        assert sorted(world.ran) == ["a", "b", "exit", "other"]
        before = await made.tasks("run-1")
        world.broken, world.ran = set(), []
        run = await retried(made)
        tasks = await made.tasks("run-1")
    assert (run.state, run.error) == ("SUCCEEDED", "")
    assert (world.ran[0], sorted(world.ran)) == ("b", ["b", "exit", "last"])
    states = ["FAILED", "PENDING", "RUNNING", "SUCCEEDED"]
    assert [change.state for change in run.state_history][-4:] == states
    assert tasks["a"] == before["a"]
    assert tasks["b"].process_id != before["b"].process_id
    assert tasks["exit"].process_id != before["exit"].process_id
    # The history of a task that goes on has its failure; one made anew begins.
    assert "FAILED" in [change.state for change in tasks["b"].state_history]
    assert len(world.executor.started) == 7


async def test_a_run_is_retried_until_it_succeeds(tmp_path: Path, world: World):
    world.broken = {"b"}
    async with engine(tmp_path, world.executor, OneEnvironment(Path("/"))) as made:
        await made.submit(DIAMOND)
        await made.finished("run-1")
        assert (await retried(made)).state == "FAILED"
        assert (await retried(made)).state == "FAILED"
        world.broken = set()
        assert (await retried(made)).state == "SUCCEEDED"
        assert not await made.database.write(runs.request_retry, "run-1", made.clock.now())
    assert world.ran.count("a") == 1
    assert world.ran.count("b") == 4
    assert world.ran.count("exit") == 4


LOOP = package(
    {
        "loop": task(
            "body",
            parameterIterator={"itemInput": "item", "items": {"raw": "[1, 2, 3]"}},
            iteratorPolicy={"parallelismLimit": 1},
        ),
        "after": task("c", "loop"),
    },
    body={
        "inputDefinitions": {"parameters": {"item": {"parameterType": "NUMBER_INTEGER"}}},
        "dag": {"tasks": {"one": task("c"), "two": task("c", "one")}},
    },
)


async def test_a_loop_goes_on_with_the_iteration_that_failed(tmp_path: Path, world: World):
    world.broken = {"two"}
    async with engine(tmp_path, world.executor, OneEnvironment(Path("/"))) as made:
        await made.submit(LOOP)
        assert (await made.finished("run-1")).state == "FAILED"
        assert world.ran == ["one", "two"]
        world.broken = set()
        assert (await retried(made)).state == "SUCCEEDED"
    assert world.ran == ["one", "two", "two", "one", "two", "one", "two", "after"]


async def test_a_terminated_run_goes_on(tmp_path: Path, world: World):
    world.hanging = {"b"}
    async with engine(tmp_path, world.executor, OneEnvironment(Path("/"))) as made:
        await made.submit(DIAMOND)
        while "b" not in world.ran:
            await _turn()
        await made.terminate("run-1")
        assert (await made.finished("run-1")).state == "CANCELED"
        world.hanging = set()
        run = await retried(made)
    assert run.state == "SUCCEEDED"
    assert not run.terminate_requested
    assert world.ran.count("a") == 1


@pytest.mark.parametrize("wanted", ["SUCCEEDED", "RUNNING", "nothing"])
async def test_only_what_ended_badly_is_retried(wanted: str, tmp_path: Path, world: World):
    world.hanging = {"a"} if wanted == "RUNNING" else set()
    async with engine(tmp_path, world.executor, OneEnvironment(Path("/"))) as made:
        if wanted != "nothing":
            await made.submit(DIAMOND)
            while (await made.run("run-1")).state != wanted:
                await _turn()
        assert not await made.database.write(runs.request_retry, "run-1", made.clock.now())


async def test_a_run_over_wrong_parameters_begins_anew(tmp_path: Path, world: World):
    spec = package({"a": task("c")})
    types = {"n": {"parameterType": "NUMBER_INTEGER"}}
    spec[0]["root"]["inputDefinitions"] = {"parameters": types}
    async with engine(tmp_path, world.executor, OneEnvironment(Path("/"))) as made:
        await made.submit(spec, parameters={"n": "no number"})
        assert (await made.finished("run-1")).state == "FAILED"
        run = await retried(made)
    assert run.state == "FAILED"
    assert "'n'" in run.error
    assert world.ran == []


async def test_a_retry_that_was_asked_for_outlives_the_server(tmp_path: Path, world: World):
    world.broken = {"b"}
    environment = OneEnvironment(Path("/"))
    async with engine(tmp_path, world.executor, environment) as made:
        await made.submit(DIAMOND)
        await made.finished("run-1")
        await made.database.write(runs.request_retry, "run-1", made.clock.now())
        assert (await made.run("run-1")).state is RuntimeState.PENDING
    world.broken = set()
    async with engine(tmp_path, world.executor, environment) as made:
        assert (await made.finished("run-1")).state == "SUCCEEDED"
    assert world.ran.count("b") == 2


async def _turn() -> None:

    await asyncio.sleep(0.002)
