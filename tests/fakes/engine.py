"""The engine of pipelines with everything that it needs, around any executor."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowmaker.clock import SystemClock
from flowmaker.executors.executor import Environments, EnvironmentSpec, Executor
from flowmaker.executors.images import Images
from flowmaker.objects.disk import DiskObjectStore
from flowmaker.pipelines.controllers.run import RunController
from flowmaker.pipelines.controllers.settings import RunSettings
from flowmaker.pipelines.records.run import Run, Task
from flowmaker.pipelines.repository import runs
from flowmaker.reconcile.hints import Hints
from flowmaker.reconcile.loop import Loop
from flowmaker.store.database import Database


@dataclass
class OneEnvironment:
    """Every environment is the same one, and it is there."""

    path: Path
    asked: list[EnvironmentSpec] = field(default_factory=list)

    def ready(self, spec: EnvironmentSpec, then: Callable[[], None]) -> Path | None:
        self.asked.append(spec)
        return self.path

    def note(self, spec: EnvironmentSpec) -> str:
        return "Python of the tests"


@dataclass
class Engine:
    """A controller that runs, and a user's means to drive it."""

    database: Database
    objects: DiskObjectStore
    executor: Executor
    controller: RunController
    hints: Hints
    clock: SystemClock = field(default_factory=SystemClock)

    async def submit(
        self, package: tuple[dict[str, Any], dict[str, Any]], run_id: str = "run-1", **changes: Any
    ) -> str:
        spec, platform = package
        run = Run(
            run_id=run_id,
            display_name=f"{run_id} of a test",
            experiment_id="e",
            created_at=self.clock.now(),
            pipeline_spec=spec,
            platform_spec=platform,
            **changes,
        )
        await self.database.write(runs.insert_run, run)
        self.hints.hint("run", run_id)
        return run_id

    async def terminate(self, run_id: str) -> None:
        assert await self.database.write(runs.request_termination, run_id)
        self.hints.hint("run", run_id)

    async def run(self, run_id: str) -> Run:
        found = await self.database.read(runs.get_run, run_id)
        assert found is not None
        return found

    async def tasks(self, run_id: str) -> dict[str, Task]:
        return {task.name: task for task in await self.database.read(runs.tasks_of, run_id)}

    async def finished(self, run_id: str, *, seconds: float = 60) -> Run:
        """The run when it has ended. Looks again and again: the database tells nobody."""
        async with asyncio.timeout(seconds):
            while not (run := await self.run(run_id)).state.is_final:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return run


@asynccontextmanager
async def engine(
    folder: Path,
    executor: Executor,
    environments: Environments,
    *,
    secrets: Mapping[str, Mapping[str, bytes]] | None = None,
    width: int = 16,
    **more: Any,
):
    """A running engine whose data is in `folder`."""

    async def worker_environment(task_id: str) -> Mapping[str, str]:
        return {"AWS_CONTAINER_AUTHORIZATION_TOKEN": f"of {task_id}"}

    async def secret(namespace: str, name: str) -> Mapping[str, bytes] | None:
        assert namespace == "kubeflow"
        return (secrets or {}).get(name)

    database = Database(folder / "flowmaker.db")
    objects = DiskObjectStore(folder / "objects", database, SystemClock())
    hints = Hints()
    controller = RunController(
        database=database,
        executor=executor,
        environments=environments,
        images=Images(),
        objects=objects,
        hints=hints,
        clock=SystemClock(),
        settings=RunSettings(
            worker_environment=worker_environment,
            secret=secret,
            endpoint="http://127.0.0.1:1",
            width=width,
            **more,
        ),
    )
    loop = Loop(controller)
    hints.listen("run", loop.hint)
    await loop.start()
    try:
        yield Engine(database, objects, executor, controller, hints)
    finally:
        await loop.close()
        objects.threads.shutdown()
        database.close()
