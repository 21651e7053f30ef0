"""Brings runs to their ends: see docs/life-of-a-run.md."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import islice

from flowmaker.clock import Clock
from flowmaker.errors import FlowmakerError, Unsupported
from flowmaker.executors.executor import (
    Environments,
    Executor,
    ProcessState,
)
from flowmaker.executors.images import Images
from flowmaker.objects.objects import ObjectStore
from flowmaker.pipelines.controllers.accelerators import Accelerators
from flowmaker.pipelines.controllers.caching import Cache
from flowmaker.pipelines.controllers.places import Places
from flowmaker.pipelines.controllers.process import Processes
from flowmaker.pipelines.controllers.recurring import TOPIC as RECURRING
from flowmaker.pipelines.controllers.retention import TOPIC as RETENTION
from flowmaker.pipelines.controllers.room import TaskRoom
from flowmaker.pipelines.controllers.settings import RunSettings, job_of
from flowmaker.pipelines.controllers.starts import Starts
from flowmaker.pipelines.controllers.tidying import Tidying
from flowmaker.pipelines.controllers.volumes import Volumes
from flowmaker.pipelines.controllers.workspaces import Workspaces
from flowmaker.pipelines.driver.cache import CacheEntry
from flowmaker.pipelines.ir.graph import Graph, graph_of
from flowmaker.pipelines.lifecycle.again import again, is_wanted
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.lifecycle.run import (
    End,
    deadline,
    decide,
    waits_until,
)
from flowmaker.pipelines.lifecycle.task import moved, run_moved
from flowmaker.pipelines.records.run import Run, RuntimeState, Task
from flowmaker.pipelines.repository import runs
from flowmaker.reconcile.hints import Hints
from flowmaker.store.database import Database, Transaction

#: Of the tasks that wait, how many are looked up in the cache before their turn comes.
LOOKED_UP = 64


class RunController:
    """Implements `Controller` for the topic `run`; its keys are run ids."""

    topic = "run"

    def __init__(  # noqa: PLR0913, PLR0917 - everything that a run touches
        self,
        database: Database,
        executor: Executor,
        environments: Environments,
        images: Images,
        objects: ObjectStore,
        hints: Hints,
        clock: Clock,
        settings: RunSettings,
    ) -> None:
        self._database = database
        self._executor = executor
        self._hints = hints
        self._clock = clock
        self._settings = settings
        self._processes = Processes(
            executor=executor,
            environments=environments,
            images=images,
            objects=objects,
            settings=settings,
            accelerators=Accelerators(settings.room, executor),
        )
        self._objects = objects
        self._open: dict[str, Progress] = {}
        self._places = Places(settings.width, partial(hints.hint, self.topic))
        #: Processes that ended, by run, until they are taken in.
        self._exits: defaultdict[str, set[str]] = defaultdict(set)
        #: Processes that were told to end.
        self._stopped: set[str] = set()
        self._cache = Cache(
            database=database,
            objects=objects,
            processes=self._processes,
            settings=settings,
            clock=clock,
        )
        self._volumes = Volumes(settings=settings)
        self._workspaces = Workspaces(settings, objects, self._hint_of)
        self._room = TaskRoom(settings.room)
        self._starts = Starts(
            executor=executor,
            environments=environments,
            processes=self._processes,
            places=self._places,
            room=self._room,
            clock=clock,
            hint_of=self._hint_of,
        )
        #: Results to be kept for others, by run, until they are written.
        self._cached: defaultdict[str, list[CacheEntry]] = defaultdict(list)
        self._tidying = Tidying(executor)
        executor.on_exit(self._exited)

    async def open_keys(self) -> Iterable[str]:
        run_ids = await self._database.read(runs.open_run_ids)
        self._room.expect(run_ids)
        return run_ids

    async def reconcile(self, key: str) -> float | None:
        try:
            progress = self._open.get(key)
            is_read = progress is None
            progress = progress or await self._load(key)
            if progress is not None:
                ends = await self._ends(progress)
                # Reading the run told what is asked of it, and so does writing what ended.
                if is_read or ends or await self._is_there(progress):
                    await self._bring_on(progress, ends)
                    return self._pause(progress)
        except BaseException:
            # What is in memory may be ahead of the database now: read it again next time.
            self._drop(key)
            raise
        finally:
            self._room.looked_at(key)
        return None

    def _exited(self, process_id: str) -> None:
        run_id = self._places.run_of(process_id)
        if run_id:
            self._exits[run_id].add(process_id)
            self._places.release(process_id)
            self._hints.hint(self.topic, run_id)
        else:  # nobody takes it in: its run was deleted
            self._room.left(process_id)
            self._processes.forget(process_id)

    async def _load(self, run_id: str) -> Progress | None:
        run, tasks = await self._database.read(_with_tasks, run_id)
        if run is None:
            return None
        if run.state.is_final:
            await self._remove_if_leaving(run)
            return None
        return await self._read(run, tasks)

    async def _is_there(self, progress: Progress) -> bool:
        """Whether the run is still there. Whether it is to end is noted in it."""
        run_id = progress.run.run_id
        terminate = await self._database.read(runs.termination_requested, run_id)
        if terminate is None:  # it was deleted
            for task_id in progress.running:
                await self._executor.stop(progress.tasks[task_id].process_id)
            self._drop(run_id)
            return False
        _note(progress, terminate)
        return True

    async def _read(self, run: Run, tasks: list[Task]) -> Progress | None:
        try:
            graph = await asyncio.to_thread(graph_of, run.pipeline_spec, run.platform_spec)
            job = job_of(run, graph, self._settings)
            await self._ensure_bucket(job.root)
            await self._workspaces.ensure(run, graph)
        except FlowmakerError as error:
            await self._abandon(run, tasks, str(error))
            return None
        if is_wanted(run, tasks):
            return await self._retry(graph, run, tasks)
        progress = Progress(graph, job, run, tasks)
        for task_id in progress.running:
            process_id = progress.tasks[task_id].process_id
            self._places.take(process_id, run.run_id)
            self._exits[run.run_id].add(process_id)
        self._room.read(progress)
        self._open[run.run_id] = progress
        return progress

    async def _abandon(self, run: Run, tasks: list[Task], error: str) -> None:
        """It cannot go on. What runs of it ends first: nobody looks at a run that failed."""
        is_open = [task for task in tasks if not task.state.is_final]
        if await self._is_stopping([task.process_id for task in is_open if task.process_id], run):
            return  # their ends are hints
        now = self._clock.now()
        failed = run_moved(run, RuntimeState.FAILED, now, error=error)
        canceled = [moved(task, RuntimeState.CANCELED, now, error=error) for task in is_open]
        self._drop(run.run_id)
        applied = await self._database.write(
            runs.apply,
            replace(failed, revision=run.revision + 1),
            changed=[replace(task, revision=task.revision + 1) for task in canceled],
        )
        if applied is None:  # somebody else changed it
            self._hints.hint(self.topic, run.run_id)
        else:
            await self._over(failed)

    async def _is_stopping(self, process_ids: list[str], run: Run) -> bool:
        """Have these processes end; whether one has yet to."""
        for process_id in process_ids:
            self._places.take(process_id, run.run_id)
            await self._executor.stop(process_id, grace=self._settings.grace)
        seen = [await self._executor.observe(process_id) for process_id in process_ids]
        return any(each.state is ProcessState.RUNNING for each in seen)

    async def _retry(self, graph: Graph, run: Run, tasks: list[Task]) -> None:
        """Write what a retried run begins with, then look at it as at any other."""
        made = again(graph, run, tasks, self._clock.now())
        await self._database.write(runs.apply, made.run, changed=made.changed, removed=made.removed)
        self._hints.hint(self.topic, run.run_id)

    async def _ensure_bucket(self, root: str) -> None:
        """The default root's bucket is made; any other has to be there."""
        bucket = root.removeprefix("s3://").partition("/")[0]
        if self._settings.pipeline_root.startswith(f"s3://{bucket}/"):
            owner, region = self._settings.owner, self._settings.region
            await self._objects.ensure_bucket(bucket, owner=owner, region=region)
        elif await self._objects.bucket(bucket) is None:
            raise Unsupported(f"Pipeline root {root}: there is no bucket {bucket}; make it first")

    async def _bring_on(self, progress: Progress, ends: list[End]) -> None:
        """Take in what ended, decide, write it all at once, and start what is to run."""
        run_id = progress.run.run_id
        for end in ends:
            if not end.error and (entry := await self._cache.entry(progress, end)):
                self._cached[run_id].append(entry)
        done = [progress.tasks[end.task_id].process_id for end in ends if not end.error]
        while True:
            terminating = progress.run.terminate_requested
            decide(progress, ends, self._clock.now())
            ends = await self._cache.hits(progress, islice(progress.pending, LOOKED_UP))
            ends = ends or await self._without_process(progress) or self._starts.admit(progress)
            if ends:
                continue
            async with asyncio.TaskGroup() as group:
                syncing = asyncio.Event()
                written = group.create_task(self._write(progress, syncing))
                started = [
                    group.create_task(
                        self._starts.prepare_and_start(progress, task_id, syncing, written)
                    )
                    for task_id in progress.admitted
                ]
            if not written.result():
                await self._refused(progress)
                return
            ends = [end for each in started if (end := each.result()) is not None]
            if not ends and terminating == progress.run.terminate_requested:
                break
        # Only now: until their outputs are written, they may have to be taken in again.
        self._tidying.begin(done)
        await self._stop_canceling(progress)
        if progress.run.state.is_final:
            self._finish(progress)
            await self._over(progress.run)

    async def _refused(self, progress: Progress) -> None:
        """Somebody else changed the run: it is read again, unless it was deleted."""
        self._room.never_began(progress)
        if await self._is_there(progress):
            self._drop(progress.run.run_id)
            self._hints.hint(self.topic, progress.run.run_id)

    def _finish(self, progress: Progress) -> None:
        self._drop(progress.run.run_id)
        if progress.run.expires_at is not None or progress.graph.config.workspace is not None:
            self._hints.hint(RETENTION, progress.run.run_id)

    async def _without_process(self, progress: Progress) -> list[End]:
        """The ends of tasks that the server itself does: claims, and downloads to a workspace."""
        return [*await self._volumes.ends(progress), *await self._workspaces.ends(progress)]

    async def _ends(self, progress: Progress) -> list[End]:
        """How the processes that are said to have ended did end; their outputs are published."""
        process_ids = self._exits.pop(progress.run.run_id, set())
        running = {progress.tasks[each].process_id: each for each in progress.running}
        ends = await asyncio.gather(
            *(
                self._end(progress, progress.tasks[running[process_id]])
                for process_id in process_ids
                if process_id in running
            )
        )
        return [end for end in ends if end is not None]

    async def _end(self, progress: Progress, task: Task) -> End | None:
        seen = await self._executor.observe(task.process_id)
        if seen.state in (ProcessState.RUNNING, ProcessState.ABSENT):
            # Its end is yet to come: it must find its run then.
            self._places.take(task.process_id, task.run_id)
        if seen.state is ProcessState.RUNNING:
            return None
        if seen.state is ProcessState.ABSENT:
            # The start was written, but we were killed before it was done.
            progress.admitted[task.task_id] = None
            return None
        self._stopped.discard(task.process_id)
        self._places.release(task.process_id)
        self._room.left(task.process_id)
        return await self._processes.end(progress, task, seen)

    def _pause(self, progress: Progress) -> float | None:
        """Seconds until the first retry that waits may start, or until the run's time is up."""
        waits = [waits_until(progress, task_id) for task_id in progress.retrying]
        waits.append(deadline(progress))
        first = min((until for until in waits if until is not None), default=None)
        return None if first is None else max(0.0, (first - self._clock.now()).total_seconds())

    async def _over(self, run: Run) -> None:
        """It has ended. What makes runs again and again may have waited for that."""
        await self._remove_if_leaving(run)
        if run.recurring_run_id:
            self._hints.hint(RECURRING, run.recurring_run_id)

    async def _remove_if_leaving(self, run: Run) -> None:
        """A run that was deleted while it went on has ended: now its rows go, as any other's."""
        is_asked = run.terminate_requested  # which a deletion always is
        if is_asked and await self._database.write(runs.remove_if_leaving, run.run_id):
            self._hints.hint(RETENTION, run.run_id)

    def _hint_of(self, run_id: str) -> Callable[[], None]:
        return partial(self._hints.hint, self.topic, run_id)

    async def _stop_canceling(self, progress: Progress) -> None:
        for task_id in progress.running:
            task = progress.tasks[task_id]
            if task.state is RuntimeState.CANCELING and task.process_id not in self._stopped:
                self._stopped.add(task.process_id)
                await self._executor.stop(task.process_id, grace=self._settings.grace)

    async def _write(self, progress: Progress, syncing: asyncio.Event) -> bool:
        """Write what was decided; whether nobody else changed the run.

        `syncing` is set when all that is left is to wait for the disk.
        """
        changes = progress.changes()
        if changes is None:
            syncing.set()
            return True
        cached = self._cached.pop(changes.run.run_id, ())
        loop = asyncio.get_running_loop()

        def apply(tx: Transaction) -> runs.Applied | None:
            try:
                return runs.apply(
                    tx,
                    changes.run,
                    moved=changes.moved,
                    inserted=changes.inserted,
                    changed=changes.changed,
                    cached=cached,
                )
            finally:
                loop.call_soon_threadsafe(syncing.set)

        applied = await self._database.write(apply)
        if applied is None:
            return False
        progress.written()
        _note(progress, applied.terminate_requested)
        return True

    def _drop(self, run_id: str) -> None:
        """Forget a run: it is over, or it has to be read again."""
        self._open.pop(run_id, None)
        self._exits.pop(run_id, None)
        self._cached.pop(run_id, None)
        self._room.drop(run_id)
        self._workspaces.drop(run_id)
        for process_id in self._places.drop(run_id):
            self._stopped.discard(process_id)  # told again, should it have missed it


def _with_tasks(tx: Transaction, run_id: str) -> tuple[Run | None, list[Task]]:
    """A run that goes on, and its tasks."""
    run = runs.get_run_or_leaving(tx, run_id)
    return run, [] if run is None or run.state.is_final else runs.tasks_of(tx, run_id)


def _note(progress: Progress, terminate_requested: bool) -> None:  # noqa: FBT001 - as it was read
    """What is asked of the run. It is decided on next."""
    if terminate_requested and not progress.run.terminate_requested:
        progress.run = replace(progress.run, terminate_requested=True)
