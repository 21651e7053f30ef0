"""The controller of runs, with an executor that does what the test says."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowmaker.errors import FlowmakerError
from flowmaker.executors.executor import EnvironmentSpec, ProcessSpec
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.records.run import RuntimeState
from flowmaker.pipelines.repository import runs
from tests.fakes.engine import Engine, OneEnvironment, engine
from tests.fakes.executor import FakeExecutor


def pipeline(*names: str, after: dict[str, list[str]] | None = None) -> Any:
    """Tasks that run `true`."""
    container = {"image": "python:3.11", "command": ["true"]}
    tasks = {
        name: {"componentRef": {"name": "c"}, "dependentTasks": (after or {}).get(name, [])}
        for name in names
    }
    spec = {
        "pipelineInfo": {"name": "p"},
        "root": {"dag": {"tasks": tasks}},
        "components": {"c": {"executorLabel": "e"}},
        "deploymentSpec": {"executors": {"e": {"container": container}}},
    }
    return spec, {}


class Later(OneEnvironment):
    """Its environment is not there until the test says so."""

    error: str = ""
    is_there: bool = False

    def __init__(self) -> None:
        super().__init__(Path("/"))
        self.waiting: list[Callable[[], None]] = []

    def ready(self, spec: EnvironmentSpec, then: Callable[[], None]) -> Path | None:
        if self.error:
            raise FlowmakerError(self.error)
        if not self.is_there:
            self.waiting.append(then)
            return None
        return self.path

    def tell(self) -> None:
        for then in self.waiting:
            then()


@pytest.fixture
def executor(tmp_path: Path) -> FakeExecutor:
    return FakeExecutor(tmp_path / "jobs")


@pytest.fixture
def environment() -> OneEnvironment:
    return OneEnvironment(Path("/"))


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def quiet(made: Engine) -> None:
    """Until nothing more happens by itself; the first thing is that the run's tasks are written."""
    before = 0
    while (now := (await made.run("run-1")).revision) == 0 or now != before:
        before = now
        await asyncio.sleep(0.03)


async def two_and_a_third(made: Engine, executor: FakeExecutor) -> tuple[str, str]:
    """The processes of two tasks that run; a third waits for the first."""
    await made.submit(pipeline("a", "b", "c", after={"c": ["a"]}))
    await until(lambda: len(executor.started) == 2)
    tasks = await made.tasks("run-1")
    return tasks["a"].process_id, tasks["b"].process_id


async def test_a_start_that_was_only_written_is_made_good(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
):
    """Killed between the commit and the start: the next server starts it."""
    asked: list[str] = []

    class Killed(FakeExecutor):
        async def ensure_started(self, spec: ProcessSpec) -> None:
            asked.append(spec.id)
            raise asyncio.CancelledError

    async with engine(tmp_path, Killed(tmp_path / "jobs"), environment) as made:
        await made.submit(pipeline("a"))
        await until(lambda: asked)
        assert (await made.tasks("run-1"))["a"].state is RuntimeState.RUNNING
    executor.program = lambda _: 0
    async with engine(tmp_path, executor, environment) as made:
        assert (await made.finished("run-1")).error == ""
    assert list(executor.started) == asked


async def test_an_end_that_nobody_saw_is_taken_in(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
):
    async with engine(tmp_path, executor, environment) as made:
        await made.submit(pipeline("a", "b", after={"b": ["a"]}))
        await until(lambda: executor.started)
    (first,) = executor.started
    executor._listeners.clear()
    executor.finish(first)
    async with engine(tmp_path, executor, environment) as made:
        await until(lambda: len(executor.started) == 2)
        executor.finish(list(executor.started)[1])
        assert (await made.finished("run-1")).state is RuntimeState.SUCCEEDED


async def test_a_process_that_was_said_to_have_ended_too_soon_is_still_heard_of(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
):
    """A supervisor that was just forked holds nothing yet: it may be taken for absent."""
    starts: list[str] = []

    def program(spec: ProcessSpec) -> None:
        starts.append(spec.id)

    executor.program = program
    async with engine(tmp_path, executor, environment) as made:
        await made.submit(pipeline("a"))
        await until(lambda: starts)
        (process,) = executor.started
        await executor.forget(process)
        for listener in executor._listeners:
            listener(process)
        await until(lambda: len(starts) == 2)
        executor.finish(process)
        assert (await made.finished("run-1", seconds=5)).state is RuntimeState.SUCCEEDED


