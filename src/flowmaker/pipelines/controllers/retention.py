"""What stays of a run that has ended, and for how long.

As on a cluster, where the run's Workflow has a time to live (dsl.PipelineConfig): the run, its
tasks, their errors and their artifacts stay; what goes is what the Workflow and its pods are there,
the folders of its processes with their logs, and its workspace. A workspace goes at once when the
run has succeeded, and is kept for a retry when it has not (Argo's volumeClaimGC).
"""

from collections.abc import Iterable

from flowmaker.clock import Clock
from flowmaker.executors.executor import Executor
from flowmaker.pipelines.controllers.settings import RunSettings
from flowmaker.pipelines.driver.workspace import claim_name, run_of
from flowmaker.pipelines.records.run import RuntimeState
from flowmaker.pipelines.repository import runs
from flowmaker.store.database import Database

#: Its keys are the ids of runs that have ended, or were deleted.
TOPIC = "run-retention"


class RetentionController:
    """Implements `Controller`."""

    topic = TOPIC

    def __init__(
        self, database: Database, executor: Executor, clock: Clock, settings: RunSettings
    ) -> None:
        self._database = database
        self._executor = executor
        self._clock = clock
        self._settings = settings

    async def open_keys(self) -> Iterable[str]:
        expiring = await self._database.read(runs.expiring_run_ids)
        with_workspace = {run_of(name) for _, name in await self._settings.claims()} - {""}
        return {*expiring, *with_workspace}

    async def reconcile(self, key: str) -> float | None:
        run = await self._database.read(runs.get_run_or_leaving, key)
        if run is None or run.state is RuntimeState.SUCCEEDED:
            await self._remove_workspace(key)
        if run is None or run.expires_at is None or not run.state.is_final:
            return None
        left = (run.expires_at - self._clock.now()).total_seconds()
        if left > 0:
            return left
        await self._remove_workspace(key)
        for task in await self._database.read(runs.tasks_of, key):
            for folder in self._executor.folder(task.task_id).parent.glob(f"{task.task_id}-*"):
                await self._executor.forget(folder.name)
        await self._database.write(runs.expired, key)
        return None

    async def _remove_workspace(self, run_id: str) -> None:
        for namespace, name in await self._settings.claims():
            if name == claim_name(run_id):
                await self._settings.remove_claim(namespace, name, run_id)
