"""Recurring runs in the database, and the runs that they make."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from flowmaker.errors import NotFound
from flowmaker.pipelines.records.recurring import RecurringRun, Trigger
from flowmaker.pipelines.records.run import Run
from flowmaker.pipelines.repository import catalog, runs
from flowmaker.store.database import Transaction
from flowmaker.store.schema.pipelines import recurring_runs
from flowmaker.store.schema.pipelines import runs as runs_table

_FIELDS = tuple(column.name for column in recurring_runs.columns)


def insert_recurring(tx: Transaction, recurring: RecurringRun) -> None:
    """Keep a new one."""
    values = {name: getattr(recurring, name) for name in _FIELDS}
    documents = {
        "trigger": _trigger_document(recurring.trigger),
        "pipeline_spec": dict(recurring.pipeline_spec),
        "platform_spec": dict(recurring.platform_spec),
        "parameters": dict(recurring.parameters),
    }
    tx.execute(insert(recurring_runs).values(**values | documents))


def get_recurring(tx: Transaction, recurring_run_id: str) -> RecurringRun:
    found = find_recurring(tx, recurring_run_id)
    if found is None:
        raise NotFound(f"There is no recurring run {recurring_run_id!r}.")
    return found


def find_recurring(tx: Transaction, recurring_run_id: str) -> RecurringRun | None:
    row = tx.execute(
        select(recurring_runs).where(recurring_runs.c.recurring_run_id == recurring_run_id)
    ).one_or_none()
    return None if row is None else row_to_recurring(row)


def enabled_ids(tx: Transaction) -> list[str]:
    """The recurring runs that may make runs."""
    return list(
        tx.scalars(select(recurring_runs.c.recurring_run_id).where(recurring_runs.c.enabled))
    )


def set_enabled(tx: Transaction, recurring_run_id: str, now: datetime, *, enabled: bool) -> None:
    """Let it make runs, or let it rest. What is due meanwhile is caught up with, unless it says no.

    Raises:
        FailedPrecondition: its experiment is archived.
    """
    recurring = get_recurring(tx, recurring_run_id)
    if enabled:
        catalog.get_open_experiment(tx, recurring.experiment_id)
    tx.execute(
        update(recurring_runs)
        .where(recurring_runs.c.recurring_run_id == recurring_run_id)
        .values(enabled=enabled, updated_at=now)
    )


def delete_recurring(tx: Transaction, recurring_run_id: str) -> None:
    """Forget it; the runs that it made stay and go on. In KFP those that go on would be ended."""
    get_recurring(tx, recurring_run_id)
    tx.execute(delete(recurring_runs).where(recurring_runs.c.recurring_run_id == recurring_run_id))


def active_runs(tx: Transaction, recurring_run_id: str) -> int:
    """How many of its runs have not ended."""
    mine = runs_table.c.recurring_run_id == recurring_run_id
    return tx.execute(
        select(func.count()).select_from(runs_table).where(mine, runs_table.c.state.in_(runs.OPEN))
    ).scalar_one()


def use_trigger(
    tx: Transaction, recurring: RecurringRun, at: datetime, run: Run | None, error: str
) -> bool:
    """Make the run of a time, or note why there is none.

    It is one write, so that each time is used once. False when it was used already, or the
    recurring run is not wanted any more.
    """
    guard = (
        (recurring_runs.c.recurring_run_id == recurring.recurring_run_id)
        & (recurring_runs.c.last_index == recurring.last_index)
        & recurring_runs.c.enabled
    )
    used = {"last_triggered_at": at, "last_index": recurring.last_index + 1, "error": error}
    if tx.execute(update(recurring_runs).where(guard).values(**used)).rowcount == 0:
        return False
    if run is not None:
        catalog.note_run(tx, run.experiment_id, run.created_at)
        runs.insert_run(tx, run)
    return True


def row_to_recurring(row: Row[Any]) -> RecurringRun:
    values = row._asdict()  # pyright: ignore[reportPrivateUsage] - it is documented
    trigger = dict(values["trigger"])
    for name in ("start_time", "end_time"):
        trigger[name] = datetime.fromisoformat(trigger[name]) if trigger.get(name) else None
    values["trigger"] = Trigger(**trigger)
    return RecurringRun(**values)


def _trigger_document(trigger: Trigger) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(trigger).items()
    }