async def test_a_lost_process_fails_its_task(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
):
    async with engine(tmp_path, executor, environment) as made:
        await made.submit(pipeline("a"))
        await until(lambda: executor.started)
        executor.lose(next(iter(executor.started)))
        run = await made.finished("run-1")
    assert run.state is RuntimeState.FAILED
    assert run.error.startswith("Task 'a' failed: The process was killed from outside")


async def test_a_task_waits_for_its_environment(tmp_path: Path, executor: FakeExecutor):
    environment = Later()
    executor.program = lambda _: 0
    async with engine(tmp_path, executor, environment) as made:
        await made.submit(pipeline("a"))
        await until(lambda: environment.waiting)
        await quiet(made)
        assert (await made.tasks("run-1"))["a"].state is RuntimeState.PENDING
        environment.is_there = True
        environment.tell()
        assert (await made.finished("run-1")).state is RuntimeState.SUCCEEDED


async def test_an_environment_that_cannot_be_made_fails_its_task(
    tmp_path: Path, executor: FakeExecutor
):
    environment = Later()
    async with engine(tmp_path, executor, environment) as made:
        await made.submit(pipeline("a", "b"))
        await until(lambda: environment.waiting)
        environment.error = "cannot install nonsense"
        environment.tell()
        run = await made.finished("run-1")
    assert run.error == "Task 'a' failed: cannot install nonsense"
    assert not executor.started


async def test_no_more_processes_than_there_are_places(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
):
    async with engine(tmp_path, executor, environment, width=2) as made:
        await made.submit(pipeline("a", "b", "c"))
        await made.submit(pipeline("d", "e"), run_id="run-2")
        for count in (2, 3, 4, 5):
            await until(lambda count=count: len(executor.started) == count)
            await quiet(made)
            assert len(executor.started) == count
            executor.finish(list(executor.started)[count - 2])
        executor.finish(list(executor.started)[-1])
        assert (await made.finished("run-1")).state is RuntimeState.SUCCEEDED
        assert (await made.finished("run-2")).state is RuntimeState.SUCCEEDED


async def test_the_processes_of_a_deleted_run_are_stopped(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
):
    async with engine(tmp_path, executor, environment) as made:
        await made.submit(pipeline("a"))
        await until(lambda: executor.started)
        assert await made.database.write(runs.delete_run, "run-1")
        made.hints.hint("run", "run-1")
        await until(lambda: executor.stops)
        assert [process_id for process_id, _ in executor.stops] == list(executor.started)


async def test_termination_reaches_every_process_once(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
):
    executor.obeys_stop = False
    async with engine(tmp_path, executor, environment) as made:
        await made.submit(pipeline("a", "b"))
        await until(lambda: len(executor.started) == 2)
        await made.terminate("run-1")
        await until(lambda: len(executor.stops) == 2)
        made.hints.hint("run", "run-1")
        await quiet(made)
        assert (await made.run("run-1")).state is RuntimeState.CANCELING
        for process_id in executor.started:
            executor.finish(process_id, -15, reason="stopped")
        assert (await made.finished("run-1")).state is RuntimeState.CANCELED
    assert len(executor.stops) == 2


async def test_what_is_asked_of_a_run_is_seen_when_a_task_of_it_ends(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
):
    """Nobody needs to say so: writing the end tells."""
    async with engine(tmp_path, executor, environment) as made:
        a, b = await two_and_a_third(made, executor)
        assert await made.database.write(runs.request_termination, "run-1")
        executor.finish(a)
        assert (await made.finished("run-1")).state is RuntimeState.CANCELED
        # The end was written with what followed of it; what was begun so was ended at once.
        stopped = {process_id for process_id, _ in executor.stops}
        assert b in stopped
        assert stopped == set(executor.started) - {a}


