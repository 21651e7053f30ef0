"""Makes the runs of recurring runs when they are due."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from flowmaker import ids
from flowmaker.clock import Clock
from flowmaker.errors import FlowmakerError
from flowmaker.pipelines.driver.macros import Occasion, expand
from flowmaker.pipelines.ir.parameters import check_parameters
from flowmaker.pipelines.lifecycle.schedule import due
from flowmaker.pipelines.records.recurring import RecurringRun
from flowmaker.pipelines.records.run import Run, RuntimeState, StateChange
from flowmaker.pipelines.repository import catalog, recurring
from flowmaker.reconcile.hints import Hints
from flowmaker.store.database import Database, Transaction

#: The topic of recurring runs, and that of the runs that they make.
TOPIC = "recurring_run"
RUN_TOPIC = "run"
#: Seconds that it sleeps at most: the machine's clock may be set meanwhile.
LONGEST_SLEEP = 60.0


class RecurringRunController:
    """One recurring run is a key; each look makes at most one run."""

    topic = TOPIC

    def __init__(self, database: Database, hints: Hints, clock: Clock) -> None:
        self._database = database
        self._hints = hints
        self._clock = clock

    async def open_keys(self) -> Iterable[str]:
        return await self._database.read(recurring.enabled_ids)

    async def reconcile(self, key: str) -> float | None:
        now = self._clock.now()
        found, active = await self._database.read(_load, key)
        if found is None or not found.enabled:
            return None
        decided = await asyncio.to_thread(due, found, active, now)
        if decided.now is None:
            if decided.later is None:
                # The end of a run that is in the way is a hint.
                return LONGEST_SLEEP if active else None
            return min((decided.later - now).total_seconds(), LONGEST_SLEEP)
        run, error = await self._make(found, decided.now, now)
        used = await self._database.write(recurring.use_trigger, found, decided.now, run, error)
        if used and run is not None:
            self._hints.hint(RUN_TOPIC, run.run_id)
        return 0.0

    async def _make(
        self, found: RecurringRun, at: datetime, now: datetime
    ) -> tuple[Run | None, str]:
        """The run of a time, or why it cannot be."""
        try:
            return await self._database.read(_run, found, at, now), ""
        except FlowmakerError as error:
            return None, f"The run that was due at {at.isoformat()} was not made: {error}"


def _load(tx: Transaction, key: str) -> tuple[RecurringRun | None, int]:
    return recurring.find_recurring(tx, key), recurring.active_runs(tx, key)


def _run(tx: Transaction, found: RecurringRun, at: datetime, now: datetime) -> Run:
    catalog.get_open_experiment(tx, found.experiment_id)
    found = _with_spec(tx, found)
    index, run_id = found.last_index + 1, ids.new()
    occasion = Occasion(scheduled_at=at, now=now, index=index, run_id=run_id)
    return Run(
        run_id=run_id,
        display_name=f"{found.display_name}-{index}",
        experiment_id=found.experiment_id,
        description=found.description,
        namespace=found.namespace,
        service_account=found.service_account,
        created_at=now,
        scheduled_at=at,
        pipeline_spec=found.pipeline_spec,
        platform_spec=found.platform_spec,
        pipeline_id=found.pipeline_id,
        pipeline_version_id=found.pipeline_version_id,
        parameters=check_parameters(found.pipeline_spec, expand(found.parameters, occasion)),
        pipeline_root=found.pipeline_root,
        state_history=(StateChange(at=now, state=RuntimeState.PENDING),),
        recurring_run_id=found.recurring_run_id,
    )


def _with_spec(tx: Transaction, found: RecurringRun) -> RecurringRun:
    """With the version's spec, as it is now."""
    if found.pipeline_version_id:
        version = catalog.get_version(tx, found.pipeline_id, found.pipeline_version_id)
    elif found.pipeline_id:
        version = catalog.latest_version(tx, found.pipeline_id)
    else:
        return found
    return replace(
        found,
        pipeline_id=version.pipeline_id,
        pipeline_version_id=version.pipeline_version_id,
        pipeline_spec=version.pipeline_spec,
        platform_spec=version.platform_spec,
    )
