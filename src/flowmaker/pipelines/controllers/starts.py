"""Gives the ready tasks of runs their processes, as far as there are places and room for them."""

import asyncio
from collections.abc import Callable

from flowmaker.clock import Clock
from flowmaker.errors import FlowmakerError
from flowmaker.executors.executor import Environments, EnvironmentSpec, Executor, ProcessSpec
from flowmaker.pipelines.controllers.places import Places
from flowmaker.pipelines.controllers.process import Processes
from flowmaker.pipelines.controllers.room import TaskRoom
from flowmaker.pipelines.driver.configuration import container_of
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.lifecycle.run import TERMINATED, End, start, waits_until
from flowmaker.pipelines.records.run import RuntimeState, Task

#: A process that may be started, or why it cannot; None while its environment is not there.
Prepared = ProcessSpec | str | None


class Starts:
    """The way of tasks from pending to running."""

    def __init__(  # noqa: PLR0913 - all that a start touches
        self,
        *,
        executor: Executor,
        environments: Environments,
        processes: Processes,
        places: Places,
        room: TaskRoom,
        clock: Clock,
        hint_of: Callable[[str], Callable[[], None]],
    ) -> None:
        """`hint_of(run id)()` has the run looked at again."""
        self._executor = executor
        self._environments = environments
        self._processes = processes
        self._places = places
        self._room = room
        self._clock = clock
        self._hint_of = hint_of
        #: The environments of tasks that were admitted just now.
        self._wanted: dict[str, EnvironmentSpec] = {}

    def admit(self, progress: Progress) -> list[End]:
        """Give ready tasks their processes, as far as there are environments, places and room.

        Returns those whose environment cannot be made.
        """
        run_id = progress.run.run_id
        self._places.leave(run_id)
        self._room.begin(progress)
        failed: list[End] = []
        awaited: set[EnvironmentSpec] = set()
        for task_id in list(progress.pending):
            if not self._places.is_there_one(run_id):
                break
            if self._is_early(progress, task_id):
                continue
            try:
                spec = self._spec(progress, task_id)
                if spec in awaited:
                    continue
                hint = self._hint_of(run_id)
                path = self._environments.ready(spec, hint)
                admitted = path and self._room.admits(progress, progress.tasks[task_id], hint)
            except FlowmakerError as error:
                failed.append(End(task_id=task_id, error=str(error)))
                continue
            if path is None:
                awaited.add(spec)
            elif admitted:
                start(progress, task_id, self._clock.now())
                self._wanted[task_id] = spec
                self._places.take(progress.tasks[task_id].process_id, run_id)
        return failed

    def _is_early(self, progress: Progress, task_id: str) -> bool:
        """Whether it is not its turn yet: it is to be tried again later, or others come first.

        What is being imported has no process: its turn never comes.
        """
        until = waits_until(progress, task_id)
        later = until is not None and until > self._clock.now()
        is_imported = progress.graph.component(progress.tasks[task_id].component).importer
        return later or is_imported is not None or self._room.stands_back(progress, task_id)

    def _spec(self, progress: Progress, task_id: str) -> EnvironmentSpec:
        task = progress.tasks[task_id]
        component = progress.graph.component(task.component)
        return self._processes.environment(container_of(task, component, progress.job))

    async def prepare_and_start(
        self,
        progress: Progress,
        task_id: str,
        syncing: asyncio.Event,
        written: asyncio.Task[bool],
    ) -> End | None:
        """Give a task its process as soon as it is written as running, and prepare it meanwhile.

        Folders and links are no start. It is prepared while the disk is waited for: earlier, both
        threads would only take turns. Returns the end of one that cannot be started.
        """
        await syncing.wait()
        prepared = await self._prepare(progress, progress.tasks[task_id])
        if not await written:
            return None
        return await self._start(progress, progress.tasks[task_id], prepared)

    async def _prepare(self, progress: Progress, task: Task) -> Prepared:
        spec = self._wanted.pop(task.task_id, None)
        if task.state is not RuntimeState.RUNNING:
            return TERMINATED
        try:
            spec = spec or self._spec(progress, task.task_id)
            path = self._environments.ready(spec, self._hint_of(task.run_id))
            return await self._processes.prepare(progress, task, spec, path) if path else None
        except FlowmakerError as failure:
            return str(failure)

    async def _start(self, progress: Progress, task: Task, prepared: Prepared) -> End | None:
        if prepared is None:
            return None
        error = prepared if isinstance(prepared, str) else ""
        if isinstance(prepared, ProcessSpec):
            try:
                await self._executor.ensure_started(prepared)
            except FlowmakerError as failure:
                error = str(failure)
        del progress.admitted[task.task_id]
        if not error:
            return None
        self._places.release(task.process_id)
        self._room.left(task.process_id)
        return End(task_id=task.task_id, error=error)