async def test_the_processes_of_a_run_that_is_gone_when_a_task_ends_are_stopped(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
):
    async with engine(tmp_path, executor, environment) as made:
        a, b = await two_and_a_third(made, executor)
        assert await made.database.write(runs.delete_run, "run-1")
        executor.finish(a)
        await until(lambda: executor.stops)
        assert set(executor.started) == {a, b}
        assert b in {process_id for process_id, _ in executor.stops}


async def test_what_was_decided_on_an_old_revision_is_not_written(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
):
    async with engine(tmp_path, executor, environment) as made:
        await made.submit(pipeline("a"))
        await until(lambda: executor.started)
        await quiet(made)
        run = await made.run("run-1")
        assert not await made.database.write(runs.apply, run, inserted=(), changed=())
        assert await made.run("run-1") == run


async def test_a_pipeline_root_elsewhere_is_refused(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
):
    async with engine(tmp_path, executor, environment) as made:
        await made.submit(pipeline("a"), pipeline_root="gs://bucket/root")
        assert "gs://bucket/root" in (await made.finished("run-1")).error
        await made.submit(pipeline("a"), run_id="run-2", pipeline_root="s3://nowhere/root")
        assert "no bucket nowhere" in (await made.finished("run-2")).error


async def test_outputs_that_were_moved_but_not_written_are_taken_in_again(
    tmp_path: Path,
    executor: FakeExecutor,
    environment: OneEnvironment,
    monkeypatch: pytest.MonkeyPatch,
):
    """Killed between the move of the outputs and the commit."""
    spec, platform = pipeline("a")
    artifact = {"artifactType": {"schemaTitle": "system.Model"}}
    spec["components"]["c"]["outputDefinitions"] = {
        "parameters": {"o": {"parameterType": "STRING"}},
        "artifacts": {"m": artifact},
    }
    container = spec["deploymentSpec"]["executors"]["e"]["container"]
    container["args"] = [
        "{{$.outputs.parameters['o'].output_file}}",
        "{{$.outputs.artifacts['m'].path}}",
    ]

    def program(process: ProcessSpec) -> int:
        for file in process.argv[1:]:
            Path(file).write_text("something")
        return 0

    executor.program = program
    failures = []
    async with engine(tmp_path, executor, environment) as made:
        write = made.controller._write

        async def break_once(progress: Progress, syncing: asyncio.Event) -> bool:
            if any(task.outputs for task in progress.tasks.values()) and not failures:
                failures.append(1)
                raise OSError("no space left")
            return await write(progress, syncing)

        monkeypatch.setattr(made.controller, "_write", break_once)
        await made.submit((spec, platform))
        run = await made.finished("run-1")
        outputs = (await made.tasks("run-1"))["a"].outputs
        stored = await made.objects.walk("mlpipeline", "v2/artifacts/p/run-1/a/")
    assert failures
    assert (run.state, run.error) == (RuntimeState.SUCCEEDED, "")
    assert outputs["parameters"] == {"o": "something"}
    assert [f"s3://mlpipeline/{each.key}" for each in stored] == [
        outputs["artifacts"]["m"][0]["uri"]
    ]


async def test_a_run_that_cannot_be_read_again_fails_and_what_runs_of_it_is_stopped(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
):
    """Its own bucket was removed while no server ran."""
    root = "s3://mine/runs"
    async with engine(tmp_path, executor, environment) as made:
        await made.objects.ensure_bucket("mine", owner="000000000000", region="us-east-1")
        await made.submit(pipeline("a", "b", after={"b": ["a"]}), pipeline_root=root)
        await until(lambda: executor.started)
        await made.objects.delete_bucket("mine")
    (process_id,) = executor.started
    executor.obeys_stop = False

    async with engine(tmp_path, executor, environment) as made:
        await until(lambda: executor.stops)
        await asyncio.sleep(0.03)
        assert (await made.run("run-1")).state is RuntimeState.RUNNING, "something of it runs"
        executor.finish(process_id, -15, reason="stopped")
        run = await made.finished("run-1")
        tasks = await made.tasks("run-1")
    assert run.state is RuntimeState.FAILED
    assert "there is no bucket mine" in run.error
    assert {stopped for stopped, _ in executor.stops} == {process_id}
    assert {task.state for task in tasks.values()} == {RuntimeState.CANCELED}
    assert tasks["a"].error == run.error
